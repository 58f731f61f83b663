/**
 * The web lab on a real history: what it says is what the command line says, every answer is
 * what the contract promises, and what nobody should ask is refused.
 */

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareDocument } from "../../lab/compare/document.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { explainHistory } from "../../lab/explain/find.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory } from "../../lab/history/open.ts";
import { streamWindows } from "../../lab/history/windows.ts";
import type { Diagnostics } from "../../lab/score/diagnostics.ts";
import type { Comparison } from "../../lab/server/contract/compare.ts";
import type { DeploymentDetail, DeploymentList } from "../../lab/server/contract/deployments.ts";
import { problem } from "../../lab/server/contract/words.ts";
import { ROUTES, type Route, type RouteName } from "../../lab/server/contract/routes.ts";
import type { WhatIf } from "../../lab/server/contract/whatIf.ts";
import { thinned } from "../../lab/server/views/series.ts";
import { temporaryDirectory } from "../directories.ts";
import { fewHistory, HOOK_MS, policyFile, shipped } from "../history/smallWorld.ts";
import { startServer, type Server } from "./serving.ts";

const NAMES = ["two-minute-override", "human-approval"] as const;
const FUZZED = process.env["SOAK"] === undefined ? 250 : 10_000;

let server: Server;
let history: string;
let parent: string;

beforeAll(async () => {
  history = await fewHistory();
  parent = temporaryDirectory();
  mkdirSync(join(parent, "run"));
  writeFileSync(join(parent, "canary.yaml"), "policy: canary-4711\n");
  const policies = NAMES.flatMap((name) => ["--policy", policyFile(name)]);
  const numbers = ["--people", "absent", "--draws", "2", "--replicates", "100"];
  const where = ["--history", history, "--out", join(parent, "run")];
  server = await startServer([...where, ...policies, ...numbers]);
}, HOOK_MS);

afterAll(async () => {
  expect(server.said()).toBe("");
  expect(await server.stop()).toBe(0);
}, HOOK_MS);

/** The answer, which must be what the contract says of the route. */
async function promised<Document>(name: RouteName, response: Response): Promise<Document> {
  const text = await response.text();
  expect(response.status, text.slice(0, 300)).toBe(200);
  const route: Route = ROUTES[name];
  const document: unknown = JSON.parse(text);
  route.response!.parse(document);
  return document as Document;
}

