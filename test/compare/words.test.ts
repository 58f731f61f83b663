/** Numbers as people read them: thousands apart, a sign only where there is something. */

import { describe, expect, it } from "vitest";
import { formatApart, formatDifference, formatValue } from "../../lab/compare/words.ts";
import { counted } from "../../lab/counted.ts";

describe("a number as people read it", () => {
  it("has its thousands apart", () => {
    expect(formatValue("count", 36_483_181.4)).toBe("36,483,181");
    expect(formatValue("cost", 109_687)).toBe("109,687");
    expect(counted(2596, "deployment")).toBe("2,596 deployments");
  });

  it("is never less than nothing by rounding", () => {
    expect(formatValue("count", -0.3)).toBe("0");
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
