/**
 * What is read of a history at one time. A lot is a run of deployments that watch the same
 * series, so that what a replay plans, reads and keeps in wait does not grow with its history.
 */

import type { Past } from "../history/open.ts";
import { ReadMemory } from "../history/readMemory.ts";
import type { FoundWindow } from "../history/windows.ts";
import { startsMs } from "./order.ts";
import { windowsOf, type Plan, type PlannedSeries, type PlannedWindow } from "./plan.ts";

export interface Lot {
  /** In the plan. */
  readonly places: Int32Array;
  /** The id of each is its place here. */
  readonly asked: readonly PlannedWindow[];
  /** All of them, in lists. */
  readonly found: AsyncIterable<readonly FoundWindow[]>;
}

/**
 * Of one lot, at most, those of a season not counted; but a deployment's are never parted. Larger
 * ones hold more memory and are no quicker; smaller ones read the days of a season again and again.
 */
const LOT_WINDOWS = 500;

/**
 * Lots one after the other; the first windows of one are read while the last is worked on.
 * Samples of a lot are good until the next one is asked for.
 */
export function* readByLots(
  history: Past,
  plan: Plan,
  places: Int32Array,
  windowsAtMost = LOT_WINDOWS,
): Generator<Lot, void> {
  // One lot is worked on and another one read.
  const memories = [new ReadMemory(), new ReadMemory()] as const;
  const open = (of: Int32Array, turn: number): Started => {
    const asked: PlannedWindow[] = [];
    for (const place of of) windowsOf(history, plan, place, asked);
    const memory = memories[turn % 2]!;
    memory.reset();
    return { places: of, asked, ...started(history.windows(asked, memory)) };
  };
  const lots = lotsOf(plan, places, windowsAtMost);
  let ahead: Started | null = null;
  try {
    for (let turn = 0; turn < lots.length; turn++) {
      const lot: Started = ahead ?? open(lots[turn]!, turn);
      ahead = turn + 1 < lots.length ? open(lots[turn + 1]!, turn + 1) : null;
      yield lot;
    }
  } finally {
    ahead?.stop();
  }
}

interface Started extends Lot {
  readonly stop: () => void;
}

type Windows = ReturnType<Past["windows"]>;

/** Asks for the first before anybody takes it. */
function started(windows: Windows): Pick<Started, "found" | "stop"> {
  const all = (async function* () {
    yield* windows;
  })();
  const first = all.next();
  // Who takes it hears of its failure.
  first.catch(() => undefined);
  return {
    found: (async function* () {
      const { done, value } = await first;
      if (done === true) return;
      yield value;
      yield* all;
    })(),
    stop: () => void all.return(undefined).catch(() => undefined),
  };
}

/**
 * Whoever is controlled by peers reads most of a history for every deployment: there all are
 * one lot, and it is read once.
 */
function lotsOf(plan: Plan, places: Int32Array, windowsAtMost: number): readonly Int32Array[] {
  if (plan.controlled.length > 0) return [places];
  // As it lies in the files.
  const groups = [...bySeries(plan, places)].sort(
    ([a], [b]) => (a[0]?.index ?? 0) - (b[0]?.index ?? 0),
  );
  const starts = startsMs(plan.deployments);
  const sorted = new Int32Array(places.length);
  const lots: Int32Array[] = [];
  let [begin, end, windows] = [0, 0, 0];
  for (const [series, group] of groups) {
    const each = series.length;
    for (const place of group.sort((a, b) => starts[a]! - starts[b]! || a - b)) {
      if (end > begin && windows + each > windowsAtMost) {
        lots.push(sorted.subarray(begin, end));
        [begin, windows] = [end, 0];
      }
      sorted[end++] = place;
      windows += each;
    }
  }
  if (end > begin) lots.push(sorted.subarray(begin, end));
  return lots;
}

function bySeries(
  { deployments, rows }: Plan,
  places: Int32Array,
): Map<readonly PlannedSeries[], number[]> {
  const groups = new Map<readonly PlannedSeries[], number[]>();
  const seriesAt = (place: number): readonly PlannedSeries[] => deployments.at(place)!.series;
  const isWhole = rows.length > 0 && places.length === deployments.length;
  // Those of one row are of one service, and share the list of their series.
  const runs = isWhole ? rows : Array.from(places, (place) => [place]);
  for (const run of runs) {
    const series = seriesAt(run[0]!);
    let group = groups.get(series);
    if (group === undefined) groups.set(series, (group = []));
    for (let at = 0; at < run.length; at++) group.push(run[at]!);
  }
  return groups;
}
