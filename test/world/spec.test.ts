/** World files: what is wrong is said with its place and its cure, all at once. */

import { describe, expect, it } from "vitest";
import { createWorld, parseWorld } from "../../datasets/world/index.ts";
import { Problem } from "../../lab/problem.ts";
import { QUARTER_TEXT } from "./worlds.ts";

function complaint(text: string): string {
  try {
    parseWorld(text, "w.yaml");
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  return "no complaint";
}

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split("\n").length;
}

describe("parseWorld", () => {
  it("reads durations in ms, shares in [0, 1] and times in epoch ms", () => {
    const spec = parseWorld(QUARTER_TEXT, "quarter.yaml");
    expect(spec.step).toBe(60_000);
    expect(spec.length).toBe(91 * 86_400_000);
    expect(spec.deployments.failureRate).toBeCloseTo(0.055, 12);
    expect(new Date(spec.start).toISOString()).toBe("2026-07-01T00:00:00.000Z");
    expect(spec.loggingPolicy).toBe("plain-window");
  });

  it.each([
    ["step: 60s", "step: 60", "step: 60 is not a duration\n  Write a number and a unit"],
    ["step: 60s", "step: 7s", "the step does not divide a day"],
    ["length: 13w", "length: 90m", "the length is not a number of days"],
    ["failureRate: 5.5%", "failureRate: 0.055", "deployments.failureRate: 0.055 is not a share"],
    ["failureRate: 5.5%", "failureRate: 150%", "is not a share"],
    ["start: 2026-07-01T00:00:00Z", "start: 2026-07-01", "is not a UTC midnight"],
    ["Europe/Berlin", "Europe/Atlantis", '"Europe/Atlantis" is not a time zone'],
    [
      "count: 40",
      "count: many",
      '"many" is not allowed here\n  Write a whole number from 1 to 2000',
    ],
    ["teams: 8", "teams: 80", "more teams than services"],
    ["tail_only: 8%", "tail_only: 9%", "these shares add up to 101%"],
    [
      "  count: 40",
      "  counted: 40",
      'unknown key "counted"\n  Did you mean count? Known here: count, teams, timezones, traffic',
    ],
    ["  count: 40\n", "", '"services.count" is missing\n  Add it'],
    ["delayed: 4%", "delyed: 4%", 'unknown key "delyed"\n  Did you mean delayed?'],
    ["delayed: 4%", "delayed: 3%\n  slow_leak: 2%", "these shares add up to 101%"],
    ["failureRate: 5.5%", "failureRate: 5.5%\n  canaryFor: 2h", "a canary longer than an hour"],
    ["failureRate: 5.5%", "failureRate: 5.5%\n  stagedHarm: 1", "1 is neither true nor false"],
    ["count: 40", "count: 40\n  growth: { count: 30, teams: 8 }", "a platform that shrinks"],
    [
      "people: { seed: 11 }",
      "noise: { calls: { median: 5%, spread: 9 } }\npeople: { seed: 11 }",
      "noise.calls.spread: 9 is not a rate",
    ],
    [
      "people: { seed: 11 }",
      "noise: { conversion: { rate: [60%, 20%], visits: [1%, 2%] } }\npeople: { seed: 11 }",
      'noise.conversion.rate: ["60%","20%"] is not a range\n  Write [lowest, highest]',
    ],
    ["people: { seed: 11 }", "people: { seed: -1 }", "people.seed: -1 is not allowed"],
  ])("says what is wrong when %j becomes %j", (right, wrong, expected) => {
    const text = QUARTER_TEXT.replace(right, wrong);
    expect(text).not.toBe(QUARTER_TEXT);
    expect(complaint(text)).toContain(expected);
    expect(complaint(text)).toMatch(/^w\.yaml:\d+:\d+: /);
  });

  it("points at the line and column of the key", () => {
    const bad = QUARTER_TEXT.replace("step: 60s", "step: sixty");
    expect(complaint(bad)).toContain(`w.yaml:${lineOf(bad, "step: sixty")}:1: step: "sixty"`);
    const misspelt = QUARTER_TEXT.replace("  offHours: 10%", "  ofHours: 10%");
    expect(complaint(misspelt)).toContain(
      `w.yaml:${lineOf(misspelt, "ofHours")}:3: unknown key "ofHours"`,
    );
  });

  it("reports every error in one go", () => {
    const text = QUARTER_TEXT.replace("step: 60s", "step: x")
      .replace("count: 40", "count: 0")
      .replace("late: 10%", "later: 10%");
    const message = complaint(text);
    for (const part of ["step:", "services.count:", '"later"', '"tags.late" is missing']) {
      expect(message).toContain(part);
    }
  });

  it("reports what sections say together in the same go", () => {
    const message = complaint(
      QUARTER_TEXT.replace("teams: 8", "teams: 80")
        .replace("correct: 85%", "correct: 95%")
        .replace("offHours: 10%", "offHours: 95%")
        .replace("step: 60s", "step: 7s"),
    );
    expect(message.match(/^w\.yaml:\d+:\d+: /gm)).toHaveLength(4);
  });

  it("says where the YAML itself is broken", () => {
    expect(complaint("world: [a\nstart: b")).toMatch(/^w\.yaml:\d+:\d+: /);
    expect(complaint("")).toContain("w.yaml");
    expect(complaint("- 1")).toContain("w.yaml:1:1");
  });
});

describe("createWorld", () => {
  it("takes the smallest world there is", () => {
    const text = QUARTER_TEXT.replace("count: 40", "count: 1")
      .replace("teams: 8", "teams: 1")
      .replace("length: 13w", "length: 1d");
    const world = createWorld(parseWorld(text, "w.yaml"), 1);
    expect(world.services).toHaveLength(1);
    expect(world.services[0]!.dependsOn).toEqual([]);
  });
});
