/**
 * Objects of JSON documents whose keys are names from outside: a service, a signal, a tag.
 *
 * Any text may be such a name, also `toString` and `__proto__`, which every object seems to have.
 * So in memory what is keyed by a name is a `Map`. Where a document must hold an object, this is
 * its type, and it is read and made by the functions below.
 */

/** The one type of an object with free keys: a tidy rule refuses every other. */
export type JsonObject<Value = unknown> = Readonly<Record<string, Value>>;

/** The value under this very key; undefined where the document has none. */
export function own<Value>(object: JsonObject<Value>, name: string | number): Value | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** An object with these entries as its own, `__proto__` like any other. */
export function jsonObject<Value>(entries: Iterable<readonly [string, Value]>): JsonObject<Value> {
  return Object.fromEntries(entries);
}

/** Sets the value under this very key, in a document that is only being made. */
export function put(object: JsonObject, name: string, value: unknown): void {
  const field = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(object, name, field);
}
