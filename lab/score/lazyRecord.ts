/** Records of which most names are never read. */

/** A class of records whose values are made one by one, each time that their name is read. */
export function lazyRecord<Name extends string, Value>(
  names: readonly Name[],
): new (read: (at: number) => Value) => Readonly<Record<Name, Value>> {
  class Lazy {
    constructor(readonly read: (at: number) => Value) {}
  }
  names.forEach((name, at) => {
    Object.defineProperty(Lazy.prototype, name, {
      get(this: Lazy) {
        return this.read(at);
      },
    });
  });
  return Lazy as unknown as new (read: (at: number) => Value) => Readonly<Record<Name, Value>>;
}
