/**
 * One arm along a column: what its detector says of each sample under its tolerances. It is
 * folded once for every policy that agrees on detector and tolerances.
 */

import type { Arm, SeriesName } from "../event.ts";
import type { DetectorSettings, SignalPolicy } from "../policy/policy.ts";
import { BEYOND } from "./detectors/contract.ts";
import { accumulate, type AccumulatorState } from "./detectors/detector.ts";
import type { Readings } from "./baseline/readings.ts";
import type { Baseline } from "./baseline/residual.ts";
import { readingKey } from "./baseline/series.ts";
import { boundsFor, type TolerancePath } from "./tolerance.ts";
import type { Share, TrackState } from "./track.ts";

export interface Path {
  readonly flags: Uint8Array;
  /** By sample: where the next one is whose flag differs, or the end. */
  readonly until: Uint32Array;
  readonly statistics: Float64Array;
  readonly accumulator: AccumulatorState;
  /** No sample was beyond: nothing can have changed. */
  readonly quiet: boolean;
  /** The largest statistic; null without a sample. */
  readonly peak: number | null;
}

/** Policies that differ in their holds have one detector, and ask with it over and over. */
const WRITTEN = new WeakMap<DetectorSettings, string>();

function written(detector: DetectorSettings): string {
  let text = WRITTEN.get(detector);
  if (text === undefined) WRITTEN.set(detector, (text = JSON.stringify(detector)));
  return text;
}

/** What paths on one series have in common that differ in their tolerances alone. */
export function pathKeyOf(signal: SignalPolicy, series: SeriesName): string {
  return `path ${readingKey(signal, series)} ${written(signal.detector)}${signal.worse}`;
}

/** The path of one arm, once for everybody with the same detector and tolerances. */
export function foldOnce(
  track: TrackState,
  signal: SignalPolicy,
  baseline: Baseline,
  readings: Readings,
  arm: Arm,
  tolerances: TolerancePath,
  share: Share,
  pathKey: string,
): Path {
  const amountAt = tolerances.constant ? tolerances.amountAt(0) : tolerances.amountAt;
  return share.once(`${pathKey} ${tolerances.key}`, () =>
    foldPath(signal, track.series, baseline, track[arm].accumulator, readings, amountAt),
  );
}

function foldPath(
  signal: SignalPolicy,
  series: SeriesName,
  baseline: Baseline,
  before: AccumulatorState,
  readings: Readings,
  amountAt: number | ((index: number) => number),
): Path {
  const accumulator = { ...before };
  const { residuals } = readings;
  const flags = new Uint8Array(residuals.length);
  const statistics = new Float64Array(residuals.length);
  const isConstant = typeof amountAt === "number";
  let amount = isConstant ? amountAt : Number.NaN;
  let bounds = boundsFor(signal, series, amount);
  accumulate(
    signal.detector,
    accumulator,
    residuals,
    baseline,
    (index) => {
      if (isConstant) return bounds;
      const wanted = amountAt(index);
      if (wanted !== amount) {
        amount = wanted;
        bounds = boundsFor(signal, series, wanted);
      }
      return bounds;
    },
    flags,
    statistics,
    {
      values: readings.values,
      percentagePoint: series.percentagePoint,
      counts: readings.counted?.counts ?? null,
    },
  );
  let peak: number | null = statistics.length === 0 ? null : statistics[0]!;
  for (let index = 1; index < statistics.length; index++) {
    peak = Math.max(peak!, statistics[index]!);
  }
  const quiet = !flags.includes(BEYOND);
  return { flags, until: endsOfRuns(flags), statistics, accumulator, quiet, peak };
}

function endsOfRuns(flags: Uint8Array): Uint32Array {
  const until = new Uint32Array(flags.length);
  let end = flags.length;
  for (let index = flags.length - 1; index >= 0; index--) {
    if (index + 1 < flags.length && flags[index] !== flags[index + 1]) end = index + 1;
    until[index] = end;
  }
  return until;
}
