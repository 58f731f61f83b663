/**
 * Importing the past of a metrics API: nothing is lost or doubled between pieces, what may pass
 * is tried again, and an import that fails leaves nothing behind.
 */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openDuck } from "../../lab/history/duck.ts";
import { readPast } from "../../lab/shadow/source/intoHistory.ts";
import { METRICS } from "../../lab/shadow/source/settings.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { hindsight, inTurn } from "../commandLine.ts";
import { ROOT } from "../history/samples.ts";
import { temporaryDirectory } from "../directories.ts";
import { asked, body, endServing, json, matrix, serve } from "./standIn.ts";

afterEach(endServing);

const TO_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const reading = async (
  url: string,
  hours: number,
  waited: number[] = [],
  queries: Readonly<Record<string, string>> = { x: "x" },
) => {
  const duck = await openDuck();
  const scratch = temporaryDirectory();
  const wait = (ms: number): Promise<void> => {
    waited.push(ms);
    return Promise.resolve();
  };
  const clock = { ...systemClock, wait };
  const settings = METRICS.parse({ url, timeout: "1s", queries });
  const [fromMs, toMs] = [TO_MS - hours * HOUR_MS, TO_MS];
  const request = { settings, secretOf: () => "", clock, fromMs, toMs, onProgress: () => {} };
  try {
    const past = await readPast(request, duck, scratch);
    const sql = `SELECT service, epoch_ms(ts)::DOUBLE AS at_ms, "value" FROM ${past.metrics.sql}`;
    const reader = await duck.connection.runAndReadAll(`${sql} ORDER BY service, at_ms`);
    return { ...past, rows: reader.getRowsJS() };
  } finally {
    duck.close();
  }
};

it("retries passing faults, takes smaller pieces, and loses or doubles nothing", async () => {
  let requests = 0;
  const url = await serve(({ query, parameters }, response) => {
    const endMs = Number(parameters.get("time")) * 1000;
    const fromMs = endMs - Number(/\[(\d+)ms\]/.exec(query)![1]);
    if (endMs - fromMs > 5 * HOUR_MS) return; // Too much work: no answer.
    if (++requests % 3 === 0) return void response.writeHead(503).end();
    if (endMs - fromMs > 2 * HOUR_MS) return json(response, { error: "too many samples" }, 422);
    // As Prometheus 2 does: the range has both its ends.
    const from = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
    const times = Array.from({ length: 5 }, (_, i) => from + i * HOUR_MS);
    const pairs = times.filter((at) => at <= endMs).map((at) => [at, `${at / HOUR_MS}`] as const);
    json(
      response,
      matrix([
        ["cart", pairs],
        ["shop", [...pairs, ...pairs]],
      ]),
    );
  });
  const waited: number[] = [];
  const { rows, dropped } = await reading(url, 30, waited);
  const hours = Array.from({ length: 31 }, (_, i) => TO_MS / HOUR_MS - 30 + i);
  expect(rows).toEqual(
    ["cart", "shop"].flatMap((service) => hours.map((hour) => [service, hour * HOUR_MS, hour])),
  );
  expect(dropped).toEqual([]);
  expect(waited.length).toBeGreaterThan(2);
});

