/**
 * Records that are keyed by what comes and goes: deployments, services. They are without a
 * prototype, which V8 keeps as tables; with one, every id that was ever a key would leave a
 * hidden class behind, and each is dear to make.
 */

export type Table<Value> = Readonly<Record<string, Value>>;

type IsKept<Value> = (value: Value, key: string) => boolean;

/**
 * The table with this entry, in the place of an older one or at the end.
 *
 * @param isKept lets go of others
 */
export function withEntry<Value>(
  table: Table<Value>,
  key: string,
  value: Value,
  isKept: IsKept<Value> = () => true,
): Table<Value> {
  const next = copied(table, isKept);
  next[key] = value;
  return next;
}

export function withoutEntry<Value>(table: Table<Value>, key: string): Table<Value> {
  return copied(table, (_value, other) => other !== key);
}

/** Those entries that are to be kept; the same table where all are. */
export function filtered<Value>(table: Table<Value>, isKept: IsKept<Value>): Table<Value> {
  for (const key in table) if (!isKept(table[key]!, key)) return copied(table, isKept);
  return table;
}

function copied<Value>(table: Table<Value>, isKept: IsKept<Value>): Record<string, Value> {
  const next = Object.create(null) as Record<string, Value>;
  for (const key in table) {
    const value = table[key]!;
    if (isKept(value, key)) next[key] = value;
  }
  return next;
}
