/** Local time in a time zone, fast enough to be asked millions of times. */

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;

/** By zone. */
const formatters = new Map<string, Intl.DateTimeFormat>();
/** Zone → UTC day → offset, or null when the offset changes within that day. */
const dayOffsets = new Map<string, Map<number, number | null>>();
/** Zone → quarter of an hour since 1970 in UTC → offset. */
const quarterOffsets = new Map<string, Map<number, number>>();

function askIntl(timezone: string, atMs: number): number {
  let formatter = formatters.get(timezone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
    formatters.set(timezone, formatter);
  }
  const parts = formatter.formatToParts(atMs);
  const part = new Map(parts.map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(
    part.get("year")!,
    part.get("month")! - 1,
    part.get("day"),
    part.get("hour"),
    part.get("minute"),
  );
  return local - Math.floor(atMs / 60_000) * 60_000;
}

/**
 * Local time minus UTC, in ms. `Intl` is slow (microseconds), so a day whose two
 * ends agree is asked once, and a day that changes over is asked by the quarter
 * hour, which is exact for every zone in use.
 */
export function utcOffsetMs(timezone: string, atMs: number): number {
  let days = dayOffsets.get(timezone);
  if (days === undefined) dayOffsets.set(timezone, (days = new Map<number, number | null>()));
  const day = Math.floor(atMs / DAY_MS);
  let offset = days.get(day);
  if (offset === undefined) {
    const first = askIntl(timezone, day * DAY_MS);
    offset = first === askIntl(timezone, (day + 1) * DAY_MS) ? first : null;
    days.set(day, offset);
  }
  if (offset !== null) return offset;
  let quarters = quarterOffsets.get(timezone);
  if (quarters === undefined) quarterOffsets.set(timezone, (quarters = new Map<number, number>()));
  const quarter = Math.floor(atMs / QUARTER_MS);
  let exact = quarters.get(quarter);
  if (exact === undefined) quarters.set(quarter, (exact = askIntl(timezone, quarter * QUARTER_MS)));
  return exact;
}

/** Hours since local midnight, with minutes as a fraction; a null zone is UTC. */
export function localHour(timezone: string | null, atMs: number): number {
  const local = atMs + (timezone === null ? 0 : utcOffsetMs(timezone, atMs));
  return (local - Math.floor(local / DAY_MS) * DAY_MS) / HOUR_MS;
}

/** The zone's one name, whatever it was called; null where there is no such zone. */
export function zoneNamed(name: string): string | null {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
