/**
 * The statistics of Kayenta's judge (stats/DescriptiveStatistics.scala, stats/EffectSizes.scala,
 * detectors/IQRDetector.scala), which are those of Apache Commons Math.
 */

/** Of no value: 0, as upstream. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const about = values.reduce((sum, value) => sum + value, 0) / values.length;
  // A second pass takes away most of the rounding of the first.
  const correction = values.reduce((sum, value) => sum + (value - about), 0);
  return about + correction / values.length;
}

/** Linear interpolation between order statistics; of no value: NaN. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  if (sorted.length <= 1) return sorted[0] ?? NaN;
  const place = (percent / 100) * (sorted.length - 1);
  const below = Math.min(Math.floor(place), sorted.length - 2);
  const low = sorted[below]!;
  return low + (place - below) * (sorted[below + 1]! - low);
}

/** Experiment by control; NaN where one of the means is 0. */
export function meanRatio(experiment: readonly number[], control: readonly number[]): number {
  const above = mean(experiment);
  const below = mean(control);
  return above === 0 || below === 0 ? NaN : above / below;
}

/**
 * The common language effect size: in what share of the pairs the experiment is higher, ties
 * counting half (Vargha and Delaney 2000).
 */
export function commonLanguageEffect(
  experiment: readonly number[],
  control: readonly number[],
): number {
  const [m, n] = [experiment.length, control.length];
  const { rankSum } = ranked(ascending(experiment), ascending(control));
  return (2 * rankSum - m * (m + 1)) / (2 * n * m);
}

export interface Ranked {
  /** The sum of the first sample's ranks in both together; ties get their mean rank. */
  readonly rankSum: number;
  /** Σ (t³ − t) over the groups of t equal values. */
  readonly ties: number;
}

/** Both ascending, without NaN. */
export function ranked(first: readonly number[], second: readonly number[]): Ranked {
  let [i, j, rankSum, ties] = [0, 0, 0, 0];
  while (i < first.length || j < second.length) {
    const value = Math.min(first[i] ?? Infinity, second[j] ?? Infinity);
    const [fromI, from] = [i, i + j];
    while (i < first.length && first[i] === value) i++;
    while (j < second.length && second[j] === value) j++;
    const tied = i + j - from;
    rankSum += (i - fromI) * (from + (tied + 1) / 2);
    ties += tied ** 3 - tied;
  }
  return { rankSum, ties };
}

/**
 * Tukey's fences, which never lie within the 1st and 99th percentile.
 *
 * @param isSensitive without those percentiles
 */
export function outliersOf(
  values: readonly number[],
  factor: number,
  isSensitive = false,
): readonly boolean[] {
  const [low, high] = [percentile(values, 25), percentile(values, 75)];
  const reach = factor * (high - low);
  const lower = isSensitive ? low - reach : Math.min(percentile(values, 1), low - reach);
  const upper = isSensitive ? high + reach : Math.max(percentile(values, 99), high + reach);
  return values.map((value) => value > upper || value < lower);
}

/** NaN, which noise makes of an infinite constant, ranks as the highest value. */
export function ascending(values: readonly number[]): number[] {
  return values.map((value) => (Number.isNaN(value) ? Infinity : value)).sort(byValue);
}

function byValue(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
