/**
 * The frontier: the policies that no other policy beats on all objectives at once, how certain that
 * is, and at which of them a further gain begins to cost more than before (the knee).
 */

import { effectiveClusters } from "../evidence.ts";
import {
  intervalOf,
  intervalOfShare,
  tidy,
  type Interval,
  type Range,
} from "../score/intervals.ts";
import { lessThanHalf, type LessThanHalf } from "../score/identified.ts";
import { resampled, spread, type Resamples } from "./resample.ts";
import { countsOver, sumsOver, totalOf, type SweepTable } from "./table.ts";
import type { Span } from "./periods.ts";

/** The objectives; of all four lower is better. */
export const OBJECTIVES = ["recoveryMinutes", "falsePositiveRate", "nightPages", "cost"] as const;
export type ObjectiveName = (typeof OBJECTIVES)[number];

/** Restricted mean minutes to recovery, share, pages a week, cost of 100 deployments. */
export type Objectives = Readonly<Record<ObjectiveName, number>>;

export interface Scores extends Objectives {
  readonly missRate: number;
  readonly rollbacks: number;
  readonly falsePositives: number;
  readonly pagesPerWeek: number;
}

const WEEK_MS = 604_800_000;

/** Can a cost be given, by the rule of the scorecard: with labels, and a known onset if any? */
function isPriced(benign: number, regressions: number, timed: number): boolean {
  return regressions > 0 ? timed > 0 : benign > 0;
}

export function scoresOf(table: SweepTable, policy: number, [from, to]: Span): Scores {
  const sums = sumsOver(table, policy, from, to);
  const counts = countsOver(table, from, to);
  const weeks = (table.edgesMs[to]! - table.edgesMs[from]!) / WEEK_MS;
  const ratio = (top: Float64Array, bottom: Float64Array): number => {
    const of = totalOf(bottom);
    return of === 0 ? Number.NaN : totalOf(top) / of;
  };
  return {
    recoveryMinutes: ratio(sums.recoverySeconds, counts.timed) / 60,
    falsePositiveRate: ratio(sums.falsePositives, counts.benign),
    nightPages: totalOf(sums.nightPages) / weeks,
    cost: isPriced(totalOf(counts.benign), totalOf(counts.regressions), totalOf(counts.timed))
      ? 100 * ratio(sums.cost, counts.deployments)
      : Number.NaN,
    missRate: ratio(sums.misses, counts.regressions),
    rollbacks: totalOf(sums.rollbacks),
    falsePositives: totalOf(sums.falsePositives),
    pagesPerWeek: totalOf(sums.pages) / weeks,
  };
}

/** By objective, then by resample: the scores of one policy on resampled services. */
function resampledObjectives(
  table: SweepTable,
  policy: number,
  [from, to]: Span,
  resamples: Resamples,
): Readonly<Record<ObjectiveName, Float64Array>> {
  const sums = sumsOver(table, policy, from, to);
  const counts = countsOver(table, from, to);
  const weeks = (table.edgesMs[to]! - table.edgesMs[from]!) / WEEK_MS;
  const deployments = resampled(resamples, counts.deployments);
  const benign = resampled(resamples, counts.benign);
  const regressions = resampled(resamples, counts.regressions);
  const timed = resampled(resamples, counts.timed);
  const ratio = (top: Float64Array, below: Float64Array, times: number): Float64Array => {
    const above = resampled(resamples, top);
    return above.map((value, at) => (below[at] === 0 ? Number.NaN : (times * value) / below[at]!));
  };
  return {
    recoveryMinutes: ratio(sums.recoverySeconds, timed, 1 / 60),
    falsePositiveRate: ratio(sums.falsePositives, benign, 1),
    nightPages: resampled(resamples, sums.nightPages).map((value) => value / weeks),
    cost: ratio(sums.cost, deployments, 100).map((cost, at) =>
      isPriced(benign[at]!, regressions[at]!, timed[at]!) ? cost : Number.NaN,
    ),
  };
}

