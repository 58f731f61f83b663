/**
 * Count e-process: evidence from how many of the requests failed, which may be looked at after
 * every sample without more false alarms because of it.
 *
 *     R_j ← (R_j + ½/H) · min(clip, ρ_j^(x/D) · exp(−λ·(e/D)·(ρ_j − 1))),   R_j = ½ at first
 *     E   = Σ w_j R_j + ½·max(0, 1 − t/H)
 *
 * with x events in the e requests of a sample, D the dispersion, λ the highest rate that is
 * tolerated, t the valid samples so far and H the horizon.
 *
 * E is the wealth of a gambler who starts with 1 and bets on harm. He puts one half on "harm began
 * with the deployment" and spreads the other half evenly over the H samples in which it may begin.
 * Each stake is spread over sixteen sizes of harm ρ, 1.2 to 20 times λ, weighted by 1/ρ (a mixture
 * likelihood ratio: Robbins 1970). Where the events are Poisson at a rate of at most λ, no bet
 * gains on average, so at most a share α of healthy watches ever reaches E ≥ 1/α, however often
 * one looks (Ville 1939). Rates that must not fall are bet on in the same way, with 1/ρ and the
 * lowest rate that is tolerated.
 *
 * λ is the tolerance on top of the upper 99.5 % bound of the baseline's rate (gamma.ts), so a
 * rate that was estimated from three errors is not trusted more than it deserves. Real errors
 * come in bursts, so counts and requests are divided by the dispersion D, the variance of the
 * baseline's counts over their mean. That is approximate, and D is an estimate.
 *
 * One sample multiplies the evidence by `clip` at most, so that a single burst is no breach, and
 * each w_j R_j is held below 10/α, so that a breach can end. Both can only make false alarms
 * rarer. Past the horizon the gambler goes on staking money he does not have: α then becomes
 * α·(½ + ½·t/H).
 *
 * Measured at the defaults (α 1 %, H 60, clip 20), with baselines and watches of sixty samples of
 * 500 requests; "bursts" is negative binomial with a variance of three means. First the healthy
 * watches that are flagged, in %, with nothing and with 25 % tolerated. Then, at 25 % tolerated,
 * % found / median samples to the first flag (– where over 60) for so many times the errors, and
 * for 3× that begins at sample 31:
 *
 *     errors        healthy            2×        3×        5×       10×     3× late
 *     10           0.00  0.00     100 / 8   100 / 3   100 / 2   100 / 2     100 / 4
 *     10, bursts   0.05  0.00      82 / 29  100 / 5   100 / 2   100 / 2     100 / 7
 *     1            0.00  0.00      10 / –    93 / 20  100 / 5   100 / 2      57 / 28
 *     1, bursts    0.20  0.05       3 / –    34 / –    94 / 15  100 / 4       9 / –
 *     0.1          0.00  0.00       0 / –     1 / –    20 / –    97 / 17      0 / –
 *
 * (2000 watches for alarms, 400 for harm; seeds in test/detectors/counting.ts.) With 0.1
 * errors a sample nothing finds twice as many; a break to 1 % of requests is found in a
 * median of 3 samples.
 */

import { assert } from "../../assert.ts";
import type { CountSettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Bounds, type EventRate, type Stretch } from "./contract.ts";

/** The sizes of harm that are bet on, as multiples of the tolerated rate, and their weights. */
const TIMES = Array.from({ length: 16 }, (_, j) => 1.2 * (20 / 1.2) ** (j / 15));
const WEIGHTS = ((): readonly number[] => {
  const sum = TIMES.reduce((total, times) => total + 1 / times, 0);
  return TIMES.map((times) => 1 / times / sum);
})();
/** Each bet is held near this many times the 1/α at which a breach begins. */
const CAP = 10;
/** The part of the stake that is put on harm that begins with the deployment. */
const AT_START = 0.5;

export interface CountState {
  readonly kind: "count";
  /** What each size of harm has won; empty until the direction is judged. */
  rise: readonly number[];
  fall: readonly number[];
  /** Valid samples so far. */
  count: number;
}

export function startCount(): CountState {
  return { kind: "count", rise: [], fall: [], count: 0 };
}

/** The highest and the lowest tolerated rate of the counted events; null where any is. */
export function toleratedRates(
  rate: EventRate,
  { up, down }: Bounds,
): { readonly highest: number | null; readonly lowest: number | null } {
  const { low, high, opposite, relative, whole } = rate;
  const above = opposite ? 1 - low : high;
  const below = opposite ? 1 - high : low;
  const isJudged = (bound: number): boolean => bound !== Number.POSITIVE_INFINITY;
  const most = isJudged(up) ? (relative ? above * Math.exp(up) : above + up / whole) : null;
  const least = isJudged(down) ? (relative ? below * Math.exp(-down) : below - down / whole) : null;
  if (!opposite) return { highest: most, lowest: least === null ? null : Math.max(0, least) };
  return {
    highest: least === null ? null : 1 - least,
    lowest: most === null ? null : Math.max(0, 1 - most),
  };
}

