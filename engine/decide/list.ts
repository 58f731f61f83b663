/**
 * Lists of the state and of a step, which are replaced and never changed. Most are short, and
 * there is one for nearly everything that happens: each is made as long as it is. One that is
 * spread or pushed to makes room for some sixteen more.
 */

/** The list with one more. */
export function added<Item>(list: readonly Item[], item: Item): readonly Item[] {
  if (list.length === 0) return [item];
  return list.length === 1 ? [list[0]!, item] : list.concat([item]);
}

/** The list with another item in this place. */
export function replacedAt<Item>(
  list: readonly Item[],
  place: number,
  item: Item,
): readonly Item[] {
  const copy = list.slice();
  copy[place] = item;
  return copy;
}

/** The list without this place. */
export function withoutPlace<Item>(list: readonly Item[], place: number): readonly Item[] {
  if (list.length === 1) return NOTHING;
  const copy = list.slice();
  copy.splice(place, 1);
  return copy;
}

/** The list from the first item on that is still to be kept; the same where all are. */
export function keptFrom<Item>(
  list: readonly Item[],
  isKept: (item: Item) => boolean,
): readonly Item[] {
  let first = 0;
  while (first < list.length && !isKept(list[first]!)) first++;
  return first === 0 ? list : list.slice(first);
}

export const NOTHING: readonly never[] = [];
