/**
 * Splits the joint effect of tags and modes (2×2). "Tags plus modes remove 60 %" does not say which
 * of them does it: a main effect is what one does on average with and without the other, the
 * interaction what they do only together. With two factors a main effect is also a Shapley share,
 * so the two add up to the joint effect.
 *
 * Intervals are the paired cluster bootstrap of `compare`, for sampling only: unlike the
 * differences between arms they do not cover what history's own rollbacks hid. There is no interval
 * with too few services or observations.
 */

import { tooFew } from "../compare/enough.ts";
import type { Evaluated } from "../compare/evaluate.ts";
import { FIELDS } from "../score/fields.ts";
import { differenceRange, intervalOf, tidy, type Range, type Spread } from "../score/intervals.ts";

/** Null where it cannot be estimated. */
export interface Effect {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Factorial {
  readonly field: string;
  readonly neither: number | null;
  readonly tagsOnly: number | null;
  readonly modesOnly: number | null;
  readonly both: number | null;
  readonly tags: Effect;
  readonly modes: Effect;
  readonly interaction: Effect;
  /** The share of the value with neither that both together remove; null where that is zero. */
  readonly removedByBoth: Effect;
}

export interface Cells {
  readonly neither: Evaluated;
  readonly tagsOnly: Evaluated;
  readonly modesOnly: Evaluated;
  readonly both: Evaluated;
}

const ASKED = [
  "falsePositiveRollbacks",
  "falsePositiveRate",
  "missRate",
  "timeToRecovery.restrictedMean60m",
  "pages",
  "cost",
];

export function factorialOf({ neither, tagsOnly, modesOnly, both }: Cells): readonly Factorial[] {
  return FIELDS.filter(({ name }) => ASKED.includes(name)).map((field): Factorial => {
    const { name } = field;
    const cells = [neither, tagsOnly, modesOnly, both];
    const spreads = cells.map(({ scored }) => scored.spreads.get(name)!);
    const n = Math.min(...cells.map(({ scored }) => scored.counts.get(name)!));
    const changes = differenceRange(spreads[0]!.range, spreads[0]!.range);
    const effect = (
      range: Range,
      of: (none: number, t: number, m: number, tm: number) => number,
    ): Effect => {
      const at = (pick: (spread: Spread) => number): number => {
        const [none, t, m, tm] = spreads.map(pick) as [number, number, number, number];
        return of(none, t, m, tm);
      };
      const [first] = spreads as [Spread];
      const leaves = spreads.every(({ leftOut }) => leftOut !== null);
      const spread: Spread = {
        value: at(({ value }) => value),
        samples: first.samples.map((_, round) => at(({ samples }) => samples[round]!)),
        leftOut: leaves ? first.leftOut!.map((_, out) => at((cell) => cell.leftOut![out]!)) : null,
        effectiveClusters: Math.min(...spreads.map((cell) => cell.effectiveClusters)),
        smooth: first.smooth,
        range,
      };
      if (!Number.isFinite(spread.value)) return { value: null, low: null, high: null };
      const few = tooFew({ n, effectiveClusters: spread.effectiveClusters }) !== null;
      const interval = both.scored.clusters < 2 || few ? null : intervalOf(spread);
      const { low, high } = interval ?? { low: null, high: null };
      return { value: tidy(spread.value), low, high };
    };
    const [none, t, m, tm] = spreads.map(({ value }) => (Number.isNaN(value) ? null : tidy(value)));
    return {
      field: name,
      neither: none!,
      tagsOnly: t!,
      modesOnly: m!,
      both: tm!,
      tags: effect(changes, (n, tags, modes, all) => (tags - n + (all - modes)) / 2),
      modes: effect(changes, (n, tags, modes, all) => (modes - n + (all - tags)) / 2),
      interaction: effect(
        differenceRange(changes, changes),
        (n, tags, modes, all) => all - tags - modes + n,
      ),
      // Not more than 1: no more than everything can be removed.
      removedByBoth: effect({ low: -Infinity, high: 1 }, (n, _tags, _modes, all) =>
        n === 0 ? Number.NaN : 1 - all / n,
      ),
    };
  });
}
