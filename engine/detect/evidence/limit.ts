/**
 * Which limit a detector has on one series: the quoted one, which the policy says, or where the
 * policy asks to calibrate the one that placebo watches give (see placebo.ts). Without enough of
 * them the quoted limit stands, and the record says so.
 */

import { unreachable } from "../../assert.ts";
import type { PreparedContext } from "../../event.ts";
import type { DetectorSettings, SignalPolicy } from "../../policy/policy.ts";
import { placeboP, type Calibration, type Placebo } from "./placebo.ts";

/** A calibration with the limit that follows from it. */
export interface CalibratedLimit extends Calibration {
  readonly limit: number;
  /** The usual spread in the metric's family, for series without a history; null: too few. */
  readonly familySpread: number | null;
}

/**
 * Everything that a signal's placebo watches depend on besides the series. Bias: the tolerance is
 * the policy's own, without tags and modes, so under a mode that tolerates less p is too small.
 */
export function calibrationKey(signal: SignalPolicy, watchMs: number): string {
  const { detector, tolerance, worse, counter, calibrate } = signal;
  return JSON.stringify([detector, tolerance, worse, counter, calibrate, watchMs]);
}

/** The key of a series' calibration in the prepared context. */
export function placeboKey(series: string, signal: SignalPolicy, watchMs: number): string {
  return `${series} ${calibrationKey(signal, watchMs)}`;
}

function calibrationOf(
  signal: SignalPolicy,
  watchMs: number,
  context: PreparedContext | null,
  series: string,
): CalibratedLimit | null {
  return context?.placebos?.get(placeboKey(series, signal, watchMs)) ?? null;
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

/** How unusual a statistic is on this series; null where the policy asks for no calibration. */
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
    case "outlier":
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
