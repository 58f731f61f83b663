/** Durations, shares and tolerances as people write them, and how we print them back. */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

/** `90s`, `2m`, `1h30m`, `7d` → milliseconds; null when it is none of these. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * UNIT_MS.get(unit!)!;
  }
  return Math.round(total);
}

/** `3 samples` → 3, `1 sample` → 1; null when it is none, or no whole number above 0. */
export function parseSamples(text: string): number | null {
  const match = /^([1-9]\d*) samples?$/.exec(text.trim());
  return match === null ? null : Number(match[1]);
}

/** 3 → `3 samples`. */
export function formatSamples(count: number): string {
  return count === 1 ? "1 sample" : `${count} samples`;
}

/** `15%` → 0.15, `0.15` → 0.15; null when it is neither. */
export function parseShare(text: string): number | null {
  const match = /^([+-]?\d+(\.\d+)?)(%?)$/.exec(text.trim());
  if (match === null) return null;
  return match[3] === "%" ? Number(match[1]) / 100 : Number(match[1]);
}

/**
 * The shift a tag declares: `15%` and `0.15` → 0.15. Null for everything else: nobody can
 * tell whether `15` meant 15 % or fifteen times, and no tag lowers what is tolerated.
 */
export function parseShift(text: string): number | null {
  const share = parseShare(text);
  if (share === null || share <= 0) return null;
  return share < 1 || text.trim().endsWith("%") ? share : null;
}

/**
 * What change of a signal is acceptable. `relative` 0.1 is 10 % of the expected
 * value; `points` 0.01 is one percentage point of a ratio.
 */
export interface Tolerance {
  readonly kind: "relative" | "points";
  readonly amount: number;
  /** Of `relative`: a change of this size, in the metric's unit, is acceptable at any level. */
  readonly atLeast?: number;
}

/** `10%` is relative, `1pp` is percentage points. */
export function parseTolerance(text: string): Tolerance | null {
  const points = /^(\d+(\.\d+)?)\s*pp$/.exec(text.trim());
  if (points !== null) return { kind: "points", amount: Number(points[1]) / 100 };
  const share = /%$/.test(text.trim()) ? parseShare(text) : null;
  return share === null || share < 0 ? null : { kind: "relative", amount: share };
}

/** In seconds, the longest first. */
const UNITS = [
  { unit: "d", seconds: 86_400 },
  { unit: "h", seconds: 3600 },
  { unit: "m", seconds: 60 },
  { unit: "s", seconds: 1 },
] as const;

/** 90000 → `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  let rest = Math.round(ms / 1000);
  let text = "";
  for (const { unit, seconds } of UNITS) {
    if (rest < seconds) continue;
    const count = Math.floor(rest / seconds);
    text += `${count}${unit}`;
    rest -= count * seconds;
  }
  return text;
}

/** Six significant digits, so printed numbers do not depend on the last bit of a float. */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** 0.1523 → `+15.2 %`. */
export function formatChange(change: number): string {
  const percent = Math.round(change * 1000) / 10;
  return `${percent >= 0 ? "+" : "−"}${Math.abs(percent)} %`;
}

/** 0.153 → `15.3 %`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/** ISO 8601 in UTC without milliseconds where there are none. Pure arithmetic, no ambient clock. */
export function formatTime(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  const inDay = ms - days * 86_400_000;
  // Days to a date in the proleptic Gregorian calendar (H. Hinnant, days-to-civil).
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthShifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthShifted + 2) / 5) + 1;
  const month = monthShifted < 10 ? monthShifted + 3 : monthShifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const pad = (value: number, width: number): string => String(value).padStart(width, "0");
  const time = [3_600_000, 60_000, 1000].map((unit, index) =>
    pad(Math.floor(inDay / unit) % (index === 0 ? 24 : 60), 2),
  );
  const milliseconds = inDay % 1000 === 0 ? "" : `.${pad(inDay % 1000, 3)}`;
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${time.join(":")}${milliseconds}Z`;
}

/** `2026-03-12 23:33:30 UTC`: as sentences have it. */
export function instantText(ms: number): string {
  return `${formatTime(ms).replace("T", " ").replace("Z", "")} UTC`;
}

/**
 * `2026-11-24T22:00:00Z`, `2026-11-24T22:00+01:00` → milliseconds; null when it is no
 * instant. Without a zone nobody can tell which instant is meant.
 */
export function parseInstant(text: string): number | null {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,3})?)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(
      text.trim(),
    );
  if (match === null) return null;
  const [year, month, day, hour, minute] = match.slice(1, 6).map(Number);
  // Days from a civil date (H. Hinnant, days_from_civil): years begin in March.
  const shiftedYear = month! <= 2 ? year! - 1 : year!;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month! + (month! > 2 ? -3 : 9)) + 2) / 5) + day! - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  const seconds = Number(match[6] ?? 0) + Number(match[7] ?? 0);
  const localMs = days * 86_400_000 + hour! * 3_600_000 + minute! * 60_000 + seconds * 1000;
  // A date that is none (31 February) comes back as another one.
  const date = text.trim().slice(0, 16);
  if (formatTime(Math.floor(localMs / 60_000) * 60_000).slice(0, 16) !== date || seconds >= 60) {
    return null;
  }
  const zoneMs = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * 60_000;
  return Math.round(match[8] === "-" ? localMs + zoneMs : localMs - zoneMs);
}
