/**
 * Which limit a detector has on one series: the quoted one, or where the policy asks for
 * it the one that its placebo watches give (see placebo.ts).
 *
 * Without enough of them the quoted limit stands, and the record says so.
 */

import { unreachable } from "../../assert.ts";
import type { PreparedContext } from "../../event.ts";
import type { DetectorSettings, SignalPolicy } from "../../policy/policy.ts";
import { placeboP, type Calibration, type Placebo } from "./placebo.ts";

/** A calibration with the limit that follows from it. */
export interface CalibratedLimit extends Calibration {
  readonly limit: number;
  /** Of one residual over the family, for a series without a history; null with too few. */
  readonly familySpread: number | null;
}

/**
 * Everything a signal's placebo watches depend on but the series. The tolerance is the
 * policy's own, without tags and modes: under a mode that tolerates less, p is too small.
 */
export function calibrationKey(signal: SignalPolicy, watchMs: number): string {
  const { detector, tolerance, worse, counter, calibrate } = signal;
  return JSON.stringify([detector, tolerance, worse, counter, calibrate, watchMs]);
}

/** Where a series' calibration stands in the prepared context. */
export function placeboKey(series: string, signal: SignalPolicy, watchMs: number): string {
  return `${series} ${calibrationKey(signal, watchMs)}`;
}

function calibrationOf(
  signal: SignalPolicy,
  watchMs: number,
  context: PreparedContext | null,
  series: string,
): CalibratedLimit | null {
  return context?.placebos?.[placeboKey(series, signal, watchMs)] ?? null;
}

/** The signal with the limit that holds on this series. */
export function limitedSignal(
  signal: SignalPolicy,
  watchMs: number,
  context: PreparedContext | null,
  series: string,
): SignalPolicy {
  if (signal.calibrate === undefined) return signal;
  const calibration = calibrationOf(signal, watchMs, context, series);
  if (calibration === null) return signal;
  return { ...signal, detector: withLimit(signal.detector, calibration.limit) };
}

/** What a statistic means on this series; null where the policy does not ask. */
export function placeboOf(
  signal: SignalPolicy,
  watchMs: number,
  context: PreparedContext | null,
  series: string,
  statistic: number | null,
): Placebo | null {
  if (signal.calibrate === undefined || statistic === null) return null;
  return placeboP(calibrationOf(signal, watchMs, context, series), statistic);
}

/** The same detector with another limit, in the unit of its statistic. */
export function withLimit(settings: DetectorSettings, limit: number): DetectorSettings {
  switch (settings.kind) {
    case "cusum":
    case "ewma":
      return { ...settings, limit };
    case "variance":
    case "novelty":
      return { ...settings, times: limit };
    case "eprocess":
      return { ...settings, alpha: Math.exp(-limit) };
    case "threshold":
    case "mannWhitney":
    case "count":
      // The schema refuses to calibrate these.
      return settings;
    default:
      return unreachable(settings);
  }
}

/** Is the statistic a logarithm already? */
export function isLogarithm(settings: DetectorSettings): boolean {
  return settings.kind === "eprocess";
}