describe("what it says", { timeout: HOOK_MS }, () => {
  test("of a comparison is what compare --json says", async () => {
    const { manifest, scorecards, differences, flippedDeployments, flips, recoveryCurves } =
      await promised<Comparison>("compare", await server.ask("/api/compare"));
    const opened = await openHistory(history);
    const told = await evaluate(opened, NAMES.map(shipped), {
      people: "absent",
      seed: 1,
      replicates: 100,
      draws: 2,
      effect: "hold",
      modelled: { limits: [] },
      progress: silent,
    });
    opened.close();
    const wanted = JSON.parse(JSON.stringify(compareDocument(told))) as Comparison;
    expect(scorecards).toEqual(wanted.scorecards);
    expect(differences.map(({ words, ...rest }) => [rest, words.length > 0])).toEqual(
      wanted.differences.map((one) => [one, true]),
    );
    expect(flips).toMatchObject(wanted.flips);
    expect(flippedDeployments).toBe(wanted.flippedDeployments);
    expect({ ...manifest, timing: null }).toEqual({ ...wanted.manifest, timing: null });
    for (const [at, name] of NAMES.entries()) {
      const card = scorecards[name] as { diagnostics: Diagnostics };
      const { points } = recoveryCurves[at]!;
      const area = points.reduce(
        (sum, { seconds, left }, n) => sum + left * ((points[n + 1]?.seconds ?? 3600) - seconds),
        0,
      );
      expect(area).toBeCloseTo(card.diagnostics.kaplanMeier.restrictedMean60m!, 3);
    }
    const other = await server.ask(`/api/compare?policies=${[...NAMES].reverse().join()}`);
    const { baseline, ...turned } = await promised<Comparison>("compare", other);
    expect(baseline).toBe(NAMES[1]);
    expect(turned.scorecards).toEqual(scorecards);
    expect(turned.manifest["samplesRead"]).toBe(manifest["samplesRead"]);
  });

  test("of deployments, lanes, trees and bands fits together", async () => {
    await server.ask("/api/compare");
    const list = await promised<DeploymentList>(
      "deployments",
      await server.ask("/api/deployments?limit=500"),
    );
    expect(list.policies).toEqual(NAMES);
    const row = list.deployments.find(({ ends }) => ends[NAMES[0]]!.rolledBack)!;
    const path = `/api/deployments/${encodeURIComponent(row.deploymentId)}`;
    const detail = await promised<DeploymentDetail>(
      "deployment",
      await server.laned(row.deploymentId),
    );
    const [first, second] = detail.lanes!;
    expect([first!.outcome.end, second!.outcome.end]).toEqual(NAMES.map((id) => row.ends[id]!.end));
    expect(first!.marks.map(({ kind }) => kind)).toContain("rolledBack");
    expect(first!.spans.map(({ kind }) => kind)).toContain("window");
    expect(second!.spans.map(({ kind }) => kind)).toContain("approval");
    await promised("explain", await server.ask(`${path}/explain?policy=${NAMES[0]}`));
    const { series, watchedBy } = detail.series[0]!;
    const asked = `policy=${NAMES[0]}&signal=${watchedBy[0]!.signal}&series=${series}`;
    const bands = await server.ask(`${path}/bands?${asked}`);
    const table = tableFromIPC(new Uint8Array(await bands.arrayBuffer()));
    const column = (name: string): Float64Array => table.getChild(name)!.toArray() as Float64Array;
    const startedAtMs = Date.parse(detail.startedAt);
    const [expected, high] = [column("expected"), column("toleratedHigh")];
    column("at").forEach((at, index) => {
      if (at >= startedAtMs) expect(high[index]!).toBeGreaterThan(expected[index]!);
      else expect(high[index]).toBeNaN();
    });
  });

  test("of a deployment begins with what explain begins with", async () => {
    await server.ask("/api/compare");
    const { deployments } = await promised<DeploymentList>(
      "deployments",
      await server.ask("/api/deployments?limit=500"),
    );
    const byHistory = deployments.find(({ rolledBackAt }) => rolledBackAt !== null)!;
    const byPolicy = deployments.find(({ ends }) => ends[NAMES[0]]!.rolledBack)!;
    for (const { deploymentId } of [byHistory, byPolicy]) {
      const answer = await server.laned(deploymentId);
      const { lanes, recorded } = await promised<DeploymentDetail>("deployment", answer);
      const policy = shipped(NAMES[0]);
      const told = await explainHistory(history, policy, deploymentId, "absent", 1, silent);
      expect({ recorded, policy: lanes![0]!.lesson }).toEqual(told.lesson);
      expect(recorded.length > 0).toBe(deploymentId === byHistory.deploymentId);
    }
  });

  test("of a what-if is what one draw of compare says, and its policy is a file", async () => {
    const changes = [
      { path: "tiers.override.window", value: "5m" },
      { path: "signals.latency.tolerance", value: "14%" },
      { path: "context.expected_latency_increase", value: null },
    ];
    const body = { base: NAMES[0], changes };
    const quick = await promised<WhatIf>("whatIf", await server.post("/api/what-if", body));
    expect(quick.changes.map(({ text }) => text)).toContain("override window 2m → 5m");
    expect(quick.policy.yaml).toContain("# undoing these does more harm than any breach");
    const whole = { base: NAMES[0], yaml: quick.policy.yaml };
    const again = await promised<WhatIf>("whatIf", await server.post("/api/what-if", whole));
    expect(again.policy).toEqual(quick.policy);
    const draft = await server.post("/api/drafts", whole);
    const { id } = await promised<{ readonly id: string }>("saveDraft", draft);
    const exact = await server.post("/api/what-if", { ...body, precision: "exact" });
    const { differences, ends, flips } = await promised<WhatIf>("whatIf", exact);
    expect(differences.every(({ words }) => words !== null)).toBe(true);
    expect({ ends, flips }).toEqual({ ends: quick.ends, flips: quick.flips });
    const compared = await server.ask(`/api/compare?policies=${NAMES[0]},${id}`);
    const { scorecards } = await promised<Comparison>("compare", compared);
    expect(scorecards[NAMES[0]]).toBeDefined();
    expect((await server.ask(`/api/drafts/${id}`, { method: "DELETE" })).status).toBe(204);
  });

  // The gate and the value of tags: test/server/scored.test.ts.
  test("of everything else is what the contract promises", async () => {
    await promised("status", await server.ask("/api/status"));
    await promised("history", await server.ask("/api/history"));
    await promised("agents", await server.ask("/api/agents"));
    await promised("historyQuality", await server.ask("/api/history/quality"));
    const list = await server.ask("/api/policies");
    const { policies } = await promised<{ policies: readonly { id: string }[] }>("policies", list);
    for (const { id } of policies) {
      await promised("policy", await server.ask(`/api/policies/${encodeURIComponent(id)}`));
    }
    const asked = `policy=${NAMES[0]}`;
    const page = await promised<{
      readonly verification: { readonly whole: boolean };
      readonly decisions: readonly { readonly decisionId: string }[];
    }>("decisions", await server.ask(`/api/decisions?${asked}&decision=rollbackOrdered`));
    expect(page.verification.whole).toBe(true);
    const id = encodeURIComponent(page.decisions[0]!.decisionId);
    await promised("decision", await server.ask(`/api/decisions/${id}?${asked}`));
    const openapi = (await (await server.ask("/api/openapi.json")).json()) as {
      readonly paths: Readonly<Record<string, unknown>>;
    };
    const paths = new Set(Object.values(ROUTES).map(({ path }) => path));
    expect(Object.keys(openapi.paths)).toHaveLength(paths.size);
  });

  test("of a series is its samples, and no spike is lost where they are thinned out", async () => {
    const [from, to] = ["2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"];
    const opened = await openHistory(history);
    const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
    for await (const { window } of streamWindows(opened, [{ id: 0, series: 1, fromMs, toMs }])) {
      const asked = `/api/series/1?from=${from}&to=${to}&pixels=8192`;
      const bytes = new Uint8Array(await (await server.ask(asked)).arrayBuffer());
      const table = tableFromIPC(bytes);
      const values = window.values.filter((value) => !Number.isNaN(value));
      const shown = (table.getChild("value")!.toArray() as Float64Array).filter(
        (value) => !Number.isNaN(value),
      );
      expect(Number(table.schema.metadata.get("samples"))).toBe(window.values.length);
      expect(Math.max(...shown)).toBe(values.reduce((a, b) => Math.max(a, b)));
      expect(Math.min(...shown)).toBe(values.reduce((a, b) => Math.min(a, b)));
    }
    opened.close();
  });
});

