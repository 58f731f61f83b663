/**
 * The value that a map holds under a key; where it holds none, `make` makes it and it is kept.
 *
 * @example getOrMake(lists, service, () => []).push(row)
 */
export function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
