/**
 * Weekly calendars by local time in a time zone.
 *
 * An instant is inside a range when its local day and minute are. So a time that spring skips never
 * comes, a range that ends inside the skipped hour ends where that begins, and a time that comes
 * twice in autumn counts both times. Rejected: ranges of elapsed time, which would end business
 * hours at 19:00 on one day of the year.
 *
 * Offsets come from `Intl` alone, so they depend on its version of the tz database, which the run
 * manifest names. They are looked up once for each hour of a zone.
 */

/** 0 is Monday. `untilMinute` at or below `fromMinute` runs over midnight into the next day. */
export interface WeeklyRange {
  readonly days: readonly number[];
  readonly fromMinute: number;
  /** Exclusive; 1440 is midnight. */
  readonly untilMinute: number;
}

const DAYS: readonly string[] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MINUTES = 1440;
/** Hours of one zone that are remembered: more than a year, so that a replay asks once. */
const REMEMBERED_HOURS = 20_000;

/** `Mon-Fri 09:00-18:00`, `Fri 22:00-06:00`, `Sat,Sun`; null when it is none of these. */
export function parseRange(text: string): WeeklyRange | null {
  const match = /^(\S+)(?:\s+(\d\d):(\d\d)-(\d\d):(\d\d))?$/.exec(text.trim());
  if (match === null) return null;
  const days = parseDays(match[1]!);
  if (days === null) return null;
  if (match[2] === undefined) return { days, fromMinute: 0, untilMinute: DAY_MINUTES };
  const [fromHour, from, untilHour, until] = match.slice(2).map(Number);
  const fromMinute = fromHour! * 60 + from!;
  const untilMinute = untilHour! * 60 + until!;
  if (from! > 59 || until! > 59 || fromMinute >= DAY_MINUTES || untilMinute > DAY_MINUTES) {
    return null;
  }
  return fromMinute === untilMinute ? null : { days, fromMinute, untilMinute };
}

/** `Mon`, `Mon-Fri`, `Fri-Mon`, `Mon,Wed`. */
function parseDays(text: string): readonly number[] | null {
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [first, last, more] = part.split("-").map((name) => DAYS.indexOf(name));
    if (first === undefined || first < 0 || last === -1 || more !== undefined) return null;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** As people write it: `Mon-Fri 09:00-18:00`. */
export function formatRange({ days, fromMinute, untilMinute }: WeeklyRange): string {
  const [first, last] = [days[0]!, days[days.length - 1]!];
  const isRun = days.length > 2 && last - first === days.length - 1;
  const named = isRun ? `${DAYS[first]}-${DAYS[last]}` : days.map((day) => DAYS[day]!).join(",");
  if (fromMinute === 0 && untilMinute === DAY_MINUTES) return named;
  const clock = (minute: number): string =>
    [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
  return `${named} ${clock(fromMinute)}-${clock(untilMinute)}`;
}

/** Does `Intl` know this zone? */
export function isTimeZone(zone: string): boolean {
  return formatterOf(zone) !== null;
}

/** Is the instant inside any of the ranges, by the wall clock of the zone? */
export function insideCalendar(
  ranges: readonly WeeklyRange[],
  zone: string,
  atMs: number,
): boolean {
  const { day, minute } = wallClock(zone, atMs);
  return ranges.some(({ days, fromMinute, untilMinute }) => {
    if (fromMinute < untilMinute) {
      return days.includes(day) && minute >= fromMinute && minute < untilMinute;
    }
    return minute >= fromMinute
      ? days.includes(day)
      : minute < untilMinute && days.includes((day + 6) % 7);
  });
}

/**
 * The instants in (fromMs, toMs] at which the ranges may begin or end, ascending. There
 * may be one at which nothing changes; there is never a change without one.
 */
export function calendarEdges(
  ranges: readonly WeeklyRange[],
  zone: string,
  fromMs: number,
  toMs: number,
): readonly number[] {
  const minutes = new Set(
    ranges.flatMap(({ fromMinute, untilMinute }) => [fromMinute, untilMinute % DAY_MINUTES]),
  );
  const edges: number[] = [];
  // Wall clocks move in whole minutes, so within an hour every minute is looked at once.
  for (let hour = Math.floor(fromMs / HOUR_MS); hour * HOUR_MS <= toMs; hour++) {
    const moves = hourOffset(zone, hour) !== hourOffset(zone, hour + 1);
    const moved = hourOffset(zone, hour - 1) !== hourOffset(zone, hour);
    const first = wallClock(zone, hour * HOUR_MS).minute;
    for (let minute = 0; minute < 60; minute++) {
      const atMs = hour * HOUR_MS + minute * MINUTE_MS;
      if (atMs <= fromMs || atMs > toMs) continue;
      const isEdge = minutes.has((first + minute) % DAY_MINUTES);
      if (isEdge || moves || (moved && minute === 0)) edges.push(atMs);
    }
  }
  return edges;
}

/** The day of the week and the minute of the day that the clock on the wall shows. */
function wallClock(zone: string, atMs: number): { day: number; minute: number } {
  const localMinute = Math.floor((atMs + offsetMs(zone, atMs)) / MINUTE_MS);
  const days = Math.floor(localMinute / DAY_MINUTES);
  // 1 January 1970 was a Thursday.
  return { day: (((days + 3) % 7) + 7) % 7, minute: localMinute - days * DAY_MINUTES };
}

/** What to add to UTC for the wall clock of a zone. */
function offsetMs(zone: string, atMs: number): number {
  const hour = Math.floor(atMs / HOUR_MS);
  const offset = hourOffset(zone, hour);
  // Where the clock moves within the hour (Lord Howe: by 30 minutes, at half past), ask exactly.
  return offset === hourOffset(zone, hour + 1) ? offset : askOffset(zone, atMs);
}

/** Answers of `Intl`, kept because asking takes microseconds. They change nothing: it is pure. */
const formatters = new Map<string, Intl.DateTimeFormat | null>();
const offsets = new Map<string, Map<number, number>>();

function formatterOf(zone: string): Intl.DateTimeFormat | null {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  let formatter: Intl.DateTimeFormat | null;
  try {
    formatter = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  } catch {
    formatter = null;
  }
  formatters.set(zone, formatter);
  return formatter;
}

function hourOffset(zone: string, hour: number): number {
  let hours = offsets.get(zone);
  if (hours === undefined || hours.size > REMEMBERED_HOURS) {
    hours = new Map<number, number>();
    offsets.set(zone, hours);
  }
  const known = hours.get(hour);
  if (known !== undefined) return known;
  const offset = askOffset(zone, hour * HOUR_MS);
  hours.set(hour, offset);
  return offset;
}

/** `GMT+10:30` → 37,800,000. An unknown zone counts as UTC; whoever names one checks it first. */
function askOffset(zone: string, atMs: number): number {
  const parts = formatterOf(zone)?.formatToParts(atMs) ?? [];
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  const match = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name.replace("−", "-"));
  if (match === null) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === "-" ? -1 : 1) * seconds * 1000;
}