export type Intervals = Readonly<Record<ObjectiveName, Interval | null>>;
/** Why an objective has no interval, where most of it is not identified. */
export type Reasons = Readonly<Partial<Record<ObjectiveName, LessThanHalf>>>;

export interface Frontier {
  /** The policies on the frontier, by their index among those given. */
  readonly members: readonly number[];
  /** By policy: the share of resamples in which it is on the frontier. */
  readonly membership: Float64Array;
  /**
   * By policy: 95 % intervals; null where there is none. Policies share their resamples, so two
   * whose intervals overlap may still certainly differ.
   */
  readonly intervals: readonly Intervals[];
  /** By policy. */
  readonly reasons: readonly Reasons[];
  /** Groups of policies with the same sums in every service and stretch of time. */
  readonly alike: readonly (readonly number[])[];
  /** The policy at the bend between time to recovery and false positives; null without one. */
  readonly knee: number | null;
}

/** The frontier of some policies. An objective without a value (no labels) is left out. */
export function frontierOf(
  table: SweepTable,
  span: Span,
  policies: readonly number[],
  incumbent: number,
  resamples: Resamples,
): Frontier {
  const points = policies.map((policy) => vectorOf(scoresOf(table, policy, span)));
  const members = [...nonDominated(points)];
  // Policies with the same sums are on the frontier together, so one of each is resampled.
  const groups = new Map<string, number[]>();
  policies.forEach((policy, at) => {
    const key = table.rows[policy]!.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [at]);
    else group.push(at);
  });
  const firsts = [...groups.values()];
  const drawn = firsts.map(([first]) =>
    resampledObjectives(table, policies[first!]!, span, resamples),
  );
  const membership = new Float64Array(policies.length);
  for (let resample = 0; resample < resamples.count; resample++) {
    const sample = drawn.map((one) => OBJECTIVES.map((name) => finite(one[name][resample]!)));
    for (const group of nonDominated(sample)) {
      for (const at of firsts[group]!) membership[at]! += 1 / resamples.count;
    }
  }
  const { deployments, benign } = countsOver(table, ...span);
  const known = { clusters: effectiveClusters([...deployments]), benign: totalOf(benign) };
  const intervals = new Array<Intervals>(policies.length);
  const reasons = new Array<Reasons>(policies.length);
  firsts.forEach((group, at) => {
    const why = reasonsOf(table, policies[group[0]!]!, span);
    const own = scoresOf(table, policies[group[0]!]!, span);
    // One service says nothing about others.
    const found = table.services.length < 2 ? NO_INTERVALS : intervalsOf(own, drawn[at]!, known);
    for (const one of group) {
      reasons[one] = why;
      intervals[one] = without(found, why);
    }
  });
  const scale = resampledObjectives(table, incumbent, span, resamples);
  const knee = kneeOf(points, spread(scale.recoveryMinutes), spread(scale.falsePositiveRate));
  return { members, membership, intervals, reasons, alike: firsts, knee };
}

/** Which objectives are less than half identified, by the rules of score/fields.ts. */
function reasonsOf(table: SweepTable, policy: number, [from, to]: Span): Reasons {
  const { open, openGood, hiddenTimed } = sumsOver(table, policy, from, to);
  const { deployments, benign, regressions, timed } = countsOver(table, from, to);
  const settled = (hidden: number, of: Float64Array): number =>
    totalOf(of) === 0 ? 1 : tidy(1 - hidden / totalOf(of));
  const [pages, good] = [settled(totalOf(open), deployments), settled(totalOf(openGood), benign)];
  const untimed = totalOf(regressions) - totalOf(timed);
  const harm = settled(totalOf(hiddenTimed) + untimed, regressions);
  const identified: Objectives = {
    recoveryMinutes: settled(totalOf(hiddenTimed), timed),
    falsePositiveRate: good,
    nightPages: pages,
    cost: Math.min(pages, good, harm),
  };
  const found = OBJECTIVES.map((name) => [name, lessThanHalf(identified[name])] as const);
  return Object.fromEntries(found.filter(([, reason]) => reason !== null));
}

