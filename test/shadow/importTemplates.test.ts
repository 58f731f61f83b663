/**
 * Importing the queries of an incumbent's files. Goal: each evaluation comes back as what it was: a
 * value, NaN, an infinity, no series or a failed query. Method: an API over HTTP that gives each of
 * them, and a real Prometheus whose service has an hour without traffic.
 */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { answersOf } from "../../lab/history/answersOf.ts";
import { openHistory } from "../../lab/history/open.ts";
import { queriesOfFiles } from "../../lab/policy/import/templateQueries.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { inTurn } from "../commandLine.ts";
import { ROOT } from "../history/samples.ts";
import { temporaryDirectory } from "../directories.ts";
import { serveTarget, startPrometheus, WITHOUT } from "./prometheus.ts";
import { asked, endServing, json, serve } from "./standIn.ts";
import { answered, answering, FROM_MS, imported, MINUTES, query } from "./templateImports.ts";

afterEach(endServing);

it("keeps a value, NaN, both infinities and no series apart, by service", async () => {
  const url = await serve(({ parameters }, response) =>
    json(
      response,
      answering(parameters, [
        [{ service: "shop" }, ["0.5", "NaN", null, "+Inf", "-Inf", "1e-3"]],
        [{ service: "other" }, ["1", "1", "1", "1", "1", "1"]],
      ]),
    ),
  );
  const { history, manifest } = await imported(url, [query()]);
  expect(await answered(history, "shop")).toEqual([
    [0.5],
    [NaN],
    [],
    [Infinity],
    [-Infinity],
    [0.001],
  ]);
  expect(await answered(history, "cart")).toEqual([[], [], [], [], [], []]);
  expect(manifest).toMatchObject({ schemaVersion: 2, answers: { nan: 1, infinite: 2, failed: 0 } });
  // As it is written, and on the grid of its own interval.
  expect(asked.map(({ parameters }) => [parameters.get("query"), parameters.get("step")])).toEqual([
    ["errors / requests", "60.000"],
  ]);
  history.close();
});

it("keeps the elements of a vector apart, and gives what names no service to each", async () => {
  const url = await serve(({ parameters }, response) =>
    json(
      response,
      answering(parameters, [
        [{ az: "1" }, ["1", "2", null, null, null, null]],
        [{ az: "2" }, [null, "3", "4", null, null, null]],
      ]),
    ),
  );
  const { history } = await imported(url, [query()]);
  for (const service of ["cart", "shop"]) {
    expect(await answered(history, service)).toEqual([
      ["az,1 1"],
      ["az,1 2", "az,2 3"],
      ["az,2 4"],
      [],
      [],
      [],
    ]);
  }
  history.close();
});

it("puts arguments in for each service", async () => {
  const url = await serve(({ parameters, query: text }, response) => {
    const value = text.includes('"cart-v2"') ? "1" : "2";
    json(response, answering(parameters, [[{}, Array<string>(MINUTES).fill(value)]]));
  });
  const expr = 'sum(rate(e{app="{{args.service-name}}-{{ args.track }}"}[1m]))';
  const templates = [query({ expr, open: ["service-name", "track"] })];
  await expect(imported(url, templates)).rejects.toThrow(/errors: the argument track has no value/);
  const { history } = await imported(url, templates, { track: "v2" });
  expect((await answered(history, "cart"))[0]).toEqual([1]);
  expect((await answered(history, "shop"))[0]).toEqual([2]);
  expect(asked.map(({ query: text }) => text)).toEqual([
    'sum(rate(e{app="cart-v2"}[1m]))',
    'sum(rate(e{app="shop-v2"}[1m]))',
  ]);
  history.close();
});

it("keeps an API that failed apart from an answer without series", async () => {
  // It answers minutes one at a time, and the third of them never.
  const url = await serve(({ parameters }, response) => {
    const [start, end] = [Number(parameters.get("start")), Number(parameters.get("end"))];
    if (start !== end) return json(response, { status: "error", error: "too many samples" }, 422);
    if (start === FROM_MS / 1000 + 120) return void response.writeHead(503).end();
    const values = ["1", null, "1", null, "NaN", "1"];
    json(response, answering(parameters, [[{ service: "shop" }, values]]));
  });
  const { history, manifest } = await imported(url, [query()]);
  expect(await answered(history, "shop")).toEqual([[1], [], "failed", [], [NaN], [1]]);
  expect(manifest.warnings.join()).toMatch(/errors: 1 evaluation failed/);
  // Both services: the query is of all.
  expect(manifest.answers).toEqual({ nan: 1, infinite: 0, failed: 2 });
  history.close();
});

it("leaves nothing behind where the API refuses the query, or never answers", async () => {
  const refusing = await serve((_, response) =>
    json(response, { status: "error", errorType: "bad_data", error: "parse error" }, 400),
  );
  await expect(imported(refusing, [query()])).rejects.toThrow(
    /errors: the metrics API refused with 400: parse error\n {2}It was asked: errors \/ requests/,
  );
  expect(asked).toHaveLength(1);
  endServing();
  const down = await serve((_, response) => void response.writeHead(503).end());
  await expect(imported(down, [query()])).rejects.toThrow(/Nothing was kept/);
  endServing();
  const page = await serve((_, response) => json(response, answeringWrongly));
  await expect(imported(page, [query()])).rejects.toThrow(/not what was asked for: it is a vector/);
});

