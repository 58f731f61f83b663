/**
 * Immutable lists for the state and for a step: each function returns a new list.
 *
 * Most of these lists hold one or two items, and nearly every event makes one. They are built
 * at their exact length on purpose: V8 reserves room for about sixteen more items when an array
 * is made by a spread or a push, and that room would be most of the memory of a large replay.
 */

/** The list with one item more at its end. */
export function added<Item>(list: readonly Item[], item: Item): readonly Item[] {
  if (list.length === 0) return [item];
  return list.length === 1 ? [list[0]!, item] : list.concat([item]);
}

/** The list with the item at index `place` replaced. */
export function replacedAt<Item>(
  list: readonly Item[],
  place: number,
  item: Item,
): readonly Item[] {
  const copy = list.slice();
  copy[place] = item;
  return copy;
}

/** The list without the item at index `place`. */
export function withoutPlace<Item>(list: readonly Item[], place: number): readonly Item[] {
  if (list.length === 1) return NOTHING;
  const copy = list.slice();
  copy.splice(place, 1);
  return copy;
}

/** Drops items from the front until one is to be kept; the same list where the first one is. */
export function keptFrom<Item>(
  list: readonly Item[],
  isKept: (item: Item) => boolean,
): readonly Item[] {
  let first = 0;
  while (first < list.length && !isKept(list[first]!)) first++;
  return first === 0 ? list : list.slice(first);
}

/** The one empty list, shared so that none need be made. */
export const NOTHING: readonly never[] = [];
