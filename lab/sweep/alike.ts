/**
 * Variations that come to the same on a history, told as one: `tolerance=0.5pp to 2pp`.
 * Where many values do the same, a row for each hides that there is one choice and no more.
 */

import type { Dimension } from "./dimension.ts";
import type { Sweep } from "./sweep.ts";
import { shortName, textOf, type Variation } from "./variations.ts";

const VALUES_AT_MOST = 4;

/** How places are called that come to the same; the first of the places is the base, 0. */
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
 * The values of some variations, in words; where they are not every combination of some
 * values, the first one's name and how many there are beside it.
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

function valuesWords({ values, ordered }: Dimension, steps: readonly number[]): string {
  const texts = steps.map((step) => textOf(values![step]));
  const isRun = ordered && steps.at(-1)! - steps[0]! === steps.length - 1;
  if (isRun && texts.length > 2) return `${texts[0]!} to ${texts.at(-1)!}`;
  return texts.length > VALUES_AT_MOST
    ? `${texts[0]!} or ${texts.length - 1} others`
    : texts.join(" or ");
}

/**
 * The base's step in each dimension, told by the variations that leave it as it is; null in
 * a dimension of which none of the values is the base's.
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