const answeringWrongly = { status: "success", data: { resultType: "vector", result: [] } };

it.skipIf(WITHOUT !== "")(
  `imports the rules of a real Prometheus, whose 0/0 is NaN${WITHOUT}`,
  { timeout: 60_000 },
  async () => {
    // Two and a half seconds with traffic, then none.
    const target = await serveTarget((scrape) => ({
      requests: scrape < 10 ? 100 : 0,
      errors: scrape < 10 ? 20 : 0,
    }));
    const server = await startPrometheus({ [target.address]: { service: "shop" } }, "250ms");
    const dir = temporaryDirectory();
    const file = (name: string, text: string): string => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const fromMs = systemClock.wallMs() - 5_000;
    try {
      while (target.served.length < 16) await wait(50);
      const toMs = target.served.at(-1)!.atMs;
      const rules = `groups:
  - name: shop
    interval: 1s
    rules:
      - { alert: ErrorsHigh, expr: errors / requests > 0.1, for: 1s, labels: { to: page } }
      - { alert: Nothing, expr: never_there > 1 }
`;
      const rulesFile = file("rules.yml", rules);
      const out = join(dir, "history");
      const ended = await inTurn([
        ...["import", "prometheus", "--out", out],
        ...["--config", file("config.json", JSON.stringify({ metrics: { url: server.url } }))],
        ...["--from-templates", rulesFile],
        ...["--from", new Date(fromMs).toISOString(), "--to", new Date(toMs).toISOString()],
        "--deployments",
        file(
          "deployments.csv",
          "deployment_id,service,deployed_at,kind\n" +
            `d1,shop,${new Date(fromMs).toISOString()},code\n`,
        ),
      ]);
      expect(ended).toMatchObject({ code: 0 });
      expect(existsSync(out)).toBe(true);
      const history = await openHistory(out);
      const atMs = Array.from({ length: 10 }, (_, i) => (Math.floor(toMs / 1000) - 9 + i) * 1000);
      const ask = async (name: string): Promise<unknown[]> => {
        const found = await answersOf(
          history,
          atMs.map((at) => ({
            service: "shop",
            question: { query: name, scope: "all", fromMs: at, toMs: at },
            atMs: at,
            version: null,
          })),
        );
        return found.map((answer) =>
          answer.kind === "failed" ? "failed" : answer.series.map(({ values }) => values[0]),
        );
      };
      const ratios = await ask("shop/ErrorsHigh");
      expect(new Set(ratios.map((values) => JSON.stringify(values)))).toEqual(
        new Set(["[]", "[0.2]", "[null]"]), // JSON writes NaN as null.
      );
      expect(ratios.at(-1)).toEqual([NaN]);
      expect(await ask("shop/Nothing")).toEqual(atMs.map(() => []));
      history.close();
      // The rules as a policy roll back on what was imported.
      const policies = join(dir, "policies");
      const made = await inTurn([
        ...["policy", "import", "prometheus", rulesFile, "--out", policies],
        ...["--owner", "shop", "--watch", "10m", "--service-label", "service"],
      ]);
      expect(made).toMatchObject({ code: 0 });
      const replayed = await inTurn([
        ...["replay", "--history", out, "--policy", join(policies, "rules.yaml"), "--json"],
      ]);
      expect(replayed).toMatchObject({ code: 0 });
      const { outcomes } = JSON.parse(replayed.stdout) as { outcomes: readonly unknown[] };
      expect(outcomes).toMatchObject([{ deploymentId: "d1", rolledBack: true }]);
    } finally {
      await server.close();
      target.close();
    }
  },
);

it("takes the queries of AnalysisTemplates and rule groups, with the arguments left open", () => {
  const dir = temporaryDirectory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const template = join(ROOT, "test/incumbents/argo/templates/first-series.yaml");
  const rules = file("rules.yml", "groups: [{ name: g, rules: [{ alert: A, expr: a > 1 }] }]");
  const open = queriesOfFiles([template, rules], new Map([["service-name", "{service}-v2"]]));
  expect(open).toMatchObject([
    { name: "success-rate", open: ["service-name"], intervalMs: 60_000 },
    { name: "g/A", expr: "a", open: [], intervalMs: 60_000 },
  ]);
  expect(open[0]!.expr).toMatch(/app="\{\{ ?args\.service-name ?\}\}"/);
  const canary = queriesOfFiles([join(ROOT, "scenarios/incumbents/canary.json")], new Map());
  expect(canary.map((one) => [one.name, one.open])).toEqual([
    ["latency", ["scope"]],
    ["errors", ["scope"]],
  ]);
  const [given] = queriesOfFiles([template], new Map([["service-name", "cart"]]));
  expect(given).toMatchObject({ open: [] });
  expect(given!.expr).toContain('app="cart"');
  const braced = file("braced.yml", 'groups: [{ name: "g{", rules: [{ alert: A, expr: a > 1 }] }]');
  expect(() => queriesOfFiles([braced], new Map())).toThrow(/the name g\{\/A has one of/);
  expect(() => queriesOfFiles([file("none.yml", "a: 1")], new Map())).toThrow(/no query in it/);
});
