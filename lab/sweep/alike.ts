/**
 * Names for variations that come to the same on a history: `tolerance=0.5pp to 2pp`. Where many
 * values do the same, a row for each would hide that there is only one choice.
 */

import { valueText, type Dimension } from "./dimension.ts";
import type { Sweep } from "./sweep.ts";
import { shortName, type Variation } from "./variations.ts";

const VALUES_AT_MOST = 4;

/** A name for each group of variations that come to the same; variation 0 is the base. */
export function groupNames({
  variations,
  dimensions,
}: Pick<Sweep, "variations" | "dimensions">): (group: readonly number[]) => string {
  const now = stepsOfBase(variations, dimensions);
  return (group) => {
    const members = group.filter((place) => place > 0).map((place) => variations[place - 1]!);
    return rangeWords(members, dimensions, group.includes(0) ? now : null);
  };
}

/**
 * The values of some variations in words. Where they are not all combinations of some values it is
 * the name of the first one, and how many more there are.
 *
 * @param alike in the order of all variations
 * @param now the base's step in each dimension where the base is one of them, else null
 */
function rangeWords(
  alike: readonly Variation[],
  dimensions: readonly Dimension[],
  now: readonly (number | null)[] | null,
): string {
  const [first] = alike as readonly [Variation, ...Variation[]];
  const points = alike.map(({ steps }) => steps);
  if (now !== null) points.push(now);
  const taken = dimensions.map((_, index) => [
    ...new Set(points.map((steps) => steps[index] ?? null)),
  ]);
  const combinations = taken.reduce((product, steps) => product * steps.length, 1);
  const isWhole = combinations === points.length && taken.every((steps) => !steps.includes(null));
  if (!isWhole) {
    const more = alike.length - 1;
    return more === 0 ? first.name : `${first.name} and ${more} more`;
  }
  return dimensions
    .map((dimension, index) => {
      const steps = (taken[index] as number[]).sort((a, b) => a - b);
      return `${shortName(dimensions, index)}=${valuesWords(dimension, steps)}`;
    })
    .join(" ");
}

function valuesWords(dimension: Dimension, steps: readonly number[]): string {
  const { values, ordered } = dimension;
  const texts = steps.map((step) => valueText(dimension, values![step]));
  const isRun = ordered && steps.at(-1)! - steps[0]! === steps.length - 1;
  if (isRun && texts.length > 2) return `${texts[0]!} to ${texts.at(-1)!}`;
  return texts.length > VALUES_AT_MOST
    ? `${texts[0]!} or ${texts.length - 1} others`
    : texts.join(" or ");
}

/**
 * The base's step in each dimension, found by the variations that leave that dimension as it is;
 * null in a dimension where none of the values is the base's.
 */
function stepsOfBase(
  variations: readonly Variation[],
  dimensions: readonly Dimension[],
): readonly (number | null)[] {
  return dimensions.map(({ path }, index) => {
    const parts = path.split(".");
    const isOf = (changed: string): boolean => {
      const own = changed.split(".");
      return (
        own.length === parts.length && parts.every((part, at) => [own[at], "*"].includes(part))
      );
    };
    const same = variations.find(({ changes }) => !changes.some((change) => isOf(change.path)));
    return same?.steps[index] ?? null;
  });
}
