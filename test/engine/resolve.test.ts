/** Tiers and tolerances under tags and modes, on numbers worked out by hand. */

import { describe, expect, test } from "vitest";
import {
  resolveTier,
  resolveTolerance,
  tagsAt,
  type ContextTag,
  type Deployment,
} from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

const deployment: Deployment = {
  deploymentId: "d1",
  service: "api",
  environment: "production",
  kind: "code",
  startedAtMs: 0,
  version: null,
  author: null,
  team: "core",
  criticality: "high",
};
const tag = (name: string, value = "true", more: Partial<ContextTag> = {}): ContextTag => ({
  deploymentId: "d1",
  service: "api",
  tag: name,
  value,
  signal: null,
  validFromMs: null,
  validUntilMs: null,
  knownAtMs: 0,
  givenBy: null,
  approvedBy: null,
  ...more,
});
const policy = policyOf({
  policy: "p",
  owner: "o",
  signals: {
    latency: { metric: "latency", tolerance: "10%" },
    errors: { metric: "errors", tolerance: "1pp" },
    sales: { metric: "sales", tolerance: "10%", worse: "down" },
  },
  assign: [{ when: { team: ["core"] }, tier: "override" }, { otherwise: "full" }],
  modes: {
    busy: { when: { criticality: "high" }, tier: { override: "approve" }, toleranceTimes: 0.8 },
    maintenance: { when: { tags: { window: true } }, signals: ["latency"], toleranceTimes: 2 },
  },
  context: {
    rise: { signal: "latency", shifts: "tolerance", max: "50%", for: "1h" },
    accepted: { signal: "latency", shifts: "tolerance", max: "30%" },
    fall: { signal: "sales", shifts: "tolerance" },
    faults: { signal: "errors", shifts: "tolerance", max: "2%" },
    promised: { tierAtLeast: "approve" },
  },
});
const [errors, latency, sales] = policy.signals;
const plain = policyOf({
  policy: "p",
  owner: "o",
  signals: { latency: { metric: "latency", tolerance: "10%" } },
  assign: [{ otherwise: "full" }],
  context: { rise: { signal: "latency", shifts: "tolerance" } },
  guardrails: { toleranceAtMost: "20%" },
});

describe("tolerance", () => {
  const amount = (signal: typeof latency, ...tags: ContextTag[]): number =>
    resolveTolerance(policy, signal!, deployment, tags, 0).amount;

  test("10 % on top of a declared +15 % accepts 1.10 × 1.15 − 1 = 26.5 %", () => {
    const free = { ...policy, modes: [] };
    const { amount: shifted, tags } = resolveTolerance(
      free,
      latency!,
      deployment,
      [tag("rise", "15%")],
      0,
    );
    expect(shifted).toBeCloseTo(0.265, 12);
    expect(tags).toEqual(["rise=15%"]);
  });

  test("a mode counts with or without tags", () => {
    expect(amount(latency)).toBeCloseTo(0.08, 12);
    expect(amount(latency, tag("unrelated"))).toBeCloseTo(0.08, 12);
  });

  test("the largest mode counts and multiplies first: 1.20 × 1.15 − 1", () => {
    expect(amount(latency, tag("window"))).toBeCloseTo(0.2, 12);
    expect(amount(latency, tag("window"), tag("rise", "15%"))).toBeCloseTo(0.38, 12);
    expect(amount(sales, tag("window"))).toBeCloseTo(0.08, 12);
  });

  test("overlapping tags do not add up, and no tag counts above its ceiling", () => {
    expect(amount(latency, tag("rise", "15%"), tag("accepted", "20%"))).toBeCloseTo(0.296, 12);
    expect(amount(latency, tag("rise", "400%"))).toBeCloseTo(1.08 * 1.5 - 1, 12);
    expect(amount(latency, tag("rise", "-15%"))).toBeCloseTo(0.08, 12);
    expect(amount(latency, tag("rise", "much"))).toBeCloseTo(0.08, 12);
  });

  test("a number without % is not believed, unless it can only be a share", () => {
    expect(amount(latency, tag("rise", "15"))).toBeCloseTo(0.08, 12);
    expect(amount(latency, tag("rise", "0.15"))).toBeCloseTo(1.08 * 1.15 - 1, 12);
  });

  test("a fall compounds downwards, points add", () => {
    expect(amount(sales, tag("fall", "50%"))).toBeCloseTo(1 - 0.92 * 0.5, 12);
    expect(amount(errors, tag("faults", "1%"))).toBeCloseTo(0.018, 12);
  });

  test("a tag that names another signal does nothing", () => {
    expect(amount(latency, tag("rise", "15%", { signal: "sales" }))).toBeCloseTo(0.08, 12);
  });

  test("the guardrail lowers what tags gave", () => {
    const [signal] = plain.signals;
    expect(resolveTolerance(plain, signal!, deployment, [tag("rise", "40%")], 0).amount).toBe(0.2);
    const loose = { ...signal!, tolerance: { kind: "relative", amount: 0.3 } as const };
    expect(resolveTolerance(plain, loose, deployment, [], 0).amount).toBeCloseTo(0.3, 12);
  });
});

describe("which tags count", () => {
  const at = (given: ContextTag, atMs: number, knownAtMs = atMs): boolean =>
    tagsAt(policy, deployment, [given], atMs, knownAtMs).length === 1;
  const HOUR_MS = 3_600_000;

  test("from when it was known, in its window, for as long as the policy believes", () => {
    expect(at(tag("rise", "15%", { knownAtMs: 10 }), 9)).toBe(false);
    expect(at(tag("rise", "15%", { knownAtMs: 10 }), 10)).toBe(true);
    expect(at(tag("rise", "15%", { knownAtMs: 10 }), 5, 10)).toBe(true);
    expect(at(tag("rise", "15%", { validFromMs: 20 }), 19)).toBe(false);
    expect(at(tag("rise", "15%", { validUntilMs: 20 }), 20)).toBe(false);
    expect(at(tag("rise"), HOUR_MS - 1)).toBe(true);
    expect(at(tag("rise"), HOUR_MS)).toBe(false);
    expect(at(tag("unknown"), 99 * HOUR_MS)).toBe(true);
  });

  test("of this deployment or its whole service, and of no other", () => {
    expect(at(tag("rise", "15%", { deploymentId: null }), 0)).toBe(true);
    expect(at(tag("rise", "15%", { deploymentId: "d2" }), 0)).toBe(false);
    expect(at(tag("rise", "15%", { service: "db", deploymentId: null }), 0)).toBe(false);
  });
});

describe("tier", () => {
  test("assignment, then modes, then the floor of tags; a lower floor says nothing", () => {
    expect(resolveTier(policy, deployment, [tag("promised")], 0)).toEqual({
      tier: "approve",
      path: [
        { rule: "assign[0]", tier: "override" },
        { rule: "modes.busy", tier: "approve" },
      ],
      mode: "busy",
      stage: null,
    });
    const other = { ...deployment, team: null, criticality: null };
    expect(resolveTier(policy, other, [tag("promised")], 0).path).toEqual([
      { rule: "assign.otherwise", tier: "full" },
      { rule: "context.promised.tierAtLeast", tier: "approve" },
    ]);
  });
});
