/** forbidAmbient must notice every ambient thing, and leave none of its stubs behind. */

import { describe, expect, test } from "vitest";
import { forbidAmbient } from "./ambient.ts";

const LEAKS: Readonly<Record<string, () => unknown>> = {
  "Date.now": () => Date.now(),
  "new Date()": () => new Date(),
  "Date()": () => Date(),
  "performance.now": () => performance.now(),
  "process.hrtime": () => process.hrtime(),
  "process.uptime": () => process.uptime(),
  "Math.random": () => Math.random(), // tidy-ok: the leak that must be noticed.
  "crypto.randomUUID": () => crypto.randomUUID(), // tidy-ok: the leak that must be noticed.
  "console.log": () => console.log("leak"),
  "console.error": () => console.error("leak"),
  setTimeout: () => setTimeout(() => undefined, 0),
  setInterval: () => setInterval(() => undefined, 1_000),
  setImmediate: () => setImmediate(() => undefined),
  queueMicrotask: () => queueMicrotask(() => undefined),
  "process.nextTick": () => process.nextTick(() => undefined),
  fetch: () => fetch("http://localhost:1"),
};

describe("forbidAmbient", () => {
  test.each(Object.entries(LEAKS))("refuses %s", (name, leak) => {
    expect(() => forbidAmbient(leak)).toThrow(`${name} is ambient`);
  });

  test("refuses process.hrtime.bigint", () => {
    expect(() => forbidAmbient(() => process.hrtime.bigint())).toThrow();
  });

  test("refuses a leak that the code under test swallows", () => {
    const swallow = (): number => {
      try {
        return Date.now();
      } catch {
        return 0;
      }
    };
    expect(() => forbidAmbient(swallow)).toThrow("swallowed: Date.now is ambient");
  });

  test("refuses a promise, which it could not watch", () => {
    expect(() => forbidAmbient(() => Promise.resolve(1))).toThrow("synchronous code only");
  });

  test("lets pure code through, with dates of a given time and time zones", () => {
    const zoned = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit" });
    const pure = (): [number, number, boolean, string] => {
      const date = new Date(0);
      return [date.getTime(), Date.UTC(1970, 0, 2), date instanceof Date, zoned.format(0)];
    };
    expect(forbidAmbient(pure)).toEqual([0, 86_400_000, true, "01"]);
  });

  test("puts everything back, after a throw and when nested", () => {
    const snapshot = (): unknown[] => [
      Date,
      setTimeout,
      fetch,
      Reflect.get(Date, "now"),
      Reflect.get(performance, "now"),
      Reflect.get(process, "hrtime"),
      Reflect.get(console, "log"),
    ];
    const before = snapshot();
    expect(() => forbidAmbient(() => forbidAmbient(() => Date.now()))).toThrow("Date.now");
    forbidAmbient(() => forbidAmbient(() => 1));
    const after = snapshot();
    before.forEach((original, index) => expect(after[index]).toBe(original));
    expect(Date.now()).toBeGreaterThan(0);
  });
});
