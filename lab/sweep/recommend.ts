/**
 * Recommends one policy to change to, or none.
 *
 * Fixed in advance: the objective is the cost of 100 deployments, and the share of regressions
 * missed may be at most so much more than the incumbent's as the budget allows. A policy is
 * recommended only when all of these hold, and the gate lets it pass (gated.ts):
 *
 *   1. its cost is lower than that of the incumbent by more than the best of all policies
 *      would be by luck (better.ts), on everything that is not sealed;
 *   2. it is the simplest within one standard error of the best of those;
 *   3. the cheapest of each training stretch was cheaper than the incumbent on the
 *      stretches after them, taken together;
 *   4. on the sealed part, where nothing was chosen, it is cheaper too.
 *
 * So it accounts for having looked at many policies, and asks for a larger difference than a
 * comparison of two does. Rules 3 and 4 are point estimates: they guard against a fluke of one
 * season and claim nothing beyond that.
 */

import { betterThanLuck, type Better } from "./better.ts";
import { scoresOf } from "./frontier.ts";
import type { Fold, Periods, Span } from "./periods.ts";
import { resampled, spread, type Resamples } from "./resample.ts";
import { countsOver, sumsOver, totalOf, type SweepTable } from "./table.ts";
import { tooFew } from "../compare/enough.ts";
import { formatApart } from "../compare/words.ts";
import { effectiveClusters } from "../evidence.ts";

/** A policy that may be recommended. */
export interface Candidate {
  /** Its row in the table. */
  readonly row: number;
  /** How many of the varied paths differ from the incumbent. */
  readonly distance: number;
}

export interface FoldResult {
  /** The candidate chosen on the training stretch; null where the incumbent was kept. */
  readonly chosen: number | null;
  /** Cost of 100 deployments against the incumbent's, in training and on the test after it. */
  readonly train: number;
  readonly test: number;
}

export interface Recommendation {
  readonly verdict: "recommended" | "nothing" | "cannot say";
  /** The recommended policy's index among the candidates; null where none is. */
  readonly candidate: number | null;
  /** In words, why it is or is not recommended. */
  readonly reasons: readonly string[];
  /** The best of all by cost, and how likely it is that luck alone makes one so good. */
  readonly best: {
    readonly candidate: number;
    readonly difference: number;
    readonly p: number;
  } | null;
  readonly folds: readonly FoldResult[];
  /** The recommended one's difference on the sealed part. */
  readonly sealed: number | null;
  /** The smallest cost difference such a sweep finds four times in five. */
  readonly detectable: number | null;
  /** The candidate that would be recommended, were it within the limits; null where none is. */
  readonly refused: number | null;
}

export interface Rules {
  readonly flips: number;
  readonly seed: number;
  /** Regressions missed beyond the incumbent's share that are still accepted. */
  readonly missMargin: number;
  /** Only these candidates may be recommended; absent: any. All of them count as tried. */
  readonly among?: ReadonlySet<number>;
}

/** The standard normal quantile of 80 %, the power by which `detectable` is meant. */
const POWER_Z = 0.84;
const LUCK = 0.05;

/**
 * The recommendation of a sweep.
 *
 * @param incumbent the row of the policy that is in force now
 */
export function recommend(
  table: SweepTable,
  candidates: readonly Candidate[],
  incumbent: number,
  periods: Periods,
  resamples: Resamples,
  rules: Rules,
): Recommendation {
  const unpriced = unpricedIn(table, periods.open);
  const deployments = countsOver(table, ...periods.open).deployments;
  const few = tooFew({
    n: totalOf(deployments),
    effectiveClusters: effectiveClusters([...deployments]),
  });
  const cannot =
    unpriced ??
    (totalOf(countsOver(table, ...periods.open).regressions) === 0
      ? "no deployment is labelled as a regression, so it is unknown what is missed"
      : few !== null
        ? `too few to tell luck from merit: ${few}`
        : periods.sealed === null
          ? periods.how
          : null);
  const choice = choose(table, candidates, incumbent, periods.open, resamples, rules);
  const shared = {
    refused: null,
    ...(unpriced === null
      ? { best: choice.best, detectable: choice.detectable }
      : { best: null, detectable: null }),
  };
  if (cannot !== null || periods.sealed === null) {
    return {
      ...shared,
      verdict: "cannot say",
      candidate: null,
      reasons: [cannot ?? periods.how],
      folds: [],
      sealed: null,
    };
  }
  const folds = periods.folds.map((fold) => walk(table, candidates, incumbent, fold, rules));
  const none = (reason: string, sealed: number | null = null): Recommendation => ({
    ...shared,
    verdict: "nothing",
    candidate: null,
    reasons: [reason],
    folds,
    sealed,
  });
  const { chosen, best } = choice;
  if (chosen === null) {
    if (best === null) return none("no variation is cheaper than the incumbent");
    if (best.p > LUCK) {
      const chance = best.p >= 0.995 ? "always" : `${(best.p * 100).toFixed(0)} % of the time`;
      return none(
        `the best of ${candidates.length} is ${costText(best.difference)} for 100 ` +
          `deployments, and luck alone makes one so good ${chance}`,
      );
    }
    return none("what is cheaper misses more regressions than the incumbent");
  }
  const { row } = candidates[chosen]!;
  const moved = folds.filter((fold) => fold.chosen !== null);
  const later = moved.reduce((sum, { test }) => sum + test, 0);
  if (moved.length === 0) {
    return none("it shows only over the whole of the time: no training stretch would choose it");
  }
  if (later >= 0) {
    return none("what was chosen on earlier weeks was no cheaper on the weeks after them");
  }
  const alike = moved.filter((fold) => fold.chosen === chosen).length;
  const own = periods.folds.reduce(
    (sum, { test }) => sum + costDifference(table, row, incumbent, test),
    0,
  );
  const sealed = costDifference(table, row, incumbent, periods.sealed);
  if (sealed >= 0) {
    return none("on the sealed last part it is no cheaper than the incumbent", sealed);
  }
  return {
    ...shared,
    verdict: "recommended",
    candidate: chosen,
    reasons: [
      `${costText(costDifference(table, row, incumbent, periods.open))} for 100 ` +
        `deployments, more than the best of ${candidates.length} would be by luck ` +
        `(${chanceText(choice.better.p[chosen]!)})`,
      `tried on later weeks: ${moved.length} of ${folds.length} training stretches choose a ` +
        `change, ${alike} of them this one; what they choose is ` +
        `${costText(later / moved.length)} on the weeks after, and this one is ` +
        costText(own / folds.length),
      `on the sealed part as well, ${costText(sealed)}`,
    ],
    folds,
    sealed,
  };
}

