/** Quantities as people write them, and how they are printed back. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatChange,
  formatDuration,
  formatNumber,
  formatShare,
  formatTime,
  matchesGlob,
  parseDuration,
  parseShare,
  parseShift,
  parseTolerance,
} from "../../engine/index.ts";
import { check } from "./check.ts";

describe("durations", () => {
  test.each([
    ["90s", 90_000],
    ["2m", 120_000],
    ["1h30m", 5_400_000],
    ["7d", 604_800_000],
    ["1w", 604_800_000],
    ["250ms", 250],
    ["0s", 0],
    ["1.5h", 5_400_000],
    ["", null],
    ["90", null],
    ["2 m", null],
    ["-5m", null],
    ["5M", null],
    ["1h30", null],
  ])("%j is %j ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    [0, "0ms"],
    [250, "250ms"],
    [90_000, "1m30s"],
    [3_600_000, "1h"],
    [90_061_000, "1d1h1m1s"],
  ])("%j ms is printed as %j", (ms, text) => expect(formatDuration(ms)).toBe(text));

  test("whole seconds survive printing and reading", () => {
    check(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });
});

describe("shares and tolerances", () => {
  test.each([
    ["15%", 0.15],
    ["+15%", 0.15],
    ["-5%", -0.05],
    ["0.15", 0.15],
    [" 15% ", 0.15],
    ["15 %", null],
    ["true", null],
    ["", null],
  ])("%j is the share %j", (text, share) => expect(parseShare(text)).toBe(share));

  test.each([
    ["15%", 0.15],
    [" +15% ", 0.15],
    ["0.15", 0.15],
    ["200%", 2],
    ["15", null],
    ["1", null],
    ["0", null],
    ["0%", null],
    ["-15%", null],
    ["-0.15", null],
    ["yes", null],
    ["", null],
  ])("%j is the shift %j", (text, shift) => expect(parseShift(text)).toBe(shift));

  test.each([
    ["10%", { kind: "relative", amount: 0.1 }],
    ["1pp", { kind: "points", amount: 0.01 }],
    ["0.5 pp", { kind: "points", amount: 0.005 }],
    ["-10%", null],
    ["0.1", null],
    ["1", null],
  ])("%j is the tolerance %j", (text, tolerance) =>
    expect(parseTolerance(text)).toEqual(tolerance),
  );

  test.each([
    [0.1523, "+15.2 %"],
    [-0.05, "−5 %"],
    [0, "+0 %"],
  ])("the change %j is printed as %j", (change, text) => expect(formatChange(change)).toBe(text));

  test("shares and numbers are printed without the last bits of a float", () => {
    expect(formatShare(0.153)).toBe("15.3 %");
    expect(formatNumber(0.1 + 0.2)).toBe("0.3");
    expect(formatNumber(1_234_567)).toBe("1234570");
  });
});

describe("times", () => {
  test("every millisecond of four thousand years is printed as Date prints it", () => {
    const from = Date.UTC(0, 0, 1) - 60_000_000_000_000;
    check(
      fc.property(fc.integer({ min: from, max: Date.UTC(3999, 11, 31) }), (ms) => {
        const whole = new Date(ms).toISOString();
        if (!/^\d{4}-/.test(whole)) return;
        expect(formatTime(ms)).toBe(whole.replace(".000Z", "Z"));
      }),
    );
  });

  test.each(["2024-02-29T00:00:00Z", "1900-03-01T23:59:59Z", "2000-12-31T23:59:59.999Z"])(
    "%s",
    (text) => expect(formatTime(Date.parse(text))).toBe(text),
  );
});

describe("globs", () => {
  test.each([
    ["latency", "latency", true],
    ["latency", "latency_p95", false],
    ["*latency*", "http_latency_p95", true],
    ["latency_*", "latency_", true],
    ["a*b*c", "a_b_b_c", true],
    ["a*b*c", "a_c_b", false],
    ["a*a", "a", false],
    ["*", "", true],
    ["a**b", "ab", true],
    ["p.5*", "p95", false],
  ])("%s matches %s: %j", (glob, name, matches) => expect(matchesGlob(glob, name)).toBe(matches));

  test("a glob matches what a regular expression of it matches", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 6 });
    const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
    check(
      fc.property(part, name, (glob, given) => {
        const expression = new RegExp(`^${glob.replaceAll("*", ".*")}$`);
        expect(matchesGlob(glob, given)).toBe(expression.test(given));
      }),
    );
  });
});
