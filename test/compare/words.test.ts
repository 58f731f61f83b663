/** Numbers as people read them: thousands apart, a sign only where there is something. */

import { describe, expect, it } from "vitest";
import {
  formatApart,
  formatDifference,
  formatEnds,
  formatStep,
  formatValue,
  resolution,
  sentence,
} from "../../lab/compare/words.ts";
import type { Difference } from "../../lab/compare/compare.ts";
import { counted } from "../../lab/counted.ts";
import { randomStream } from "../../lab/random.ts";

describe("a number as people read it", () => {
  it("has its thousands apart", () => {
    expect(formatValue("count", 36_483_181.4)).toBe("36,483,181");
    expect(formatValue("cost", 109_687)).toBe("109,687");
    expect(formatValue("hours", 1036.31)).toBe("1,036.3");
    expect(counted(2596, "deployment")).toBe("2,596 deployments");
  });

  it("is never less than nothing by rounding, and part of one is not none", () => {
    expect(formatValue("count", -0.3)).toBe("0");
    expect(formatValue("count", 0.2)).toBe("0.2");
    expect(formatValue("count", 0)).toBe("0");
  });
});

describe("a difference as people read it", () => {
  it("has a sign", () => {
    expect(formatDifference("share", 0.012)).toBe("+1.2 pp");
    expect(formatDifference("seconds", -90)).toBe("−1m30s");
    expect(formatDifference("count", -0.2)).toBe("−0.2");
  });

  it("and none where nothing is left of it", () => {
    expect(formatDifference("share", -0.0004)).toBe("0.0 pp");
    expect(formatDifference("perWeek", 0.04)).toBe("0.0");
    expect(formatDifference("count", -0.04)).toBe("0.0");
    expect(formatDifference("seconds", -0.2)).toBe("0s");
  });
});

describe("what a verdict rests on, where history hid much of it", () => {
  const hidden = { field: "mttr", unit: "seconds", hiddenShare: 0.5, tipping: null } as const;
  const said = (verdict: Difference["verdict"], ground: Difference["ground"]): string =>
    sentence({
      ...({ baseline: 60, candidate: 120, low: 10, high: 90 } as Difference),
      ...hidden,
      verdict,
      ground,
    });

  it("is said to hold whatever that was, or to rest on it", () => {
    expect(said("worse", "identified")).toContain("whatever history's own rollback hid");
    expect(said("not distinguishable", null)).toContain("It rests on what history's own");
  });
});

describe("what a history is too small to show", () => {
  const of = (field: string, unit: string, resolves: number | null): Difference =>
    ({ field, unit, resolves }) as Difference;

  it("is the size of a difference, by score", () => {
    expect(resolution([of("mttr", "seconds", 78), of("missRate", "share", 0.0204)])).toBe(
      "Differences smaller than these are too small to see here: 1m18s in mean time to " +
        "recovery, 2.0 pp in the share of regressions missed.",
    );
    expect(resolution([of("mttr", "seconds", null)])).toBeNull();
  });
});

describe("the ends of an interval", () => {
  const ends = (verdict: "better" | "not distinguishable", low: number, high: number) =>
    formatEnds({ unit: "perWeek", low, high, verdict });

  it("are not rounded to nothing where it is told from nothing", () => {
    expect(ends("better", -0.7, -0.031)).toEqual(["−0.7", "−0.03"]);
    expect(ends("not distinguishable", -0.7, 0.031)).toEqual(["−0.7", "0.0"]);
    expect(
      formatEnds({ unit: "share", low: 0.0004, high: 0.02, verdict: "worse" as const }),
    ).toEqual(["+0.04 pp", "+2.0 pp"]);
  });
});

describe("a step from one value to another", () => {
  const shown = (unit: Parameters<typeof formatStep>[0], from: number, to: number): string => {
    const step = formatStep(unit, from, to);
    return `${step.from} → ${step.to}, ${step.difference}`;
  };

  it("comes out as it is shown", () => {
    expect(shown("count", 31.4, 31.6)).toBe("31.4 → 31.6, +0.2");
    expect(shown("count", 31, 31.2)).toBe("31.0 → 31.2, +0.2");
    expect(shown("count", 136.2, 99.4)).toBe("136 → 99, −37");
    expect(shown("share", 0.05449, 0.05456)).toBe("5.45 % → 5.46 %, +0.01 pp");
    expect(shown("share", 0.3852, 0.3852)).toBe("38.5 % → 38.5 %, 0.0 pp");
    expect(shown("seconds", 2609.6, 2720.4)).toBe("43m30s → 45m20s, +1m50s");
    expect(shown("cost", 1000.4, 2000.6)).toBe("1,000 → 2,001, +1,001");
    expect(shown("perWeek", 1036.31, 1036.34)).toBe("1,036.3 → 1,036.3, 0.0");
  });

  it.each(["share", "count", "perWeek", "hours", "cost"] as const)(
    "whatever the numbers of %s are",
    (unit) => {
      const random = randomStream("steps", unit);
      const scale = unit === "share" ? 0.01 : 100;
      const numberOf = (text: string): number =>
        Number(text.replace("−", "-").replaceAll(/[^\d.-]/g, ""));
      for (let round = 0; round < 1000; round++) {
        const { from, to, difference } = formatStep(
          unit,
          scale * random.next(),
          scale * random.next(),
        );
        expect(numberOf(from) + numberOf(difference)).toBeCloseTo(numberOf(to), 6);
      }
    },
  );
});

describe("two sizes", () => {
  it("have the fewest digits that tell them apart", () => {
    expect(formatApart("count", 39.62, 6.5)).toEqual(["39.6", "6.5"]);
    expect(formatApart("count", 0.04, 0)).toEqual(["0.04", "0"]);
    expect(formatApart("share", 0.0103, 0.01)).toEqual(["1.03 pp", "1.00 pp"]);
    expect(formatApart("share", 0.24, 0.01)).toEqual(["24.0 pp", "1.0 pp"]);
    expect(formatApart("seconds", 90.4, 90)).toEqual(["1m30.4s", "1m30.0s"]);
    expect(formatApart("seconds", 0, 0)).toEqual(["0s", "0s"]);
    expect(formatApart("cost", 5482.2, 5482)).toEqual(["5,482.2", "5,482"]);
    expect(formatApart("hours", 3.01, 3)).toEqual(["3.01", "3.00"]);
  });
});
