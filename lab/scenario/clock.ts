/** Times in a scenario: a time of day, of the first or a later day, or a full ISO 8601 time. */

import { formatTime } from "../../engine/index.ts";

const DAY_MS = 86_400_000;
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?:\+(\d+)d)?$/;
const IN_FULL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Is it `23:32`, `23:32:15`, `00:10+1d` or an ISO 8601 time with its zone? */
export function isTime(text: string): boolean {
  return CLOCK.test(text) || isWholeTime(text);
}

/** An ISO 8601 time with its zone. */
export function isWholeTime(text: string): boolean {
  return IN_FULL.test(text) && !Number.isNaN(Date.parse(text));
}

/**
 * A time of day less than half a day before the scenario's start: its author most likely means
 * the time before, and `timeOf` reads the next day.
 */
export function isUnclear(text: string, startsAtMs: number): boolean {
  if (!CLOCK.test(text) || text.includes("+")) return false;
  const beforeMs = startsAtMs - timeOf(`${text}+0d`, startsAtMs);
  return beforeMs > 0 && beforeMs < DAY_MS / 2;
}

/**
 * A valid time as milliseconds since 1970. A time of day (UTC) before the scenario's start belongs
 * to the next day, unless it names its day (`+1d`).
 */
export function timeOf(text: string, startsAtMs: number): number {
  const clock = CLOCK.exec(text);
  if (clock === null) return Date.parse(text);
  const [hours, minutes, seconds] = clock.slice(1, 4).map((part) => Number(part ?? 0));
  const inDayMs = hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1000;
  const atMs = Math.floor(startsAtMs / DAY_MS) * DAY_MS + inDayMs;
  if (clock[4] !== undefined) return atMs + Number(clock[4]) * DAY_MS;
  return atMs < startsAtMs ? atMs + DAY_MS : atMs;
}

/** The time of day in UTC, with `+Nd` where it is not on the scenario's first day. */
export function clockText(ms: number, startsAtMs: number): string {
  const days = Math.floor(ms / DAY_MS) - Math.floor(startsAtMs / DAY_MS);
  return formatTime(ms).slice(11, 19) + (days === 0 ? "" : `+${days}d`);
}
