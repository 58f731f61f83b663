/** What a stage of a rollout changes, and what it cannot: by hand. */

import { describe, expect, test } from "vitest";
import {
  resolveTier,
  resolveTolerance,
  shareAt,
  stageAt,
  type ContextTag,
  type Deployment,
  type StageReached,
} from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

const deployment: Deployment = {
  deploymentId: "d1",
  service: "checkout",
  environment: "production",
  kind: "code",
  startedAtMs: 0,
  version: null,
  author: null,
  team: null,
  criticality: null,
};
const tag = (name: string): ContextTag => ({
  deploymentId: "d1",
  service: "checkout",
  tag: name,
  value: "true",
  signal: null,
  validFromMs: null,
  validUntilMs: null,
  knownAtMs: 0,
  givenBy: "dana",
  approvedBy: null,
});
const policy = policyOf({
  policy: "staged",
  owner: "checkout-team",
  signals: {
    conversion: { metric: "conversion_rate", worse: "down", tolerance: "10%" },
    errors: { metric: "error_rate", tolerance: "1pp" },
    latency: { metric: "latency", tolerance: "10%" },
  },
  assign: [{ when: { tags: { irreversible: true } }, tier: "observe" }, { otherwise: "override" }],
  modes: { busy: { when: { tags: { busy: true } }, tier: { override: "approve" } } },
  stages: {
    half: { upTo: "50%", tier: { approve: "override" } },
    canary: {
      upTo: "5%",
      signals: { conversion: { tier: "full", tolerance: "3%" }, errors: { tier: "approve" } },
    },
  },
  context: { promised: { tierAtLeast: "approve" } },
  guardrails: { never: [{ when: { tags: { frozen: true } } }], toleranceAtMost: "2%" },
});
const tierAt = (share: number, breaching: readonly string[], ...tags: readonly string[]) =>
  resolveTier(policy, deployment, tags.map(tag), 0, { share, breaching, accused: breaching });
const reached = (share: number, atMs: number, knownAtMs = atMs): StageReached => ({
  kind: "stageReached",
  deploymentId: "d1",
  share,
  atMs,
  knownAtMs,
});

describe("which stage holds", () => {
  test("the narrowest that reaches as far; beyond all of them none", () => {
    const names = [0, 0.05, 1 / 20, 0.06, 0.5, 0.51, 1].map(
      (share) => stageAt(policy, share)?.name,
    );
    expect(names).toEqual(["canary", "canary", "canary", "half", "half", undefined, undefined]);
  });

  test("all of the traffic while nobody has said how much, and as known then", () => {
    const stages = [reached(0.05, 10, 30), reached(0.5, 40), reached(0.05, 60)];
    expect(shareAt([], 100, 100)).toBe(1);
    expect(shareAt(stages, 20, 20)).toBe(1);
    expect(shareAt(stages, 5, 35)).toBe(1);
    expect(shareAt(stages, 20, 35)).toBe(0.05);
    expect(shareAt(stages, 50, 50)).toBe(0.5);
    expect(shareAt(stages, 70, 70)).toBe(0.05);
  });
});

describe("tier", () => {
  test("assignment, modes, the stage, the floor of tags, then `never`, in that order", () => {
    const path = tierAt(0.5, [], "busy", "promised", "frozen").path;
    expect(path).toEqual([
      { rule: "assign.otherwise", tier: "override" },
      { rule: "modes.busy", tier: "approve" },
      { rule: "stages.half", tier: "override" },
      { rule: "context.promised.tierAtLeast", tier: "approve" },
      { rule: "guardrails.never[0]", tier: "observe" },
    ]);
  });

  test("a breach has the tier of its signal at that stage, and nowhere else", () => {
    expect(tierAt(0.05, ["conversion"]).tier).toBe("full");
    expect(tierAt(0.05, ["conversion"]).path.at(-1)!.rule).toBe(
      "stages.canary.signals.conversion.tier",
    );
    expect(tierAt(0.05, []).tier).toBe("override");
    expect(tierAt(0.05, ["latency"]).tier).toBe("override");
    expect(tierAt(0.05, ["errors"]).tier).toBe("approve");
    expect(tierAt(0.5, ["conversion"]).tier).toBe("override");
    expect(tierAt(1, ["conversion"]).tier).toBe("override");
  });

  test("more signals in breach never leave the machine with less", () => {
    expect(tierAt(0.05, ["errors", "latency"]).tier).toBe("override");
    expect(tierAt(0.05, ["errors", "conversion"]).tier).toBe("full");
  });

  test("a kill switch is bound by tags and lifts nothing that is never delegated", () => {
    expect(tierAt(0.05, ["conversion"], "promised").tier).toBe("approve");
    expect(tierAt(0.05, ["conversion"], "frozen").tier).toBe("observe");
    expect(tierAt(0.05, ["conversion"], "irreversible").tier).toBe("observe");
  });

  test("the record's stage is there where the policy has stages, whichever holds", () => {
    expect(tierAt(0.05, []).stage).toEqual({ share: 0.05, name: "canary" });
    expect(tierAt(1, []).stage).toEqual({ share: 1, name: null });
    const plain = policyOf({
      policy: "plain",
      owner: "o",
      signals: { latency: { metric: "latency", tolerance: "10%" } },
      assign: [{ otherwise: "full" }],
    });
    expect(resolveTier(plain, deployment, [], 0).stage).toBe(null);
  });
});

describe("tolerance", () => {
  const at = (name: string, share: number): number => {
    const signal = policy.signals.find((one) => one.name === name)!;
    return resolveTolerance(policy, signal, deployment, [], 0, share).amount;
  };

  test("the stage's own in the place of the signal's, also above the ceiling of tags", () => {
    expect(at("conversion", 0.05)).toBeCloseTo(0.03, 12);
    expect(at("conversion", 0.5)).toBeCloseTo(0.1, 12);
    expect(at("errors", 0.05)).toBe(0.01);
    expect(at("latency", 0.05)).toBeCloseTo(0.1, 12);
  });
});
