/**
 * One policy has one value for each score, wherever it is shown: Compare, Sweep, What if, Tags, the
 * list of deployments, the report and the command line rest on the same draws and definitions.
 */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIELDS } from "../../lab/score/fields.ts";
import { estimateIn, type Scorecard } from "../../lab/score/scorecard.ts";
import type { Comparison } from "../../lab/server/contract/compare.ts";
import type { DeploymentList } from "../../lab/server/contract/deployments.ts";
import type { PolicyDetail } from "../../lab/server/contract/policies.ts";
import type { SweepDetail, SweepJob } from "../../lab/server/contract/sweeps.ts";
import type { TagsValue } from "../../lab/server/contract/tags.ts";
import type { Verdict } from "../../lab/server/contract/verdict.ts";
import type { WhatIf } from "../../lab/server/contract/whatIf.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { fewHistory, HOOK_MS, policyFile } from "../history/smallWorld.ts";
import { startServer, type Server } from "./serving.ts";

const POLICY = "two-minute-override";
const OTHER = "human-approval";
const CHANGE = { path: "tiers.override.window", value: "5m" };
/** People that are drawn, so that other draws would be other numbers. */
const NUMBERS = ["--people", "modelled", "--draws", "3", "--replicates", "100", "--seed", "5"];
const POLICIES = [POLICY, OTHER].flatMap((name) => ["--policy", policyFile(name)]);

let server: Server;
let history: string;
let wanted: Comparison;

/** By field, its value and interval. */
type Scores = Readonly<Record<string, unknown>>;
function scoresOf(card: unknown): Scores {
  return Object.fromEntries(
    FIELDS.map(({ name }) => {
      const { value, low, high } = estimateIn(card as Scorecard, name);
      return [name, { value, low, high }];
    }),
  );
}

async function told<Document>(...words: string[]): Promise<Document> {
  const all = [...words, "--history", history, ...NUMBERS, "--json"];
  const { code, stdout, stderr } = await inTurn(all);
  expect(code, stderr).not.toBe(2);
  return JSON.parse(stdout) as Document;
}

async function got<Document>(path: string): Promise<Document> {
  const response = await server.ask(path);
  expect(response.status).toBe(200);
  return (await response.json()) as Document;
}

async function sent<Document>(path: string, body: unknown): Promise<Document> {
  const response = await server.post(path, body);
  expect(response.status).toBe(200);
  return (await response.json()) as Document;
}

beforeAll(async () => {
  history = await fewHistory();
  const out = ["--out", join(temporaryDirectory(), "run")];
  server = await startServer(["--history", history, ...POLICIES, ...NUMBERS, ...out]);
  wanted = await told<Comparison>("compare", ...POLICIES);
}, 2 * HOOK_MS);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
}, HOOK_MS);

test(
  "on Compare, whichever is the baseline, and in its verdict",
  async () => {
    for (const policies of [`${POLICY},${OTHER}`, `${OTHER},${POLICY}`]) {
      const { scorecards } = await got<Comparison>(`/api/compare?policies=${policies}`);
      for (const name of [POLICY, OTHER]) {
        expect(scoresOf(scorecards[name])).toEqual(scoresOf(wanted.scorecards[name]));
      }
    }
    const { changes } = await got<Verdict>("/api/verdict?limits=missRate:2pp");
    const { worseBy } = changes[0]!.checks.find(({ name }) => name === "missRate")!;
    const of = (name: string) =>
      estimateIn(wanted.scorecards[name] as Scorecard, "missRate").value!;
    expect(worseBy).toBeCloseTo(of(OTHER) - of(POLICY), 6);
  },
  HOOK_MS,
);

test(
  "on What if, as the base and as what is changed to",
  async () => {
    const yaml = (await got<PolicyDetail>(`/api/policies/${OTHER}`)).yaml;
    const body = { base: POLICY, yaml, precision: "exact" };
    const { base, policy } = await sent<WhatIf>("/api/what-if", body);
    expect(scoresOf(base.scorecard)).toEqual(scoresOf(wanted.scorecards[POLICY]));
    expect(scoresOf(policy.scorecard)).toEqual(scoresOf(wanted.scorecards[OTHER]));
  },
  HOOK_MS,
);

test(
  "on Tags",
  async () => {
    const { value } = await got<TagsValue>(`/api/tags?policy=${POLICY}`);
    const recorded = value!.arms.find(({ arm }) => arm === "as recorded")!;
    expect(scoresOf(recorded.scorecard)).toEqual(scoresOf(wanted.scorecards[POLICY]));
  },
  HOOK_MS,
);

test(
  "on Sweep, of the policy in force and of one that What if changes to",
  async () => {
    const vary = [`${CHANGE.path}=2m,${CHANGE.value}`];
    const asked = { policy: POLICY, vary, design: "grid", points: 64, validate: "cluster" };
    const { id } = await sent<SweepJob>("/api/sweeps", asked);
    let detail: SweepDetail;
    do {
      await new Promise((resolve) => setTimeout(resolve, 200));
      detail = await got<SweepDetail>(`/api/sweeps/${id}`);
    } while (detail.state === "running" || detail.state === "waiting");
    const exact = { base: POLICY, changes: [CHANGE], precision: "exact" };
    const { policy } = await sent<WhatIf>("/api/what-if", exact);
    const { incumbent, variations } = detail.result!;
    const changed = variations.find(({ changes }) => changes.length === 1)!;
    const pairs = [
      [incumbent, wanted.scorecards[POLICY]],
      [changed, policy.scorecard],
    ] as const;
    for (const [{ scores }, scorecard] of pairs) {
      const valueOf = (field: string) => estimateIn(scorecard as Scorecard, field).value!;
      expect(60 * scores.recoveryMinutes!).toBeCloseTo(valueOf("timeToRecovery.restrictedMean60m"));
      expect(scores.falsePositiveRate).toBeCloseTo(valueOf("falsePositiveRate"), 9);
      expect(scores.missRate).toBeCloseTo(valueOf("missRate"), 9);
      expect(scores.cost! / 100).toBeCloseTo(valueOf("cost") / valueOf("deployments"), 6);
    }
  },
  2 * HOOK_MS,
);

test(
  "in the list of deployments: what ends differently on Compare does so there",
  async () => {
    const { deployments } = await got<DeploymentList>("/api/deployments?limit=500");
    const differ = deployments.filter(({ ends }) => ends[POLICY]!.end !== ends[OTHER]!.end);
    const flipped = wanted.flips.map(({ deploymentId }) => deploymentId);
    expect(differ.map(({ deploymentId }) => deploymentId).sort()).toEqual(flipped.sort());
    expect(flipped.length).toBeGreaterThan(0);
  },
  HOOK_MS,
);

test(
  "in the report of a quarter that holds the whole history",
  async () => {
    const asked = ["--policy", policyFile(POLICY), "--candidate", policyFile(OTHER)];
    const { comparison } = await told<{ comparison: Comparison }>(
      "report",
      ...asked,
      ...["--quarter", "2026Q4"],
    );
    expect(scoresOf(comparison.scorecards[POLICY])).toEqual(scoresOf(wanted.scorecards[POLICY]));
    expect(scoresOf(comparison.scorecards[OTHER])).toEqual(scoresOf(wanted.scorecards[OTHER]));
  },
  HOOK_MS,
);
