/**
 * How good a set of flags is, with cluster-bootstrap intervals (Wilson's where a share is 0 or 1),
 * and how good the score behind it is: at any threshold (AUC), and at thresholds chosen on other
 * services (grouped cross-validation).
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { randomStream } from "../random.ts";
import { wilson } from "../score/intervals.ts";
import type { Case } from "./cases.ts";

export interface Interval {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Measures {
  readonly truePositives: number;
  /** Bad ones that were judged and not flagged. */
  readonly falseNegatives: number;
  readonly falsePositives: number;
  /** Good ones that were judged and not flagged. */
  readonly trueNegatives: number;
  /** Those that no signal could judge: neither missed nor passed. */
  readonly unjudgedBad: number;
  readonly unjudgedGood: number;
  readonly precision: Interval;
  /** Found of all bad deployments, also of those that could not be judged. */
  readonly recall: Interval;
  readonly f1: Interval;
  /** Flagged of all good deployments, also of those that could not be judged. */
  readonly falsePositiveRate: Interval;
  /** The mean of the shares of bad and of good ones that were told right; unjudged is wrong. */
  readonly balancedAccuracy: Interval;
  /** The probability that a bad deployment has a higher score than a good one; ties count half. */
  readonly auc: Interval;
  /** Seconds from onset to flag, of bad deployments that were flagged. */
  readonly timeToDetectMedian: Interval;
  /** F1 at thresholds chosen on the other services. */
  readonly crossValidatedF1: Interval;
}

interface Tally {
  readonly tp: number;
  readonly fn: number;
  readonly fp: number;
  readonly tn: number;
  readonly unjudgedBad: number;
  readonly unjudgedGood: number;
}

function tally(cases: readonly Case[], flagged: (one: Case) => boolean): Tally {
  let [tp, fn, fp, tn, unjudgedBad, unjudgedGood] = [0, 0, 0, 0, 0, 0];
  for (const one of cases) {
    if (flagged(one)) {
      if (one.bad) tp++;
      else fp++;
    } else if (one.undecided) {
      if (one.bad) unjudgedBad++;
      else unjudgedGood++;
    } else if (one.bad) fn++;
    else tn++;
  }
  return { tp, fn, fp, tn, unjudgedBad, unjudgedGood };
}

const divide = (top: number, bottom: number): number => (bottom === 0 ? Number.NaN : top / bottom);

function f1Of({ tp, fp, fn, unjudgedBad }: Tally): number {
  return divide(2 * tp, 2 * tp + fp + fn + unjudgedBad);
}

function recallOf({ tp, fn, unjudgedBad }: Tally): number {
  return divide(tp, tp + fn + unjudgedBad);
}

function balancedOf(counts: Tally): number {
  const { fp, tn, unjudgedGood } = counts;
  return (recallOf(counts) + divide(tn, fp + tn + unjudgedGood)) / 2;
}

/** Mann-Whitney's U divided by the number of pairs. */
export function aucOf(cases: readonly Case[]): number {
  const sorted = [...cases].sort((a, b) => a.score - b.score);
  let rankSum = 0;
  let bad = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]!.score === sorted[from]!.score) to++;
    const middleRank = (from + to + 1) / 2;
    for (let at = from; at < to; at++) {
      if (!sorted[at]!.bad) continue;
      rankSum += middleRank;
      bad++;
    }
    from = to;
  }
  const good = sorted.length - bad;
  return divide(rankSum - (bad * (bad + 1)) / 2, bad * good);
}

/** The threshold with the best F1 on these cases; the highest among equals. */
function bestThreshold(cases: readonly Case[]): number {
  const scores = [...new Set(cases.map(({ score }) => score))].sort((a, b) => b - a);
  let best = Number.POSITIVE_INFINITY;
  let bestF1 = -1;
  for (const threshold of scores) {
    const f1 = f1Of(tally(cases, ({ score }) => score >= threshold));
    if (f1 > bestF1) {
      bestF1 = f1;
      best = threshold;
    }
  }
  return best;
}

const FOLDS = 5;

