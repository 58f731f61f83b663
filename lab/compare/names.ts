/** Results are listed by the names of policies: each has its own. */

import type { Policy } from "../../engine/index.ts";
import { Problem } from "../problem.ts";

/**
 * A change of one file often keeps the policy's name, and results are listed by it: the
 * second is then called a candidate.
 */
export function distinctlyNamed(baseline: Policy, candidate: Policy): readonly [Policy, Policy] {
  const same = baseline.policy === candidate.policy;
  return [baseline, same ? { ...candidate, policy: `${candidate.policy} (candidate)` } : candidate];
}

/**
 * Policies of several files: two versions of one policy keep its name, and results are listed by
 * names, so each of these is then named with its file.
 *
 * @param files as they were asked for, in the order of the policies
 */
export function namedByFile(policies: readonly Policy[], files: readonly string[]): Policy[] {
  return policies.map((one, at) => {
    const file = files[at]!;
    const isShared = policies.some(
      ({ policy }, other) => policy === one.policy && files[other] !== file,
    );
    return isShared ? { ...one, policy: `${one.policy} (${file})` } : one;
  });
}

/** @throws Problem where two have one name */
export function checkNames(policies: readonly Policy[]): void {
  const seen = new Set<string>();
  for (const { policy } of policies) {
    if (seen.has(policy)) {
      throw new Problem(`two policies are called ${policy}`, {
        cure: "Give each file its own `policy:` name; results are listed by it.",
      });
    }
    seen.add(policy);
  }
}
