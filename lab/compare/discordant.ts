/**
 * The deployments that two policies treat differently, and the exact test on them (McNemar 1947).
 * Only these tell two policies apart: all others say the same of both.
 */

import type { Listed } from "../history/listed.ts";
import { isEarlyRollback, isGood, isOpen, isSilent, type Outcome } from "../outcome/outcome.ts";

export interface Discordant {
  /** Deployments that only the candidate treats rightly. */
  readonly better: number;
  /** Deployments that only the baseline treats rightly. */
  readonly worse: number;
  /** Two-sided: how likely so uneven a split is if both were as often right. */
  readonly p: number;
}

const RULES: ReadonlyMap<string, "good" | "regression"> = new Map([
  ["falsePositiveRollbacks", "good"],
  ["falsePositiveRate", "good"],
  ["truePositiveRollbacks", "regression"],
  ["missRate", "regression"],
  ["recall", "regression"],
]);

/**
 * Those of a field that counts single deployments; null for any other field. The test leaves a pair
 * out that history hid from either policy, as how it ended is not known; `differing` counts it too.
 */
export function discordantOf(
  field: string,
  baseline: Listed<Outcome>,
  candidate: Listed<Outcome>,
): { readonly discordant: Discordant; readonly differing: number } | null {
  const kind = RULES.get(field);
  if (kind === undefined) return null;
  // A rollback before the onset is no right one, and its regression is no miss either.
  const acted = (one: Outcome): boolean =>
    one.rolledBack && (field === "missRate" || !isEarlyRollback(one));
  let better = 0;
  let worse = 0;
  let hidden = 0;
  baseline.forEach((before, index) => {
    const after = candidate.at(index)!;
    if (acted(before) === acted(after)) return;
    if (!(kind === "good" ? isGood(after) : after.label === "regression")) return;
    if ([before, after].some(isSilent)) return;
    if ([before, after].some(isOpen)) hidden++;
    else if (acted(after) === (kind === "regression")) better++;
    else worse++;
  });
  const discordant = { better, worse, p: exactP(better, worse) };
  return { discordant, differing: better + worse + hidden };
}

/** Both tails of a fair coin; in logarithms, as 2^-n is 0 from about a thousand on. */
export function exactP(better: number, worse: number): number {
  const n = better + worse;
  let logTerm = -n * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let k = 0; k < Math.min(better, worse); k++) {
    logTerm += Math.log((n - k) / (k + 1));
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}
