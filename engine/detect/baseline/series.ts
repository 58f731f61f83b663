/**
 * What the samples of one series are read as: themselves, the rates of a counter, or events among
 * requests.
 */

import type { SampleColumn, SeriesName } from "../../event.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import { part } from "./columns.ts";
import { countsBeside, observeRate, readCounts } from "./counted.ts";
import { controlledBaseline } from "./control.ts";
import { isCounter, NO_RATE_BEFORE, ratesAfter, ratesBefore } from "./counter.ts";
import type { Behind } from "./exposure.ts";
import type { PreparedBaseline } from "./familyScale.ts";
import { scaleKey, transformOf } from "./peers.ts";
import { readColumn, type Readings } from "./readings.ts";
import { comparesVersions, type Control } from "./oldVersion.ts";
import { baselineStart, lengthKey } from "./baselineLength.ts";
import { observeBaseline, timesOfFinite, type Baseline } from "./residual.ts";
import { NOTHING_BESIDE, timesOfOld } from "./versions.ts";
import type { TrackState } from "../trackState.ts";

/** What readings of a series depend on: signals with equal keys share them. */
export function readingKey(signal: SignalPolicy, series: SeriesName): string {
  const { detector, watchMs, watchSamples } = signal;
  const counter = isCounter(signal, series) ? " counter" : "";
  // Signals that are judged for less time than others are given fewer samples.
  const isWhole = watchMs === undefined && watchSamples === undefined;
  const watched = isWhole ? "" : ` for ${watchMs ?? `${watchSamples} samples`}`;
  const season = detector.season ? 1 : 0;
  const read = `${scaleKey(signal)} ${lengthKey(detector)} ${season}${counter}${watched}`;
  const control = ` ${signal.control ?? (comparesVersions(signal) ? "beside" : "")}`;
  if (signal.detector.kind !== "count") return `${read}${control}`;
  const behind = JSON.stringify(signal.exposure ?? null);
  return `${read}${control} ${signal.detector.reads} of ${behind}`;
}

/** The baseline of a track from the past samples it has taken. */
export function observePast(
  track: TrackState,
  signal: SignalPolicy,
  startedAtMs: number,
  { season, familySpread, control }: PreparedBaseline,
): Baseline {
  const { series, pastAtMs, pastBehind } = track;
  const { detector } = signal;
  const counter = isCounter(signal, series);
  // The host's profile is of the raw counter, not of its rate: it cannot be subtracted.
  const followed = detector.season && !counter ? season : null;
  const from = baselineStart(pastAtMs, startedAtMs, detector, followed);
  const atMs = part(pastAtMs, from, pastAtMs.length);
  const taken = part(track.pastValues, from, pastAtMs.length);
  const values = counter ? ratesBefore(atMs, taken) : taken;
  const observed =
    detector.kind === "count"
      ? observeRate(signal, detector, series, counter, atMs, values, {
          requests: part(pastBehind.requests, from, pastAtMs.length),
          perMs: pastBehind.perMs,
        })
      : observeBaseline(
          atMs,
          values,
          transformOf(signal),
          series.percentagePoint,
          followed,
          familySpread,
          signal.tolerance.atLeast ?? null,
        );
  if (control !== null && detector.kind !== "count") {
    const finite = timesOfFinite(atMs, values, observed.samples);
    return controlledBaseline(observed, finite, control, series.percentagePoint);
  }
  const rateless = counter && observed.samples === 0 && !hasTwo(taken);
  return rateless ? { ...observed, problem: NO_RATE_BEFORE } : observed;
}

function hasTwo(values: ArrayLike<number>): boolean {
  let finite = 0;
  for (let index = 0; index < values.length && finite < 2; index++) {
    if (Number.isFinite(values[index]!)) finite++;
  }
  return finite === 2;
}

/** Readings of samples from after the deployment; they go on from the state of the track. */
export function readSamples(
  track: TrackState,
  signal: SignalPolicy,
  baseline: Baseline,
  column: SampleColumn,
  behind: Behind,
  control: Control | null,
): Readings {
  const { detector } = signal;
  const counter = isCounter(signal, track.series);
  const { atMs, values } = column;
  const read = counter ? { ...column, values: ratesAfter(track.counter, atMs, values) } : column;
  if (detector.kind !== "count") return readColumn(track, baseline, read, null, control);
  if (control?.kind !== "versions" || counter) {
    const counted = readCounts(detector, track.traffic, baseline, counter, read, behind, null);
    return readColumn(track, baseline, read, counted, control);
  }
  const others = countsBeside(detector, baseline, control.old, control.behind);
  const standing = track.beside ?? NOTHING_BESIDE;
  const { times, paired, beside } = timesOfOld(
    signal,
    control.old,
    others,
    baseline,
    read,
    standing,
  );
  const counted = readCounts(detector, track.traffic, baseline, counter, read, behind, times);
  const readings = readColumn(track, baseline, read, counted, control);
  const nothing = new Float64Array(read.atMs.length);
  const controlled = {
    peers: paired,
    uncontrolled: counted.smooth,
    shift: nothing,
    spreads: nothing,
  };
  return { ...readings, controlled, beside };
}
