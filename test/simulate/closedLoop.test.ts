/**
 * A policy that lives in a world, the history it leaves behind, and a replay on that history
 * have to be one and the same; and a world that is made as it is read is the one in Parquet.
 */

import { beforeAll, describe, expect, it } from "vitest";
import { deploymentById, deploymentsBetween } from "../../datasets/world/index.ts";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { openHistory } from "../../lab/history/open.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import {
  evaluateLives,
  historyOf,
  live,
  wholeOf,
  type Life,
  type Stage,
} from "../../lab/simulate/closedLoop.ts";
import { logWorld } from "../../lab/simulate/log.ts";
import {
  evaluated,
  freshWorld,
  smallHistory,
  HOOK_MS,
  shipped,
  timeless,
} from "../history/smallWorld.ts";

const OPTIONS = { people: "modelled", seed: 1, replicates: 100, progress: silent };

const stageOf = (seed?: number): Stage => wholeOf(freshWorld(seed).world);

/** A season and other services' samples: the longest looks there are. */
const POLICIES: readonly Policy[] = ["plain-window", "two-minute-override"].map(shipped);

let stage: Stage;
let lives: readonly Life[];
let truth: Evaluation;
beforeAll(async () => {
  stage = stageOf();
  lives = await live(stage, POLICIES, "modelled", silent);
  truth = await evaluateLives(stage, lives, OPTIONS);
}, HOOK_MS);

describe("a policy in closed loop", () => {
  it("does what the same policy did when it wrote that world's history", () => {
    const { world, loggingPolicy } = freshWorld();
    const log = logWorld(world, loggingPolicy);
    const order = (rows: readonly unknown[]): string[] =>
      rows.map((row) => JSON.stringify(row)).sort();
    const written = deploymentsBetween(world, null, world.startMs, world.endMs).flatMap((one) =>
      log.decisionsOf(one),
    );
    expect(written.length).toBeGreaterThan(100);
    expect(order(lives[0]!.decisions)).toEqual(order(written));
  });

  it("decides every event as the replay on its own history does, also with a season", async () => {
    expect(lives[1]!.rounds).toBeGreaterThan(1);
    for (const [index, life] of lives.entries()) {
      const own = await evaluate(historyOf(stage, life), [life.policy], {
        ...OPTIONS,
        people: "recorded",
      });
      // What a rollback was worth is a model in a history, and known in a world.
      const seen = (outcome: Outcome): unknown => ({
        ...outcome,
        sparedMs: null,
        sparedSize: null,
      });
      expect(own.policies[0]!.outcomes.map(seen)).toEqual(
        truth.policies[index]!.outcomes.map(seen),
      );
    }
  });

  it("has only observed outcomes, and no bounds on MTTR", () => {
    for (const { scored } of truth.policies) {
      expect(scored.values.get("observedShare")).toBe(1);
      expect(scored.scorecard.identifiedShare).toBe(1);
      expect(scored.scorecard.mttrBounds.best).toBe(scored.scorecard.mttr.value);
    }
  });

  it("ends the effect of a deployment that it rolls back, unless that is irreversible", () => {
    let undone = 0;
    for (const outcome of truth.policies.flatMap(({ outcomes }) => [...outcomes])) {
      const { reversible, recoveryMs, naturalEndAtMs, rollbackSucceeds, label } = deploymentById(
        stage.world,
        outcome.deploymentId,
      )!;
      if (outcome.rolledBack) expect(rollbackSucceeds).toBe(true);
      if (label !== "regression") continue;
      const ended =
        outcome.rolledBack && reversible ? outcome.executedAtMs! + recoveryMs : Infinity;
      if (outcome.rolledBack && !reversible) undone++;
      expect(outcome.recoveredAtMs).toBe(
        Math.max(outcome.onsetAtMs!, Math.min(naturalEndAtMs!, ended)),
      );
    }
    expect(undone).toBeGreaterThan(0);
    expect(truth.policies[0]!.scored.values.get("falsePositiveRollbacks")).toBeGreaterThan(0);
  });

  it("acts only between `from` and `to`", async () => {
    const { world } = stage;
    const fromMs = world.startMs + 7 * 86_400_000;
    const [week] = await live(
      { world, fromMs, toMs: fromMs + 7 * 86_400_000 },
      [POLICIES[0]!],
      "absent",
      silent,
    );
    const times = week!.decisions.map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThan(10);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(fromMs);
  });
});

describe("a world that is made as it is read", () => {
  it("replays bit for bit like the same world in Parquet", async () => {
    const stored = await openHistory(await smallHistory());
    try {
      const made = historyOf(stage, lives[0]!);
      const same = (evaluation: Evaluation): unknown => {
        const { manifest, ...rest } = JSON.parse(timeless(evaluation)) as Record<string, unknown>;
        return { ...rest, samplesRead: (manifest as { samplesRead: number }).samplesRead };
      };
      expect(same(await evaluated(made, POLICIES))).toEqual(
        same(await evaluated(stored, POLICIES)),
      );
    } finally {
      stored.close();
    }
  });

  it("is the same under the same seed, and another under another", async () => {
    const decisionsOf = async (seed: number): Promise<string> => {
      const [life] = await live(stageOf(seed), [POLICIES[0]!], "modelled", silent);
      return JSON.stringify(life!.decisions);
    };
    const again = await decisionsOf(7);
    expect(again).toBe(JSON.stringify(lives[0]!.decisions));
    expect(await decisionsOf(8)).not.toBe(again);
  });
});
