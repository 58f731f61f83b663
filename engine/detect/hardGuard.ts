/**
 * The hard guard: harm so large that it counts whatever the tolerance is. A sample is harm where
 * it is more than `times` the expected value and, where the policy says `over` or `under`, beyond
 * that share of the ratio as well. When enough of the last few samples are harm the guard
 * speaks. It reads no tag, mode, prior or fusion weight, so none of them can mask it. While an
 * incident lasts that began before the deployment, `times` is of its level.
 *
 * How many samples: three of the last three, or four of the last six where they come faster than
 * twice a minute. On log-normal noise of 30 % with an autocorrelation of .6, three in a row are
 * more than twice the level in 3 % of hours, so the schema refuses `times` below 2. Bias: with a
 * baseline of only a few samples the level that is multiplied is as wrong as they are.
 */

import type { SampleColumn } from "../event.ts";
import type { HardGuard, SignalPolicy } from "../policy/policy.ts";
import { BEYOND, MISSING, WITHIN } from "./detectors/contract.ts";
import { countBits } from "./detectors/threshold.ts";
import { isCounter } from "./baseline/counter.ts";
import {
  holdSample,
  startHold,
  interruptHold,
  type HoldRule,
  type HoldState,
  type SampleTime,
} from "./hold.ts";
import type { Readings } from "./baseline/readings.ts";
import { expectedAt, type Baseline } from "./baseline/residual.ts";
import type { TrackState } from "./trackState.ts";

/** Samples closer together than this are not independent: one bad moment makes several of them. */
const FAST_STEP_MS = 30_000;
const SLOW = { beyond: 3, of: 3 };
const FAST = { beyond: 4, of: 6 };

/** Where the guard of one series stands; plain data, changed in place by its track. */
export interface GuardState {
  /** The last valid samples as bits, newest lowest: 1 is beyond. */
  recent: number;
  hold: HoldState;
}

/** The guard along a column: a flag for each sample, and the state of `recent` after the last. */
export interface GuardPath {
  readonly flags: Uint8Array;
  readonly recent: number;
  readonly quiet: boolean;
}

/** A guard that has seen no sample; null for a signal without one, which costs nothing then. */
export function startGuard({ hardGuard }: SignalPolicy): GuardState | null {
  return hardGuard === undefined ? null : { recent: 0, hold: startHold() };
}

/** A copy that can be changed without changing the original. */
export function cloneGuard(guard: GuardState | null): GuardState | null {
  return guard === null ? null : { recent: guard.recent, hold: { ...guard.hold } };
}

/** The samples stopped: whatever was being held starts anew. */
export function interruptGuard(guard: GuardState | null): void {
  if (guard !== null) interruptHold(guard.hold);
}

/** Has the guard never spoken? True also where there is none. */
export function isGuardIdle(guard: GuardState | null): boolean {
  return guard === null || guard.hold.verdict === "watching";
}

/** Does the guard speak now? */
export function guardSpeaks({ guard }: Pick<TrackState, "guard">): boolean {
  return guard?.hold.verdict === "breach";
}

/**
 * Folds one sample's flag into the guard, in place. It speaks at once, without a hold, and falls
 * silent when no sample was harm for `clear`.
 *
 * @returns whether it began or ceased to speak
 */
export function holdGuard(
  guard: GuardState,
  flag: number,
  time: SampleTime,
  rule: HoldRule,
): boolean {
  return holdSample(guard.hold, flag, time, { ...rule, hold: 0 });
}

/** The guard along samples from after the deployment; it goes on from the state of the track. */
export function guardPath(
  track: TrackState,
  signal: SignalPolicy,
  baseline: Baseline,
  column: SampleColumn,
  readings: Readings,
): GuardPath | null {
  const { guard, series } = track;
  const { hardGuard, detector } = signal;
  if (guard === null || hardGuard === undefined) return null;
  const { residuals, values, counted } = readings;
  const isShare = counted === null || (detector.kind === "count" && detector.reads === "ratio");
  const perRequest = isShare && !isCounter(signal, series) ? null : (counted?.counts ?? null);
  const { beyond, of } = (baseline.stepMs ?? FAST_STEP_MS) < FAST_STEP_MS ? FAST : SLOW;
  const mask = 2 ** of - 1;
  const flags = new Uint8Array(residuals.length);
  const ongoingTo = readings.ongoing?.until ?? 0;
  let { recent } = guard;
  let quiet = true;
  for (let index = 0; index < flags.length; index++) {
    if (Number.isNaN(residuals[index]!)) {
      flags[index] = MISSING;
      continue;
    }
    const value =
      perRequest === null
        ? values[index]!
        : (perRequest.events[index]! / perRequest.requests[index]!) * 100 * series.percentagePoint;
    const during = index < ongoingTo ? baseline.ongoing!.residual : 0;
    const harm =
      baseline.problem === null &&
      isHarm(
        hardGuard,
        signal.worse,
        value,
        nearest(value, baseline, column.atMs[index]!, during),
        { whole: 100 * series.percentagePoint },
      );
    recent = ((recent << 1) | (harm ? 1 : 0)) & mask;
    flags[index] = countBits(recent) >= beyond ? BEYOND : WITHIN;
    if (flags[index] === BEYOND) quiet = false;
  }
  return { flags, recent, quiet };
}

/**
 * What is expected of a value, or what is nearest to it of all from there to the level of an
 * incident that began before the deployment.
 */
function nearest(value: number, baseline: Baseline, atMs: number, during: number): number {
  const expected = expectedAt(baseline, atMs);
  if (during === 0) return expected;
  const reached = expectedAt(baseline, atMs, during);
  const [low, high] = during > 0 ? [expected, reached] : [reached, expected];
  return Math.min(high, Math.max(low, value));
}

/**
 * Is this value harm by the hard guard?
 *
 * @param whole what a ratio of one is in the metric's unit: 1, or 100 for metrics in per cent
 */
export function isHarm(
  { times, over, under }: HardGuard,
  worse: SignalPolicy["worse"],
  value: number,
  expected: number,
  { whole }: { readonly whole: number },
): boolean {
  // Where nothing is expected, any value is more than `times` of it: only a share can tell harm.
  const above =
    worse !== "down" &&
    (over === null ? expected > 0 : value > over * whole) &&
    value > times * expected;
  const below =
    worse !== "up" && (under === null || value < under * whole) && value * times < expected;
  return above || below;
}
