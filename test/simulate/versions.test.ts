/** A world with versions in closed loop: a rollback gives all traffic back to the old version. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { createWorld, parseWorld } from "../../datasets/world/index.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { evaluateLives, historyOf, live, wholeOf } from "../../lab/simulate/closedLoop.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FILE = "datasets/worlds/canary.yaml";
const OPTIONS = { people: "modelled", seed: 1, replicates: 20, progress: silent };

it("decides every event as the replay on its own history does", async () => {
  const text = [
    ["count: 16", "count: 6"],
    ["silent_version: 12%", "silent_version: 32%"],
    ["latency_step: 20%", "latency_step: 0%"],
    ["length: 2w", "length: 1w"],
  ].reduce(
    (before, [is, other]) => before.replace(is!, other!),
    readFileSync(resolve(ROOT, FILE), "utf8"),
  );
  const stage = wholeOf(createWorld(parseWorld(text, FILE), 7));
  const policy = loadPolicy(resolve(ROOT, "scenarios/policies/canary.yaml"));
  const lives = await live(stage, [policy], "modelled", silent);
  expect(lives[0]!.endedAtMs.size).toBeGreaterThan(2);
  const truth = await evaluateLives(stage, lives, OPTIONS);
  const own = await evaluate(historyOf(stage, lives[0]!), [policy], {
    ...OPTIONS,
    people: "recorded",
  });
  // What a rollback was worth is a model in a history, and known in a world.
  const seen = (outcome: Outcome): unknown => ({
    ...outcome,
    sparedMs: null,
    sparedSize: null,
  });
  expect(own.policies[0]!.outcomes.map(seen)).toEqual(truth.policies[0]!.outcomes.map(seen));
  expect(truth.policies[0]!.outcomes.some((outcome) => outcome.silent)).toBe(true);
});
