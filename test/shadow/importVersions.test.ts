/** Importing queries of templates by version: the sides of a rollout are told apart. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { asked, endServing, json, serve } from "./standIn.ts";
import { answered, answering, FROM_MS, imported, MINUTES, query } from "./templateImports.ts";

afterEach(endServing);

it("tells old and new version apart by the label that names them", async () => {
  const url = await serve(({ parameters }, response) =>
    json(
      response,
      answering(parameters, [
        [{ service: "shop", rev: "v1", az: "1" }, ["1", "1", "1", "1", null, null]],
        [{ service: "shop", rev: "v2", az: "1" }, [null, null, null, "2", "NaN", "2"]],
      ]),
    ),
  );
  const { history } = await imported(url, [query()], {}, "rev");
  const canary = await answered(history, "shop", "canary");
  expect(canary.slice(2)).toEqual([
    [],
    ["az,1,version,v2 2"],
    ["az,1,version,v2 NaN"],
    ["az,1,version,v2 2"],
  ]);
  const stable = await answered(history, "shop", "stable");
  expect(stable.slice(2, 5)).toEqual([["az,1,version,v1 1"], ["az,1,version,v1 1"], []]);
  expect(history.series.map(({ service, metric, version }) => [service, metric, version])).toEqual([
    ["cart", "errors", null],
    ["shop", "errors", null],
    ["shop", 'errors{az="1",service="shop"}', "v1"],
    ["shop", 'errors{az="1",service="shop"}', "v2"],
  ]);
  history.close();
});

it("asks once for each version where an argument is the version", async () => {
  const url = await serve(({ parameters, query: text }, response) => {
    const value = text.includes('"v2"') ? "2" : "1";
    json(response, answering(parameters, [[{}, Array<string>(MINUTES).fill(value)]]));
  });
  const expr = 'sum(rate(e{app="{{args.app}}",v="{{args.scope}}"}[1m]))';
  const templates = [query({ expr, open: ["app", "scope"] })];
  const { history } = await imported(url, templates, { scope: "{version}" });
  expect((await answered(history, "shop", "canary"))[0]).toEqual(["version,v2 2"]);
  expect((await answered(history, "shop", "stable"))[0]).toEqual(["version,v1 1"]);
  expect(asked.map(({ query: text }) => text)).toEqual(
    ["cart", "shop"].flatMap((app) =>
      ["v1", "v2"].map((version) => `sum(rate(e{app="${app}",v="${version}"}[1m]))`),
    ),
  );
  history.close();
});

it("imports what Kayenta asks, from its files to a judgement", async () => {
  const url = await serve(({ parameters, query: text }, response) => {
    const isNew = text.includes('version="v2"');
    const [start, end] = [Number(parameters.get("start")), Number(parameters.get("end"))];
    const times = Array.from({ length: (end - start) / 60 + 1 }, (_, n) => start + n * 60);
    const values = times
      .filter((at) => !isNew || at >= FROM_MS / 1000 + 600)
      .map((at): [number, string] => [at, String((100 + ((at / 60) % 7)) * (isNew ? 3 : 1))]);
    const result = values.length === 0 ? [] : [{ metric: {}, values }];
    json(response, { status: "success", data: { resultType: "matrix", result } });
  });
  const dir = temporaryDirectory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const deployments = file(
    "deployments.csv",
    "deployment_id,service,deployed_at,kind,version\n" +
      "d1,checkout,2026-06-30T00:10:00Z,code,v1\nd2,checkout,2026-07-01T00:10:00Z,code,v2\n",
  );
  const files = ["scenarios/incumbents/canary.json", "scenarios/incumbents/canary-stage.json"];
  const ended = await inTurn([
    ...["import", "prometheus", "--out", join(dir, "history"), "--deployments", deployments],
    ...["--config", file("config.json", JSON.stringify({ metrics: { url } }))],
    ...["--from-templates", ...files, "--arg", "scope={version}"],
    ...["--from", "2026-07-01T00:00:00Z", "--to", "2026-07-01T02:00:00Z"],
  ]);
  expect(ended).toMatchObject({ code: 0 });
  const made = await inTurn([
    ...["policy", "import", "kayenta", ...files, "--owner", "checkout", "--out", dir],
  ]);
  expect(made).toMatchObject({ code: 0 });
  const policy = join(dir, "checkout-canary.yaml");
  const replayed = await inTurn([
    ...["replay", "--history", join(dir, "history"), "--policy", policy, "--json"],
  ]);
  const { outcomes } = JSON.parse(replayed.stdout) as {
    outcomes: readonly { deploymentId: string; rolledBack: boolean; reason: string }[];
  };
  const judged = outcomes.find(({ deploymentId }) => deploymentId === "d2")!;
  expect(judged.rolledBack).toBe(true);
  expect(judged.reason).toContain("higher than in the baseline (3.00 times)");
});

it("keeps a failed query apart on both sides of a rollout", async () => {
  const url = await serve(({ parameters }, response) => {
    const [start, end] = [Number(parameters.get("start")), Number(parameters.get("end"))];
    if (start !== end) return json(response, { status: "error", error: "too many samples" }, 422);
    if (start === FROM_MS / 1000 + 120) return void response.writeHead(503).end();
    const values = Array<string>(MINUTES).fill("1");
    json(response, answering(parameters, [[{ service: "shop", rev: "v1" }, values]]));
  });
  const { history } = await imported(url, [query()], {}, "rev");
  expect((await answered(history, "shop", "stable")).slice(1, 4)).toEqual([
    ["version,v1 1"],
    "failed",
    ["version,v1 1"],
  ]);
  expect((await answered(history, "shop", "canary")).slice(1, 4)).toEqual([[], "failed", []]);
  history.close();
});
