/** Which policies are the same to an engine, whatever the history. */

import { canonicalJson, type Policy } from "../../engine/index.ts";
import { tiersRead } from "../../lab/sweep/decidesAlike.ts";

/** Equal for two policies that judge, decide and are called alike. */
export function decisionKey(policy: Policy): string {
  return canonicalJson({ ...policy, digest: "", tiers: tiersRead(policy) });
}
