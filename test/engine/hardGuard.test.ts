/** What is beyond a hard guard, and what may be written about one. */

import { describe, expect, test } from "vitest";
import { isHarm } from "../../engine/detect/hardGuard.ts";
import { mergeLayers } from "../../engine/policy/layers.ts";
import { policyOf } from "./policyFile.ts";

const inPercent = { whole: 100 };
const ratio = { whole: 1 };

describe("what is harm", () => {
  test("so many times what was expected, and not one sample less", () => {
    const guard = { times: 5, over: null, under: null };
    expect(isHarm(guard, "up", 1200, 240, ratio)).toBe(false);
    expect(isHarm(guard, "up", 1201, 240, ratio)).toBe(true);
    expect(isHarm(guard, "down", 1201, 240, ratio)).toBe(false);
    expect(isHarm(guard, "down", 47, 240, ratio)).toBe(true);
    expect(isHarm(guard, "both", 47, 240, ratio)).toBe(true);
  });

  test("and beyond the share, in whatever unit the ratio is recorded", () => {
    const guard = { times: 5, over: 0.05, under: null };
    expect(isHarm(guard, "up", 0.04, 0.002, ratio)).toBe(false);
    expect(isHarm(guard, "up", 0.06, 0.02, ratio)).toBe(false);
    expect(isHarm(guard, "up", 0.06, 0.002, ratio)).toBe(true);
    expect(isHarm(guard, "up", 4, 0.2, inPercent)).toBe(false);
    expect(isHarm(guard, "up", 6, 0.2, inPercent)).toBe(true);
  });

  test("of nothing only a share says what is much", () => {
    expect(isHarm({ times: 5, over: null, under: null }, "up", 0.3, 0, ratio)).toBe(false);
    expect(isHarm({ times: 5, over: 0.05, under: null }, "up", 0.3, 0, ratio)).toBe(true);
  });
});

describe("what may be written", () => {
  const written = (hardGuard: unknown): unknown => ({
    policy: "p",
    owner: "platform",
    signals: {
      latency: { metric: "latency", tolerance: "10%" },
      conversion: { metric: "conversion", worse: "down", tolerance: "10%" },
    },
    assign: [{ otherwise: "override" }],
    hardGuard,
  });

  test.each([
    [{ errors: { times: 5 } }, "hardGuard.errors: no such signal"],
    [{ latency: { times: 1.5 } }, "hardGuard.latency.times: expected 2 or more"],
    [{ latency: { times: 5, under: "5%" } }, "hardGuard.latency.under: this signal is worse up"],
    [{ conversion: { times: 5, over: "5%" } }, "hardGuard.conversion.over: this signal is worse"],
  ])("%j is refused", (guard, message) => {
    expect(() => policyOf(written(guard))).toThrow(message);
  });

  test.each([
    [{ times: 8 }, "8 loosens 5"],
    [{ over: "10%" }, "10 % loosens 5 %"],
  ])("a child that says %j loosens", (guard, message) => {
    const parent = written({ latency: { times: 5, over: "5%" } });
    const { issues } = mergeLayers([parent, { policy: "child", hardGuard: { latency: guard } }]);
    expect(issues.map((one) => one.message)).toEqual([message]);
  });

  test("a child may not ask for a share where the parent asks for none", () => {
    const { issues } = mergeLayers([
      written({ latency: { times: 5 } }),
      { policy: "child", hardGuard: { latency: { over: "5%" } } },
    ]);
    expect(issues).toHaveLength(1);
  });

  test("without the key a policy is the policy it was", () => {
    expect(policyOf(written({})).digest).toBe(policyOf(written(undefined)).digest);
    expect(policyOf(written({ latency: { times: 5 } })).digest).not.toBe(
      policyOf(written({})).digest,
    );
  });
});
