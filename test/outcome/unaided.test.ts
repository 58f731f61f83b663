/** How long a regression goes on that nobody rolls back, and how soon it recovers else. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import type { History } from "../../lab/history/open.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { evaluated } from "../history/smallWorld.ts";
import {
  FULL,
  minute,
  MINUTE_MS,
  OBSERVE,
  OVERRIDE,
  SHORT,
  tinyHistory,
} from "../history/tinyHistory.ts";

async function outcomes(policy: Policy, history: History): Promise<(name: string) => Outcome> {
  const { policies } = await evaluated(history, [policy], "absent", 100);
  return (name) => policies[0]!.outcomes.find(({ service }) => service === name)!;
}

const minutes = (count: number): number => count * MINUTE_MS;

describe("a history that let regressions run", () => {
  const alone = [20, 30, 40, 100, 147];
  let long: History;
  beforeAll(async () => {
    long = await tinyHistory({
      ...Object.fromEntries(
        alone.map((length) => [
          `alone${length}`,
          { label: "regression", incident: [3, 3 + length] } as const,
        ]),
      ),
      // Not one of them: rolled back, no regression, no recorded end.
      hidden: {
        label: "regression",
        incident: [2, 9],
        decisions: [[7, "rollbackStarted"]],
      },
      unresolved: {
        label: "regression",
        incident: [2, null],
        decisions: [
          [7, "rollbackStarted"],
          [11, "rollbackFinished"],
        ],
      },
      // Known from deployments alone: before its incident ended, and after it.
      taken: { label: "regression", incident: [2, 9], takenBack: 7 },
      takenFirst: { label: "regression", slow: [5, 60], incident: [2, 9], takenBack: 4 },
      takenLate: { label: "regression", incident: [2, 9], takenBack: 200 },
      elsewhere: { label: "unrelated_incident", incident: [3, 230] },
      endless: { label: "regression", incident: [3, null] },
      // Rolled back when the watch of an hour was over, the moment it was, and before.
      late: { label: "benign", decisions: [[90, "rollbackStarted"]] },
      edge: { label: "benign", decisions: [[60, "rollbackStarted"]] },
      within: { label: "benign", decisions: [[59, "rollbackStarted"]] },
      lateBad: {
        label: "regression",
        incident: [3, 95],
        decisions: [
          [90, "rollbackStarted"],
          [92, "rollbackFinished"],
        ],
      },
    });
  });
  afterAll(() => long.close());
  const MEAN_MS = minutes(337) / 5;

  it("says how long they last: on average, and the longest", () => {
    expect(recoveryOf(long.tables, 1).unaided).toEqual({
      meanMs: MEAN_MS,
      longestMs: minutes(147),
      n: 5,
      lengthsMs: expect.any(Array) as number[],
    });
  });

  it("has neither a mean nor a worst of few and short ones: an hour", async () => {
    const few = await tinyHistory({ brief: { label: "regression", incident: [3, 6] } });
    const { unaided } = recoveryOf(few.tables, 1);
    few.close();
    expect(unaided).toEqual({
      meanMs: minutes(60),
      longestMs: minutes(60),
      n: 1,
      lengthsMs: [minutes(3)],
    });
  });

  it("counts as long for what was cut short, from its recovery there to the longest", async () => {
    const of = await outcomes(FULL, long);
    const bounded = { evidence: "bounded", recoveryMs: MEAN_MS, recoveryWorstMs: minutes(147) };
    expect(of("hidden")).toMatchObject({ ...bounded, recoveryBestMs: minutes(7) });
    expect(of("taken")).toMatchObject({ ...bounded, recoveryBestMs: minutes(7) });
    // The policy ordered its rollback when the version was gone.
    const first = { evidence: "bounded", rolledBack: true, recoveryBestMs: minutes(4) };
    expect(of("takenFirst")).toMatchObject(first);
    expect(of("takenLate")).toMatchObject({ evidence: "observed", recoveryMs: minutes(7) });
    // The rollback took from 7 to 11, and two minutes later it helps by default.
    expect(of("unresolved")).toMatchObject({ ...bounded, recoveryBestMs: minutes(11) });
    expect(of("endless")).toMatchObject({ ...bounded, recoveryBestMs: 0 });
  });

  it("does not cut short a watch that was over before history's rollback", async () => {
    const of = await outcomes(FULL, long);
    for (const name of ["late", "edge"]) {
      expect(of(name)).toMatchObject({ end: "healthy", evidence: "observed", censoredAtMs: null });
    }
    expect(of("within")).toMatchObject({ end: "undecidable", censoredAtMs: minute(59) });
    // A miss for certain; only how long it would have gone on is hidden.
    expect(of("lateBad")).toMatchObject({
      end: "missed",
      evidence: "bounded",
      censoredAtMs: null,
      recoveryMs: minutes(92),
      recoveryBestMs: minutes(92),
      recoveryWorstMs: minutes(147),
    });
  });
});

describe("a deployment's own recovery", () => {
  let own: History;
  beforeAll(async () => {
    const back = (resolved: number, finished: number) => ({
      label: "regression" as const,
      slow: [3, resolved] as const,
      incident: [3, resolved] as const,
      decisions: [
        [4, "proposed"],
        [6, "rollbackStarted"],
        [finished, "rollbackFinished"],
      ] as const,
    });
    own = await tinyHistory({
      slowly: back(20, 7),
      meanwhile: back(8, 10),
      itself: back(5, 7),
    });
  });
  afterAll(() => own.close());

  it.each([
    // Thirteen minutes after the rollback; two minutes before it was finished.
    ["slowly", 5 + 13, 20, 10 + 13],
    ["meanwhile", 8 - 2, 8, 13 - 2],
  ])("%s: no rollback recovers sooner than an earlier one", async (name, full, same, later) => {
    const recovered: (number | null)[] = [];
    for (const policy of [FULL, SHORT, OVERRIDE]) {
      recovered.push((await outcomes(policy, own))(name).recoveredAtMs);
    }
    expect(recovered).toEqual([minute(full), minute(same), minute(later)]);
  });

  it("is seen where it was over before history's rollback", async () => {
    expect((await outcomes(OBSERVE, own))("itself")).toMatchObject({
      recoveredAtMs: minute(5),
      recoveryMs: minutes(2),
      recoveryWorstMs: minutes(2),
      evidence: "observed",
    });
  });
});
