/**
 * The baselines that any detector is shown beside: detectors that ignore the samples, and the rules
 * that people already run, on the same signals as the policy under test.
 */

import { BASELINE_SAMPLES, type DetectorSettings, type Policy } from "../../engine/index.ts";
import { uniform } from "../random.ts";
import type { Case } from "./cases.ts";

/**
 * Detectors that ignore the samples: never, always, a fair coin, and one that goes by the length of
 * a change's past, which gives the label away in some recordings.
 */
export function blindCases(cases: readonly Case[], seed: number): ReadonlyMap<string, Case[]> {
  const decide = (flag: (labelled: Case) => boolean, score: (labelled: Case) => number): Case[] =>
    cases.map((labelled) => ({
      ...labelled,
      flagged: flag(labelled),
      detectedAfterMs: flag(labelled) ? 0 : null,
      score: score(labelled),
      undecided: false,
    }));
  const toss = ({ deploymentId }: Case): number => uniform(seed, "coin", deploymentId);
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
        ({ pastSamples }) => pastSamples < BASELINE_SAMPLES / 3,
        ({ pastSamples }) => 1 / (1 + pastSamples),
      ),
    ],
    ["coin", decide((labelled) => toss(labelled) < 0.5, toss)],
  ]);
}

/**
 * The policy with another detector on all of its signals, and a digest of its own. These detectors
 * have no e-value to fuse, so where the policy fuses evidence any breach counts.
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
