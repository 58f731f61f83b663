/**
 * One arm along a column: what its detector says of each sample under its tolerances. Policies
 * that have the same detector and tolerances share it, so it is computed once for all of them.
 */

import type { Arm, SeriesName } from "../event.ts";
import type { DetectorSettings, SignalPolicy } from "../policy/policy.ts";
import { BEYOND, type Bounds } from "./detectors/contract.ts";
import { accumulate, heedsOngoing, type AccumulatorState } from "./detectors/detector.ts";
import { beyondOngoing, type Ongoing } from "./baseline/ongoing.ts";
import type { Readings } from "./baseline/readings.ts";
import type { Baseline } from "./baseline/residual.ts";
import { BESIDE_PHI } from "./baseline/versions.ts";
import { readingKey } from "./baseline/series.ts";
import { boundsDuring, boundsFor, type TolerancePath } from "./tolerance.ts";
import type { TrackState } from "./trackState.ts";
import type { Share } from "./share.ts";

/** One entry for each sample in the three arrays. */
export interface Path {
  readonly flags: Uint8Array;
  /** The index of the next sample whose flag differs, or the number of samples. */
  readonly until: Uint32Array;
  readonly statistics: Float64Array;
  /** The detector's state after the last sample. */
  readonly accumulator: AccumulatorState;
  /** No sample is beyond. */
  readonly quiet: boolean;
  /** The largest statistic; null without a sample. */
  readonly peak: number | null;
}

/** The JSON of detector settings, kept because the same settings object is asked about often. */
const WRITTEN = new WeakMap<DetectorSettings, string>();

function written(detector: DetectorSettings): string {
  let text = WRITTEN.get(detector);
  if (text === undefined) WRITTEN.set(detector, (text = JSON.stringify(detector)));
  return text;
}

/** The part of a path's sharing key that does not depend on its tolerances. */
export function pathKeyOf(signal: SignalPolicy, series: SeriesName): string {
  return `path ${readingKey(signal, series)} ${written(signal.detector)}${signal.worse}`;
}

/** The path of one arm, computed once for all that share it (see `Share`). */
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
  // A residual with a spread of its own is given in units in which that is the baseline's.
  const { widths } = readings;
  const { ongoing, until } = ongoingIn(signal, baseline, readings);
  // While an incident lasts, residuals count from its level; a count has no residuals but bounds.
  const counts = readings.counted !== null;
  const residuals =
    widths !== null
      ? readings.residuals.map((residual, index) => residual / widths[index]!)
      : ongoing !== null && !counts
        ? readings.residuals.map((one, at) => (at < until ? beyondOngoing(one, ongoing) : one))
        : readings.residuals;
  const flags = new Uint8Array(residuals.length);
  const statistics = new Float64Array(residuals.length);
  const isConstant = typeof amountAt === "number";
  let amount = isConstant ? amountAt : Number.NaN;
  let bounds = boundsFor(signal, series, amount, baseline);
  const during = (): Bounds =>
    ongoing === null || !counts ? bounds : boundsDuring(bounds, ongoing);
  let lasting = during();
  accumulate(signal.detector, accumulator, {
    residuals,
    noise: widths === null ? baseline : { ...baseline, autocorrelation: BESIDE_PHI },
    boundsOf: (index) => {
      if (!isConstant) {
        const wanted = amountAt(index);
        if (wanted !== amount) {
          amount = wanted;
          bounds = boundsFor(signal, series, wanted, baseline);
          lasting = during();
        }
      }
      if (index < until) return lasting;
      if (widths === null) return bounds;
      return { up: bounds.up / widths[index]!, down: bounds.down / widths[index]! };
    },
    samples: {
      values: readings.values,
      percentagePoint: series.percentagePoint,
      counts: readings.counted?.counts ?? null,
    },
    flags,
    statistics,
  });
  let peak: number | null = statistics.length === 0 ? null : statistics[0]!;
  for (let index = 1; index < statistics.length; index++) {
    peak = Math.max(peak!, statistics[index]!);
  }
  const quiet = !flags.includes(BEYOND);
  return { flags, until: endsOfRuns(flags), statistics, accumulator, quiet, peak };
}

/** The incident that lasted when the deployment started, and before which sample it was over. */
function ongoingIn(
  { detector }: SignalPolicy,
  { ongoing }: Baseline,
  readings: Readings,
): { readonly ongoing: Ongoing | null; readonly until: number } {
  const until = readings.ongoing?.until ?? 0;
  if (ongoing === undefined || until === 0 || !heedsOngoing(detector)) {
    return { ongoing: null, until: 0 };
  }
  return { ongoing, until };
}

/** `Path.until` for these flags. */
function endsOfRuns(flags: Uint8Array): Uint32Array {
  const until = new Uint32Array(flags.length);
  let end = flags.length;
  for (let index = flags.length - 1; index >= 0; index--) {
    if (index + 1 < flags.length && flags[index] !== flags[index + 1]) end = index + 1;
    until[index] = end;
  }
  return until;
}
