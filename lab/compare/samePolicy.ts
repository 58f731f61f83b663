/** Do two policies say the same under different names? */

import { canonicalJson, type Policy, type JsonObject } from "../../engine/index.ts";

/**
 * Are two policies the same, apart from their names and owners? Then they decide the same on any
 * history.
 *
 * @param blank fields that may differ as well, each with a value that takes its place in both
 */
export function sayTheSame(one: Policy, other: Policy, blank: JsonObject = {}): boolean {
  const told = (policy: Policy): string =>
    canonicalJson({ ...policy, ...blank, policy: "", owner: "", digest: "" });
  return told(one) === told(other);
}
