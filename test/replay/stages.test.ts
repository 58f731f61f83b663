/** Stages out of a history's tables: told in order, judged and decided by, explained, swept. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { explain, explanationText } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { absent } from "../../lab/people/recorded.ts";
import { replay } from "../../lab/replay/replay.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { openBase, variationsOf } from "../../lab/sweep/variations.ts";
import { minute, tinyHistory } from "../history/tinyHistory.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PROGRESSIVE = join(ROOT, "scenarios/policies/progressive.yaml");

const policy = policyFromText(
  `policy: staged
owner: platform
watch: 60m
signals:
  latency:
    metric: latency_p95_ms
    tolerance: 80%
    detector: { kind: threshold, breaches: 1, of: 1, baseline: 60m }
assign: [{ otherwise: approve }]
stages:
  canary: { upTo: 5%, signals: { latency: { tolerance: 20%, tier: full } } }
`,
  "staged.yaml",
);

/** All half as slow again from minute 10 on: more than a canary tolerates, less than the rest. */
const slow = [10, 40] as const;

test("a replay feeds stages as they were reached, and they change tolerance and tier", async () => {
  const history = await tinyHistory({
    canary: { slow, stages: [[0, 0.05]] },
    late: { slow, stages: [[20, 0.05]] },
    left: { slow, stages: [[0, 0.05], [10, 0.5]] }, // prettier-ignore
    unknown: { slow, stages: [[0, null]] },
    whole: { slow },
  });
  try {
    const platform = { rollBack: () => ({ durationMs: 60_000, succeeds: true }) };
    const { plan, policies } = await replay(history, [policy], absent, platform, silent);
    const decided = policies[0]!;
    const orders = plan.deployments.map(({ deployment }, at) => {
      const order = decided.of(at).records.find(({ decision }) => decision === "rollbackOrdered");
      return [deployment.service, order?.knownAtMs ?? null, order?.tier ?? null];
    });
    expect(orders).toEqual([
      ["canary", minute(11), "full"],
      ["late", minute(21), "full"],
      ["left", null, null],
      ["unknown", null, null],
      ["whole", null, null],
    ]);
    // Alone or in one fold with all others: the records are the same.
    const whole = decided.records.filter(({ service }) => service === "whole");
    const at = [...plan.deployments].findIndex(({ deployment }) => deployment.service === "whole");
    expect(decided.of(at).records).toEqual(whole);

    const [{ handled } = { handled: [] }] = decided.fleets();
    const kinds = handled.map(({ event }) => event).filter(({ kind }) => kind === "stageReached");
    expect(kinds.map(({ knownAtMs }) => knownAtMs)).toEqual(
      [0, 0, 0, 10, 20].map((after) => minute(after)),
    );
    const text = explanationText(explain(policy, handled, "d-canary")!);
    expect(text).toContain("the rollout reached 5 % of the traffic");
    expect(text).toContain("a breach of latency has its own tier there → full");
    expect(text).toContain("stage canary, at 5 % of the traffic: 20 % there");
  } finally {
    history.close();
  }
});

test("a sweep reaches what a stage says, with and without a default", () => {
  const base = openBase(PROGRESSIVE);
  const dimensions = [
    "stages.canary.signals.latency.tolerance=15%,25%",
    "stages.canary.signals.errors.tier=full",
    "stages.*.upTo=20%..40%/2",
  ].map(parseDimension);
  const grid = { kind: "grid", points: 0, seed: 1 } as const;
  const [tolerance, tier] = dimensions.slice(0, 2);
  const made = variationsOf(base, [tolerance!, tier!], grid);
  expect(made.map(({ changes }) => changes.map(({ from, to }) => `${from} → ${to}`))).toEqual([
    ["20% → 15%", "(nothing) → full"],
    ["20% → 25%", "(nothing) → full"],
  ]);
  // Two stages that reach equally far are refused, in a sweep as in a file.
  expect(() => variationsOf(base, [dimensions[2]!], grid)).toThrow(/the same `upTo`/);
  const wrong = [parseDimension("stages.canary.upto=5%,6%")];
  expect(() => variationsOf(base, wrong, grid)).toThrow(/upTo/);
});
