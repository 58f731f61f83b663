/**
 * The values of canary and baseline that belong together (MetricSetMixerService.java): one pair for
 * each set of labels, and what a side does not have is NaN.
 */

import type { AnswerSeries } from "../incumbent.ts";

export interface Pair {
  readonly canary: readonly number[];
  readonly baseline: readonly number[];
}

/** The evaluations of a range query, in milliseconds; both ends belong to it. */
export interface Grid {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** Null where the sides have different labels: upstream raises. */
export function pairsOf(
  canary: readonly AnswerSeries[],
  baseline: readonly AnswerSeries[],
  grids: { readonly canary: Grid; readonly baseline: Grid },
): readonly Pair[] | null {
  const experiment = setsOf(canary, grids.canary);
  const control = setsOf(baseline, grids.baseline);
  const [experimentKeys, controlKeys] = [labelNames(experiment), labelNames(control)];
  if (experimentKeys !== "" && controlKeys !== "" && experimentKeys !== controlKeys) return null;
  const absent = nothing(experiment[0]!.expected);
  const absentControl = nothing(control[0]!.expected);
  const isPlain = experiment.some(({ labels }) => labels === "");
  const isPlainControl = control.some(({ labels }) => labels === "");
  // A side without labels is no partner for one with labels: those are paired with nothing.
  if (isPlainControl && !isPlain) {
    return experiment.map(({ values }) => ({ canary: values, baseline: absentControl }));
  }
  if (isPlain && !isPlainControl) {
    return control.map(({ values }) => ({ canary: absent, baseline: values }));
  }
  const all = new Set([...control, ...experiment].map(({ labels }) => labels));
  return [...all].map((labels) => ({
    canary: experiment.find((set) => set.labels === labels)?.values ?? absent,
    baseline: control.find((set) => set.labels === labels)?.values ?? absentControl,
  }));
}

/** The values of one set of labels. */
interface ValueSet {
  readonly labels: string;
  readonly names: readonly string[];
  readonly values: readonly number[];
  /** How many values upstream expects of the side by this set. */
  readonly expected: number;
}

/** A side without any series is one empty set, filled up to the expected count. */
function setsOf(series: readonly AnswerSeries[], grid: Grid): readonly ValueSet[] {
  const byLabels = new Map<string, { names: readonly string[]; series: AnswerSeries[] }>();
  for (const one of series) {
    // The version and the service select the side; they do not tell its series apart.
    const labels = [...one.labels].filter(([name]) => name !== "version" && name !== "service");
    labels.sort(([a], [b]) => (a < b ? -1 : 1));
    const key = labels.length === 0 ? "" : JSON.stringify(labels);
    const known = byLabels.get(key);
    if (known === undefined) {
      byLabels.set(key, { names: labels.map(([name]) => name), series: [one] });
    } else known.series.push(one);
  }
  const sets = [...byLabels].flatMap(([labels, { names, series: same }]) => {
    const values = evaluated(same, grid);
    // Upstream takes the step of a single value to be 0, and expects none.
    const expected = values.length === 1 ? 0 : values.length;
    return values.length === 0 ? [] : [{ labels, names, values, expected }];
  });
  if (sets.length > 0) return sets;
  const { fromMs, toMs, stepMs } = grid;
  const expected = Math.floor((toMs - fromMs) / stepMs);
  return [{ labels: "", names: [], values: nothing(expected), expected }];
}

/**
 * One value at each evaluation: the newest sample since the evaluation before. No sample counts
 * twice, so a history that is coarser than the step has fewer values. Where several versions answer
 * at once, it is their mean.
 */
function evaluated(series: readonly AnswerSeries[], { fromMs, toMs, stepMs }: Grid): number[] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { atMs, values } of series) {
    const newest = new Map<number, number>();
    for (const [place, at] of atMs.entries()) {
      const evaluation = Math.ceil((at - fromMs) / stepMs);
      const isWithin = evaluation >= 0 && fromMs + evaluation * stepMs <= toMs;
      if (isWithin) newest.set(evaluation, values[place]!);
    }
    for (const [evaluation, value] of newest) {
      const known = sums.get(evaluation);
      if (known === undefined) sums.set(evaluation, { sum: value, count: 1 });
      else [known.sum, known.count] = [known.sum + value, known.count + 1];
    }
  }
  return [...sums].sort(([a], [b]) => a - b).map(([, { sum, count }]) => sum / count);
}

function labelNames(sets: readonly ValueSet[]): string {
  return [...new Set(sets.flatMap(({ names }) => names))].sort().join(",");
}

function nothing(length: number): readonly number[] {
  return Array.from({ length }, () => NaN);
}
