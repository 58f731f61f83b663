/**
 * A rollback storm: two hundred services, deployed one after another, all slow at once
 * because of something they share. Whole columns, as a replay has them.
 */

import { expect, test } from "vitest";
import type { Deployment, Event, SampleColumn } from "../../engine/index.ts";
import { replay, type Replayed } from "./columnar.ts";
import { policyOf } from "./policyFile.ts";

const SERVICES = 200;
const START_MS = Date.UTC(2026, 2, 12, 9);
const STEP_MS = 15_000;
/** An hour of history; the database they share gets slow ten minutes after the deployments. */
const [BEFORE, QUIET, SLOW] = [240, 40, 40];

const names = Array.from({ length: SERVICES }, (_, index) => `s${String(index).padStart(3, "0")}`);

function column(service: string, index: number): SampleColumn {
  const count = BEFORE + QUIET + SLOW;
  // Every tenth of them feels it one sample later than the tenth before.
  const slowFrom = BEFORE + QUIET + Math.floor(index / 20);
  const atMs = Float64Array.from({ length: count }, (_, at) => START_MS + at * STEP_MS);
  const values = Float64Array.from({ length: count }, (_, at) =>
    at < slowFrom ? 240 + (at % 5) : 480,
  );
  return {
    series: { service, metric: "latency_p95_ms", version: null, percentagePoint: 0.01 },
    atMs,
    knownAtMs: atMs,
    values,
  };
}

function started(service: string): Event {
  const startedAtMs = START_MS + BEFORE * STEP_MS;
  const deployment: Deployment = {
    deploymentId: `d-${service}`,
    service,
    environment: "production",
    kind: "code",
    startedAtMs,
    version: null,
    author: null,
    team: null,
    criticality: null,
  };
  return { kind: "deploymentStarted", atMs: startedAtMs, knownAtMs: startedAtMs, deployment };
}

function run(guardrails: unknown): Replayed {
  const policy = policyOf({
    policy: "storm",
    owner: "platform",
    watch: "20m",
    signals: {
      latency: { metric: "latency_p95_ms", tolerance: "10%", detector: { kind: "cusum" } },
    },
    assign: [{ otherwise: "full" }],
    guardrails,
  });
  return replay(policy, names.map(column), names.map(started), null);
}

function summary({ records, commands }: Replayed): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (what: string): void => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  for (const { decision, end } of records) count(end === null ? decision : `ended: ${end}`);
  for (const { kind } of commands) if (kind === "rollBack" || kind === "page") count(`! ${kind}`);
  return counts;
}

test("the brake lets nine go back, holds the rest and pages once", () => {
  const braked = run({ stormBrake: { services: 10, in: "10m" } });
  expect(summary(braked)).toMatchInlineSnapshot(`
    {
      "! page": 1,
      "! rollBack": 9,
      "ended: held": 191,
      "held": 190,
      "paged": 1,
      "proposed": 9,
      "rollbackOrdered": 9,
      "watchStarted": 200,
    }
  `);
  const page = braked.commands.find(({ kind }) => kind === "page")!;
  expect(page).toMatchObject({ to: "on-call" });
});

test("without it the same history is two hundred rollbacks within minutes", () => {
  expect(summary(run({}))).toMatchInlineSnapshot(`
    {
      "! rollBack": 200,
      "proposed": 200,
      "rollbackOrdered": 200,
      "watchStarted": 200,
    }
  `);
});