/** See `accumulate`. The statistic is ln E. */
export function accumulateCount(
  settings: CountSettings,
  state: CountState,
  { residuals, noise, boundsOf, flags, statistics, samples }: Stretch,
): void {
  assert(samples?.counts != null, "a count is held against counts");
  const { rate } = noise;
  const { counts } = samples;
  const { horizon, clip, alpha } = settings;
  const limit = -Math.log(alpha);
  // A state is cloned shallowly: its lists may be shared, so they are replaced.
  const rise = [...state.rise];
  const fall = [...state.fall];
  let bounds: Bounds | null = null;
  let tolerated: ReturnType<typeof toleratedRates> = { highest: null, lowest: null };
  for (let index = 0; index < residuals.length; index++) {
    const missing = Number.isNaN(residuals[index]!);
    // Without a rate before the deployment there is nothing to bet against.
    if (!missing && rate !== undefined) {
      const at = boundsOf(index);
      if (at !== bounds) {
        bounds = at;
        tolerated = toleratedRates(rate, at);
      }
      const events = counts.events[index]! / rate.dispersion;
      const requests = counts.requests[index]! / rate.dispersion;
      const { highest, lowest } = tolerated;
      if (highest !== null) bet(rise, events, requests, highest, 1, horizon, clip, alpha);
      if (lowest !== null) bet(fall, events, requests, lowest, -1, horizon, clip, alpha);
      state.count++;
    }
    const statistic = Math.log(wealthOf(rise, fall, state.count, horizon));
    statistics[index] = statistic;
    flags[index] = missing ? MISSING : statistic >= limit ? BEYOND : WITHIN;
  }
  state.rise = rise;
  state.fall = fall;
}

/**
 * Plays one sample: adds the stake and multiplies what each size of harm has won, in place.
 *
 * @param direction 1 bets on rates above the tolerated one, −1 on rates below it
 */
function bet(
  won: number[],
  events: number,
  requests: number,
  tolerated: number,
  direction: 1 | -1,
  horizon: number,
  clip: number,
  alpha: number,
): void {
  for (let j = 0; j < TIMES.length; j++) {
    const times = direction === 1 ? TIMES[j]! : 1 / TIMES[j]!;
    const odds = Math.exp(events * Math.log(times) - tolerated * requests * (times - 1));
    const owned = ((won[j] ?? AT_START) + (1 - AT_START) / horizon) * Math.min(clip, odds);
    won[j] = Math.min(CAP / (alpha * WEIGHTS[j]!), owned);
  }
}

/** E: what was won, averaged over the directions that are judged, and what is not staked yet. */
function wealthOf(
  rise: readonly number[],
  fall: readonly number[],
  count: number,
  horizon: number,
): number {
  const kept = (1 - AT_START) * Math.max(0, 1 - count / horizon);
  if (rise.length === 0 && fall.length === 0) return AT_START + kept;
  if (fall.length === 0) return kept + weighted(rise);
  if (rise.length === 0) return kept + weighted(fall);
  return kept + (weighted(rise) + weighted(fall)) / 2;
}

function weighted(won: readonly number[]): number {
  let sum = 0;
  for (let j = 0; j < won.length; j++) sum += WEIGHTS[j]! * won[j]!;
  return sum;
}

/** Could one sample alone be a breach? Such settings are refused. */
export function oneBurstFires(
  settings: Pick<CountSettings, "alpha" | "horizon" | "clip">,
): boolean {
  const { alpha, horizon, clip } = settings;
  const staked = AT_START + (1 - AT_START) / horizon;
  return staked * clip + 1 - staked >= 1 / alpha;
}

/**
 * Are there enough requests to have found harm, had there been any? Harm is `times` the highest
 * rate that is tolerated, and where falls are judged one over `times` the lowest, with counts
 * that are exactly as expected. If not, that nothing was found is no evidence of health.
 */
export function wouldShow(
  settings: CountSettings,
  rate: EventRate,
  bounds: Bounds,
  requests: number,
  times: number,
): boolean {
  const own = (rate.events + 0.5) / rate.requests;
  const harmful = toleratedRates({ ...rate, low: own, high: own }, bounds);
  const tolerated = toleratedRates(rate, bounds);
  const shows = (harm: number, allowed: number, direction: 1 | -1): boolean => {
    const deflated = requests / rate.dispersion;
    let wealth = 0;
    TIMES.forEach((one, j) => {
      const bets = one ** direction;
      const odds = harm * times ** direction * Math.log(bets) - allowed * (bets - 1);
      wealth += WEIGHTS[j]! * Math.exp(deflated * odds);
    });
    return AT_START * wealth >= 1 / settings.alpha;
  };
  const { highest, lowest } = tolerated;
  return (
    (highest === null || shows(harmful.highest!, highest, 1)) &&
    (lowest === null || shows(harmful.lowest!, lowest, -1))
  );
}
