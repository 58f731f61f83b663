/**
 * How many requests stand behind a sample of a signal that counts. That is the newest sample of
 * the exposure series that is not younger than the sample itself, was known when it was, and is
 * at most five minutes older (as far as an instant query in Prometheus looks back).
 *
 * Both series are taken in the order in which they became known, so the same samples are paired
 * however they are cut into batches. Bias: an exposure that arrives later than its sample is not
 * waited for; the one before it is used.
 */

import { seriesKey, type SampleColumn, type SeriesName } from "../../event.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import { matchesGlob, watches, type Measured } from "../../policy/role.ts";
import { append, firstFrom, inOrder } from "./columns.ts";
import { baselineReachMs } from "./baselineLength.ts";
import { ratesOf } from "./counter.ts";

/** How much older than a sample the exposure behind it may be. */
export const EXPOSURE_REACH_MS = 300_000;

/** The exposure samples of one signal taken so far, by series. */
export type Exposures = ReadonlyMap<string, SampleColumn>;

/** The requests behind the samples of one column. */
export interface Behind {
  /** One entry for each sample; NaN where the number is unknown. */
  readonly requests: ArrayLike<number>;
  /** The entries are rates per so much time; null where they are the requests of one sample. */
  readonly perMs: number | null;
}

/** For signals that do not count. */
export const NOTHING_BEHIND: Behind = { requests: [], perMs: null };

/** A host that knows no steps yet reads so much for a baseline that is given in samples. */
const UNKNOWN_STEPS_MS = 86_400_000;

/** How far back a signal needs samples, those of its exposure included. */
export function lookBackOf({ detector, exposure }: SignalPolicy): number {
  const { baselineMs, baselineSamples } = detector;
  const backMs = baselineSamples === undefined ? baselineMs : UNKNOWN_STEPS_MS;
  return backMs + (exposure?.kind === "metric" ? EXPOSURE_REACH_MS : 0);
}

/** The oldest time a baseline may look back to. */
export function reachFrom(signal: SignalPolicy, startedAtMs: number): number {
  return startedAtMs - baselineReachMs(signal.detector);
}

/** Does a signal need a series, either to judge it or as its exposure? */
export function readsSeries(signal: SignalPolicy, series: Measured): boolean {
  return watches(signal, series) || isExposure(signal.exposure, series.metric);
}

/** Is the metric of this name the exposure? */
export function isExposure(exposure: SignalPolicy["exposure"], name: string): boolean {
  return exposure?.kind === "metric" && matchesGlob(exposure.metric, name);
}

/** The exposures of one signal with those of these columns added, from `fromMs` on. */
export function takeExposures(
  signal: SignalPolicy,
  services: ReadonlySet<string>,
  before: Exposures,
  columns: readonly SampleColumn[],
  fromMs: number,
): Exposures {
  if (signal.exposure?.kind !== "metric") return before;
  let exposures = before;
  for (const column of columns) {
    const { series } = column;
    if (!services.has(series.service) || !isExposure(signal.exposure, series.metric)) continue;
    const key = seriesKey(series);
    const known = exposures.get(key);
    const newest = known?.atMs[known.atMs.length - 1] ?? Number.NEGATIVE_INFINITY;
    const { atMs, knownAtMs, values } = inOrder(column, newest);
    const from = firstFrom(atMs, fromMs, 0);
    const to = atMs.length;
    if (from === to) continue;
    const joined: SampleColumn = {
      series,
      atMs: append(known?.atMs ?? [], atMs, from, to),
      knownAtMs: append(known?.knownAtMs ?? [], knownAtMs, from, to),
      values: append(known?.values ?? [], values, from, to),
    };
    exposures = new Map(exposures).set(key, joined);
  }
  return exposures;
}

/**
 * The requests behind each sample of a series. Where its service has several exposure series,
 * those of the same version are tried first, then the others by name, until one has a value.
 */
export function requestsBehind(
  signal: SignalPolicy,
  { series, atMs, knownAtMs }: SampleColumn,
  exposures: Exposures,
  startedAtMs: number,
): Behind {
  const { exposure } = signal;
  const requests = new Float64Array(atMs.length);
  if (exposure?.kind !== "metric") {
    return { requests: requests.fill(exposure?.requests ?? 1), perMs: null };
  }
  requests.fill(Number.NaN);
  const candidates = [...exposures.values()]
    .filter(({ series: one }) => one.service === series.service)
    .filter(({ series: one }) => one.version === series.version || one.version === null)
    .sort((a, b) => preference(a.series, b.series));
  const isCounter = candidates.some((one) => one.series.counter === true);
  for (const candidate of candidates) {
    const values = isCounter ? ratesOf(candidate, startedAtMs) : candidate.values;
    fillFrom(candidate, values, atMs, knownAtMs, requests);
  }
  return { requests, perMs: isCounter ? 1000 : exposure.perMs };
}

function preference(a: SeriesName, b: SeriesName): number {
  if ((a.version === null) !== (b.version === null)) return a.version === null ? 1 : -1;
  return a.metric < b.metric ? -1 : 1;
}

/** Fills in entries that are NaN still. All times ascend, so one pass over it is enough. */
function fillFrom(
  exposure: SampleColumn,
  values: ArrayLike<number>,
  atMs: ArrayLike<number>,
  knownAtMs: ArrayLike<number>,
  requests: Float64Array,
): void {
  let next = 0;
  for (let index = 0; index < requests.length; index++) {
    const at = atMs[index]!;
    const known = knownAtMs[index]!;
    while (
      next < exposure.atMs.length &&
      exposure.atMs[next]! <= at &&
      exposure.knownAtMs[next]! <= known
    ) {
      next++;
    }
    if (!Number.isNaN(requests[index]!)) continue;
    for (let back = next - 1; back >= 0; back--) {
      if (at - exposure.atMs[back]! > EXPOSURE_REACH_MS) break;
      if (!Number.isFinite(values[back]!)) continue;
      requests[index] = values[back]!;
      break;
    }
  }
}
