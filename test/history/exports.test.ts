/**
 * Exports of GitHub, Argo CD and PagerDuty, in the form those systems give them: what becomes a
 * deployment or an incident, what is left out and why, and what no export can say.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readArgocd } from "../../lab/history/import/exports/argocd.ts";
import { readExports, type ExportFiles } from "../../lab/history/import/exports/files.ts";
import { PLAIN_NAMING } from "../../lab/history/import/exports/foreign.ts";
import { readGithub } from "../../lab/history/import/exports/github.ts";
import {
  readPagerdutyChanges,
  readPagerdutyIncidents,
} from "../../lab/history/import/exports/pagerduty.ts";
import { readRollouts } from "../../lab/history/import/exports/rollouts.ts";
import { recorded } from "../../lab/people/recorded.ts";
import type { Propose } from "../../engine/index.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { openHistory } from "../../lab/history/open.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { plainFiles, ROOT, writeFiles } from "./samples.ts";

const FILES = join(ROOT, "test/history/exports");
const json = (name: string): unknown => JSON.parse(readFileSync(join(FILES, name), "utf8"));
const at = (time: string): number => Date.parse(`2026-07-01T${time}Z`);
const SHOP = { ...PLAIN_NAMING, services: new Map([["acme/shop-backend", "shop"]]) };

describe("GitHub", () => {
  it("starts a deployment when it runs, and knows who, what, where and whose", () => {
    const { rows, problems } = readGithub(json("deployments.json") as unknown[], SHOP);
    expect(problems).toEqual(["element 5: it has no repository"]);
    expect(rows[0]).toEqual({
      deploymentId: "github/acme/shop-backend/1001",
      service: "shop",
      environment: "production",
      kind: "deploy",
      startedAtMs: at("00:45:00"),
      finishedAtMs: at("00:47:10"),
      state: "succeeded",
      version: "6f1e2d3c4b5a69788796a5b4c3d2e1f001122334",
      author: "ada",
      title: null,
      event: "deploy",
    });
    expect(rows.slice(1).map(({ service, kind, state }) => [service, kind, state])).toEqual([
      ["cart", "migrations", "failed"],
      ["shop", "deploy", "succeeded"],
      ["shop", "deploy", "waiting"],
    ]);
  });

  it("knows of which deployments only the creation is known", () => {
    const { rows } = readGithub(json("deployments.json") as unknown[], SHOP);
    const isCreated = rows.map(({ startIsCreation }) => startIsCreation ?? false);
    expect(isCreated).toEqual([false, true, true, true]);
  });

  it("says the same of deliveries, one by one and all together", () => {
    const lines = readFileSync(join(FILES, "deliveries.jsonl"), "utf8").trim().split("\n");
    const bodies = lines.map((line) => JSON.parse(line) as unknown);
    const states = bodies.map((body) => readGithub([body], PLAIN_NAMING).rows[0]!.state);
    expect(states).toEqual(["waiting", "running", "succeeded"]);
    expect(readGithub(bodies, PLAIN_NAMING).rows).toEqual([
      expect.objectContaining({
        deploymentId: "github/acme/cart/2001",
        service: "cart",
        kind: "config",
        startedAtMs: at("02:05:00"),
        finishedAtMs: at("02:07:30"),
      }),
    ]);
  });
});

describe("Argo CD", () => {
  it("takes a new revision for a deployment, not the healing of an old one", () => {
    const { rows } = readArgocd([json("applications.json")], PLAIN_NAMING);
    expect(rows.map(({ startedAtMs, state, author }) => [startedAtMs, state, author])).toEqual([
      [at("00:30:00"), "succeeded", "ada"],
      [at("02:10:00"), "succeeded", "argocd (automated)"],
      [at("02:40:00"), "running", "grace"],
    ]);
    expect(rows[0]).toMatchObject({ service: "shop", kind: "infrastructure" });
  });

  it("is not told of a deployment by healing that is under way", () => {
    const list = json("applications.json") as { items: Record<string, unknown>[] };
    const app = list.items[0]!;
    const { history } = app["status"] as { history: { revision: string }[] };
    const { revision } = history.at(-1)!;
    const operation = { sync: { revision }, initiatedBy: { automated: true } };
    const healing = { phase: "Running", startedAt: "2026-07-01T02:40:00Z", operation };
    const status = { history, operationState: healing };
    expect(readArgocd([{ ...app, status }], PLAIN_NAMING).rows).toHaveLength(2);
  });

  it("calls a sync the same while it runs and when it is history", () => {
    const list = json("applications.json") as { items: Record<string, unknown>[] };
    const app = list.items[0]!;
    const status = app["status"] as { history: unknown[]; operationState: object };
    const ended = {
      ...app,
      status: {
        operationState: { ...status.operationState, phase: "Succeeded" },
        history: [
          ...status.history,
          {
            id: 3,
            revision: "ffffffffffffffffffffffffffffffffffffffff",
            deployStartedAt: "2026-07-01T02:40:00Z",
            deployedAt: "2026-07-01T02:41:00Z",
          },
        ],
      },
    };
    const running = readArgocd([{ app }], PLAIN_NAMING).rows.at(-1)!;
    const done = readArgocd([ended], PLAIN_NAMING).rows;
    expect(done).toHaveLength(3);
    expect(done.at(-1)!.deploymentId).toBe(running.deploymentId);
    expect(done.at(-1)!.state).toBe("succeeded");
  });
});

describe("PagerDuty", () => {
  const naming = { ...PLAIN_NAMING, services: new Map([["PIJ90N7", "shop"]]) };

  it("blames a deployment only where it is linked", () => {
    const { rows, problems } = readPagerdutyIncidents([json("incidents.json")], naming);
    expect(problems).toEqual(["element 3: incident PT4KHLN was merged into another"]);
    expect(rows).toEqual([
      {
        incidentId: "pagerduty/PT4KHLK",
        service: "shop",
        deploymentId: "github/acme/shop-backend/1001",
        label: "bad-deployment: Shop is slow",
        startedAtMs: at("00:50:00"),
        resolvedAtMs: at("01:10:00"),
        resolvedBy: "Ada",
        severity: "P1",
      },
      expect.objectContaining({
        service: "cart",
        deploymentId: null,
        label: "Cart: disk almost full after deployment",
        resolvedAtMs: at("02:45:00"),
        severity: "low",
      }),
    ]);
  });

  it("takes a change event for a deployment of every service it names", () => {
    const { rows } = readPagerdutyChanges([json("change-events.json")], naming);
    expect(rows.map(({ service, kind, version }) => [service, kind, version])).toEqual([
      ["shop", "feature_flag", "checkout-v2"],
      ["cart", "feature_flag", "checkout-v2"],
    ]);
    expect(readPagerdutyIncidents([json("change-events.json")], naming).rows).toEqual([]);
  });
});

describe("Argo Rollouts and Flagger", () => {
  const read = () => readRollouts([json("rollouts.json")], PLAIN_NAMING);

  it("deploy what they begin, and say how it ended", () => {
    const { deployments } = read();
    expect(deployments.problems).toEqual([]);
    const rows = deployments.rows.map((row) => [
      row.deploymentId,
      row.startedAtMs,
      row.state,
      row.version,
    ]);
    expect(rows).toEqual([
      ["argo-rollouts/shop/cart/r7", at("00:10:00"), "succeeded", "6c9bd8675b"],
      ["argo-rollouts/shop/cart/r8", at("01:00:00"), "failed", "7d4f9b6c5d"],
      ["argo-rollouts/shop/cart/r9", at("02:00:00"), "failed", "5b6f7c8d9e"],
      // The events of this one are lost: it began with its analysis at the latest.
      ["argo-rollouts/shop/cart/r10", at("02:30:00"), "running", "66d5c4b3a2"],
      ["flagger/shop/podinfo/2026-07-01T00:20:00.000Z", at("00:20:00"), "failed", null],
      ["flagger/shop/podinfo/2026-07-01T01:20:00.000Z", at("01:20:00"), "succeeded", null],
    ]);
  });

  it("decide, or ask people who answer; what two objects tell is told once", () => {
    const decisions = read().decisions.map(({ deploymentId, what, by, atMs }) => [
      deploymentId.split("/").slice(1, 4).join("/"),
      what,
      by,
      atMs,
    ]);
    const canary = "shop/podinfo/2026-07-01T00:20:00.000Z";
    expect(decisions).toEqual([
      ["shop/cart/r7", "proposed", "argo-rollouts", at("00:15:00")],
      ["shop/cart/r7", "overrideGiven", null, at("00:21:00")],
      ["shop/cart/r8", "rollbackStarted", "argo-rollouts", at("01:06:00")],
      ["shop/cart/r9", "proposed", "argo-rollouts", at("02:05:00")],
      ["shop/cart/r9", "approvalGiven", null, at("02:08:00")],
      ["shop/cart/r9", "rollbackStarted", "argo-rollouts", at("02:08:00")],
      [canary, "rollbackStarted", "flagger", at("00:27:00")],
      [canary, "rollbackFinished", "flagger", at("00:27:30")],
    ]);
  });

  it("read the same in any order, one by one or in a list", () => {
    const { items } = json("rollouts.json") as { items: unknown[] };
    const sorted = <Row extends { readonly deploymentId: string }>(rows: readonly Row[]): Row[] =>
      [...rows].sort((one, other) => (one.deploymentId < other.deploymentId ? -1 : 1));
    const { deployments, decisions } = readRollouts([...items].reverse(), PLAIN_NAMING);
    expect(sorted(deployments.rows)).toEqual(sorted(read().deployments.rows));
    expect(sorted(decisions)).toEqual(sorted(read().decisions));
  });
});

it.each([[null], [[]], ["text"], [{}], [{ deployment: 5 }], [{ items: [null, 7] }]])(
  "a body that is nothing (%j) is a problem or nothing, never an exception",
  (body) => {
    for (const read of [readGithub, readArgocd, readPagerdutyIncidents, readPagerdutyChanges]) {
      expect(read([body], PLAIN_NAMING).rows).toEqual([]);
    }
  },
);

describe("import csv with exports", () => {
  const { "metrics.csv": metrics, "deployments.csv": deployments } = plainFiles();
  const file = (name: string): string => join(FILES, name);
  it("makes one history of them, and counts what is left out", async () => {
    const out = join(temporaryDirectory(), "history");
    const { code, stdout } = await inTurn([
      ...["import", "csv", writeFiles({ "metrics.csv": metrics! }), "--out", out],
      ...["--github", file("deployments.json"), "--github", file("deliveries.jsonl")],
      ...["--argocd", file("applications.json"), "--pagerduty", file("incidents.json")],
      ...["--pagerduty", file("change-events.json"), "--service-of", "acme/shop-backend=shop"],
      ...["--service-of", "Shop backend=shop", "--environment", "production", "--json"],
    ]);
    expect(code).toBe(0);
    const said = JSON.parse(stdout) as {
      dropped: { reason: string; rows: number; examples: string[] }[];
      warnings: string[];
    };
    expect(said).toMatchObject({
      deployments: { total: 8, regression: 1, unknown: 7 },
      incidents: 2,
    });
    expect(said.dropped.map(({ reason, rows }) => [reason, rows])).toEqual([
      ["an element that cannot be read", 1],
      ["an element that cannot be read", 1],
      ["it never began", 1],
      ["not in production", 1],
    ]);
    expect(said.dropped[2]!.examples).toEqual(["github/acme/shop-backend/1004"]);
    // One that only ever failed, in production.
    expect(said.warnings.join()).toMatch(/^.*1 GitHub deployment.*github\/acme\/monorepo\/1002/);
    const history = await openHistory(out);
    const kinds = history.tables.deployments.map(({ kind, kindSource }) => [kind, kindSource]);
    history.close();
    expect(kinds).toContainEqual(["migration", "migrations"]);
    expect(kinds).toContainEqual(["code", "deploy"]);
  });

  /** In this process: the command line was started once, above. */
  const importFiles = (dir: string, files: Partial<ExportFiles>) => {
    const none = {
      github: [],
      argocd: [],
      pagerduty: [],
      rollouts: [],
      onlyEnvironment: false,
      time: null,
    };
    const given = { ...none, naming: PLAIN_NAMING, ...files };
    return importHistory(
      async (duck) => findPlainFiles(dir, duck, await readExports(given, duck)),
      { out: join(temporaryDirectory(), "out"), force: false, strict: false, timestamp: "end" },
    );
  };

  it("keeps what incumbents decided, so that recorded people answer as they did", async () => {
    const out = join(temporaryDirectory(), "history");
    const { code, stdout } = await inTurn([
      ...["import", "csv", writeFiles({ "metrics.csv": metrics! }), "--out", out, "--json"],
      ...["--rollouts", file("rollouts.json"), "--service-of", "shop/podinfo=shop"],
    ]);
    expect(code, stdout).toBe(0);
    const history = await openHistory(out);
    const { decisions } = history.tables;
    history.close();
    expect(decisions.map(({ what }) => what)).toEqual([
      ...["proposed", "overrideGiven", "rollbackStarted", "rollbackFinished"],
      ...["rollbackStarted", "proposed", "approvalGiven", "rollbackStarted"],
    ]);
    const people = recorded(decisions);
    const ask = (deploymentId: string): Propose => ({
      kind: "propose",
      deploymentId,
      askedAtMs: 0,
      decisionId: "d",
      ordinal: 1,
      answers: ["override"],
      answerByMs: 1e9,
      onSilence: "hold",
      to: "people",
    });
    const answersTo = (id: string) => people.answers(ask(id)).map(({ kind, atMs }) => [kind, atMs]);
    expect(answersTo("argo-rollouts/shop/cart/r7")).toEqual([["overrideGiven", 360_000]]);
    expect(answersTo("argo-rollouts/shop/cart/r9")).toEqual([["approvalGiven", 180_000]]);
    // It was never asked about: nobody knows what people would have said.
    expect(people.knows("argo-rollouts/shop/cart/r8", 1)).toBe(false);
  });

  it("says what cannot be told without labels", async () => {
    const dir = writeFiles({ "metrics.csv": metrics! });
    const { manifest } = await importFiles(dir, { argocd: [file("applications.json")] });
    expect(manifest.rows.deployments).toBe(3);
    expect(manifest.warnings).toContainEqual(
      expect.stringMatching(/^no deployment has a label: how often a policy would be wrong/),
    );
  });

  it("keeps to the time that is imported", async () => {
    const time = { fromMs: at("01:00:00"), toMs: at("02:30:00") };
    const { manifest } = await importFiles(writeFiles({ "metrics.csv": metrics! }), {
      argocd: [file("applications.json")],
      time,
    });
    expect(manifest.rows.deployments).toBe(1);
    expect(manifest.dropped).toEqual([
      {
        table: "deployments",
        reason: "outside of the time that is imported",
        rows: 2,
        examples: [
          "argocd/shop-prod/2026-07-01T00:30:00.000Z",
          "argocd/shop-prod/2026-07-01T02:40:00.000Z",
        ],
      },
    ]);
  });

  it("says which environments there are where none is the one that is asked for", async () => {
    await expect(
      importFiles(writeFiles({ "metrics.csv": metrics! }), {
        github: [file("deployments.json")],
        naming: { ...PLAIN_NAMING, environment: "prod" },
        onlyEnvironment: true,
      }),
    ).rejects.toThrow(
      /deployments\.json: none of its \d deployments is in prod\n {2}They are in production/,
    );
  });

  it("refuses two truths, and what is no JSON", async () => {
    const dir = writeFiles({ "metrics.csv": metrics!, "deployments.csv": deployments! });
    await expect(importFiles(dir, { argocd: [file("applications.json")] })).rejects.toThrow(
      /deployments come from deployments\.csv and from .*applications/,
    );
    await expect(importFiles(dir, { github: [join(dir, "deployments.csv")] })).rejects.toThrow(
      /deployments\.csv:1: this is no JSON: .*\n {2}Give one JSON/,
    );
  });
});
