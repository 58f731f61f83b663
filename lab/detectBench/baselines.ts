/**
 * What any detector must be shown beside: three that look at nothing (never, always,
 * a fair coin) and the rules people already run, on the same signals as the policy
 * under test.
 */

import { BASELINE_SAMPLES, type DetectorSettings, type Policy } from "../../engine/index.ts";
import { uniform } from "../random.ts";
import type { Case } from "./cases.ts";

/**
 * Detectors that ignore the evidence: what the labels alone would give, and what the
 * length of a change's history would, which some recordings give away.
 */
export function blindCases(cases: readonly Case[], seed: number): ReadonlyMap<string, Case[]> {
  const decide = (flag: (one: Case) => boolean, score: (one: Case) => number): Case[] =>
    cases.map((one) => ({
      ...one,
      flagged: flag(one),
      detectedAfterMs: flag(one) ? 0 : null,
      score: score(one),
      undecided: false,
    }));
  const toss = (one: Case): number => uniform(seed, "coin", one.deploymentId);
  return new Map([
    [
      "never",
      decide(
        () => false,
        () => 0,
      ),
    ],
    [
      "always",
      decide(
        () => true,
        () => 1,
      ),
    ],
    [
      "history length",
      decide(
        (one) => one.pastSamples < BASELINE_SAMPLES / 3,
        (one) => 1 / (1 + one.pastSamples),
      ),
    ],
    ["coin", decide((one) => toss(one) < 0.5, toss)],
  ]);
}

/**
 * The same signals under the rules that are run today; the digest says it is another policy.
 * Such a rule has no e-value to fuse: there any breach counts.
 */
export function ruleOf(policy: Policy, name: string, detector: DetectorSettings): Policy {
  return {
    ...policy,
    policy: name,
    digest: `${policy.digest} ${name}`,
    fusion: policy.fusion === "evidence" ? "any" : policy.fusion,
    signals: policy.signals.map((signal) => ({
      ...signal,
      detector: { ...detector, baselineMs: signal.detector.baselineMs },
    })),
  };
}
