/**
 * A stretch of the history that is asked for over HTTP: its numbers are those of the command
 * line's `--json` with `--from` and `--to`, whatever was asked before it, and a stretch that
 * nobody can score is refused as there.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Comparison } from "../../lab/server/contract/compare.ts";
import type { DeploymentDetail, DeploymentList } from "../../lab/server/contract/deployments.ts";
import type { HistorySummary } from "../../lab/server/contract/history.ts";
import { ROUTES, type RouteName } from "../../lab/server/contract/routes.ts";
import type { Scored } from "../../lab/server/contract/scored.ts";
import type { SweepDetail, SweepJob } from "../../lab/server/contract/sweeps.ts";
import type { TagsValue } from "../../lab/server/contract/tags.ts";
import type { Verdict } from "../../lab/server/contract/verdict.ts";
import type { GateResult, WhatIf } from "../../lab/server/contract/whatIf.ts";
import { estimateOf } from "../../ui/format/score.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { fewHistory, HOOK_MS, policyFile } from "../history/smallWorld.ts";
import { startServer, type Server } from "./serving.ts";

const NAMES = ["two-minute-override", "human-approval"] as const;
const NUMBERS = ["--people", "absent", "--draws", "1", "--replicates", "100"];
/** Of the three weeks of that world; both kinds of time. */
const MIDDLE = { from: "2026-10-19", to: "2026-10-26T12:00:00Z" };
const LATEST = { from: "7d" };
const CHANGES = [{ path: "tiers.override.window", value: "5m" }];
const VARY = "tiers.override.window=1m,5m";

let server: Server;
let history: string;

beforeAll(async () => {
  history = await fewHistory();
  const policies = NAMES.flatMap((name) => ["--policy", policyFile(name)]);
  const out = ["--out", join(temporaryDirectory(), "run")];
  server = await startServer(["--history", history, ...policies, ...NUMBERS, ...out]);
}, HOOK_MS);

afterAll(async () => {
  expect(server.said()).toBe("");
  expect(await server.stop()).toBe(0);
}, HOOK_MS);

interface Timed {
  readonly manifest: Readonly<Record<string, unknown>>;
}
/** How long something took is no number of it. */
function untimed<Document>(document: Document): Document {
  const { manifest } = document as Document & Timed;
  return { ...document, manifest: { ...manifest, timing: null } };
}

/** What `--json` prints, whatever the verdict is. */
async function told<Document>(stretch: object, ...words: string[]): Promise<Document> {
  const between = Object.entries(stretch).flatMap(([name, at]) => [`--${name}`, String(at)]);
  const all = [...words, "--history", history, ...NUMBERS, ...between, "--json"];
  const { code, stdout, stderr } = await inTurn(all);
  expect(code, stderr).not.toBe(2);
  return JSON.parse(stdout) as Document;
}

async function promised<Document>(name: RouteName, response: Response): Promise<Document> {
  const text = await response.text();
  expect(response.status, text.slice(0, 300)).toBe(200);
  ROUTES[name].response!.parse(JSON.parse(text));
  return JSON.parse(text) as Document;
}

function get<Document>(name: RouteName, asked: Readonly<Record<string, string>>) {
  const search = new URLSearchParams(asked).toString();
  return server
    .ask(`${ROUTES[name].path}?${search}`)
    .then((response) => promised<Document>(name, response));
}

const compared = (stretch: Readonly<Record<string, string>>) =>
  get<Comparison>("compare", { policies: NAMES.join(), ...stretch });
const policyWords = NAMES.flatMap((name) => ["--policy", policyFile(name)]);

