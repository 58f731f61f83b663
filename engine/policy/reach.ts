/** Can `fusion: evidence` reach what the tiers ask for? A policy that cannot would never act. */

import { LOG_E_AT_MOST, mostLogEOf } from "../detect/evidence/eValue.ts";
import type { Policy } from "./policy.ts";
import { formatShare } from "./quantity.ts";

export interface Unreachable {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What no evidence these signals can give would ever reach; empty under other fusions. */
export function unreachable(policy: Omit<Policy, "digest">): Unreachable[] {
  if (policy.fusion !== "evidence") return [];
  const issues: Unreachable[] = [];
  let total = 0;
  let e = 0;
  for (const { name, detector } of policy.signals) {
    const most = mostLogEOf(detector);
    const weight = policy.evidence.weights[name]!;
    total += weight;
    e += weight * Math.exp(most ?? 0);
    if (most !== null) continue;
    issues.push({
      path: ["signals", name, "detector"],
      message: `${detector.kind} has no e-value to fuse: use eprocess, cusum or ewma`,
    });
  }
  if (issues.length > 0) return issues;
  const odds =
    ((e / total) * policy.evidence.changeFailureRate) / (1 - policy.evidence.changeFailureRate);
  const most = odds / (1 + odds);
  const staged = (policy.stages ?? []).flatMap(({ tier, signals }) => [
    ...Object.values(tier),
    ...signals.flatMap((signal) => signal.tier ?? []),
  ]);
  for (const tier of new Set([...policy.assign.map((entry) => entry.tier), ...staged])) {
    const asked = policy.tiers[tier].confidence;
    if (asked <= most) continue;
    const cure =
      e / total >= Math.exp(LOG_E_AT_MOST) * 0.99
        ? "ask for less"
        : "use eprocess with a smaller alpha, or cusum with a larger limit";
    issues.push({
      path: ["tiers", tier, "confidence"],
      message:
        `these signals give ${formatShare(most)} at most, so ${formatShare(asked)} ` +
        `would never be reached: ${cure}`,
    });
  }
  return issues;
}
