/**
 * The 23:32 story, scored: a planned migration slows a service as everybody knew it
 * would, at 15-second samples, through Parquet, replay and scorecard.
 */

import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silent } from "../../lab/progress.ts";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { TagRow } from "../../lab/history/tables.ts";
import { createHistory } from "../../lab/history/write.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { temporaryDirectory } from "../directories.ts";

const STEP_MS = 15_000;
const MINUTE_MS = 60_000;
const START_MS = Date.parse("2026-03-12T23:00:00Z");
const FIRST_MS = START_MS - 60 * MINUTE_MS;
const SLOW_FROM_MS = START_MS + 32 * MINUTE_MS;

function tag(name: string, value: string): TagRow {
  return {
    deploymentId: "migration",
    service: "orders",
    tag: name,
    value,
    signal: null,
    validFromMs: START_MS,
    validUntilMs: START_MS + 120 * MINUTE_MS,
    knownAtMs: START_MS - 6 * 60 * MINUTE_MS,
    givenBy: "ada",
    approvedBy: null,
  };
}

/** One night: p95 of 200 ms, up by `rise` from 23:32 on. */
async function night(rise: number): Promise<History> {
  const dir = join(temporaryDirectory(), "night");
  const writer = await createHistory(dir);
  const name = { service: "orders", metric: "latency_p95_ms", version: null };
  const series = writer.addSeries(name, "double");
  const values = Float64Array.from({ length: 121 * 4 }, (_, index) => {
    const isSlow = FIRST_MS + index * STEP_MS >= SLOW_FROM_MS;
    return (200 + (index % 3)) * (isSlow ? 1 + rise : 1);
  });
  await writer.appendRegular(series, FIRST_MS, STEP_MS, values, 0);
  await writer.finish(
    {
      deployments: [
        {
          deploymentId: "migration",
          service: "orders",
          environment: "production",
          kind: "migration",
          kindSource: "schema-migration",
          startedAtMs: START_MS,
          finishedAtMs: null,
          version: null,
          author: "ada",
          stages: [],
        },
      ],
      tags: [tag("migration_window", "true"), tag("expected_latency_increase", "15%")],
      incidents: [],
      labels: [
        {
          deploymentId: "migration",
          label: "expected_change",
          basis: "planned",
          labelledBy: null,
          labelledAtMs: null,
        },
      ],
      decisions: [],
      services: [],
      metricCatalog: [],
      cases: [],
    },
    { madeBy: "a test", sources: [], dropped: [], warnings: [], loggingPolicy: null },
  );
  return openHistory(dir);
}

const policies = ["naive-threshold", "tagged-threshold"].map((name) =>
  loadPolicy(resolve(import.meta.dirname, `../../scenarios/policies/${name}.yaml`)),
);
const opened: History[] = [];
afterAll(() => opened.forEach((history) => history.close()));

async function evaluateNight(rise: number): Promise<Evaluation> {
  const history = await night(rise);
  opened.push(history);
  const options = { people: "absent", seed: 1, replicates: 100, progress: silent } as const;
  return evaluate(history, policies, options);
}

let expectedRise: Evaluation;
beforeAll(async () => {
  expectedRise = await evaluateNight(0.15);
});

test("the naive threshold rolls it back 90 s later, and that is a false positive", () => {
  const { outcomes, scored } = expectedRise.policies[0]!;
  expect(outcomes.at(0)).toMatchObject({
    end: "rolledBack",
    tier: "full",
    label: "expected_change",
  });
  expect(outcomes.at(0)!.decidedAtMs! - SLOW_FROM_MS).toBe(90_000);
  expect(scored.values.get("falsePositiveRollbacks")).toBe(1);
  expect(scored.values.get("falsePositiveShare")).toBe(1);
});

test("with its tags nothing is proposed, the reason says so, and the tag is credited", () => {
  const { outcomes, scored } = expectedRise.policies[1]!;
  expect(outcomes.at(0)).toMatchObject({ end: "healthy", rolledBack: false, proposedAtMs: null });
  expect(outcomes.at(0)!.reason).toMatch(/tolerated with .*expected_latency_increase=15%/);
  expect(outcomes.at(0)!.untaggedProposedAtMs! - SLOW_FROM_MS).toBe(90_000);
  expect(scored.values.get("falsePositiveRollbacks")).toBe(0);
  expect(scored.values.get("tagSaved")).toBe(1);
});

test("four times the declared rise is rolled back in the same window", async () => {
  const { policies: evaluated } = await evaluateNight(0.6);
  expect(evaluated[1]!.outcomes.at(0)).toMatchObject({ end: "rolledBack", rolledBack: true });
});
