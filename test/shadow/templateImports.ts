/** Imports of templates' queries for two services, from an API that answers as a test wants. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "../../engine/index.ts";
import { answersOf } from "../../lab/history/answersOf.ts";
import { fileRelation, importHistory } from "../../lab/history/import/importHistory.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { readPast } from "../../lab/shadow/source/intoHistory.ts";
import { METRICS_API } from "../../lab/shadow/source/settings.ts";
import type { TemplateQuery } from "../../lab/shadow/source/templates.ts";
import { systemClock } from "../../lab/shadow/systemClock.ts";
import { temporaryDirectory } from "../directories.ts";

export const FROM_MS = Date.parse("2026-07-01T00:00:00Z");
const STEP_MS = 60_000;
export const MINUTES = 6;

export function query(over: Partial<TemplateQuery> = {}): TemplateQuery {
  return { name: "errors", expr: "errors / requests", open: [], intervalMs: STEP_MS, ...over };
}

/** Imports the queries for two services, and tells how it went. */
export async function imported(
  url: string,
  queries: readonly TemplateQuery[],
  args: Readonly<Record<string, string>> = {},
  versionLabel: string | null = null,
) {
  const dir = temporaryDirectory();
  const deployments = join(dir, "deployments.csv");
  const rows = ["cart", "shop"].map((name) => `d-${name},${name},2026-07-01T00:03:00Z,code,v2\n`);
  writeFileSync(deployments, `deployment_id,service,deployed_at,kind,version\n${rows.join("")}`);
  const out = join(dir, "history");
  const summary = await importHistory(
    async (duck, scratch) => ({
      madeBy: "a test",
      samples: () =>
        readPast(
          {
            settings: METRICS_API.parse({ url, timeout: "1s" }),
            secretOf: () => "",
            clock: { ...systemClock, wait: () => Promise.resolve() },
            fromMs: FROM_MS,
            toMs: FROM_MS + (MINUTES - 1) * STEP_MS,
            templates: {
              queries,
              services: ["cart", "shop"],
              versions: new Map([
                ["cart", ["v1", "v2"]],
                ["shop", ["v1", "v2"]],
              ]),
              args: new Map(Object.entries(args)),
              serviceLabel: "service",
              versionLabel,
            },
            onProgress: () => {},
          },
          duck,
          scratch,
        ),
      small: new Map([
        ["deployments", await fileRelation(deployments, "deployments.csv", duck, null)],
      ]),
      kinds: new Map(),
      scale: new Map(),
      zone: null,
      warnings: [],
    }),
    { out, force: false, strict: false, timestamp: "end" },
  );
  return { history: await openHistory(out), manifest: summary.manifest };
}

/** What a query answered at each minute, by the labels of its series but the service. */
export async function answered(
  history: History,
  service: string,
  scope: "all" | "canary" | "stable" = "all",
) {
  const found = await answersOf(
    history,
    Array.from({ length: MINUTES }, (_, minute) => {
      const atMs = FROM_MS + minute * STEP_MS;
      const question = { query: "errors", scope, fromMs: atMs, toMs: atMs };
      return { service, question, atMs, version: scope === "all" ? null : "v2" };
    }),
  );
  return found.map(shown);
}

function shown(answer: Answer): unknown {
  if (answer.kind === "failed") return "failed";
  return answer.series.map(({ labels, values }) => {
    const own = [...labels].filter(([label]) => label !== "service");
    return own.length === 0 ? values[0] : `${own.join()} ${values[0]}`;
  });
}

type Series = readonly [
  labels: Readonly<Record<string, string>>,
  byMinute: readonly (string | null)[],
];

/** Answers as a server does that has these values at these minutes. */
export function answering(parameters: URLSearchParams, series: readonly Series[]): unknown {
  const [start, end] = [Number(parameters.get("start")), Number(parameters.get("end"))];
  const result = series.map(([metric, byMinute]) => ({
    metric,
    values: byMinute.flatMap((value, minute) => {
      const at = FROM_MS / 1000 + minute * 60;
      return value === null || at < start || at > end ? [] : [[at, value]];
    }),
  }));
  const data = { resultType: "matrix", result: result.filter(({ values }) => values.length > 0) };
  return { status: "success", data };
}
