/** The detectors as a policy file may write them: defaults, and what is refused. */

import { describe, expect, test } from "vitest";
import { parsePolicy } from "../../engine/policy/parse.ts";

function parse(detector: object, calibrate?: object) {
  return parsePolicy(
    {
      policy: "test",
      owner: "platform",
      signals: {
        latency: {
          ...{ metric: "latency_p95_ms", tolerance: "10%", detector },
          ...(calibrate === undefined ? {} : { calibrate }),
        },
      },
      assign: [{ otherwise: "approve" }],
    },
    () => "digest",
  );
}

describe("a detector of a policy file", () => {
  const hour = { baselineMs: 3_600_000, season: true };
  test.each([
    [{ ...hour, kind: "cusum", drift: 1, clip: 4, limit: 8 }],
    [{ ...hour, kind: "ewma", weight: 0.4, clip: 3, limit: 5 }],
    [{ ...hour, kind: "eprocess", alpha: 0.01, horizon: 60, clip: 3.5 }],
    [{ ...hour, kind: "mannWhitney", confidence: 0.98, limit: 0.25, atLeast: 8, every: 1 }],
  ])("has the defaults $kind is documented with", (expected) => {
    const { policy } = parse({ kind: expected.kind });
    expect(policy?.signals[0]?.detector).toEqual(expected);
  });

  test("takes shares as a policy writes them", () => {
    const { policy } = parse({ kind: "eprocess", alpha: "5%", horizon: 240 });
    expect(policy?.signals[0]?.detector).toMatchObject({ alpha: 0.05, horizon: 240 });
  });

  test.each([
    [{ kind: "ewma", clip: 5, limit: 5 }, "clip", /below `limit`, or one spike/],
    [{ kind: "ewma", weight: 1.5 }, "weight", /<=1/],
    [{ kind: "eprocess", clip: 6 }, "clip", /too large for this `alpha`.*one spike/],
    [{ kind: "eprocess", alpha: "0%" }, "alpha", /above 0% and below 100%/],
    [{ kind: "eprocess", alpha: 0.01 }, "alpha", /expected a share such as 15%/],
    [{ kind: "eprocess", horizon: 20_000 }, "horizon", /<=10000/],
    [{ kind: "variance", atLeast: 31 }, "atLeast", /cannot be more than `window`/],
    [{ kind: "variance", times: 1 }, "times", />1/],
    [{ kind: "mannWhitney", confidence: "100%" }, "confidence", /above 0% and below 100%/],
    [{ kind: "mannWhitney", limit: 1 }, "limit", /<1/],
    [{ kind: "mannWhitney", drift: 1 }, "drift", /unknown key `drift`/],
  ])("refuses %j", (detector, key, message) => {
    const { issues } = parse(detector);
    expect(issues?.map(({ path }) => path.join("."))).toEqual([`signals.latency.detector.${key}`]);
    expect(issues?.[0]?.message).toMatch(message);
  });
});

describe("a calibrated limit of a policy file", () => {
  test("has the defaults it is documented with, and none where nobody asks", () => {
    const { policy } = parse({ kind: "cusum" }, {});
    const day = 86_400_000;
    const expected = { everyMs: day / 4, overMs: 14 * day, alpha: 0.005 };
    expect(policy?.signals[0]?.calibrate).toEqual(expected);
    expect(parse({ kind: "cusum" }).policy?.signals[0]).not.toHaveProperty("calibrate");
  });

  test.each([
    ["threshold", {}, "calibrate", /has a largest value/],
    ["mannWhitney", {}, "calibrate", /has a largest value/],
    ["cusum", { every: "15d" }, "calibrate.every", /cannot be more than `over`/],
    ["cusum", { every: "0s" }, "calibrate.every", /above 0s/],
    ["cusum", { alpha: "100%" }, "calibrate.alpha", /below 100%/],
  ])("refuses %s with %j", (kind, calibrate, key, message) => {
    const { issues } = parse({ kind }, calibrate);
    expect(issues?.map(({ path }) => path.join("."))).toEqual([`signals.latency.${key}`]);
    expect(issues?.[0]?.message).toMatch(message);
  });
});
