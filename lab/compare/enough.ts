/**
 * When there is too little evidence to speak of a difference: resampling two services says nothing
 * about a third, however narrow the interval is. Everything that speaks of differences uses this
 * one rule: `compare`, the gate, tags, sweeps, what-ifs, the report and the web lab.
 */

import { belowText } from "../counted.ts";
import { EVIDENCE_AT_LEAST } from "../evidence.ts";
import type { Difference } from "./compare.ts";

const NEEDED = "five are needed";

/** What a difference rests on. */
export type RestsOn = Pick<Difference, "n" | "effectiveClusters">;

export function isEnough({ n, effectiveClusters }: RestsOn): boolean {
  return n >= EVIDENCE_AT_LEAST && effectiveClusters >= EVIDENCE_AT_LEAST;
}

/**
 * Why there is too little evidence, in words; null where there is enough. The number is printed so
 * that the sentence is true: 4.96 is fewer than five, and 5.0 is not.
 */
export function tooFew(rests: RestsOn): string | null {
  if (isEnough(rests)) return null;
  const { n, effectiveClusters } = rests;
  // Counts are means over draws, and so may have decimals.
  if (n < EVIDENCE_AT_LEAST) {
    return `${belowText(n, EVIDENCE_AT_LEAST)} observation${n === 1 ? "" : "s"}; ${NEEDED}`;
  }
  const services = effectiveClusters === 1 ? "service" : "services";
  return `${belowText(effectiveClusters, EVIDENCE_AT_LEAST)} effective ${services}; ${NEEDED}`;
}

/**
 * Why better or worse would rest on too few deployments that only one policy treats rightly, in
 * words; null where it does not. That a change does little harm needs none of them.
 */
export function tooFewDiffer({ differing }: Pick<Difference, "differing">): string | null {
  if (differing === null || differing >= EVIDENCE_AT_LEAST) return null;
  const deployments = differing === 1 ? "deployment ends" : "deployments end";
  return `${differing} ${deployments} differently; ${NEEDED}`;
}

/** Why a difference is too few to tell, in words. */
export function whyTooFew(difference: RestsOn & Pick<Difference, "differing">): string {
  return tooFew(difference) ?? tooFewDiffer(difference)!;
}
