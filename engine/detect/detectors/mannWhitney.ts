/**
 * Mann–Whitney test with a Hodges–Lehmann shift, as Kayenta's judge has it.
 *
 *     breach up ⇔ low > limit·|HL|  and  mean(watch) − mean(baseline) > bound
 *
 * HL is the median of all differences between a watch and a baseline residual, [low,
 * high] its interval: the shifts at which the normal statistic of U, corrected for
 * ties and continuity, is not significant (what R's `wilcox.test(exact = FALSE,
 * conf.int = TRUE)` gives to its 1e-4; here to the last digit, because the statistic
 * only jumps at differences of pairs). Kayenta asks with 98 % confidence that the
 * interval clears a quarter of the shift, and calls the first a `tolerance`; what is
 * tolerated, its `allowedIncrease`, is the signal's tolerance here. Means and shifts
 * are of residuals: logarithms where the tolerance is relative.
 *
 * Unlike Kayenta's, it is a function of its input: two constant groups are not
 * jittered, their shift is exactly their difference, with an interval of no width. And
 * groups so small that nothing could be significant are no breach: there R and Kayenta
 * end the interval at the smallest difference, which may well be above zero.
 *
 * Bias: looked at more than once it alarms far too often, and autocorrelation makes
 * it worse (60 looks at a constant null: see the table in
 * test/detectors/mannWhitney.test.ts). It judges all samples since the deployment, so
 * a late harm is diluted and a breach ends only when most samples are healthy again.
 * It is here to be compared with, and for teams that come from Kayenta.
 */

import type { MannWhitneySettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Bounds, type Noise } from "./contract.ts";
import { normalQuantile } from "./normal.ts";

/** How far one group lies above another, with the interval of that shift. */
export interface Shift {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export interface MannWhitneyState {
  readonly kind: "mannWhitney";
  /** Residuals since the deployment, smallest first. */
  values: readonly number[];
  /** The statistic of the last look. */
  statistic: number;
}

export function startMannWhitney(): MannWhitneyState {
  return { kind: "mannWhitney", values: [], statistic: 0 };
}

/** See `accumulate`. The statistic is the near end of the interval, as a share of the shift. */
export function accumulateMannWhitney(
  settings: MannWhitneySettings,
  state: MannWhitneyState,
  residuals: Float64Array,
  noise: Noise,
  boundsOf: (index: number) => Bounds,
  flags: Uint8Array,
  statistics: Float64Array,
): void {
  const control = Float64Array.from(noise.residuals).sort();
  // A state is cloned shallowly: its list may be shared, so it is replaced.
  const values = [...state.values];
  state.values = values;
  const look = (bounds: Bounds): number => {
    const up = nearEnd(control, values, settings.confidence, bounds.up, 1);
    const down = nearEnd(control, values, settings.confidence, bounds.down, -1);
    return Math.max(up, down);
  };
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    const missing = Number.isNaN(residual);
    if (!missing) {
      insert(values, residual);
      const since = values.length - settings.atLeast;
      if (since >= 0 && since % settings.every === 0) state.statistic = look(boundsOf(index));
    }
    statistics[index] = state.statistic;
    flags[index] = missing ? MISSING : state.statistic > settings.limit ? BEYOND : WITHIN;
  }
}

/** The interval's end nearer to zero over the shift; 0 where that is tolerated or unsure. */
function nearEnd(
  control: ArrayLike<number>,
  values: readonly number[],
  confidence: number,
  bound: number,
  sign: 1 | -1,
): number {
  if (control.length === 0 || sign * (mean(values) - mean(control)) <= bound) return 0;
  // Most looks end here: an interval is dear, and it holds zero unless zero is rejected.
  const critical = normalQuantile((1 + confidence) / 2);
  if (sign * scoreAt(control, values, 0).z <= critical) return 0;
  const { estimate, low, high } = shiftOf(control, values, critical);
  const near = sign === 1 ? low : -high;
  return near <= 0 || estimate === 0 ? 0 : near / Math.abs(estimate);
}

/**
 * The shift from one group to another, neither in any order nor empty.
 *
 * @example mannWhitneyShift([1, 2, 3], [11, 12, 13], 0.95).estimate // 10
 */
export function mannWhitneyShift(
  control: ArrayLike<number>,
  experiment: ArrayLike<number>,
  confidence: number,
): Shift {
  return shiftOf(
    Float64Array.from(control).sort(),
    Float64Array.from(experiment).sort(),
    normalQuantile((1 + confidence) / 2),
  );
}

interface Score {
  /** U − nm/2, with U the pairs in which x, moved down by the shift, is larger than y. */
  readonly excess: number;
  /** The excess in standard deviations, corrected for ties and continuity. */
  readonly z: number;
}

/** Both groups in order, so that one pass over them counts pairs and ties. */
function scoreAt(y: ArrayLike<number>, x: ArrayLike<number>, shift: number): Score {
  const n = x.length;
  const m = y.length;
  let pairs = 0;
  let ties = 0;
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    const left = i < n ? x[i]! - shift : Number.POSITIVE_INFINITY;
    const right = j < m ? y[j]! : Number.POSITIVE_INFINITY;
    const value = left < right ? left : right;
    const below = j;
    let sameX = 0;
    let sameY = 0;
    while (i < n && x[i]! - shift === value) {
      i++;
      sameX++;
    }
    while (j < m && y[j]! === value) {
      j++;
      sameY++;
    }
    pairs += sameX * (below + sameY / 2);
    const same = sameX + sameY;
    ties += same * same * same - same;
  }
  const excess = pairs - (n * m) / 2;
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)));
  const z = variance > 0 ? (excess - Math.sign(excess) / 2) / Math.sqrt(variance) : 0;
  return { excess, z };
}

function shiftOf(y: ArrayLike<number>, x: ArrayLike<number>, critical: number): Shift {
  const lowest = x[0]! - y[y.length - 1]!;
  const highest = x[x.length - 1]! - y[0]!;
  const where = (holds: (score: Score) => boolean): number =>
    lastWhere((shift) => holds(scoreAt(y, x, shift)), lowest, highest);
  const lower = where(({ excess }) => excess > 0);
  const upper = where(({ excess }) => excess >= 0);
  return {
    estimate: (lower + upper) / 2,
    low: where(({ z }) => z > critical),
    high: where(({ z }) => z >= -critical),
  };
}

/** The largest number in [from, to] for which a condition holds that fails ever after. */
function lastWhere(holds: (shift: number) => boolean, from: number, to: number): number {
  if (!holds(from)) return from;
  if (holds(to)) return to;
  let low = from;
  let high = to;
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (holds(middle)) low = middle;
    else high = middle;
  }
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum / values.length;
}

function insert(sorted: number[], value: number): void {
  let at = sorted.length;
  sorted.push(value);
  while (at > 0 && sorted[at - 1]! > value) {
    sorted[at] = sorted[at - 1]!;
    at--;
  }
  sorted[at] = value;
}
