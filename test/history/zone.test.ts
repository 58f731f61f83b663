/** Local times of a zone: each has the UTC that `Intl` says, or is known to have none or two. */

import fc from "fast-check";
import { expect, it } from "vitest";
import { openDuck } from "../../lab/history/duck.ts";
import { Zone } from "../../lab/history/import/zone.ts";
import { utcOffsetMs } from "../../lab/localTime.ts";

const HOUR_MS = 3_600_000;
// Half hours, a day left out (Apia 2011), a pause of a month (Casablanca), no changes at all.
const NAMES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"];
const ZONES = new Map(NAMES.map((name) => [name, new Zone(name)]));
const utcOf = (zone: string, local: string) => ZONES.get(zone)!.toUtc(Date.parse(`${local}Z`));

it("knows times that clocks skip, and times that they pass twice", () => {
  expect(utcOf("Europe/Berlin", "2026-07-01T12:00")).toBe(Date.parse("2026-07-01T10:00Z"));
  expect(utcOf("Europe/Berlin", "2026-03-29T01:59:59.999")).toBe(
    Date.parse("2026-03-29T00:59:59.999Z"),
  );
  expect(utcOf("Europe/Berlin", "2026-03-29T02:00")).toBe("skipped");
  expect(utcOf("Europe/Berlin", "2026-03-29T03:00")).toBe(Date.parse("2026-03-29T01:00Z"));
  expect(utcOf("Europe/Berlin", "2026-10-25T02:00")).toBe("repeated");
  expect(utcOf("Europe/Berlin", "2026-10-25T02:59:59.999")).toBe("repeated");
  expect(utcOf("Europe/Berlin", "2026-10-25T03:00")).toBe(Date.parse("2026-10-25T02:00Z"));
  expect(utcOf("Australia/Lord_Howe", "2026-04-05T01:45")).toBe("repeated");
  expect(utcOf("Pacific/Apia", "2011-12-30T12:00")).toBe("skipped");
  expect(utcOf("UTC", "1969-12-31T23:59")).toBe("outside");
  expect(utcOf("UTC", "2100-01-01T00:00")).toBe("outside");
});

it("finds every instant from its local time unless two share it, also in SQL", async () => {
  const near = fc.integer({ min: -48, max: 48 }).map((quarters) => (quarters * HOUR_MS) / 4);
  const days = ["2026-03-29", "2026-10-25", "2011-12-30", "2026-04-05", "2026-03-22"];
  const instant = fc.oneof(
    fc.integer({ min: Date.UTC(1970, 1), max: Date.UTC(2099, 11) }),
    fc.tuple(fc.constantFrom(...days), near).map(([day, by]) => Date.parse(day) + by),
  );
  const cases: { zone: string; localMs: number }[] = [];
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), instant, (zone, atMs) => {
      const localMs = atMs + utcOffsetMs(zone, atMs);
      cases.push({ zone, localMs });
      // Every UTC that Intl gives this local time, and no other, as far as clocks ever change.
      const shifts = new Set([-26, 0, 26].map((h) => utcOffsetMs(zone, atMs + h * HOUR_MS)));
      const all = [...shifts].filter((shift) => utcOffsetMs(zone, localMs - shift) === shift);
      expect(ZONES.get(zone)!.toUtc(localMs)).toBe(all.length === 1 ? atMs : "repeated");
    }),
    { seed: 11, numRuns: 2000 },
  );
  const answers = new Set<string>();
  const kindOf = (utc: number | string) => (typeof utc === "number" ? "number" : utc);
  const duck = await openDuck();
  try {
    for (const [name, zone] of ZONES) {
      // Their neighbours of an hour before are in a gap now and then.
      const locals = cases.flatMap((one) =>
        one.zone === name ? [one.localMs, one.localMs - HOUR_MS] : [],
      );
      const { utcMs, isRepeated } = zone.toUtcSql("local_ms");
      const sql = `SELECT (${utcMs})::DOUBLE, ${isRepeated}
        FROM (SELECT unnest([${locals.join(",")}]::BIGINT[]) AS local_ms)`;
      const rows = (await duck.connection.runAndReadAll(sql)).getRowsJS();
      const expected = locals.map((localMs) => {
        const utc = zone.toUtc(localMs);
        return [typeof utc === "number" ? utc : null, utc === "repeated"];
      });
      expect(rows).toEqual(expected);
      for (const localMs of locals) answers.add(kindOf(zone.toUtc(localMs)));
    }
  } finally {
    duck.close();
  }
  expect(answers).toEqual(new Set(["number", "repeated", "skipped"]));
});