function without(intervals: Intervals, reasons: Reasons): Intervals {
  const kept = OBJECTIVES.map((name) => [
    name,
    reasons[name] === undefined ? intervals[name] : null,
  ]);
  return Object.fromEntries(kept) as Intervals;
}

const FROM_ZERO: Range = { low: 0, high: Number.POSITIVE_INFINITY };
const RANGES: Readonly<Record<ObjectiveName, Range>> = {
  // A restricted mean ends where it is restricted.
  recoveryMinutes: { low: 0, high: 60 },
  falsePositiveRate: { low: 0, high: 1 },
  nightPages: FROM_ZERO,
  cost: FROM_ZERO,
};

const NO_INTERVALS: Intervals = {
  recoveryMinutes: null,
  falsePositiveRate: null,
  nightPages: null,
  cost: null,
};

function intervalsOf(
  scores: Scores,
  drawn: Readonly<Record<ObjectiveName, Float64Array>>,
  { clusters, benign }: { readonly clusters: number; readonly benign: number },
): Intervals {
  const of = (name: ObjectiveName): Interval | null => {
    const spread = {
      value: scores[name],
      samples: drawn[name],
      leftOut: null,
      smooth: true,
      effectiveClusters: clusters,
      range: RANGES[name],
    };
    return name === "falsePositiveRate" ? intervalOfShare(spread, benign) : intervalOf(spread);
  };
  return Object.fromEntries(OBJECTIVES.map((name) => [name, of(name)])) as Intervals;
}

function finite(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

function vectorOf(scores: Scores): number[] {
  return OBJECTIVES.map((name) => finite(scores[name]));
}

/** Indices of points that no other point is at least as good as in all and better in one. */
export function nonDominated(points: readonly (readonly number[])[]): Set<number> {
  const order = [...points.keys()].sort((a, b) => compare(points[a]!, points[b]!));
  // Sorted so that a point can only be dominated by one before it.
  const front: number[] = [];
  for (const index of order) {
    const point = points[index]!;
    const isDominated = front.some((other) => dominates(points[other]!, point));
    if (!isDominated) front.push(index);
  }
  return new Set(front.sort((a, b) => a - b));
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return 0;
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (let at = 0; at < a.length; at++) {
    if (a[at]! > b[at]!) return false;
    if (a[at]! < b[at]!) better = true;
  }
  return better;
}

/**
 * The knee: on the frontier of time to recovery against false positives, both in standard errors of
 * the incumbent, the policy that is farthest below the straight line between the two ends.
 */
function kneeOf(points: readonly (readonly number[])[], a: number, b: number): number | null {
  if (a === 0 || b === 0) return null;
  const plane = points.map((point) => [point[0]! / a, point[1]! / b] as const);
  const front = [...nonDominated(plane)].sort((x, y) => plane[x]![0] - plane[y]![0]);
  if (front.length < 3) return null;
  const [x0, y0] = plane[front[0]!]!;
  const [x1, y1] = plane[front.at(-1)!]!;
  const length = Math.hypot(x1 - x0, y1 - y0);
  let knee: number | null = null;
  let farthest = 0;
  for (const index of front) {
    const [x, y] = plane[index]!;
    const below = ((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length;
    if (below > farthest + 1e-12) {
      farthest = below;
      knee = index;
    }
  }
  return knee;
}

/** The variations on a frontier, those that come to the same together. */
export function groupsOn({
  members,
  alike,
}: Pick<Frontier, "members" | "alike">): readonly (readonly number[])[] {
  const on = new Set(members);
  return alike
    .map((group) => group.filter((place) => on.has(place)))
    .filter((group) => group.some((place) => place > 0));
}
