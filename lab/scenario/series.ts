/**
 * Reads and writes the notation of series: `240x120 _ stalex4 276` is 120 samples of 240, a missing
 * scrape, the time of four samples without any, and one sample of 276.
 */

/** One token: a value (NaN: a missing scrape, null: no sample) and how often it repeats. */
export interface Stretch {
  readonly value: number | null;
  readonly times: number;
}

const TOKEN = /^(_|stale|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:x([1-9]\d*))?$/;

export interface ReadSeries {
  readonly stretches: readonly Stretch[];
  /** Invalid tokens, and where each begins in the text. */
  readonly unreadable: readonly { readonly token: string; readonly at: number }[];
}

export function readSeries(text: string): ReadSeries {
  const stretches: Stretch[] = [];
  const unreadable: { token: string; at: number }[] = [];
  for (const found of text.matchAll(/\S+/g)) {
    const [, value, times] = TOKEN.exec(found[0]) ?? [];
    if (value === undefined) unreadable.push({ token: found[0], at: found.index });
    else stretches.push({ value: valueOf(value), times: Number(times ?? 1) });
  }
  return { stretches, unreadable };
}

function valueOf(token: string): number | null {
  if (token === "stale") return null;
  return token === "_" ? Number.NaN : Number(token);
}

/** The samples of a series, one every `everyMs` from `startsAtMs`; none for null slots. */
export function samplesOf(
  stretches: readonly Stretch[],
  startsAtMs: number,
  everyMs: number,
): { readonly atMs: number[]; readonly values: number[] } {
  const atMs: number[] = [];
  const values: number[] = [];
  let slot = 0;
  for (const { value, times } of stretches) {
    for (let left = times; left > 0; left--, slot++) {
      if (value === null) continue;
      atMs.push(startsAtMs + slot * everyMs);
      values.push(value);
    }
  }
  return { atMs, values };
}

/** Writes slots (values, NaN for a missing scrape, null for no sample) in the notation. */
export function writeSeries(slots: readonly (number | null)[]): string {
  const tokens: string[] = [];
  for (let from = 0; from < slots.length;) {
    const value = slots[from]!;
    let to = from + 1;
    while (to < slots.length && Object.is(slots[to], value)) to++;
    const word = value === null ? "stale" : Number.isNaN(value) ? "_" : String(value);
    tokens.push(to - from === 1 ? word : `${word}x${to - from}`);
    from = to;
  }
  return tokens.join(" ");
}
