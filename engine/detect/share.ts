/**
 * Lets many policies share what is costly to compute: `once` calls `make` for the first that
 * asks with a key and gives the same value to all later ones. A key must say everything that
 * the value depends on. A live host has one policy and shares nothing.
 */
export interface Share {
  once<Value>(key: string, make: () => Value): Value;
}

export const notShared: Share = { once: (_key, make) => make() };
