/** Instants and spans as people read them. Whose clock it is always stands beside them. */

import { formatDuration } from "../../engine/index.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string, style: string, options: Intl.DateTimeFormatOptions) {
  const key = `${zone} ${style}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  formats.set(key, made);
  return made;
}

const DATE = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;

/** `Tue 7 Jul 2026, 10:04`, in the zone given. */
export function dateTimeText(ms: number, zone: string): string {
  return formatOf(zone, "dateTime", { ...DATE, ...CLOCK })
    .format(ms)
    .replace(/^(\w+),/, "$1");
}

/** `7 Jul 2026`. */
export function dateText(ms: number, zone: string): string {
  return formatOf(zone, "date", { day: "numeric", month: "short", year: "numeric" }).format(ms);
}

/** `10:04:30`. */
export function clockText(ms: number, zone: string): string {
  return formatOf(zone, "clock", { ...CLOCK, second: "2-digit" }).format(ms);
}

/** `10:04`. */
export function minuteText(ms: number, zone: string): string {
  return formatOf(zone, "minute", CLOCK).format(ms);
}

/** `1m30s`; `0s` for none. */
export function spanText(ms: number): string {
  return Math.round(ms / 1000) === 0 ? "0s" : formatDuration(Math.round(ms / 1000) * 1000);
}

/** `+4m30s` after a reference, `−30s` before it. */
export function sinceText(ms: number): string {
  return `${ms < 0 ? "−" : "+"}${spanText(Math.abs(ms))}`;
}

const DAY_MS = 86_400_000;

/** `from 8 Sep 2026, before 10 Sep 2026`, in UTC; with a clock where it is no whole day. */
export function stretchText(between: {
  readonly from: string | null;
  readonly to: string | null;
}): string {
  const text = (at: string): string => {
    const ms = Date.parse(at);
    return ms % DAY_MS === 0 ? dateText(ms, "UTC") : `${dateTimeText(ms, "UTC")} UTC`;
  };
  const { from, to } = between;
  const parts = [
    from === null ? null : `from ${text(from)}`,
    to === null ? null : `before ${text(to)}`,
  ];
  return parts.filter((one) => one !== null).join(", ");
}

/** ISO 8601 in UTC, as addresses and requests have it. */
export function isoText(ms: number): string {
  return new Date(Math.round(ms)).toISOString();
}

const TWO_DAYS_MS = 2 * DAY_MS;

/** `10:05`, or `7 Jul` where more than two days are shown. */
export function tickText(
  ms: number,
  shown: { readonly fromMs: number; readonly toMs: number },
  zone: string,
): string {
  const span = shown.toMs - shown.fromMs;
  if (span > TWO_DAYS_MS) {
    return formatOf(zone, "day", { day: "numeric", month: "short" }).format(ms);
  }
  return clockText(ms, zone).replace(/:00$/, "");
}