/** Flags by deployment ID, where each fold of services gets its threshold from the other folds. */
export function crossValidatedFlags(cases: readonly Case[]): Map<string, boolean> {
  const clusters = [...new Set(cases.map(({ cluster }) => cluster))].sort();
  const foldOf = new Map(clusters.map((cluster, index) => [cluster, index % FOLDS]));
  const flags = new Map<string, boolean>();
  for (let fold = 0; fold < Math.min(FOLDS, clusters.length); fold++) {
    const train = cases.filter(({ cluster }) => foldOf.get(cluster) !== fold);
    const threshold = bestThreshold(train);
    for (const one of cases) {
      if (foldOf.get(one.cluster) !== fold) continue;
      flags.set(one.deploymentId, one.score >= threshold);
    }
  }
  return flags;
}

function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** @param bootstraps how often services are resampled for the 95 % intervals */
export function measure(cases: readonly Case[], seed: number, bootstraps: number): Measures {
  const flags = crossValidatedFlags(cases);
  const statistics = (sample: readonly Case[]): JsonObject<number> => {
    const counts = tally(sample, ({ flagged }) => flagged);
    return {
      precision: divide(counts.tp, counts.tp + counts.fp),
      recall: recallOf(counts),
      f1: f1Of(counts),
      falsePositiveRate: divide(counts.fp, counts.fp + counts.tn + counts.unjudgedGood),
      balancedAccuracy: balancedOf(counts),
      auc: aucOf(sample),
      timeToDetectMedian: median(
        sample.flatMap(({ bad, detectedAfterMs }) =>
          bad && detectedAfterMs !== null ? [detectedAfterMs / 1000] : [],
        ),
      ),
      crossValidatedF1: f1Of(tally(sample, ({ deploymentId }) => flags.get(deploymentId) ?? false)),
    };
  };
  const clusters = new Map<string, Case[]>();
  for (const one of cases) {
    const members = clusters.get(one.cluster);
    if (members === undefined) clusters.set(one.cluster, [one]);
    else members.push(one);
  }
  const groups = [...clusters.keys()].sort().map((name) => clusters.get(name)!);
  const random = randomStream(seed, "detect-bench", groups.length);
  const samples: JsonObject<number>[] = [];
  for (let round = 0; round < (groups.length < 2 ? 0 : bootstraps); round++) {
    const drawn = groups.flatMap(() => groups[Math.floor(random.next() * groups.length)]!);
    samples.push(statistics(drawn));
  }
  const whole = statistics(cases);
  const counts = tally(cases, ({ flagged }) => flagged);
  const trials: JsonObject<number> = {
    precision: counts.tp + counts.fp,
    recall: counts.tp + counts.fn + counts.unjudgedBad,
    falsePositiveRate: counts.fp + counts.tn + counts.unjudgedGood,
  };
  const interval = (name: string): Interval => {
    const value = own(whole, name)!;
    const valid = samples
      .map((sample) => own(sample, name)!)
      .filter((statistic) => !Number.isNaN(statistic))
      .sort((a, b) => a - b);
    const at = (share: number): number => valid[Math.round(share * (valid.length - 1))]!;
    if (Number.isNaN(value) || valid.length <= samples.length / 2) {
      return { value: Number.isNaN(value) ? null : value, low: null, high: null };
    }
    const [low, high] = [at(0.025), at(0.975)];
    // Every resample gives 0 or every one gives 1: no width, but that is not certainty.
    if (low === high && (value === 0 || value === 1)) {
      const n = own(trials, name);
      return { value, ...(n === undefined ? { low: null, high: null } : wilson(value, n)) };
    }
    return { value, low, high };
  };
  return {
    truePositives: counts.tp,
    falseNegatives: counts.fn,
    falsePositives: counts.fp,
    trueNegatives: counts.tn,
    unjudgedBad: counts.unjudgedBad,
    unjudgedGood: counts.unjudgedGood,
    precision: interval("precision"),
    recall: interval("recall"),
    f1: interval("f1"),
    falsePositiveRate: interval("falsePositiveRate"),
    balancedAccuracy: interval("balancedAccuracy"),
    auc: interval("auc"),
    timeToDetectMedian: interval("timeToDetectMedian"),
    crossValidatedF1: interval("crossValidatedF1"),
  };
}
