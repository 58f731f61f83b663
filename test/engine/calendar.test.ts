/** Calendars against the wall clock that `Intl` itself prints, minute by minute. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  calendarEdges,
  formatRange,
  insideCalendar,
  isTimeZone,
  parseRange,
  type WeeklyRange,
} from "../../engine/policy/calendar.ts";
import { check } from "./check.ts";

const MINUTE_MS = 60_000;
const WEEK_MS = 604_800_000;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const clocks = new Map<string, Intl.DateTimeFormat>();
/** Its own, and made once for each zone: making one takes longer than a hundred readings. */
function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  clocks.set(zone, clock);
  return clock;
}

/** A second opinion: the weekday and the time of day as text, and comparisons of text. */
function insideByText(text: string, zone: string, atMs: number): boolean {
  const parts = clockOf(zone).formatToParts(atMs);
  const part = (type: string): string => parts.find((one) => one.type === type)!.value;
  const day = DAYS.indexOf(part("weekday"));
  const clock = `${part("hour")}:${part("minute")}`;
  const [days, hours] = text.split(" ");
  const [first, last] = days!.split("-").map((name) => DAYS.indexOf(name));
  const isDay = (one: number): boolean =>
    (one - first! + 7) % 7 <= ((last ?? first!) - first! + 7) % 7;
  const [from, until] = hours!.split("-");
  if (from! < until!) return isDay(day) && clock >= from! && clock < until!;
  return clock >= from! ? isDay(day) : clock < until! && isDay((day + 6) % 7);
}

const range = (text: string): readonly WeeklyRange[] => [parseRange(text)!];
const utc = (text: string): number => Date.parse(text);

describe("minute by minute, through both changes of the clock", () => {
  test.each([
    ["Europe/Berlin", "2026-03-28T12:00Z", "2026-10-24T12:00Z"],
    ["America/New_York", "2026-03-07T18:00Z", "2026-10-31T18:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T03:00Z", "2026-10-03T03:00Z"],
    ["Asia/Kolkata", "2026-03-28T12:00Z", "2026-10-24T12:00Z"],
    ["Pacific/Apia", "2011-12-29T00:00Z", "2011-12-30T00:00Z"], // A Friday that never was.
  ])("%s", (zone, ...starts) => {
    const texts = ["Mon-Fri 09:00-18:00", "Sat-Sun 01:45-02:15", "Sat 22:00-02:30"];
    for (const start of starts) {
      for (const text of texts) {
        const fromMs = utc(start);
        const ranges = range(text);
        const edges = new Set(calendarEdges(ranges, zone, fromMs, fromMs + 36 * 3_600_000));
        let before = insideByText(text, zone, fromMs);
        for (let minute = 1; minute <= 36 * 60; minute++) {
          const atMs = fromMs + minute * MINUTE_MS;
          const expected = insideByText(text, zone, atMs);
          const right =
            insideCalendar(ranges, zone, atMs) === expected &&
            insideCalendar(ranges, zone, atMs - 1) === before &&
            (expected === before || edges.has(atMs));
          if (!right) expect.fail(`${text} ${zone} ${new Date(atMs).toISOString()}`);
          before = expected;
        }
      }
    }
  });
});

describe("by hand", () => {
  const inside = (text: string, zone: string, at: string): boolean =>
    insideCalendar(range(text), zone, utc(at));

  test("in the spring gap 02:30 never comes; a range up to it ends where the gap begins", () => {
    expect(inside("Sun 01:00-02:30", "Europe/Berlin", "2026-03-29T00:59:59Z")).toBe(true);
    expect(inside("Sun 01:00-02:30", "Europe/Berlin", "2026-03-29T01:00:00Z")).toBe(false);
    expect(inside("Sun 02:15-02:45", "Europe/Berlin", "2026-03-29T01:20:00Z")).toBe(false);
  });

  test("in the autumn overlap 02:00-02:30 comes twice", () => {
    const at = (time: string): boolean =>
      inside("Sun 02:00-02:30", "Europe/Berlin", `2026-10-25T${time}Z`);
    expect([at("00:00"), at("00:30"), at("01:00"), at("01:30")]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("Lord Howe moves by thirty minutes, at half past in UTC", () => {
    // 4 October 2026, 02:00 +10:30 → 02:30 +11:00, at 15:30 UTC on the third.
    const zone = "Australia/Lord_Howe";
    expect(inside("Sun 01:00-02:15", zone, "2026-10-03T15:29:59Z")).toBe(true);
    expect(inside("Sun 01:00-02:15", zone, "2026-10-03T15:30:00Z")).toBe(false);
    expect(inside("Sun 02:30-03:00", zone, "2026-10-03T15:30:00Z")).toBe(true);
  });
});

test("where the clock does not move, a week later is the same", () => {
  const days = fc.constantFrom("Mon", "Mon-Fri", "Fri-Mon", "Sat,Sun");
  const clock = fc
    .integer({ min: 0, max: 1439 })
    .map((minute) =>
      [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":"),
    );
  const given = fc.record({ days, from: clock, until: clock, atMs: fc.nat(4 * WEEK_MS) });
  check(
    fc.property(given, fc.constantFrom("UTC", "Asia/Kolkata", "Asia/Tokyo"), (one, zone) => {
      fc.pre(one.from !== one.until);
      const ranges = range(`${one.days} ${one.from}-${one.until}`);
      const atMs = utc("2026-01-05T00:00Z") + one.atMs;
      expect(insideCalendar(ranges, zone, atMs + WEEK_MS)).toBe(insideCalendar(ranges, zone, atMs));
    }),
  );
});

describe("as written", () => {
  test.each([
    ["Mon-Fri 09:00-18:00", "Mon-Fri 09:00-18:00"],
    ["Fri 22:00-06:00", "Fri 22:00-06:00"],
    ["Sat,Sun", "Sat,Sun"],
    ["Fri-Sun 18:00-24:00", "Fri-Sun 18:00-24:00"],
    ["Mon-Sun", "Mon-Sun"],
  ])("%s", (text, same) => expect(formatRange(parseRange(text)!)).toBe(same));

  test.each([
    "Mon-Fri 9:00-18:00",
    "mon 09:00-18:00",
    "Mon-Fri 09:00-09:00",
    "Mon 24:00-25:00",
    "Mon 09:60-10:00",
    "Mon- 09:00-10:00",
    "Mon-Tue-Wed",
    "09:00-18:00",
    "",
  ])("%j is no range", (text) => expect(parseRange(text)).toBeNull());

  test("zones are those that Intl has", () => {
    expect(isTimeZone("Europe/Berlin")).toBe(true);
    expect(isTimeZone("Europe/Berlín")).toBe(false);
  });
});