test("thinning keeps each pixel's first, lowest, highest and last sample", () => {
  const value = fc.oneof(fc.double({ min: -9, max: 9, noNaN: true }), fc.constant(Number.NaN));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 20 }),
      (all, px) => {
        const at = Float64Array.from(all, (_, index) => index);
        const values = Float64Array.from(all);
        const kept = thinned(at, values, 0, all.length, px);
        const pixelOf = (ms: number): number => Math.floor((ms * px) / all.length);
        for (let pixel = 0; pixel < px; pixel++) {
          const inside = (times: Float64Array, from: Float64Array): number[] =>
            [...times.keys()].filter((i) => pixelOf(times[i]!) === pixel).map((i) => from[i]!);
          const before = inside(at, values).filter((one) => !Number.isNaN(one));
          const after = inside(kept.at, kept.value).filter((one) => !Number.isNaN(one));
          expect([after[0], after.at(-1)]).toEqual([before[0], before.at(-1)]);
          expect([Math.min(...after), Math.max(...after)]).toEqual([
            Math.min(...before),
            Math.max(...before),
          ]);
          expect(after.length).toBeLessThanOrEqual(4);
        }
      },
    ),
  );
});

describe("what nobody should ask", { timeout: HOOK_MS }, () => {
  test("is refused with a problem document", async () => {
    const refused = async (status: number, response: Promise<Response>): Promise<void> => {
      const answer = await response;
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        status,
        expect.stringContaining("application/problem+json"),
      ]);
      expect(problem.parse(await answer.json()).status).toBe(status);
    };
    await refused(404, server.ask("/api/nothing"));
    await refused(404, server.ask("/api/deployments/nobody"));
    await refused(404, server.ask("/api/policies/..%2f..%2fcanary"));
    await refused(400, server.ask("/api/series/1?from=yesterday&to=today"));
    await refused(422, server.post("/api/what-if", { base: NAMES[0], yaml: "policy: [" }));
    const outside = "extends: ../canary.yaml\npolicy: x\n";
    await refused(422, server.post("/api/what-if", { base: NAMES[0], yaml: outside }));
    await refused(422, server.post("/api/drafts", { base: NAMES[0], yaml: outside }));
    const huge = { base: NAMES[0], yaml: "#".repeat(600_000) };
    await refused(413, server.post("/api/what-if", huge));
    await refused(415, server.ask("/api/what-if", { method: "POST", body: "x" }));
    const json = { "content-type": "application/json" };
    const foreign = { ...json, origin: "https://elsewhere.example" };
    await refused(
      403,
      server.ask("/api/what-if", { method: "POST", headers: foreign, body: "{}" }),
    );
    const { headers } = await server.ask("/api/status");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("never is our fault, and never reads or writes outside", async () => {
    const before = readdirSync(parent);
    const paths = Object.values(ROUTES).map(({ path }) => path);
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("../../canary.yaml", "..%2f..%2fcanary.yaml", "%00", "%", "s1", "-1", "1e9"),
      fc.constantFrom<string>(...NAMES, "__proto__", "constructor", "draft-0000000000000000"),
    );
    const request = fc.record({
      method: fc.constantFrom("GET", "POST", "DELETE", "PUT"),
      path: fc.tuple(fc.constantFrom(...paths), word).map(([path, part]) => {
        return path.replace(/:\w+/g, encodeURIComponent(part));
      }),
      query: fc.dictionary(
        fc.constantFrom("policy", "policies", "from", "to", "limit", "q", "signal", "series"),
        word,
      ),
      body: fc.oneof(
        fc.json(),
        fc.string(),
        fc.record({ base: word, yaml: word }).map((one) => JSON.stringify(one)),
        fc.record({ path: word, value: fc.oneof(word, fc.constant(null)) }).map((change) => {
          return JSON.stringify({ base: NAMES[0], changes: [change] });
        }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, body }) => {
        // A sweep would be begun by chance, and takes its time.
        if (method === "POST" && path === "/api/sweeps") return;
        const search = new URLSearchParams(query).toString();
        const base = server.url.replace(/\/$/, "");
        const answer = await fetch(`${base}${path}?${search}`, {
          method,
          ...(method === "GET" ? {} : { body, headers: { "content-type": "application/json" } }),
        });
        expect(answer.status).not.toBe(500);
        expect(await answer.text()).not.toContain("canary-4711");
      }),
      { numRuns: FUZZED, seed: 7 },
    );
    expect(readdirSync(parent)).toEqual(before);
  }, 600_000);
});
