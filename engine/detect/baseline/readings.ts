/**
 * Readings of one series after a deployment: residuals, the smoothed effect, and a summary by
 * which a stretch where nothing happens can be skipped without a look at every sample. They
 * depend on no tolerance, so all policies that agree on the baseline share them.
 */

import type { SampleColumn } from "../../event.ts";
import type { CountedColumn } from "./counted.ts";
import { subtractPeers, type Controlled } from "./control.ts";
import { followOngoing, type OngoingPath } from "./ongoing.ts";
import { observe, type Baseline } from "./residual.ts";
import { floorOf } from "./scale.ts";
import type { Control } from "./oldVersion.ts";
import { NOTHING_BESIDE, subtractOld, type Beside } from "./versions.ts";
import type { TrackState } from "../trackState.ts";

/** Weight of the newest residual in the smoothed effect that the record shows. */
export const SMOOTHING = 0.4;

/** One entry for each sample in the arrays; NaN in `residuals` where it is missing. */
export interface Readings {
  /** The samples, in the series' own unit; for a counter its rate per second. */
  readonly values: ArrayLike<number>;
  readonly residuals: Float64Array;
  readonly smooth: Float64Array;
  /** How many samples are valid. */
  readonly valid: number;
  /** The longest time without a valid sample, the one since the track's last included. */
  readonly longestSilenceMs: number;
  /** The index of the last valid sample; −1 without one. */
  readonly lastValid: number;
  /** Where the smoothed residual is highest and lowest; −1 without a valid sample. */
  readonly highestAt: number;
  readonly lowestAt: number;
  /** The events and requests of a signal that counts; null for every other. */
  readonly counted: CountedColumn | null;
  /** What peers or the old version explained; null where neither is asked. */
  readonly controlled: Controlled | null;
  /** How many times the baseline's spread each residual varies by; null where that is once. */
  readonly widths: Float64Array | null;
  /** Where the comparison with the old version stands after them; null where none is asked. */
  readonly beside: Beside | null;
  /**
   * The incident that lasted when the deployment started; null without one, and where versions are
   * compared, which both have it.
   */
  readonly ongoing: OngoingPath | null;
}

/** The smoothed residual there; null before the first valid sample. */
export function smoothAt(readings: Readings, index: number): number | null {
  const value = readings.smooth[index]!;
  return Number.isNaN(value) ? null : value;
}

/** The readings of a column; they go on from the state of the track. */
export function readColumn(
  track: TrackState,
  baseline: Baseline,
  column: SampleColumn,
  counted: CountedColumn | null,
  control: Control | null,
): Readings {
  const residuals =
    counted !== null
      ? counted.residuals
      : baseline.problem === null
        ? observe(baseline, column.atMs, column.values)
        : Float64Array.from(column.values, (value) => (Number.isFinite(value) ? 0 : Number.NaN));
  const isControlled = control !== null && counted === null && baseline.problem === null;
  const compared =
    isControlled && control.kind === "versions"
      ? subtractOld(
          control.old,
          baseline,
          column,
          residuals,
          floorOf(baseline.transform, track.series.percentagePoint),
          track.control,
          track.beside ?? NOTHING_BESIDE,
        )
      : null;
  const controlled =
    isControlled && control.kind === "peers"
      ? subtractPeers(control, baseline, column, residuals, track.control)
      : (compared?.controlled ?? null);
  const smooth = new Float64Array(residuals.length);
  let current = track.smooth;
  let valid = 0;
  let lastValid = -1;
  let highest = Number.NEGATIVE_INFINITY;
  let lowest = Number.POSITIVE_INFINITY;
  let highestAt = -1;
  let lowestAt = -1;
  let lastKnownAtMs = track.lastKnownAtMs;
  let longestSilenceMs = 0;
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    if (Number.isNaN(residual)) {
      smooth[index] = current ?? Number.NaN;
      continue;
    }
    const known = column.knownAtMs[index]!;
    if (known - lastKnownAtMs > longestSilenceMs) longestSilenceMs = known - lastKnownAtMs;
    lastKnownAtMs = known;
    if (counted !== null) current = counted.smooth[index]!;
    else current = current === null ? residual : current + SMOOTHING * (residual - current);
    smooth[index] = current;
    if (current > highest) {
      highest = current;
      highestAt = index;
    }
    if (current < lowest) {
      lowest = current;
      lowestAt = index;
    }
    valid++;
    lastValid = index;
  }
  const { values } = column;
  const quiet = { valid, longestSilenceMs, lastValid, highestAt, lowestAt };
  const { widths = null, beside = null } = compared ?? {};
  const ongoing =
    baseline.ongoing === undefined || control?.kind === "versions"
      ? null
      : followOngoing(baseline.ongoing, baseline.samples, residuals, track.back ?? 0);
  return { values, residuals, smooth, ...quiet, counted, controlled, widths, beside, ongoing };
}
