/**
 * Which requests stand behind a sample: the newest of the exposure series that is not
 * younger than the sample, was known when the sample was, and is at most five minutes
 * older (the reach of an instant query in Prometheus).
 *
 * Both series come in the order in which they became known, so any cutting of them into
 * batches pairs the same samples. Bias: an exposure that arrives after its ratio is not
 * waited for, and the one before stands in for it.
 */

import { seriesKey, type SampleColumn, type SeriesName } from "../../event.ts";
import { matchesGlob, type SignalPolicy } from "../../policy/policy.ts";
import { append, firstFrom, inOrder } from "./columns.ts";
import { BASELINE_REACH_MS } from "./residual.ts";
import { ratesOf } from "./counter.ts";

/** How much older than a sample the exposure behind it may be. */
export const EXPOSURE_REACH_MS = 300_000;

/** The exposure samples of one signal taken so far, by series. */
export type Exposures = Readonly<Record<string, SampleColumn>>;

/** What stands behind the samples of one column. */
export interface Behind {
  /** NaN where nobody knows. */
  readonly requests: ArrayLike<number>;
  /** They are a rate over this long; null: the requests of one sample. */
  readonly perMs: number | null;
}

export const NOTHING_BEHIND: Behind = { requests: [], perMs: null };

/** How far back a signal's samples are wanted, those of its exposure included. */
export function lookBackOf({ detector, exposure }: SignalPolicy): number {
  return detector.baselineMs + (exposure?.kind === "metric" ? EXPOSURE_REACH_MS : 0);
}

/** The oldest time a baseline may look back to. */
export function reachFrom(signal: SignalPolicy, startedAtMs: number): number {
  return startedAtMs - Math.max(signal.detector.baselineMs, BASELINE_REACH_MS);
}

/** Does a signal need this series, as what it judges or as what stands behind it? */
export function readsMetric({ metric, exposure }: SignalPolicy, name: string): boolean {
  return matchesGlob(metric, name) || isExposure(exposure, name);
}

/** Is this what stands behind the samples of a signal? */
export function isExposure(exposure: SignalPolicy["exposure"], name: string): boolean {
  return exposure?.kind === "metric" && matchesGlob(exposure.metric, name);
}

/** Keeps the exposures of one signal among these columns, from `fromMs` on. */
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
    const known = exposures[key];
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
    exposures = { ...exposures, [key]: joined };
  }
  return exposures;
}

/**
 * The requests behind each sample of a series. Of several exposure series of its service
 * that of the same version comes first, then the first by name that has a value.
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
  const candidates = Object.values(exposures)
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

/** Fills what is still unknown. All times ascend, so one cursor walks over the exposure. */
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
