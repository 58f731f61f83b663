/**
 * The periods of a history: what a sweep trains on, tests on and leaves sealed.
 *
 * It trains on six weeks, leaves two days out (outcomes of the last deployments may reach into
 * them), tests on the week after, and moves on by a week. The last two weeks are sealed: only the
 * one policy that is to be recommended is looked at there. A shorter history is cut in the same
 * proportions as thirteen weeks would be, and the sweep says so.
 */

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Six weeks, two days, a week four times, two weeks sealed. */
const WHOLE_WEEKS = 13;
/** A history shorter than this is not cut at all: it is too short to choose a policy by. */
const WEEKS_AT_LEAST = 4;
const EMBARGO_MS = 2 * DAY_MS;

/** Stretches of the table: from the first to before the second. */
export type Span = readonly [number, number];

export interface Fold {
  readonly train: Span;
  readonly test: Span;
}

export interface Periods {
  readonly edgesMs: readonly number[];
  readonly folds: readonly Fold[];
  /** Everything before what is sealed. */
  readonly open: Span;
  readonly sealed: Span | null;
  /** In words: how the history was cut, or why it was not. */
  readonly how: string;
}

/** @param fromMs start of the history  @param toMs its end */
export function periodsOf(fromMs: number, toMs: number): Periods {
  const weeks = (toMs - fromMs) / WEEK_MS;
  if (!(weeks >= WEEKS_AT_LEAST)) {
    return {
      edgesMs: [fromMs, toMs],
      folds: [],
      open: [0, 1],
      sealed: null,
      how:
        `${weeks.toFixed(1)} weeks are too short to train, test and seal ` +
        `(it takes ${WEEKS_AT_LEAST}): no policy is recommended`,
    };
  }
  const isWhole = weeks >= WHOLE_WEEKS - 0.5;
  const weekMs = isWhole ? WEEK_MS : (toMs - fromMs) / WHOLE_WEEKS;
  const sealedFromMs = toMs - 2 * weekMs;
  const ends: { trainFromMs: number; trainToMs: number; testFromMs: number; testToMs: number }[] =
    [];
  for (let trainFromMs = fromMs; ; trainFromMs += weekMs) {
    const trainToMs = trainFromMs + 6 * weekMs;
    const testFromMs = trainToMs + EMBARGO_MS;
    // The last test ends where the sealed part begins, less the embargo before it.
    const testToMs = Math.min(testFromMs + weekMs, sealedFromMs - EMBARGO_MS);
    if (testToMs - testFromMs < weekMs / 2) break;
    ends.push({ trainFromMs, trainToMs, testFromMs, testToMs });
  }
  const openToMs = sealedFromMs - EMBARGO_MS;
  const edges = new Set([fromMs, openToMs, sealedFromMs, toMs]);
  for (const one of ends) for (const edge of Object.values(one)) edges.add(edge);
  const edgesMs = [...edges].sort((a, b) => a - b);
  const at = (ms: number): number => edgesMs.indexOf(ms);
  const days = (ms: number): string => `${(ms / DAY_MS).toFixed(0)} days`;
  return {
    edgesMs,
    folds: ends.map(({ trainFromMs, trainToMs, testFromMs, testToMs }) => ({
      train: [at(trainFromMs), at(trainToMs)],
      test: [at(testFromMs), at(testToMs)],
    })),
    open: [0, at(openToMs)],
    sealed: [at(sealedFromMs), edgesMs.length - 1],
    how:
      `trained on ${days(6 * weekMs)}, 2 days left out, tested on the ${days(weekMs)} after, ` +
      `${ends.length} times; the last ${days(2 * weekMs)} sealed` +
      (isWhole ? "" : `: shorter than thirteen weeks, cut in proportion`),
  };
}

/** The index of the stretch that a time is in; the first or the last where it is in none. */
export function stretchAt(edgesMs: readonly number[], atMs: number): number {
  let stretch = 0;
  while (stretch + 2 < edgesMs.length && atMs >= edgesMs[stretch + 1]!) stretch++;
  return stretch;
}
