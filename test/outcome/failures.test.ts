/** Rollbacks that history never tried fail as often as those that it tried. */

import { describe, expect, it } from "vitest";
import type { Evaluation } from "../../lab/compare/evaluate.ts";
import type { DecisionRow, HistoryTables } from "../../lab/history/tables.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { evaluated } from "../history/smallWorld.ts";
import { FULL, OVERRIDE, tinyHistory, type TinyDeployment } from "../history/tinyHistory.ts";

/** A history that tried so many rollbacks, of which some failed. */
function tablesOf(attempts: number, failed: number): HistoryTables {
  const decisions = Array.from({ length: attempts }, (_, at) => ({
    deploymentId: `tried-${at}`,
    what: at < failed ? "rollbackFailed" : "rollbackFinished",
    atMs: 0,
  })) as DecisionRow[];
  return { deployments: [], decisions, incidents: [], labels: [] } as unknown as HistoryTables;
}

const NEW = Array.from({ length: 4000 }, (_, at) => `new-${at}`);

function failing(tables: HistoryTables, seed = 1, draw = 0): readonly string[] {
  const { rollBack } = recoveryOf(tables, seed).platformIn(draw);
  return NEW.filter((id) => !rollBack(id).succeeds);
}

describe("of rollbacks that history never tried", () => {
  it.each([
    [200, 0, 0],
    [200, 7, 0.035],
    [40, 10, 0.25],
    // With fewer than ten attempts the share is of ten.
    [2, 1, 0.1],
    [3, 0, 0],
  ])("of %d tried %d failed, so the share %d fails", (attempts, failed, rate) => {
    const tables = tablesOf(attempts, failed);
    expect(recoveryOf(tables, 1).failures).toEqual({ attempts, failed, rate });
    const error = Math.sqrt((rate * (1 - rate)) / NEW.length);
    expect(Math.abs(failing(tables).length / NEW.length - rate)).toBeLessThanOrEqual(4 * error);
  });

  it("the same fail for the same seed and draw, and others for another", () => {
    const tables = tablesOf(40, 10);
    expect(failing(tables)).toEqual(failing(tables));
    expect(failing(tables, 1, 0)).not.toEqual(failing(tables, 1, 1));
    expect(failing(tables, 1, 0)).not.toEqual(failing(tables, 2, 0));
    // A larger share makes more of them fail, and none succeed that failed.
    const more = new Set(failing(tablesOf(40, 20)));
    expect(failing(tables).every((id) => more.has(id))).toBe(true);
  });

  it("those that history tried end as they did, in every draw", () => {
    const { platformIn } = recoveryOf(tablesOf(40, 10), 1);
    for (const draw of [0, 1, 2]) {
      const ended = Array.from({ length: 40 }, (_, at) => {
        return platformIn(draw).rollBack(`tried-${at}`).succeeds;
      });
      expect(ended).toEqual(Array.from({ length: 40 }, (_, at) => at >= 10));
    }
  });
});

describe("a replay", () => {
  const slow = { slow: [3, 40] as const, label: "benign" as const };
  /** Twenty slow deployments that history left alone, and so many that it tried to roll back. */
  async function replayed(finished: number, failed: number): Promise<Evaluation> {
    const tried = (what: "rollbackFinished" | "rollbackFailed", count: number) =>
      Array.from({ length: count }, (_, at): [string, TinyDeployment] => [
        `${what}-${at}`,
        {
          ...slow,
          decisions: [
            [50, "rollbackStarted"],
            [51, what],
          ],
        },
      ]);
    const alone = Array.from({ length: 20 }, (_, at): [string, TinyDeployment] => [
      `alone-${at}`,
      slow,
    ]);
    const history = await tinyHistory(
      Object.fromEntries([
        ...alone,
        ...tried("rollbackFinished", finished),
        ...tried("rollbackFailed", failed),
      ]),
    );
    try {
      return await evaluated(history, [FULL, OVERRIDE], "absent");
    } finally {
      history.close();
    }
  }
  const aloneIn = (evaluation: Evaluation, policy: number) =>
    [...evaluation.policies[policy]!.outcomes].filter(({ service }) => service.startsWith("alone"));

  it("fails the same rollbacks under every policy, and calls them modelled", async () => {
    const evaluation = await replayed(5, 5);
    const [full, override] = [0, 1].map((policy) =>
      aloneIn(evaluation, policy).filter(({ end }) => end === "rollbackFailed"),
    );
    expect(full!.length).toBeGreaterThanOrEqual(4);
    expect(full!.length).toBeLessThanOrEqual(16);
    expect(override!.map(({ service }) => service)).toEqual(full!.map(({ service }) => service));
    for (const { evidence, rolledBack, pagesAtMs } of full!) {
      expect({ evidence, rolledBack }).toEqual({ evidence: "modelled", rolledBack: false });
      expect(pagesAtMs).toHaveLength(1);
    }
    expect(evaluation.manifest.recovery).toMatchObject({
      rollbackFails: 0.5,
      rollbackFailsFrom: "5 of 10 rollbacks in this history failed",
    });
  });

  it("fails none without an attempt in the history, and says so", async () => {
    const evaluation = await replayed(0, 0);
    expect(aloneIn(evaluation, 0).every(({ end }) => end === "rolledBack")).toBe(true);
    expect(evaluation.manifest.recovery).toMatchObject({
      rollbackFails: 0,
      rollbackFailsFrom: "this history records the end of no rollback: none is taken to fail",
    });
    expect(evaluation.manifest.notes.join()).toContain("no rollback is taken to fail");
  });
});
