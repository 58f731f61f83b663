/** Every state that a deployment can be in, and what a rollout tool may be told of it. */

import { describe, expect, it } from "vitest";
import type { End } from "../../../engine/index.ts";
import type { Standing } from "../../../lab/shadow/contract.ts";
import { verdictOf } from "../../../lab/shadow/adapters/verdict.ts";

const ENDS: Readonly<Record<End, true>> = {
  healthy: true,
  rolledBack: true,
  overridden: true,
  withdrawn: true,
  expired: true,
  held: true,
  superseded: true,
  rollbackFailed: true,
  undecidable: true,
};
const PHASES: readonly Standing["phase"][] = [
  { name: "watching" },
  {
    name: "proposed",
    tier: "override",
    proposedAtMs: 0,
    answerByMs: 1000,
    step: 0,
    to: "ana",
    accused: [],
  },
  { name: "rollingBack", orderedAtMs: 0, tier: "override" },
  ...(Object.keys(ENDS) as End[]).map((end) => ({ name: "ended", end, endedAtMs: 0 }) as const),
];

const nameOf = (phase: Standing["phase"]): string =>
  phase.name === "ended" ? phase.end : phase.name;

function told(isOrdered: boolean, halted: boolean): Record<string, string> {
  const deployment = { deploymentId: "cart-1" } as Standing["deployment"];
  return Object.fromEntries(
    PHASES.map((phase) => {
      const standing = { deployment, phase, watchEndsAtMs: 1000, proposals: 1 };
      return [nameOf(phase), verdictOf(standing, { ready: true, halted }, isOrdered).verdict];
    }),
  );
}

const only = (verdict: string, of: Record<string, string>): string[] =>
  Object.keys(of).filter((name) => of[name] === verdict);

describe("a rollout tool is told", () => {
  it("a regression only of a rollback that was really sent", () => {
    expect(only("regression", told(true, false))).toEqual(["rollingBack", "rolledBack"]);
    expect(only("regression", told(false, false))).toEqual([]);
  });

  it("healthy only after the watch, whatever was ordered", () => {
    for (const isOrdered of [true, false]) {
      expect(only("healthy", told(isOrdered, false))).toEqual(["healthy", "withdrawn"]);
    }
  });

  it("neither while every machine is halted", () => {
    expect(new Set(Object.values(told(true, true)))).toEqual(new Set(["undecided"]));
  });

  it("nothing by a host that does not hold the lease", () => {
    const deployment = { deploymentId: "cart-1" } as Standing["deployment"];
    for (const phase of PHASES) {
      const standing = { deployment, phase, watchEndsAtMs: 1000, proposals: 1 };
      const ask = (): unknown => verdictOf(standing, { ready: false, halted: false }, true);
      expect(ask).toThrow(expect.objectContaining({ kind: "unavailable" }));
    }
  });
});
