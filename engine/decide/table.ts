/**
 * Records that are keyed by what comes and goes: deployments, services. They are without a
 * prototype, which V8 keeps as tables; with one, every id that was ever a key would leave a
 * hidden class behind, and each is dear to make.
 */

export type Table<Value> = Readonly<Record<string, Value>>;

/** The table with this entry, in the place of an older one or at the end. */
export function withEntry<Value>(table: Table<Value>, key: string, value: Value): Table<Value> {
  const next = copied(table, null);
  next[key] = value;
  return next;
}

export function withoutEntry<Value>(table: Table<Value>, key: string): Table<Value> {
  return copied(table, key);
}

/** Those entries that are to be kept; the same table where all are. */
export function filtered<Value>(
  table: Table<Value>,
  isKept: (value: Value, key: string) => boolean,
): Table<Value> {
  let isWhole = true;
  for (const key in table) if (!isKept(table[key]!, key)) isWhole = false;
  if (isWhole) return table;
  const next = empty<Value>();
  for (const key in table) if (isKept(table[key]!, key)) next[key] = table[key]!;
  return next;
}

function copied<Value>(table: Table<Value>, but: string | null): Record<string, Value> {
  const next = empty<Value>();
  for (const key in table) if (key !== but) next[key] = table[key]!;
  return next;
}

function empty<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}
