/**
 * Policies against each other, beside each against the first: of three policies, "two minutes or
 * five?" is asked of the second and the third.
 */

import { estimateIn } from "../score/scorecard.ts";
import { pairOf } from "./again.ts";
import { differencesOf, type Difference } from "./compare.ts";
import type { Evaluation } from "./evaluate.ts";

/** Two policies of which neither is the first of all, and what sets the second apart. */
export interface Pair {
  readonly baselinePolicy: string;
  readonly candidatePolicy: string;
  readonly differences: readonly Difference[];
}

/** Which pairs are told beside those with the first policy; none of two policies. */
export type WhichPairs = "none" | "nearest" | "all";

export async function pairsOf(evaluation: Evaluation, which: WhichPairs): Promise<readonly Pair[]> {
  const { policies, scoring, hidden, again } = evaluation;
  if (which === "none" || policies.length < 3) return [];
  const others = policies.map((_policy, at) => at).slice(1);
  const told = which === "all" ? others : cheapest(evaluation, others);
  const found: Pair[] = [];
  for (const [at, from] of told.entries()) {
    for (const to of told.slice(at + 1)) {
      const [baseline, candidate] = [policies[from]!, policies[to]!];
      const pair = again === null ? null : await pairOf(again, from, to);
      found.push({
        baselinePolicy: baseline.policy.policy,
        candidatePolicy: candidate.policy.policy,
        differences: differencesOf(baseline, candidate, { scoring, hidden, again: pair }),
      });
    }
  }
  return found;
}

/** The two policies that cost least, in the order given: the choice is between these. */
function cheapest({ policies }: Evaluation, places: readonly number[]): readonly number[] {
  const costOf = (at: number): number =>
    estimateIn(policies[at]!.scored.scorecard, "cost").value ?? Number.POSITIVE_INFINITY;
  // Infinity less Infinity is no number; such policies keep their order.
  const byCost = [...places].sort((a, b) => costOf(a) - costOf(b) || a - b);
  return byCost.slice(0, 2).sort((a, b) => a - b);
}
