/**
 * Can `fusion: evidence` reach the confidence that the tiers ask for? A policy whose signals cannot
 * would never act, so it is refused.
 */

import { ALONE_AT_MOST } from "../decide/confidence.ts";
import { LOG_E_AT_MOST, mostLogEOf } from "../detect/evidence/eValue.ts";
import { own } from "../json.ts";
import type { Policy } from "./policy.ts";
import { formatShare } from "./quantity.ts";
import { tiersGiven } from "./resolve.ts";

export interface Unreachable {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The confidences that these signals can never reach; none under other fusions. */
export function outOfReach(policy: Omit<Policy, "digest">): Unreachable[] {
  if (policy.fusion !== "evidence") return [];
  const issues: Unreachable[] = [];
  let total = 0;
  let e = 0;
  let speaking = 0;
  for (const { name, detector } of policy.signals) {
    const most = mostLogEOf(detector);
    const weight = own(policy.evidence.weights, name)!;
    total += weight;
    e += weight * Math.exp(most ?? 0);
    if (most !== null && most > 0) speaking++;
    if (most !== null) continue;
    issues.push({
      path: ["signals", name, "detector"],
      message: `${detector.kind} has no e-value to fuse: use eprocess, cusum or ewma`,
    });
  }
  if (issues.length > 0) return issues;
  const odds =
    ((e / total) * policy.evidence.changeFailureRate) / (1 - policy.evidence.changeFailureRate);
  const evidence = odds / (1 + odds);
  // A signal that no other can support is capped, whatever it says.
  const isAlone = speaking === 1 && evidence > ALONE_AT_MOST;
  const most = isAlone ? ALONE_AT_MOST : evidence;
  const says = isAlone ? "one signal alone gives" : "these signals give";
  const cure = isAlone
    ? "ask for less, or judge a second signal"
    : e / total >= Math.exp(LOG_E_AT_MOST) * 0.99
      ? "ask for less"
      : "use eprocess with a smaller alpha, or cusum with a larger limit";
  for (const tier of tiersGiven(policy)) {
    const asked = policy.tiers[tier].confidence;
    if (asked <= most) continue;
    issues.push({
      path: ["tiers", tier, "confidence"],
      message:
        `${says} ${formatShare(most)} at most, so ${formatShare(asked)} ` +
        `would never be reached: ${cure}`,
    });
  }
  return issues;
}
