/**
 * The hard guard: harm so large that nobody's tolerance is asked. A sample counts where it is
 * beyond so many times what was expected and, where the policy has one, beyond a share of the
 * ratio as well; with enough of the last few samples the guard speaks. No tag, mode, prior or
 * fusion weight is in here, so none can mask it.
 *
 * How many: three of three, or four of six where samples come faster than twice a minute. On
 * log-normal noise of 30 % and an autocorrelation of .6 three in a row go beyond twice the level in
 * 3 % of hours, so a guard below `times: 2` is refused. Bias: with a baseline of a few samples
 * the level it multiplies is as wrong as they are.
 */

import type { SampleColumn } from "../event.ts";
import type { HardGuard, SignalPolicy } from "../policy/policy.ts";
import { BEYOND, MISSING, WITHIN } from "./detectors/contract.ts";
import { isCounter } from "./baseline/counter.ts";
import { holdSample, startHold, interruptHold, type HoldState } from "./hold.ts";
import type { Readings } from "./baseline/readings.ts";
import { expectedAt, type Baseline } from "./baseline/residual.ts";
import type { TrackState } from "./track.ts";

/** Below this spacing one bad moment makes several samples. */
const FAST_STEP_MS = 30_000;
const SLOW = { beyond: 3, of: 3 };
const FAST = { beyond: 4, of: 6 };

/** Where the guard of one series stands; plain data, changed in place by its track. */
export interface GuardState {
  /** The last valid samples as bits, newest lowest: 1 is beyond. */
  recent: number;
  hold: HoldState;
}

/** The guard along a column, and where it leaves the bits. */
export interface GuardPath {
  readonly flags: Uint8Array;
  readonly recent: number;
  readonly quiet: boolean;
}

/** Null for a signal without a guard: it costs nothing. */
export function startGuard({ hardGuard }: SignalPolicy): GuardState | null {
  return hardGuard === undefined ? null : { recent: 0, hold: startHold() };
}

export function cloneGuard(guard: GuardState | null): GuardState | null {
  return guard === null ? null : { recent: guard.recent, hold: { ...guard.hold } };
}

/** Data stopped: what was being counted no longer counts. */
export function interruptGuard(guard: GuardState | null): void {
  if (guard !== null) interruptHold(guard.hold);
}

export function isGuardIdle(guard: GuardState | null): boolean {
  return guard === null || guard.hold.verdict === "watching";
}

export function guardSpeaks({ guard }: Pick<TrackState, "guard">): boolean {
  return guard?.hold.verdict === "breach";
}

/** Folds one sample's flag. It speaks at once, and `clear` ends it; returns whether it moved. */
export function holdGuard(guard: GuardState, flag: number, atMs: number, clearMs: number): boolean {
  return holdSample(guard.hold, flag, atMs, 0, clearMs);
}

/** The guard along samples from after the deployment, continuing from where the track is. */
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
    const harm =
      baseline.problem === null &&
      isHarm(hardGuard, signal.worse, value, expectedAt(baseline, column.atMs[index]!), {
        whole: 100 * series.percentagePoint,
      });
    recent = ((recent << 1) | (harm ? 1 : 0)) & mask;
    flags[index] = ones(recent) >= beyond ? BEYOND : WITHIN;
    if (flags[index] === BEYOND) quiet = false;
  }
  return { flags, recent, quiet };
}

/** @param whole what a ratio of one is in the metric's unit */
export function isHarm(
  { times, over, under }: HardGuard,
  worse: SignalPolicy["worse"],
  value: number,
  expected: number,
  { whole }: { readonly whole: number },
): boolean {
  // So many times nothing is nothing: then only the share can say what is much.
  const above =
    worse !== "down" &&
    (over === null ? expected > 0 : value > over * whole) &&
    value > times * expected;
  const below =
    worse !== "up" && (under === null || value < under * whole) && value * times < expected;
  return above || below;
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
