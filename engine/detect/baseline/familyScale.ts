/**
 * The spread that is assumed for a series with a short history: the usual spread of the same
 * metric in other services, where a host prepared that; else the constants of scale.ts.
 *
 * Bias: services differ, and one that is noisier than most others is judged too strictly until
 * it has a history of its own. So with a short history no signal is called healthy, and a breach
 * gives the machine no more authority than an override.
 */

import { seriesKey, type SeasonProfile, type SeriesName } from "../../event.ts";
import type { SignalPolicy } from "../../policy/policy.ts";
import { placeboKey } from "../evidence/limit.ts";
import type { PeerControl } from "./peers.ts";
import { preparedControl } from "./control.ts";
import { medianInPlace } from "./orderStatistics.ts";
import type { WatchState } from "../watch.ts";

/** With fewer services a single odd one could decide. */
const SERVICES_AT_LEAST = 3;

/** The median over services of each one's median spread; null with fewer than three. */
export function familySpread(byService: readonly (readonly number[])[]): number | null {
  const medians = byService.filter(({ length }) => length > 0).map(medianOf);
  return medians.length < SERVICES_AT_LEAST ? null : medianOf(medians);
}

function medianOf(values: readonly number[]): number {
  return medianInPlace(Float64Array.from(values), values.length);
}

/** What was prepared for the baseline of one series. */
export interface PreparedBaseline {
  readonly season: SeasonProfile | null;
  /** Spread of one residual over the metric's family. */
  readonly familySpread: number | null;
  /** What its peers mean for it; null where none are asked or prepared. */
  readonly control: PeerControl | null;
}

/** What the host prepared for the baseline of one series. */
export function preparedFor(
  signal: SignalPolicy,
  { context, deployment, endsAtMs }: WatchState,
  series: SeriesName,
): PreparedBaseline {
  const key = seriesKey(series);
  const season = context?.seasons.get(key) ?? null;
  const control = preparedControl(signal, context, series);
  if (signal.calibrate === undefined) return { season, familySpread: null, control };
  const placebo = placeboKey(key, signal, endsAtMs - deployment.startedAtMs);
  return { season, familySpread: context?.placebos?.get(placebo)?.familySpread ?? null, control };
}
