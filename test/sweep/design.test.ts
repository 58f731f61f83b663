/** What is varied, over which values, in which order. */

import { describe, expect, it } from "vitest";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sobol } from "../../lab/sweep/sobol.ts";
import {
  openBase,
  valueNow,
  variationsOf,
  withTier,
  type Design,
} from "../../lab/sweep/variations.ts";
import { policyFile } from "../history/smallWorld.ts";

const GRID: Design = { kind: "grid", points: 0, seed: 1 };
const base = openBase(policyFile("two-minute-override"));

function vary(...texts: string[]) {
  return variationsOf(base, texts.map(parseDimension), GRID);
}

it("the present value is one value if all keys of a * agree, else none", () => {
  expect(valueNow(base, "tiers.override.window")).toBe("2m");
  expect(valueNow(base, "signals.*.hold")).toBe("60s");
  expect(valueNow(base, "signals.*.tolerance")).toBeNull();
});

describe("values", () => {
  it.each([
    ["tiers.override.window=1m,2m,5m", ["1m", "2m", "5m"]],
    ["a.b=0s..120s/5", ["0s", "30s", "1m", "1m30s", "2m"]],
    ["a.b=1%..16%/5log", ["1%", "2%", "4%", "8%", "16%"]],
    ["a.b=1pp..2pp/3", ["1pp", "1.5pp", "2pp"]],
    ["a.b=2..8/3 log", [2, 4, 8]],
    ["a.hold=1 sample..5 samples/3", ["1 sample", "3 samples", "5 samples"]],
    ["a=true,any,{ atLeast: 2 }", [true, "any", { atLeast: 2 }]],
  ])("%s", (text, values) => {
    expect(parseDimension(text).values).toEqual(values);
  });

  it.each([
    ["window", "expected PATH=VALUES"],
    ["a=", "expected PATH=VALUES"],
    ["a=1,,2", "a value is missing"],
    ["a=1m..5%/3", "both ends must be of one kind"],
    ["a=1m..5 samples/3", "both ends must be of one kind"],
    ["a=5m..1m/3", "the first end must be smaller"],
    ["a=0s..1m/3log", "a logarithm begins above 0"],
    ["a=1m..5m/1", "at least two steps"],
  ])("%s is refused", (text, why) => {
    expect(() => parseDimension(text)).toThrow(why);
  });
});

describe("variations", () => {
  it("are every combination but the base, each with what it changes", () => {
    const found = vary("tiers.override.window=1m,2m,5m", "signals.errors.hold=60s,2m");
    expect(found.map(({ name }) => name)).toEqual([
      "window=1m hold=60s",
      "window=1m hold=2m",
      "window=2m hold=2m",
      "window=5m hold=60s",
      "window=5m hold=2m",
    ]);
    expect(found[0]!.changes).toEqual([{ path: "tiers.override.window", from: "2m", to: "1m" }]);
    expect(found.map(({ distance }) => distance)).toEqual([1, 2, 1, 1, 2]);
    expect(found[0]!.policy.tiers.override.windowMs).toBe(60_000);
  });

  it("reach every signal at a *, and defaults that the file does not write", () => {
    const [found] = vary("signals.*.clear=7m");
    expect(found!.changes).toEqual(
      ["latency", "errors", "conversion"].map((name) => ({
        path: `signals.${name}.clear`,
        from: "2m",
        to: "7m",
      })),
    );
    expect(vary("tiers.approve.sla=1h")[0]!.changes).toEqual([
      { path: "tiers.approve.sla", from: "10m", to: "1h" },
    ]);
  });

  it("do not count an equal value in another notation as a change", () => {
    expect(vary("tiers.override.window=120s")).toEqual([]);
  });

  it.each([
    ["tiers.override.windw=1m", "Did you mean tiers.override.window?"],
    ["signals.latncy.hold=1m", "Did you mean signals.latency?"],
    ["tiers.override.window=soon", "expected a duration such as 90s"],
    ["signals.*.tolerance=10%..1pp/2", "both ends must be of one kind"],
    ["nothing.*.at=1", "nothing stands where the * is"],
    ["tiers.override.window=1m..2m", "a grid needs the number of steps"],
    ["owner.name=a", "owner.name leads through a value"],
    ["foo=1", /It has policy, .*attribution\.$/],
    ["changeFailureRte=2%", "Did you mean changeFailureRate?"],
    [
      "guardrails.rollbackBudget.max=1",
      "give it whole, such as --vary 'guardrails.rollbackBudget=",
    ],
    ["assign.0.tier=full", "It has otherwise."],
  ])("%s is refused with its cure", (text, why) => {
    expect(() => vary(text)).toThrow(why);
  });

  it("reach into lists, and may set a block that the file does not have", () => {
    expect(vary("assign.0.otherwise=full")[0]!.policy.assign).toEqual([
      { when: null, tier: "full" },
    ]);
    const [budget] = vary("guardrails.rollbackBudget={ per: service, max: 1, in: 24h }");
    expect(budget!.policy.guardrails.rollbackBudget).toMatchObject({ per: "service", max: 1 });
  });

  it("of one tier keep the guardrails and nothing that changes the tier", () => {
    const full = withTier(base, "full");
    expect(full.assign).toEqual([{ when: null, tier: "full" }]);
    expect(full.guardrails).toEqual(base.policy.guardrails);
    expect(full.modes.every(({ tier }) => Object.keys(tier).length === 0)).toBe(true);
  });
});

describe("Sobol points", () => {
  it("are those of SciPy", () => {
    // scipy.stats.qmc.Sobol(10, scramble=False).random(512)
    const points = sobol(512, 10, null);
    expect(points[2]).toEqual([0.75, 0.25, 0.25, 0.25, 0.75, 0.75, 0.25, 0.75, 0.75, 0.75]);
    expect(points[300]).toEqual([
      0.365234375, 0.044921875, 0.287109375, 0.341796875, 0.076171875, 0.529296875, 0.505859375,
      0.904296875, 0.646484375, 0.580078125,
    ]);
    expect(points[511]).toEqual([
      0.001953125, 0.501953125, 0.408203125, 0.845703125, 0.353515625, 0.876953125, 0.744140625,
      0.462890625, 0.220703125, 0.201171875,
    ]);
  });

  it("keep every stratum when scrambled, and depend on the seed", () => {
    const points = sobol(256, 10, 7);
    for (let dimension = 0; dimension < 10; dimension++) {
      const strata = new Set(points.map((point) => Math.floor(point[dimension]! * 256)));
      expect(strata.size).toBe(256);
    }
    expect(sobol(256, 10, 7)).toEqual(points);
    expect(sobol(256, 10, 8)).not.toEqual(points);
  });

  it("take values of lists and ranges", () => {
    const dimensions = ["tiers.override.window=1m..10m", "tiers.override.onTimeout=rollback,hold"];
    const design: Design = { kind: "sobol", points: 64, seed: 1 };
    const found = variationsOf(base, dimensions.map(parseDimension), design);
    expect(found.length).toBeGreaterThan(55);
    const windows = found.map(({ policy }) => policy.tiers.override.windowMs);
    expect(Math.min(...windows)).toBeLessThan(90_000);
    expect(Math.max(...windows)).toBeGreaterThan(570_000);
    const holds = found.filter(({ policy }) => policy.tiers.override.onTimeout === "hold");
    expect(Math.abs(holds.length - 32)).toBeLessThanOrEqual(3);
  });
});