/** Why there is no cost on these stretches, in words; null where there is one. */
function unpricedIn(table: SweepTable, span: Span): string | null {
  const counts = countsOver(table, ...span);
  const regressions = totalOf(counts.regressions);
  if (regressions + totalOf(counts.benign) === 0) {
    return "no deployment is labelled, so it is unknown which decisions were right";
  }
  return regressions > 0 && totalOf(counts.timed) === 0
    ? "no regression has a recorded onset, so the cost of a miss is unknown"
    : null;
}

/** @param difference in the cost of 100 deployments from the incumbent's */
function costText(difference: number): string {
  const [size] = formatApart("cost", Math.abs(difference), 0);
  return difference > 0 ? `dearer by ${size}` : `cheaper by ${size}`;
}

function chanceText(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`;
}

interface Choice {
  readonly chosen: number | null;
  readonly best: Recommendation["best"];
  readonly better: Better;
  readonly detectable: number | null;
}

/** Rules 1 and 2 on some stretches. */
function choose(
  table: SweepTable,
  candidates: readonly Candidate[],
  incumbent: number,
  span: Span,
  resamples: Resamples,
  { flips, seed, missMargin, among }: Rules,
): Choice {
  const differences = candidates.map(({ row }) => costByService(table, row, incumbent, span));
  const better = betterThanLuck(differences, flips, seed);
  const deployments = countsOver(table, ...span).deployments;
  const per100 = totalOf(deployments) === 0 ? Number.NaN : 100 / totalOf(deployments);
  const totals = differences.map(totalOf);
  let lowest = -1;
  totals.forEach((total, at) => {
    if (total < 0 && (lowest < 0 || total < totals[lowest]!)) lowest = at;
  });
  const standardError = (of: Float64Array): number => spread(resampled(resamples, of));
  const widest = differences.reduce((most, one) => Math.max(most, standardError(one)), 0);
  const errorOf = lowest < 0 ? widest : standardError(differences[lowest]!);
  const detectable =
    Number.isFinite(better.critical) && errorOf > 0
      ? (better.critical + POWER_Z) * errorOf * per100
      : null;
  if (lowest < 0) return { chosen: null, best: null, better, detectable };
  const best = {
    candidate: lowest,
    difference: totals[lowest]! * per100,
    p: better.p[lowest]!,
  };
  const missesOf = (row: number): number => scoresOf(table, row, span).missRate;
  const allowed = missesOf(incumbent) + missMargin;
  const real = [...candidates.keys()].filter(
    (at) =>
      (among?.has(at) ?? true) && better.p[at]! <= LUCK && missesOf(candidates[at]!.row) <= allowed,
  );
  if (real.length === 0) return { chosen: null, best, better, detectable };
  const first = real.reduce((a, b) => (totals[b]! < totals[a]! ? b : a));
  const near = real.filter((at) => {
    const apart = differences[at]!.map((one, service) => one - differences[first]![service]!);
    return totals[at]! - totals[first]! <= standardError(apart);
  });
  const chosen = near.reduce((a, b) => {
    const simpler = candidates[b]!.distance - candidates[a]!.distance;
    return simpler < 0 || (simpler === 0 && totals[b]! < totals[a]!) ? b : a;
  });
  return { chosen, best, better, detectable };
}

/** Walks forward over the periods. In training the best need not beat luck: a test follows. */
function walk(
  table: SweepTable,
  candidates: readonly Candidate[],
  incumbent: number,
  { train, test }: Fold,
  { among }: Rules,
): FoldResult {
  let chosen: number | null = null;
  let lowest = 0;
  candidates.forEach(({ row }, at) => {
    if (among?.has(at) === false) return;
    const difference = costDifference(table, row, incumbent, train);
    if (difference >= lowest) return;
    lowest = difference;
    chosen = at;
  });
  if (chosen === null) return { chosen, train: 0, test: 0 };
  const { row } = candidates[chosen]!;
  return { chosen, train: lowest, test: costDifference(table, row, incumbent, test) };
}

function costByService(
  table: SweepTable,
  row: number,
  incumbent: number,
  [from, to]: Span,
): Float64Array {
  const base = sumsOver(table, incumbent, from, to).cost;
  return sumsOver(table, row, from, to).cost.map((cost, service) => cost - base[service]!);
}

/** Cost of 100 deployments, minus the incumbent's. */
function costDifference(table: SweepTable, row: number, incumbent: number, span: Span): number {
  const deployments = totalOf(countsOver(table, ...span).deployments);
  if (deployments === 0) return 0;
  return (100 * totalOf(costByService(table, row, incumbent, span))) / deployments;
}
