/** Small histories and CSV directories for the tests of lab/history. */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HistoryTables } from "../../lab/history/tables.ts";
import type { About } from "../../lab/history/write.ts";
import { temporaryDirectory } from "../directories.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Outside the repository: recordings that may or may not be there. */
export const RECORDINGS = join(ROOT, "../shared/data");

export const NO_TABLES: HistoryTables = {
  deployments: [],
  tags: [],
  incidents: [],
  labels: [],
  decisions: [],
  services: [],
  metricCatalog: [],
  cases: [],
};

export const ABOUT: About = {
  madeBy: "a test",
  sources: [],
  dropped: [],
  warnings: [],
  loggingPolicy: null,
};

/** Writes files into a new directory; content is a list of lines. */
export function writeFiles(files: Readonly<Record<string, readonly string[]>>): string {
  const dir = join(temporaryDirectory(), "in");
  mkdirSync(dir);
  for (const [name, lines] of Object.entries(files)) {
    writeFileSync(join(dir, name), lines.map((line) => `${line}\n`).join(""));
  }
  return dir;
}

export function copyOf(dir: string): string {
  const copy = join(temporaryDirectory(), "copy");
  cpSync(dir, copy, { recursive: true });
  return copy;
}

export const START_MS = Date.UTC(2026, 6, 1);

/** The plain form with two services, three hours of minutes and two deployments. */
export function plainFiles(): Record<string, string[]> {
  const metrics = ["service,metric,ts,value"];
  for (const service of ["cart", "shop"]) {
    for (let minute = 0; minute < 180; minute++) {
      const ts = new Date(START_MS + minute * 60_000).toISOString();
      metrics.push(`${service},latency_p95_ms,${ts},${100 + ((minute * 7) % 13) / 10}`);
      metrics.push(`${service},error_rate,${ts},0.0${minute % 9}`);
    }
  }
  return {
    "metrics.csv": metrics,
    "deployments.csv": [
      "deployment_id,service,deployed_at,kind",
      "d1,shop,2026-07-01T01:00:00Z,code-deploy",
      "d2,cart,2026-07-01T02:00:00Z,migration-step",
    ],
    "labels.csv": ["deployment_id,label,basis", "d1,bad,seen", "d2,good,seen"],
  };
}
