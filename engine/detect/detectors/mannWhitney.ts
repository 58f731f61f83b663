/**
 * Mann–Whitney test with a Hodges–Lehmann shift, as in Kayenta's judge. It is here for comparison,
 * and for teams that come from Kayenta.
 *
 *     breach up ⇔ low > limit·|HL|  and  mean(watch) − mean(baseline) > bound
 *
 * HL is the median of all differences between a residual of the watch and one of the baseline.
 * [low, high] is its confidence interval: the shifts at which the normal statistic of U, corrected
 * for ties and continuity, is not significant. R's `wilcox.test(exact = FALSE, conf.int = TRUE)`
 * gives the same to its precision of 1e-4; here it is exact, because the statistic only jumps
 * at differences of pairs. Kayenta's defaults are a confidence of 98 % and a limit of a quarter,
 * which it calls `tolerance`; its `allowedIncrease` is the signal's tolerance here. Means and
 * shifts are of residuals, which are logarithms where the tolerance is relative.
 *
 * Unlike Kayenta's, the result depends on the samples alone: no noise is added where both groups
 * are constant, so their shift is exactly their difference with an interval of no width. And
 * where the groups are so small that nothing could be significant there is no breach: R and
 * Kayenta end the interval at the smallest difference there, which may well be above zero.
 *
 * Bias: looked at more than once it raises far too many alarms, and autocorrelation makes that
 * worse (see the table of 60 looks at healthy samples in test/detectors/mannWhitney.test.ts). It
 * judges all samples since the deployment, so late harm is diluted, and a breach ends only when
 * most samples are healthy again.
 */

import type { MannWhitneySettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Bounds, type Stretch } from "./contract.ts";
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

/** See `accumulate`. The statistic is the interval end nearer to zero, as a share of the shift. */
export function accumulateMannWhitney(
  settings: MannWhitneySettings,
  state: MannWhitneyState,
  { residuals, noise, boundsOf, flags, statistics }: Stretch,
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

/** The statistic in one direction; 0 where the change is tolerated or not significant. */
function nearEnd(
  control: ArrayLike<number>,
  values: readonly number[],
  confidence: number,
  bound: number,
  sign: 1 | -1,
): number {
  if (control.length === 0 || sign * (mean(values) - mean(control)) <= bound) return 0;
  // The interval is expensive, and it holds zero unless a shift of zero is rejected: test that
  // first. Most looks end here.
  const critical = normalQuantile((1 + confidence) / 2);
  if (sign * scoreAt(control, values, 0).z <= critical) return 0;
  const where = searchIn(control, values);
  // Each search is dear, and the end further from zero is not asked for.
  const near = sign === 1 ? where(above(critical)) : -where(notBelow(-critical));
  if (near <= 0) return 0;
  const estimate = estimateOf(where);
  return estimate === 0 ? 0 : near / Math.abs(estimate);
}

/**
 * The shift from one group to another. Neither may be empty; their order does not matter.
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

/** Both groups are sorted, so one pass over them counts pairs and ties. */
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
  const where = searchIn(y, x);
  return {
    estimate: estimateOf(where),
    low: where(above(critical)),
    high: where(notBelow(-critical)),
  };
}

type Holds = (score: Score) => boolean;

const above =
  (critical: number): Holds =>
  ({ z }) =>
    z > critical;
const notBelow =
  (critical: number): Holds =>
  ({ z }) =>
    z >= critical;

/** Finds the largest shift whose score holds. */
function searchIn(y: ArrayLike<number>, x: ArrayLike<number>): (holds: Holds) => number {
  const lowest = x[0]! - y[y.length - 1]!;
  const highest = x[x.length - 1]! - y[0]!;
  const ends = [lowest, highest, x[0]!, x[x.length - 1]!, y[0]!, y[y.length - 1]!];
  const near = 8 * Number.EPSILON * Math.max(...ends.map(Math.abs));
  const jumpsIn: JumpsIn = (low, high) => jumpsBetween(y, x, low, high);
  return (holds) =>
    lastWhere((shift) => holds(scoreAt(y, x, shift)), lowest, highest, jumpsIn, near);
}

/** The median of all differences of pairs. */
function estimateOf(where: (holds: Holds) => number): number {
  const lower = where(({ excess }) => excess > 0);
  const upper = where(({ excess }) => excess >= 0);
  return (lower + upper) / 2;
}

type JumpsIn = (low: number, high: number) => readonly number[] | null;

/** So few differences are worth listing. */
const FEW = 32;
/** Halvings after which it is looked how many differences are left, and again each time. */
const HALVINGS = 5;

/** The differences x − y in (low, high), smallest first; null where they are more than a few. */
function jumpsBetween(
  y: ArrayLike<number>,
  x: ArrayLike<number>,
  low: number,
  high: number,
): readonly number[] | null {
  const jumps: number[] = [];
  let from = 0;
  for (let i = 0; i < x.length; i++) {
    // Both groups rise, so the first y that is small enough for this x only moves up.
    while (from < y.length && x[i]! - y[from]! >= high) from++;
    for (let j = from; j < y.length && x[i]! - y[j]! > low; j++) {
      if (jumps.length === FEW) return null;
      jumps.push(x[i]! - y[j]!);
    }
  }
  return jumps.sort((a, b) => a - b);
}

/**
 * The largest number in [from, to] for which `holds` is true, by bisection. Once it is false it
 * must stay false for all larger numbers. It changes only within `near` of a jump, so where few
 * jumps are left, these are asked instead of every bit.
 */
function lastWhere(
  holds: (shift: number) => boolean,
  from: number,
  to: number,
  jumpsIn: JumpsIn,
  near: number,
): number {
  if (!holds(from)) return from;
  if (holds(to)) return to;
  let low = from;
  let high = to;
  let listed = false;
  for (let halvings = 1; ; halvings++) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (holds(middle)) low = middle;
    else high = middle;
    if (listed || halvings % HALVINGS !== 0) continue;
    const jumps = jumpsIn(low, high);
    if (jumps === null) continue;
    listed = true;
    let [first, last] = [0, jumps.length - 1];
    while (first <= last) {
      const at = (first + last) >> 1;
      const [below, above] = [jumps[at]! - near, jumps[at]! + near];
      if (below > low && !holds(below)) {
        high = below;
        last = at - 1;
      } else if (above < high && holds(above)) {
        low = above;
        first = at + 1;
      } else {
        low = Math.max(low, below);
        high = Math.min(high, above);
        break;
      }
    }
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