it("counts samples that are left out, and gives up with a clear message", async () => {
  const pair: [number, string] = [TO_MS, "1"];
  const url = await serve(
    body(
      matrix([
        ["shop", [pair]],
        ["shop", [pair]],
        ["cart", [pair]],
      ]),
    ),
  );
  const { rows, dropped } = await reading(url, 1);
  expect(rows).toEqual([["cart", TO_MS, 1]]);
  expect(dropped).toEqual([
    {
      table: "metrics",
      reason: "several series for one service: make it one, as with sum by (service) (x)",
      rows: 2,
      examples: ["x of shop"],
    },
  ]);
  endServing();
  const nobodys = await serve(body(matrix([["", [pair]]])));
  await expect(reading(nobodys, 1)).rejects.toThrow(
    /nothing that .* answered can be used: the series has no label "service"/,
  );
  endServing();
  const wrong = await serve(body({ status: "error", error: "no such function" }, 400));
  await expect(reading(wrong, 1)).rejects.toThrow(
    /x: the metrics API refused with 400: no such function\n {2}It was asked for what comes after/,
  );
  expect(asked).toHaveLength(1);
  await expect(reading(url, 1)).rejects.toThrow(
    /x: the metrics API cannot be reached: connection refused \(6 times, with longer/,
  );
});

it(
  "names the label in which series of one service differ, the cure, and what has none " + "left",
  async () => {
    const series = (labels: object, value: string) => {
      return { metric: { __name__: "x", ...labels }, values: [[TO_MS / 1000, value]] };
    };
    const url = await serve(({ query }, response) => {
      const result = query.startsWith("requests_total")
        ? [
            series({ service: "shop", code: "200", pod: "a" }, "5"),
            series({ service: "shop", code: "500", pod: "a" }, "1"),
          ]
        : [series({ service: "shop" }, "1")];
      json(response, { status: "success", data: { resultType: "matrix", result } });
    });
    const queries = { requests_total: "requests_total", x: "x" };
    const { rows, dropped, warnings } = await reading(url, 1, [], queries);
    expect(rows).toHaveLength(1);
    const cure =
      "several series for one service, which differ in code: make it one, as with " +
      "sum by (service) (rate(requests_total[2m])), with kind: rate";
    const examples = ["requests_total of shop"];
    expect(dropped).toEqual([{ table: "metrics", reason: cure, rows: 2, examples }]);
    expect(warnings).toEqual([`every sample of requests_total was left out: ${cure}`]);
  },
);

it("leaves nothing behind when it is interrupted", async () => {
  const url = await serve(() => undefined);
  const dir = temporaryDirectory();
  const config = join(dir, "config.json");
  writeFileSync(config, JSON.stringify({ metrics: { url, queries: { x: "x" } } }));
  const interrupted = await hindsight(
    [
      ...["import", "prometheus", "--config", config, "--out", join(dir, "out/history")],
      ...["--from", "2026-07-01", "--to", "2026-07-01T06:00:00+00:00"],
      ...["--argocd", join(ROOT, "test/history/exports/applications.json")],
    ],
    {
      during: (child) => {
        const waiting = setInterval(() => {
          if (asked.length === 0) return;
          clearInterval(waiting);
          child.kill("SIGINT");
        }, 20);
      },
    },
  );
  expect(interrupted.code).toBe(130);
  expect(existsSync(join(dir, "out"))).toBe(false);
});

const DEPLOYMENTS = "deployment_id,service,deployed_at,kind\nd1,shop,2026-07-01T01:00:00Z,code\n";

interface Tables {
  readonly [name: string]: string;
}

/** Imports an hour of one series beside these tables, from an API that counts its requests. */
async function importBeside(tables: Tables, more: readonly string[] = []) {
  const url = await serve(body(matrix([["shop", [[Date.parse("2026-07-01T01:00Z"), "1"]]]])));
  const dir = temporaryDirectory();
  const config = join(dir, "config.json");
  writeFileSync(config, JSON.stringify({ metrics: { url, queries: { x: "x" } } }));
  const flags = Object.entries({ deployments: DEPLOYMENTS, ...tables }).flatMap(([name, text]) => {
    const file = join(dir, `${name}.csv`);
    writeFileSync(file, text);
    return [`--${name}`, file];
  });
  const out = join(dir, "history");
  const words = ["import", "prometheus", "--config", config, ...flags, ...more];
  const time = ["--from", "2026-07-01", "--to", "2026-07-01T06:00:00Z", "--out", out];
  return { ...(await inTurn([...words, ...time])), asked: asked.length, isThere: existsSync(out) };
}

it("asks for samples once every small table could be read", async () => {
  const labels = "deployment_id,label\nd1,good\n";
  const { code, asked: requests, isThere } = await importBeside({ labels }, ["--strict"]);
  expect({ code, isThere }).toEqual({ code: 0, isThere: true });
  expect(requests).toBeGreaterThan(0);
});

it("reads local times of the small tables with --timezone", async () => {
  const incidents = "service,started_at,label\nshop,2026-07-01 03:00,bad-deployment\n";
  const { code, stderr } = await importBeside({ incidents }, ["--timezone", "Europe/Berlin"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
});

it.each<[string, Tables, readonly string[], RegExp]>([
  [
    "a time that cannot be read",
    { incidents: "service,started_at,label\nshop,2026-07-01 01:00,bad-deployment\n" },
    [],
    /incidents\.csv:2: "2026-07-01 01:00" is not a time/,
  ],
  [
    "a missing column",
    { labels: "deployment,label\nd1,good\n" },
    [],
    /labels\.csv:1: missing column: deployment_id/,
  ],
  [
    "a row that --strict refuses",
    { tags: "tag,value,deployment_id\nexpected_latency,20%,d7\n" },
    ["--strict"],
    /tags\.csv:2: tags: 1 rows: unknown deployment/,
  ],
])("finds %s in a small table before it asks for any sample", async (_, tables, more, told) => {
  const { stderr, ...rest } = await importBeside(tables, more);
  expect(rest).toMatchObject({ code: 2, asked: 0, isThere: false });
  expect(stderr).toMatch(told);
});