describe("a stretch of the history", { timeout: 2 * HOOK_MS }, () => {
  test("is compared as compare --json does, and leaves other answers as they were", async () => {
    const whole = await compared({});
    expect(whole.scored).toBeNull();
    for (const stretch of [MIDDLE, LATEST]) {
      const part = await compared(stretch);
      const wanted = untimed(await told<Comparison>(stretch, "compare", ...policyWords));
      const { manifest, scorecards } = untimed(part);
      expect({ manifest, scorecards }).toEqual({
        manifest: wanted.manifest,
        scorecards: wanted.scorecards,
      });
      expect(part.differences).toMatchObject(wanted.differences);
      expect(part.flips).toMatchObject(wanted.flips);
      expect([part.differences.length, part.flips.length]).toEqual([
        wanted.differences.length,
        wanted.flips.length,
      ]);
      expect(part.scored!.words).toBe(wanted.manifest.notes[0]);
      expect(part.scored!.deployments).toBeLessThan(part.scored!.of);
    }
    expect(await compared({})).toEqual(whole);
  });

  test("shows its deployments, each with its own end and lanes", async () => {
    const all = await get<DeploymentList>("deployments", { limit: "500" });
    const part = await get<DeploymentList>("deployments", { ...MIDDLE, limit: "500" });
    const inside = all.deployments.filter(
      ({ startedAt }) =>
        Date.parse(startedAt) >= Date.parse(MIDDLE.from) &&
        Date.parse(startedAt) < Date.parse(MIDDLE.to),
    );
    expect(part.deployments).toEqual(inside);
    expect(part.scored).toMatchObject({ deployments: inside.length, of: all.deployments.length });
    await compared(MIDDLE);
    const row = inside.findLast(({ ends }) => ends[NAMES[0]]!.rolledBack)!;
    const answer = await server.laned(row.deploymentId);
    const { lanes } = await promised<DeploymentDetail>("deployment", answer);
    expect(lanes!.map(({ outcome }) => [outcome.deploymentId, outcome.end])).toEqual(
      NAMES.map((id) => [row.deploymentId, row.ends[id]!.end]),
    );
  });

  test("is asked of a what-if and of the gate as of compare and gate --json", async () => {
    const body = { base: NAMES[0], changes: CHANGES, ...MIDDLE };
    const ask = async (more: object) =>
      promised<WhatIf>("whatIf", await server.post("/api/what-if", { ...body, ...more }));
    const everything = await ask({ from: undefined, to: undefined });
    const quick = await ask({});
    const exact = await ask({ precision: "exact" });
    const file = join(temporaryDirectory(), "changed.yaml");
    writeFileSync(file, quick.policy.yaml);
    const policies = ["--policy", policyFile(NAMES[0]), "--policy", file];
    const renamed = quick.policy.yaml.replace(`\npolicy: ${NAMES[0]}`, "\npolicy: changed");
    writeFileSync(file, renamed);
    const wanted = await told<Comparison>(MIDDLE, "compare", ...policies);
    expect(exact.base.scorecard).toEqual(wanted.scorecards[NAMES[0]]);
    expect(exact.policy.scorecard).toEqual(wanted.scorecards["changed"]);
    expect({ ends: quick.ends, flips: quick.flips }).toEqual({
      ends: exact.ends,
      flips: exact.flips,
    });
    expect(quick.ends).not.toEqual(everything.ends);
    expect([quick.scored, exact.scored, everything.scored]).toEqual([
      exact.scored,
      expect.objectContaining({ words: wanted.manifest.notes[0] }),
      null,
    ]);
    expect(await ask({ from: undefined, to: undefined })).toEqual(everything);

    const gate = await promised<GateResult>("gate", await server.post("/api/gate", body));
    const candidate = ["--baseline", policyFile(NAMES[0]), "--candidate", file];
    const { verdict, checks } = await told<GateResult>(MIDDLE, "gate", ...candidate);
    expect(gate).toMatchObject({ verdict, checks });
  });

  test("has the verdict of gate --json on both changes of two policies", async () => {
    const { changes, title, adopt } = await get<Verdict>("verdict", {
      policies: NAMES.join(),
      pairs: "all",
      ...MIDDLE,
    });
    expect(changes.map(({ from, to }) => [from, to])).toEqual([[...NAMES], [...NAMES].reverse()]);
    const [first, back] = changes as [Verdict["changes"][number], Verdict["changes"][number]];
    const two = ["--baseline", policyFile(NAMES[0]), "--candidate", policyFile(NAMES[1])];
    const { verdict, checks } = await told<GateResult>(MIDDLE, "gate", ...two);
    expect(first).toMatchObject({ verdict, checks });
    expect(first.checks.some(({ worseBy }) => worseBy !== null && worseBy !== 0)).toBe(true);
    expect(back.checks.map(({ worseBy }) => worseBy)).toEqual(
      first.checks.map(({ worseBy }) => (worseBy === null ? null : 0 - worseBy)),
    );
    const isAdopted = first.verdict === "pass" && first.isBetter;
    expect([adopt, title]).toEqual(
      isAdopted ? [NAMES[1], `Adopt ${NAMES[1]}.`] : [null, `Keep ${NAMES[0]}.`],
    );
    const off = { policies: NAMES.join(), limits: "missRate:off" };
    const other = await get<Verdict>("verdict", off);
    expect(other.changes[0]!.checks.map(({ name }) => name)).not.toContain("missRate");
    const refused = await server.ask("/api/verdict?limits=missRate:3kg");
    expect(refused.status).toBe(422);
  });

  test("is what tags and sweeps are asked of, as by tags and sweep --json", async () => {
    const { scored, value } = await get<TagsValue>("tags", { policy: NAMES[0], ...MIDDLE });
    const tags = await told<Timed>(MIDDLE, "tags", "--policy", policyFile(NAMES[0]));
    expect(untimed(value)).toEqual(untimed(tags));
    expect(value!.manifest.notes[0]).toBe(scored!.words);

    const started = await server.post("/api/sweeps", { policy: NAMES[0], vary: [VARY], ...LATEST });
    const { id } = await promised<SweepJob>("startSweep", started);
    let job: SweepDetail;
    do {
      await new Promise((resolve) => setTimeout(resolve, 50));
      job = await promised<SweepDetail>("sweep", await server.ask(`/api/sweeps/${id}`));
    } while (job.state === "waiting" || job.state === "running");
    const swept = await told<Timed>(
      ...([LATEST, "sweep", "--policy", policyFile(NAMES[0]), "--vary", VARY] as const),
    );
    expect(untimed(job.result)).toEqual(untimed(swept));
    expect(job.scored!.deployments).toBe((await get<Scored>("scored", LATEST)).deployments);

    // The same policy has one value for each score on both pages.
    const compared = await get<Comparison>("compare", { policies: NAMES.join(), ...LATEST });
    const card = compared.scorecards[NAMES[0]]!;
    const { scores } = job.result!.incumbent;
    for (const field of ["missRate", "falsePositiveRate"] as const) {
      expect(scores[field], field).toBe(estimateOf(card, field)!.value);
    }
    expect((scores.cost! * job.scored!.deployments) / 100).toBeCloseTo(
      estimateOf(card, "cost")!.value!,
      3,
    );
  });

  test("is offered as days and quarters that somebody deployed in", async () => {
    const { stretches, deployments } = await get<HistorySummary>("history", {});
    expect(stretches.map(({ name, from, to }) => [name, from, to])).toEqual([
      ["last 7 days", "7d", null],
      ["2026Q4", "2026-10-01", "2027-01-01"],
    ]);
    expect(stretches[1]!.deployments).toBe(deployments);
    for (const { from, to, deployments: inside } of stretches) {
      const asked = { from, ...(to === null ? {} : { to }) };
      expect((await get<Scored>("scored", asked)).deployments).toBe(inside);
    }
  });

  test("is refused by every route, as by the command line, where nobody can score it", async () => {
    const asked: readonly (readonly [number, object, RegExp])[] = [
      [422, { from: "2027-01-01" }, /no deployment of this history starts between --from and --to/],
      [422, { from: "2026-10-20", to: "2026-10-20" }, /--from is not before --to/],
      [400, { to: "yesterday" }, /expected 2026-07-01, or .* or so long before the end: 30d/],
      [400, { from: "2026-02-30" }, /expected 2026-07-01/],
      [400, { from: "999999999d" }, /expected 2026-07-01/],
    ];
    for (const [status, stretch, says] of asked) {
      const words = Object.entries(stretch).flatMap(([name, at]) => [`--${name}`, String(at)]);
      const of = ["compare", "--history", history, ...policyWords, ...words, "--json"];
      const { code, stderr } = await inTurn(of);
      expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
      const search = new URLSearchParams({ ...stretch, policy: NAMES[0] }).toString();
      const answers = [
        ...["scored", "compare", "deployments", "tags"].map((path) => `/api/${path}?${search}`),
      ].map((path) => server.ask(path));
      const change = { base: NAMES[0], changes: CHANGES, ...stretch };
      answers.push(
        server.post("/api/what-if", change),
        server.post("/api/what-if", { ...change, precision: "exact" }),
        server.post("/api/gate", change),
        server.post("/api/sweeps", { policy: NAMES[0], vary: [VARY], ...stretch }),
      );
      for (const answer of await Promise.all(answers)) {
        const { detail } = (await answer.json()) as { readonly detail: string };
        expect([answer.url, answer.status, detail]).toEqual([
          answer.url,
          status,
          expect.stringMatching(says),
        ]);
      }
    }
  });
});
