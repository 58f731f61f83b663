/**
 * What a chart draws around the samples that were judged: what the signal expected of the series
 * and what it tolerated, sample by sample, in the series' own unit. It reads the same frozen
 * baseline and tolerances as the judgement did, and decides nothing.
 */

import { seriesKey, type SampleColumn } from "../event.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { preparedFor } from "./baseline/familyScale.ts";
import { expectedAt, type Baseline } from "./baseline/residual.ts";
import { boundsFor, tolerancePath } from "./tolerance.ts";
import { freezeBaseline } from "./track.ts";
import { cloneTrack } from "./trackState.ts";
import { notShared } from "./share.ts";
import type { WatchState } from "./watch.ts";

/** Nine tenths of a normal distribution lie within so many standard deviations of its mean. */
const NINE_TENTHS = 1.645;

/**
 * One entry for each sample, in the unit of the series. A bound is ±Infinity on the side that
 * the signal does not call worse, and NaN before the deployment started.
 */
export interface Band {
  readonly atMs: Float64Array;
  readonly expected: Float64Array;
  /** Where nine in ten samples of a healthy series lie. */
  readonly usualLow: Float64Array;
  readonly usualHigh: Float64Array;
  /** The tolerance with the tags that were known at each sample, and below it without any. */
  readonly toleratedLow: Float64Array;
  readonly toleratedHigh: Float64Array;
  readonly untaggedLow: Float64Array;
  readonly untaggedHigh: Float64Array;
}

/**
 * The band of one signal around one series of a watch.
 *
 * @param watch one that has taken the column already
 * @returns null where the signal does not watch the series or has no baseline for it
 */
export function bandOf(
  policy: Policy,
  watch: WatchState,
  signal: SignalPolicy,
  column: SampleColumn,
): Band | null {
  const taken = watch.signals.get(signal.name)?.tracks.get(seriesKey(column.series));
  if (taken === undefined) return null;
  const track = cloneTrack(taken);
  const { deployment, stages } = watch;
  const { startedAtMs } = deployment;
  const prepared = preparedFor(signal, watch, column.series);
  const baseline = freezeBaseline(track, signal, startedAtMs, prepared, notShared);
  if (baseline.problem !== null) return null;
  const atMs = Float64Array.from(column.atMs);
  const knownAtMs = Float64Array.from(column.knownAtMs);
  const along = (tags: WatchState["tags"]) =>
    tolerancePath(policy, signal, deployment, { tags, stages }, column.series, atMs, knownAtMs);
  const paths = { tolerated: along(watch.tags), untagged: along([]) };
  const fresh = (): Float64Array => new Float64Array(atMs.length).fill(Number.NaN);
  const band: Band = {
    atMs,
    expected: fresh(),
    usualLow: fresh(),
    usualHigh: fresh(),
    toleratedLow: fresh(),
    toleratedHigh: fresh(),
    untaggedLow: fresh(),
    untaggedHigh: fresh(),
  };
  for (let index = 0; index < atMs.length; index++) {
    const expected = expectedAt(baseline, atMs[index]!);
    band.expected[index] = expected;
    band.usualLow[index] = moved(baseline, expected, -NINE_TENTHS * baseline.spread);
    band.usualHigh[index] = moved(baseline, expected, NINE_TENTHS * baseline.spread);
    if (atMs[index]! < startedAtMs) continue;
    for (const arm of ["tolerated", "untagged"] as const) {
      const { up, down } = boundsFor(signal, column.series, paths[arm].amountAt(index), baseline);
      band[`${arm}Low`][index] = moved(baseline, expected, -down);
      band[`${arm}High`][index] = moved(baseline, expected, up);
    }
  }
  return band;
}

/** The value, in the unit of the series, that has this residual where `expected` was expected. */
function moved({ transform, offset }: Baseline, expected: number, residual: number): number {
  if (transform === "identity" || !Number.isFinite(residual)) return expected + residual;
  if (transform === "share") return expected + residual * offset;
  return (expected + offset) * Math.exp(residual) - offset;
}
