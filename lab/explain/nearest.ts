/** Names that somebody who mistyped one may have meant. */

/**
 * The names that end with what is wanted, as `github/acme/shop/1042` does with `1042`, then those
 * that take the fewest letters put in, taken out or changed (Levenshtein 1966), nearest first.
 * Letters of either case count as the same.
 */
export function nearestNames(wanted: string, names: Iterable<string>, count: number): string[] {
  const target = wanted.toLowerCase();
  const distanceTo = (name: string): number =>
    name.endsWith(target) ? -1 : editDistance(target, name);
  return [...new Set(names)]
    .map((name) => ({ name, distance: distanceTo(name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}

/** `kitten` to `sitting` is 3. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 0; at < from.length; at++) {
    const next = [at + 1];
    for (let other = 0; other < to.length; other++) {
      const change = row[other]! + (from[at] === to[other] ? 0 : 1);
      next.push(Math.min(change, row[other + 1]! + 1, next[other]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
