/**
 * Onset-mixture e-process: evidence that may be looked at after every sample.
 *
 *     R_j ← (R_j + 1/H) · exp(λ_j·y − λ_j²/2v),   y = clip(r/σ − μ₀)/v
 *     E   = mean of R_j + max(0, 1 − t/H)
 *     μ₀  = max(bound/σ, ½) + 2.576·√(v/n)
 *
 * It is what a gambler owns who starts with 1, stakes 1/H at each sample on "harm
 * begins here", spreads each stake over six sizes of shift λ, and holds on to what
 * he has not staked. If r/σ is sub-Gaussian with a mean of at most μ₀, no bet gains
 * on average, so E ≥ 1/α happens to a share α of healthy watches at most, however
 * often one looks (Ville 1939; mixing over onsets: Shiryaev 1963, Shin, Ramdas and
 * Rinaldo 2023). σ is the plain spread, v = (1+φ)/(1−φ) the inflation for an
 * autocorrelation φ, t and n the valid samples of watch and baseline, H the horizon.
 *
 * μ₀ is laid down before each sample: the tolerance at that moment, which a tag may
 * move without forgetting what was won, and what the level may be off, being a
 * median of n samples. Half a spread is always tolerated: real series drift by that
 * much. Past the horizon stakes go on, with borrowed money: the share α then becomes
 * α·t/H. Where both directions are worse, E is the average of the two.
 *
 * Bias: v is approximate and estimated, and a heavy tail is not sub-Gaussian. The
 * clip is there for the tail; how far the promise holds is a table in
 * test/detectors/peeking.test.ts.
 *
 * A martingale need never come down, a breach must end: each R_j is held below
 * 60/α, so that E stays near 10/α, and falls below 1/α again within some ln 10 /
 * (λ·μ₀/v + λ²/2v) samples at the smallest λ once the harm is gone: 4 without
 * autocorrelation, 13 at φ = 0.6. Holding it down can only make false alarms rarer.
 */

import type { OnsetSettings } from "../../policy/policy.ts";
import { BEYOND, inflationOf, MISSING, WITHIN, type Bounds, type Noise } from "./contract.ts";
import { normalQuantile } from "./normal.ts";

/** The sizes of shift that are bet on, in spreads above what is tolerated. */
const SHIFTS = [0.5, 1, 1.5, 2, 3, 4.5] as const;
/** In spreads. */
const TOLERANCE_AT_LEAST = 0.5;
const LEVEL_QUANTILE = normalQuantile(0.995);
/** E is held near this many times the 1/α at which a breach begins. */
const CAP = 10;

export interface OnsetState {
  readonly kind: "eprocess";
  /** What each size of shift has won; empty until the direction is judged. */
  up: readonly number[];
  down: readonly number[];
  /** Valid samples so far. */
  count: number;
}

export function startOnset(): OnsetState {
  return { kind: "eprocess", up: [], down: [], count: 0 };
}

/** See `accumulate`. The statistic is ln E. */
export function accumulateOnset(
  settings: OnsetSettings,
  state: OnsetState,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
): void {
  const { alpha, horizon, clip } = settings;
  const { spread } = noise;
  const inflation = inflationOf(noise);
  const levelError = LEVEL_QUANTILE * Math.sqrt(inflation / noise.samples);
  const limit = -Math.log(alpha);
  const cap = (CAP * SHIFTS.length) / alpha;
  // A state is cloned shallowly: its lists may be shared, so they are replaced.
  const up = [...state.up];
  const down = [...state.down];
  const bet = (won: number[], residual: number, bound: number): void => {
    if (bound === Number.POSITIVE_INFINITY && won.length === 0) return;
    const excess = (residual - Math.max(TOLERANCE_AT_LEAST * spread, bound)) / spread - levelError;
    const y = (excess > clip ? clip : excess > -clip ? excess : -clip) / inflation;
    for (let j = 0; j < SHIFTS.length; j++) {
      const shift = SHIFTS[j]!;
      const odds = Math.exp(shift * y - (shift * shift) / (2 * inflation));
      won[j] = Math.min(cap, ((won[j] ?? 0) + 1 / horizon) * odds);
    }
  };
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    const missing = Number.isNaN(residual);
    if (!missing) {
      const bounds = boundsOf(index);
      bet(up, residual, bounds.up);
      bet(down, -residual, bounds.down);
      state.count++;
    }
    const statistic = Math.log(meanOf(up, down) + Math.max(0, 1 - state.count / horizon));
    statistics[index] = statistic;
    flags[index] = missing ? MISSING : statistic >= limit ? BEYOND : WITHIN;
  }
  state.up = up;
  state.down = down;
}

/** Over the directions that are judged. */
function meanOf(up: readonly number[], down: readonly number[]): number {
  let sum = 0;
  for (const won of up) sum += won;
  for (const won of down) sum += won;
  return sum / Math.max(SHIFTS.length, up.length + down.length);
}

/** Would a single largest step, out of the blue, be a breach? */
export function oneSpikeFires(
  settings: Pick<OnsetSettings, "alpha" | "horizon" | "clip">,
): boolean {
  const { alpha, horizon, clip } = settings;
  let sum = 0;
  for (const shift of SHIFTS) sum += Math.exp(shift * clip - (shift * shift) / 2);
  return 1 + sum / (SHIFTS.length * horizon) >= 1 / alpha;
}
