/** The absolute limit of a threshold: beyond both, or no breach. */

import { describe, expect, test } from "vitest";
import { parsePolicy, type SampleColumn } from "../../engine/index.ts";
import { judge } from "../engine/columnar.ts";
import { policyOf } from "../engine/policyFile.ts";

const deployment = {
  ...{ deploymentId: "d1", service: "api", environment: "production", kind: "code" as const },
  ...{ startedAtMs: 3_600_000, version: null, author: null, team: null, criticality: null },
};
const written = (signal: object) => ({
  ...{ policy: "p", owner: "o", watch: "30m", assign: [{ otherwise: "full" }] },
  signals: { guard: { metric: "m", hold: "0s", ...signal } },
});
/** `before`, then `after`, sampled each minute. */
function column(before: number, after: number, percentagePoint = 0.01): SampleColumn {
  const atMs = Array.from({ length: 91 }, (_, index) => index * 60_000);
  const series = { service: "api", metric: "m", version: null, percentagePoint };
  const values = atMs.map((at) => (at < deployment.startedAtMs ? before : after));
  return { series, atMs, knownAtMs: atMs, values };
}
const verdictOf = (signal: object, samples: SampleColumn) =>
  judge(policyOf(written(signal)), [samples], deployment, []).at(-1)!.evidence;

describe("a threshold with an absolute limit", () => {
  const errors = { tolerance: "400%", detector: { kind: "threshold", over: "5%" } };
  test.each([
    ["twenty times, but only 2 %", 0.001, 0.02, "healthy"],
    ["6 %, but only three times", 0.02, 0.06, "healthy"],
    ["the limits themselves", 0.01, 0.05, "healthy"],
    ["beyond both", 0.01, 0.06, "breach"],
  ])("over 5 % and five times: %s", (_why, before, after, verdict) => {
    expect(verdictOf(errors, column(before, after)).verdict).toBe(verdict);
  });

  test("a share is one in whatever unit the ratio is recorded; a number is in the metric's", () => {
    expect(verdictOf(errors, column(1, 6, 1)).verdict).toBe("breach");
    expect(verdictOf(errors, column(0.1, 4, 1)).verdict).toBe("healthy");
    const latency = { tolerance: "15%", detector: { kind: "threshold", over: 500 } };
    expect(verdictOf(latency, column(200, 400)).verdict).toBe("healthy");
    expect(verdictOf(latency, column(200, 501)).verdict).toBe("breach");
  });

  test("where down is worse, `under` holds; where both are, each its own side", () => {
    const traffic = {
      ...{ tolerance: "80%", worse: "down" },
      detector: { kind: "threshold", under: 10 },
    };
    expect(verdictOf(traffic, column(100, 11)).verdict).toBe("healthy");
    expect(verdictOf(traffic, column(100, 9)).verdict).toBe("breach");
    const both = {
      ...{ tolerance: "50%", worse: "both" },
      detector: { kind: "threshold", over: 200, under: 10 },
    };
    expect(verdictOf(both, column(100, 190)).verdict).toBe("healthy");
    expect(verdictOf(both, column(100, 201)).verdict).toBe("breach");
    expect(verdictOf(both, column(100, 12)).verdict).toBe("healthy");
    expect(verdictOf(both, column(100, 9)).verdict).toBe("breach");
  });

  test("the reason names both limits", () => {
    const { reason } = verdictOf(errors, column(0.001, 0.02));
    expect(reason).toBe(
      "m +1898.1 % at its worst, but not for long beyond both limits, " +
        "400 % tolerated and all up to 5 %",
    );
  });

  test.each([
    ["down", { over: 5 }, "over", /`worse: down` needs `under`/],
    ["up", { under: "5%" }, "under", /`worse: up` needs `over`/],
    ["up", { over: "a lot" }, "over", /expected a share such as 15%/],
  ])("worse %s with %j is refused", (worse, limits, key, message) => {
    const signal = { worse, tolerance: "10%", detector: { kind: "threshold", ...limits } };
    const { issues } = parsePolicy(written(signal), () => "digest");
    expect(issues?.map(({ path }) => path.join("."))).toEqual([`signals.guard.detector.${key}`]);
    expect(issues?.[0]?.message).toMatch(message);
  });
});
