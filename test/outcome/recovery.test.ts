/** How long a rollback and a recovery are taken to be, and what hangs on it. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { History } from "../../lab/history/open.ts";
import type { HistoryTables } from "../../lab/history/tables.ts";
import { recoveryOf, stretched, type Recovery } from "../../lab/outcome/recovery.ts";
import { evaluated } from "../history/smallWorld.ts";
import { FULL, MINUTE_MS, OBSERVE, tinyHistory } from "../history/tinyHistory.ts";

const SECOND_MS = 1000;

/** By service: how many seconds each of its rollbacks took, and the recovery after it. */
function tablesOf(services: Readonly<Record<string, readonly [number, number][]>>): HistoryTables {
  const deployments: unknown[] = [];
  const decisions: unknown[] = [];
  const incidents: unknown[] = [];
  for (const [service, rollbacks] of Object.entries(services)) {
    deployments.push({ deploymentId: `${service}-new`, service });
    for (const [index, [took, recovers]] of rollbacks.entries()) {
      const deploymentId = `${service}-${index}`;
      const backMs = took * SECOND_MS;
      deployments.push({ deploymentId, service });
      decisions.push({ deploymentId, what: "rollbackStarted", atMs: 0 });
      decisions.push({ deploymentId, what: "rollbackFinished", atMs: backMs });
      incidents.push({
        deploymentId,
        onsetAtMs: -1,
        resolvedAtMs: backMs + recovers * SECOND_MS,
      });
    }
  }
  return { deployments, decisions, incidents, labels: [] } as unknown as HistoryTables;
}

const times = (count: number, took: number, recovers: number): [number, number][] =>
  Array.from({ length: count }, () => [took, recovers]);

describe("a service's own rollbacks", () => {
  const tables = tablesOf({
    many: times(30, 60, 100),
    slow: times(10, 180, 400),
    few: times(1, 500, 1200),
    none: [],
  });
  const recovery = recoveryOf(tables, 1);
  const seconds = (id: string) => [
    recovery.rollBack(id).durationMs / SECOND_MS,
    recovery.recoversAfterMs(id) / SECOND_MS,
  ];

  it("are drawn to the pool by n / (n + 10)", () => {
    expect([recovery.rollbackMs, recovery.recoveryMs]).toEqual([60_000, 100_000]);
    // ½·180 + ½·60, ½·400 + ½·100.
    expect(seconds("slow-new")).toEqual([120, 250]);
    // 1/11 of its own: 60 + 440/11, 100 + 1100/11.
    expect(seconds("few-new")).toEqual([100, 200]);
    expect(seconds("many-new")).toEqual([60, 100]);
  });

  it("are the pool's where it has none, and its own in history where that is known", () => {
    expect(seconds("none-new")).toEqual([60, 100]);
    expect(seconds("slow-3")).toEqual([180, 400]);
  });

  it("are drawn to the default where the pool is too small", () => {
    const small = recoveryOf(tablesOf({ slow: times(2, 150, 180) }), 1);
    expect(small.rollbackFrom).toContain("default");
    // 90 + (150 − 90)/6, 120 + (180 − 120)/6.
    expect(small.rollBack("slow-new").durationMs).toBe(100_000);
    expect(small.recoversAfterMs("slow-new")).toBe(130_000);
  });

  it("stretch after the rollback alone, and never what was over before it", () => {
    const double = stretched(recovery, 2);
    expect(double.rollBack("slow-new").durationMs).toBe(120_000);
    expect(double.recoversAfterMs("slow-new")).toBe(500_000);
    const early = recoveryOf(tablesOf({ one: [[100, -20]] }), 1);
    expect(stretched(early, 2).recoversAfterMs("one-0")).toBe(-20_000);
  });
});

describe("MTTR, had recovery taken half as long, and twice", () => {
  let history: History;
  beforeAll(async () => {
    history = await tinyHistory({
      alone: { label: "regression", slow: [3, 45], incident: [3, 45] },
      brief: { label: "regression", slow: [3, 6], incident: [3, 6] },
      good: { label: "benign" },
    });
  });
  afterAll(() => history.close());

  it("moves what a rollback ended, and nothing else", async () => {
    const { policies } = await evaluated(history, [FULL, OBSERVE], "absent", 100);
    const [full, observe] = policies.map(({ scored }) => scored.scorecard);
    const { recoveryHalved, recoveryDoubled } = full!.mttrSensitivity!;
    const brief = policies[0]!.outcomes.find(({ service }) => service === "brief")!;
    expect(brief.recoveryMs).toBe(3 * MINUTE_MS);
    // Of two regressions one recovers 2 min after its rollback: ½·1 min less, ½·2 min more,
    // and the other was over before that.
    expect(full!.mttr.value! - recoveryHalved!).toBeCloseTo(30, 9);
    expect(recoveryDoubled! - full!.mttr.value!).toBeCloseTo(60, 9);
    expect(observe!.mttrSensitivity).toEqual({
      recoveryHalved: observe!.mttr.value,
      recoveryDoubled: observe!.mttr.value,
    });
  });
});

describe("how soon a rollback may help", () => {
  const seconds = (recovery: Recovery, id: string): readonly number[] => {
    const { shortestMs, longestMs } = recovery.fromOrder(id);
    return [shortestMs / SECOND_MS, longestMs / SECOND_MS];
  };

  it("is between the shortest and the longest that history shows", () => {
    const recovery = recoveryOf(tablesOf({ many: times(4, 60, 100), slow: times(2, 180, 400) }), 1);
    expect(seconds(recovery, "many-new")).toEqual([160, 580]);
  });

  it("is what it was where history rolled the deployment back itself", () => {
    const recovery = recoveryOf(tablesOf({ many: times(4, 60, 100), slow: times(2, 180, 400) }), 1);
    expect(seconds(recovery, "slow-1")).toEqual([580, 580]);
  });

  it("is never later than if nobody had acted, for all that is known", async () => {
    const endless = { label: "regression", slow: [3, 45], incident: [3, null] } as const;
    const history = await tinyHistory({ endless });
    try {
      const { policies } = await evaluated(history, [FULL, OBSERVE], "absent", 100);
      const [acted, idle] = policies.map(({ outcomes }) => outcomes.at(0)!);
      expect([acted!.rolledBack, idle!.rolledBack]).toEqual([true, false]);
      expect(acted!.recoveryWorstMs).toBe(idle!.recoveryWorstMs);
    } finally {
      history.close();
    }
  });

  it("is anywhere where history has too few rollbacks", () => {
    const few = recoveryOf(tablesOf({ few: times(4, 60, 100) }), 1);
    const [shortest, longest] = seconds(few, "few-new");
    expect(shortest).toBe(0);
    expect(longest).toBeGreaterThanOrEqual(3600);
  });
});
