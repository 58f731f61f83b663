/** Modelled people: the documented delays and skills, alike under every policy. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answer, shiftAt, type Question } from "../../lab/people/model.ts";
import { localHour, utcOffsetMs } from "../../lab/localTime.ts";

const NOON = Date.parse("2026-07-07T10:00:00Z"); // 12:00 in Berlin, a Tuesday
const NIGHT = Date.parse("2026-07-07T00:30:00Z"); // 02:30 in Berlin

function ask(change: Partial<Question> = {}): Question {
  const proposedAtMs = change.proposedAtMs ?? NOON;
  return {
    deploymentId: "d",
    ordinal: 0,
    proposedAtMs,
    timezone: "Europe/Berlin",
    answerByMs: proposedAtMs + 3_600_000,
    answers: ["override", "approve"],
    truthIsBad: false,
    ...change,
  };
}

function shareOf(kind: string, change: Partial<Question>): number {
  const people = 8000;
  let found = 0;
  for (let i = 0; i < people; i++) {
    if (answer(ask({ ...change, deploymentId: `d${i}` }), 11, 0).kind === kind) found++;
  }
  return found / people;
}

describe("answer", () => {
  it("overrides good deployments by day, within two minutes about half of 80 %", () => {
    expect(shareOf("override", {})).toBeCloseTo(0.98 * 0.8, 1);
    // F(2 min) is one half by day, so 0.98 × 0.5 × 0.8.
    expect(shareOf("override", { answerByMs: NOON + 120_000 })).toBeCloseTo(0.392, 1);
  });

  it("hardly anybody overrides within two minutes at night", () => {
    const share = shareOf("override", { proposedAtMs: NIGHT, answerByMs: NIGHT + 120_000 });
    // 0.9 answer × F(2) = 0.083 × skill-reduced 0.425.
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.05);
  });

  it("overrides bad deployments rarely and approves half of them early", () => {
    expect(shareOf("override", { truthIsBad: true })).toBeCloseTo(0.05, 1);
    expect(shareOf("approve", { truthIsBad: true })).toBeCloseTo(0.49, 1);
    expect(shareOf("approve", { truthIsBad: false })).toBe(0);
  });

  it("says yes or no where silence holds", () => {
    const share = shareOf("silence", { truthIsBad: true, onSilence: "hold" });
    expect(share).toBeCloseTo(0.02, 1);
  });

  it("only gives answers that were asked for, in time, with a name and a reason", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 86_400_000 }),
        fc.integer({ min: 1, max: 3_600_000 }),
        fc.constantFrom<Question["answers"]>(["override"], ["approve"], ["override", "approve"]),
        fc.boolean(),
        (deploymentId, afterMs, windowMs, answers, truthIsBad) => {
          const proposedAtMs = NIGHT + afterMs;
          const answerByMs = proposedAtMs + windowMs;
          const given = answer(
            ask({ deploymentId, proposedAtMs, answerByMs, answers, truthIsBad }),
            11,
            0,
          );
          if (given.kind === "silence") {
            expect(given).toEqual({
              kind: "silence",
              delayMs: null,
              by: null,
              justification: null,
            });
          } else {
            expect(answers).toContain(given.kind);
            expect(given.delayMs).toBeLessThan(windowMs);
            expect(given.by).not.toBe("");
            expect(given.justification).not.toBe("");
          }
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it("is the same person in a longer window: an answer given in two minutes stands in five", () => {
    for (let i = 0; i < 500; i++) {
      const short = answer(ask({ deploymentId: `d${i}`, answerByMs: NOON + 120_000 }), 11, 0);
      const long = answer(ask({ deploymentId: `d${i}`, answerByMs: NOON + 300_000 }), 11, 0);
      if (short.kind !== "silence") expect(long).toEqual(short);
    }
  });

  it("differs between replicates, ordinals and seeds", () => {
    const given = [
      [11, 0, 0],
      [11, 0, 1],
      [11, 1, 0],
      [12, 0, 0],
    ].map(
      ([seed, ordinal, replicate]) =>
        answer(ask({ ordinal: ordinal!, onSilence: "hold" }), seed!, replicate!).delayMs,
    );
    expect(new Set(given).size).toBe(4);
  });
});

describe("local time", () => {
  it("follows the zone's clock across a change, by the quarter hour", () => {
    // Berlin leaves summer time on 2026-10-25 at 01:00 UTC.
    const change = Date.parse("2026-10-25T01:00:00Z");
    expect(utcOffsetMs("Europe/Berlin", change - 1)).toBe(7_200_000);
    expect(utcOffsetMs("Europe/Berlin", change)).toBe(3_600_000);
    expect(utcOffsetMs("Asia/Kolkata", change)).toBe(19_800_000);
    expect(localHour("Asia/Kolkata", Date.parse("2026-07-01T00:00:00Z"))).toBe(5.5);
    expect(localHour(null, Date.parse("2026-07-01T07:15:00Z"))).toBe(7.25);
  });

  it("agrees with Intl at any time", () => {
    const zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 731 * 24 * 60 }),
        (zone, minute) => {
          const atMs = Date.parse("2026-01-01T00:00:00Z") + minute * 60_000;
          const text = new Intl.DateTimeFormat("en-GB", {
            timeZone: zone,
            hour: "2-digit",
            minute: "2-digit",
          }).format(atMs);
          const [hour, part] = text.split(":").map(Number);
          expect(localHour(zone, atMs)).toBeCloseTo(hour! + part! / 60, 6);
        },
      ),
      { seed: 1, numRuns: 400 },
    );
  });

  it("splits the day into the three shifts", () => {
    const hours = ["06:59", "07:00", "16:00", "21:00"].map((time) => `2026-07-07T${time}:00Z`);
    const shifts = hours.map((time) => shiftAt("Europe/Berlin", Date.parse(time)));
    expect(shifts).toEqual(["night", "business", "evening", "night"]);
  });
});
