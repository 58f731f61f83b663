/** How long good deployments look bad, learned from those that history let alone. */

import { afterAll, describe, expect, it } from "vitest";
import { evaluate } from "../../lab/compare/evaluate.ts";
import type { History } from "../../lab/history/open.ts";
import { passingNotes, passingOf } from "../../lab/outcome/passing.ts";
import { silent } from "../../lab/progress.ts";
import { FULL, OVERRIDE, tinyHistory, type TinyDeployment } from "../history/tinyHistory.ts";

/** Acts on what has looked bad for a quarter of an hour. */
const PATIENT = {
  ...FULL,
  policy: "patient",
  signals: FULL.signals.map((signal) => ({ ...signal, holdMs: 15 * 60_000 })),
};
const LEFT_ALONE = 20;
const CUT = 10;

const opened: History[] = [];
afterAll(() => opened.forEach((history) => history.close()));

/** Good ones that were slow for so long, and others that history rolled back after two minutes. */
async function written(minutes: number, leftAlone = LEFT_ALONE): Promise<History> {
  const cut: TinyDeployment = {
    slow: [0, 3],
    label: "benign",
    decisions: [
      [2, "rollbackStarted"],
      [3, "rollbackFinished"],
    ],
  };
  const whole: TinyDeployment = { slow: [0, minutes], label: "benign" };
  const named = (name: string, count: number, given: TinyDeployment) =>
    Array.from({ length: count }, (_, at) => [`${name}${at}`, given] as const);
  const history = await tinyHistory(
    Object.fromEntries([...named("cut", CUT, cut), ...named("whole", leftAlone, whole)]),
  );
  opened.push(history);
  return history;
}

/** The share of those that history cut short which a policy rolls back after all. */
async function rolledBack(history: History, policy: typeof FULL): Promise<number> {
  const { policies } = await evaluate(history, [policy], {
    people: "absent",
    seed: 3,
    replicates: 20,
    draws: 5,
    progress: silent,
  });
  const cut = policies[0]!.draws.flatMap((outcomes) =>
    outcomes.filter(({ deploymentId }) => deploymentId.startsWith("d-cut")),
  );
  expect(cut).toHaveLength(5 * CUT);
  return cut.filter((outcome) => outcome.rolledBack).length / cut.length;
}

describe("good deployments that history rolled back", () => {
  // Half in ten samples: all of them would still be slow at the end of the window.
  it("are soon over where the others were, so that who waits lets them be", async () => {
    expect(await rolledBack(await written(3), OVERRIDE)).toBeLessThan(0.15);
  });

  // Half in ten samples: none of them would be slow for a quarter of an hour.
  it("go on where the others did, so that who waits rolls them back as well", async () => {
    expect(await rolledBack(await written(50), PATIENT)).toBeGreaterThan(0.75);
  });

  it("are neither where there are no others", async () => {
    const nobody = await written(3, 0);
    const learned = await passingOf(nobody, [FULL]);
    expect(learned["latency_p95_ms"]!.seen).toBe(0);
    expect(passingNotes(learned)[0]).toMatch(/fixed rule.*latency_p95_ms \(0 seen to stop\)/);
    expect(await rolledBack(nobody, OVERRIDE)).toBeGreaterThan(0.25);
    expect(await rolledBack(nobody, PATIENT)).toBeLessThan(0.7);
  });
});

describe("what is learned", () => {
  it("is of the history, whoever asks", async () => {
    const history = await written(3);
    const learned = await passingOf(history, [FULL]);
    expect(passingNotes(learned)).toEqual([]);
    expect(Object.keys(learned)).toEqual(["latency_p95_ms"]);
    expect(learned["latency_p95_ms"]!.chances[2]).toBeGreaterThan(0.9);
    expect(await passingOf(history, [PATIENT, OVERRIDE])).toEqual(learned);
    expect(await passingOf(await written(3), [OVERRIDE])).toEqual(learned);
  });

  it("is nothing, and nothing is read, where no good one was cut short", async () => {
    const history = await tinyHistory({ a: { slow: [0, 9], label: "benign" } });
    opened.push(history);
    const windows = (): never => {
      throw new Error("read");
    };
    expect(await passingOf({ ...history, windows }, [FULL])).toEqual({});
  });
});
