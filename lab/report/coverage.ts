/**
 * How much of the quarter was sampled, day by day. Missing samples affect every number of a report,
 * and no number shows it by itself.
 */

import type { History } from "../history/open.ts";
import { streamBlocks } from "../history/stream.ts";
import { sampleAtMs } from "../history/windows.ts";
import type { Quarter } from "./quarter.ts";

const DAY_MS = 86_400_000;
/** A day with less than this share of a usual day's samples is a hole. */
const HOLE_BELOW = 0.5;

export interface Hole {
  /** Null: all services together. */
  readonly service: string | null;
  readonly fromDay: string;
  readonly toDay: string;
  readonly days: number;
}

export interface Coverage {
  /** For each day of the quarter, its share (0 to 1) of a usual day's samples, see `usualOf`. */
  readonly days: readonly { readonly day: string; readonly share: number }[];
  /** Runs of days with less than half of the usual samples. */
  readonly holes: readonly Hole[];
  /** Deployments of the quarter that started in a hole. */
  readonly deploymentsInHoles: number;
}

/** Reads all samples of the history once. */
export async function coverageOf(history: History, { fromMs, toMs }: Quarter): Promise<Coverage> {
  const days = Math.round((toMs - fromMs) / DAY_MS);
  const byService = new Map<string, Float64Array>();
  for await (const block of streamBlocks(history, "all")) {
    const { service } = history.series[block.series]!;
    let counts = byService.get(service);
    if (counts === undefined) byService.set(service, (counts = new Float64Array(days)));
    const last = sampleAtMs(block, block.values.length - 1);
    if (last < fromMs || block.startMs >= toMs) continue;
    for (let i = 0; i < block.values.length; i++) {
      if (Number.isNaN(block.values[i]!)) continue;
      const day = Math.floor((sampleAtMs(block, i) - fromMs) / DAY_MS);
      if (day >= 0 && day < days) counts[day]!++;
    }
  }
  const all = new Float64Array(days);
  for (const counts of byService.values()) counts.forEach((count, day) => (all[day]! += count));
  const dayOf = (day: number): string => new Date(fromMs + day * DAY_MS).toISOString().slice(0, 10);
  const usual = usualOf(all);
  const fleet = holesIn(all, usual, null, dayOf);
  const inFleet = (day: string): boolean =>
    fleet.some((hole) => day >= hole.fromDay && day <= hole.toDay);
  // A hole of the whole fleet is not listed again for each service.
  const single = [...byService]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([service, counts]) => holesIn(counts, usualOf(counts), service, dayOf))
    .filter(({ fromDay, toDay }) => !inFleet(fromDay) || !inFleet(toDay));
  const holes = [...fleet, ...single];
  return {
    days: Array.from(all, (count, day) => ({
      day: dayOf(day),
      share: usual === 0 ? 0 : Number(Math.min(1, count / usual).toFixed(4)),
    })),
    holes,
    deploymentsInHoles: history.tables.deployments.filter(({ service, startedAtMs }) => {
      if (startedAtMs < fromMs || startedAtMs >= toMs) return false;
      const day = new Date(startedAtMs).toISOString().slice(0, 10);
      return holes.some(
        (hole) =>
          (hole.service === null || hole.service === service) &&
          day >= hole.fromDay &&
          day <= hole.toDay,
      );
    }).length,
  };
}

/** Samples of a usual day: the 90 % quantile of days that have any, which holes do not lower. */
function usualOf(counts: Float64Array): number {
  const some = [...counts].filter((count) => count > 0).sort((a, b) => a - b);
  return some[Math.floor(0.9 * (some.length - 1))] ?? 0;
}

function holesIn(
  counts: Float64Array,
  usual: number,
  service: string | null,
  dayOf: (day: number) => string,
): Hole[] {
  const holes: Hole[] = [];
  let from = -1;
  for (let day = 0; day <= counts.length; day++) {
    const isHole = day < counts.length && counts[day]! < HOLE_BELOW * usual;
    if (isHole && from < 0) from = day;
    if (isHole || from < 0) continue;
    holes.push({ service, fromDay: dayOf(from), toDay: dayOf(day - 1), days: day - from });
    from = -1;
  }
  return holes;
}
