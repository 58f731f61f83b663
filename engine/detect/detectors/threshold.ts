/**
 * Relative or absolute k-of-m threshold: a breach is when at least `breaches` of the last `of`
 * samples are beyond the tolerance. It is the rule that most platforms ship, and the baseline
 * that every tuned policy must beat: with 10 % noise a +15 % rule alarms on 3.5 % of healthy
 * hours where samples are independent, and on 36 % at an autocorrelation of 0.6.
 *
 * With `over` (or `under`, where down is worse) a sample must also be beyond that very
 * value: five times an error rate of 0.01 % is a large change and no harm yet.
 */

import { assert } from "../../assert.ts";
import type { AbsoluteLimit, ThresholdSettings } from "../../policy/policy.ts";
import { BEYOND, MISSING, WITHIN, type Samples, type Stretch } from "./contract.ts";

export interface ThresholdState {
  readonly kind: "threshold";
  /** The last `of` valid samples as bits, newest lowest: 1 is beyond. */
  recent: number;
}

export function startThreshold(): ThresholdState {
  return { kind: "threshold", recent: 0 };
}

/** See `accumulate`. The statistic is how many of the last `of` samples are beyond. */
export function accumulateThreshold(
  settings: ThresholdSettings,
  state: ThresholdState,
  { residuals, boundsOf, flags, statistics, samples }: Stretch,
): void {
  const mask = 2 ** settings.of - 1;
  const over = inUnit(settings.over, samples);
  const under = inUnit(settings.under, samples);
  for (let index = 0; index < residuals.length; index++) {
    const residual = residuals[index]!;
    if (Number.isNaN(residual)) {
      flags[index] = MISSING;
      statistics[index] = countBits(state.recent);
      continue;
    }
    const { up, down } = boundsOf(index);
    const above = residual > up && (over === null || samples!.values[index]! > over);
    const below = -residual > down && (under === null || samples!.values[index]! < under);
    state.recent = ((state.recent << 1) | (above || below ? 1 : 0)) & mask;
    const count = countBits(state.recent);
    statistics[index] = count;
    flags[index] = count >= settings.breaches ? BEYOND : WITHIN;
  }
}

/** The absolute limit in the unit of the samples; null where the policy has none. */
function inUnit(limit: AbsoluteLimit | undefined, samples: Samples | null): number | null {
  if (limit === undefined) return null;
  assert(samples !== null, "an absolute limit is held against samples");
  return limit.kind === "unit" ? limit.amount : limit.amount * 100 * samples.percentagePoint;
}

/** How many bits of a whole number are set. */
export function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
