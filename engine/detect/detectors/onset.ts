/**
 * Onset-mixture e-process (the detector kind `eprocess`): evidence that may be looked at after
 * every sample, without more false alarms because of it.
 *
 *     R_j ← (R_j + 1/H) · exp(λ_j·y − λ_j²/2v),   y = clip(r/σ − μ₀)/v
 *     E   = mean of R_j + max(0, 1 − t/H)
 *     μ₀  = max(bound/σ, ½) + 2.576·√(v/n)
 *
 * r is the residual, σ the spread of one residual, v = (1+φ)/(1−φ) the inflation for an
 * autocorrelation φ, t and n the valid samples of watch and baseline, H the horizon.
 *
 * E is the wealth of a gambler who starts with 1 and bets on harm. At each sample he stakes 1/H
 * on "harm begins here", spread evenly over six sizes of shift λ_j, and keeps what he has not
 * staked yet. If r/σ is sub-Gaussian with a mean of at most μ₀, no bet gains on average. Then at
 * most a share α of healthy watches ever reaches E ≥ 1/α, however often one looks (Ville 1939;
 * mixing over onsets: Shiryaev 1963, Shin, Ramdas and Rinaldo 2023).
 *
 * μ₀ is fixed before each sample is seen. It is the tolerance at that moment, plus how far the
 * expected level, a median of n samples, may be wrong. A tag may move the tolerance without
 * losing what was won before. Half a spread is always tolerated, because real series drift by
 * that much. Past the horizon the gambler goes on staking money he does not have: the share α
 * then becomes α·t/H. Where both directions are worse, E is the average of the two.
 *
 * Bias: v is estimated and approximate, and heavy tails are not sub-Gaussian; the clip is there
 * for the tails. How far the promise holds is a table in test/detectors/peeking.test.ts.
 *
 * E would not have to fall after the harm is gone, but a breach must end. So each R_j is held
 * below 60/α, which keeps E near 10/α, and E falls below 1/α again within about ln 10 /
 * (λ·μ₀/v + λ²/2v) samples for the smallest λ: 4 samples without autocorrelation, 13 at φ = 0.6.
 * Holding it down can only make false alarms rarer.
 */

import type { OnsetSettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, inflationOf, type Stretch } from "./contract.ts";
import { normalQuantile } from "./normal.ts";

/** The sizes of shift that are bet on, in spreads above what is tolerated. */
const SHIFTS = [0.5, 1, 1.5, 2, 3, 4.5] as const;
/** The least that is tolerated, in spreads. */
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
  { residuals, noise, boundsOf, flags, statistics }: Stretch,
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

/** The mean over all sizes of shift, of those directions that are judged. */
function meanOf(up: readonly number[], down: readonly number[]): number {
  let sum = 0;
  for (const won of up) sum += won;
  for (const won of down) sum += won;
  return sum / Math.max(SHIFTS.length, up.length + down.length);
}

/** Could one extreme sample alone, at the clip, be a breach? Such settings are refused. */
export function oneSpikeFires(
  settings: Pick<OnsetSettings, "alpha" | "horizon" | "clip">,
): boolean {
  const { alpha, horizon, clip } = settings;
  let sum = 0;
  for (const shift of SHIFTS) sum += Math.exp(shift * clip - (shift * shift) / 2);
  return 1 + sum / (SHIFTS.length * horizon) >= 1 / alpha;
}
