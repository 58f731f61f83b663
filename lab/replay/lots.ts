/**
 * Reads a history lot by lot. A lot is a run of deployments that mostly watch the same series, and
 * only one lot is worked on while the next is read: so memory does not grow with the history.
 */

import type { Past } from "../history/open.ts";
import { ReadMemory } from "../history/readMemory.ts";
import type { FoundWindow } from "../history/windows.ts";
import { startsMs } from "./order.ts";
import type { Plan, PlannedSeries } from "./plan.ts";
import { windowsOf, type PlannedWindow } from "./plannedWindows.ts";

export interface Lot {
  /** The places of its deployments in the plan. */
  readonly places: Int32Array;
  /** The windows that are read for it; the id of each is its index here. */
  readonly asked: readonly PlannedWindow[];
  /** Those windows with their samples, several at a time. */
  readonly found: AsyncIterable<readonly FoundWindow[]>;
}

/**
 * The most windows of one lot, those of seasons not counted. The windows of one deployment always
 * stay together. Larger lots need more memory and are no faster; in smaller ones the days of a
 * season, which neighbouring deployments share, are read again and again.
 */
const LOT_WINDOWS = 500;

/**
 * The lots of a replay, one after the other. While one is worked on the first windows of the next
 * are read. The samples of a lot are valid only until the next lot is asked for, because their
 * memory is used again.
 */
export function* readByLots(
  history: Past,
  plan: Plan,
  places: Int32Array,
  windowsAtMost = LOT_WINDOWS,
): Generator<Lot, void> {
  // One for the lot that is worked on, one for the lot that is read.
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

/** Begins to read at once, and not when the first window is asked for. */
function started(windows: Windows): Pick<Started, "found" | "stop"> {
  const all = (async function* () {
    yield* windows;
  })();
  const first = all.next();
  // Whoever awaits `first` hears of a failure; without this it would also be an unhandled one.
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
 * The places of each lot. With peers every deployment needs most of the history, so all of them
 * are one lot and the history is read once.
 */
function lotsOf(plan: Plan, places: Int32Array, windowsAtMost: number): readonly Int32Array[] {
  if (plan.controlled.length > 0) return [places];
  // In the order in which the series lie in the files.
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
  // The deployments of a row are of one service and so have the same list of series.
  const runs = isWhole ? rows : Array.from(places, (place) => [place]);
  for (const run of runs) {
    const series = seriesAt(run[0]!);
    let group = groups.get(series);
    if (group === undefined) groups.set(series, (group = []));
    for (let at = 0; at < run.length; at++) group.push(run[at]!);
  }
  return groups;
}
