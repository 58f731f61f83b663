/** The order of rows means nothing: a shuffled export imports and compares as the sorted one. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { generateSamples, METRICS, type Metric } from "../../datasets/world/index.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { openHistory } from "../../lab/history/open.ts";
import type { HistoryManifest } from "../../lab/history/tables.ts";
import { randomStream } from "../../lab/random.ts";
import { logWorld } from "../../lab/simulate/log.ts";
import { deploymentsBetween, truthTables } from "../../datasets/world/index.ts";
import { temporaryDirectory } from "../directories.ts";
import { evaluated, freshWorld, HOOK_MS, shipped, timeless } from "./smallWorld.ts";

const DAYS = 5;
const WATCHED: readonly Metric[] = METRICS.filter((metric) =>
  ["conversion_rate", "error_rate", "latency_p95_ms"].includes(metric),
);
type Cell = string | number | null;

/** Three services for five days in the plain form: rows by file, headers apart. */
function plainForm(): ReadonlyMap<string, { header: string; rows: readonly string[] }> {
  const { world, loggingPolicy } = freshWorld();
  const log = logWorld(world, loggingPolicy);
  const services = world.services.slice(0, 3).map(({ name }) => name);
  const endMs = world.startMs + DAYS * 86_400_000;
  const deployments = deploymentsBetween(world, null, world.startMs, endMs);
  const decisions = deployments.flatMap((one) => log.decisionsOf(one));
  const tables = truthTables(world, decisions, log.interventions);
  const files = new Map<string, { header: string; rows: readonly string[] }>();
  const mine = ({ service }: { service: string }): boolean => services.includes(service);
  const chosen = tables.deployments.filter(
    (row) => mine(row) && row.startedAtMs < endMs - 7_200_000,
  );
  const ids = new Set<string | null>(chosen.map(({ deploymentId }) => deploymentId));
  const about = (row: { deploymentId: string | null }): boolean => ids.has(row.deploymentId);
  const time = (atMs: number | null): Cell => (atMs === null ? null : new Date(atMs).toISOString());
  const write = (file: string, header: string, rows: readonly (readonly Cell[])[]): void => {
    const lines = rows.map((row) => row.map((cell) => quote(cell)).join(","));
    files.set(file, { header, rows: lines });
  };

  const metrics: string[] = [];
  for (const service of services) {
    for (const metric of WATCHED) {
      const values = generateSamples(
        world,
        service,
        metric,
        world.startMs,
        endMs,
        log.interventions,
      );
      values.forEach((value, index) => {
        if (Number.isNaN(value)) return;
        const ts = new Date(world.startMs + index * world.stepMs).toISOString();
        metrics.push(`${service},${metric},${ts},${value}`);
      });
    }
  }
  files.set("metrics.csv", { header: "service,metric,ts,value", rows: metrics });
  write(
    "deployments.csv",
    "deployment_id,service,deployed_at,kind,version,author",
    chosen.map((row) => [
      row.deploymentId,
      row.service,
      time(row.startedAtMs),
      row.kind,
      row.version,
      row.author,
    ]),
  );
  write(
    "tags.csv",
    "deployment_id,service,tag,value,signal,valid_from,valid_until,known_at",
    tables.tags
      .filter(about)
      .map((row) => [
        row.deploymentId,
        row.service,
        row.tag,
        row.value,
        row.signal,
        time(row.validFromMs),
        time(row.validUntilMs),
        time(row.knownAtMs),
      ]),
  );
  write(
    "incidents.csv",
    "deployment_id,service,started_at,resolved_at,label",
    tables.incidents
      .filter(about)
      .map((row) => [
        row.deploymentId,
        row.service,
        time(row.onsetAtMs),
        time(row.resolvedAtMs),
        row.label,
      ]),
  );
  write(
    "labels.csv",
    "deployment_id,label,basis",
    tables.labels.filter(about).map((row) => [row.deploymentId, row.label, row.basis]),
  );
  write(
    "decisions.csv",
    "deployment_id,at,what,by,justification",
    tables.decisions
      .filter(about)
      .map((row) => [row.deploymentId, time(row.atMs), row.what, row.by, row.justification]),
  );
  write(
    "services.csv",
    "service,team,criticality,timezone",
    tables.services
      .filter(mine)
      .map((row) => [row.service, row.team, row.criticality, row.timezone]),
  );
  return files;
}

function quote(cell: Cell): string {
  const text = cell === null ? "" : String(cell);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function shuffled(rows: readonly string[], seed: number): readonly string[] {
  const random = randomStream(seed, "shuffle", rows.length);
  const all = [...rows];
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(random.next() * (at + 1));
    [all[at], all[other]] = [all[other]!, all[at]!];
  }
  return all;
}

describe("an export", () => {
  let manifests: HistoryManifest[];
  const comparisons: string[] = [];
  beforeAll(async () => {
    const files = plainForm();
    manifests = [];
    for (const seed of [null, 1, 2]) {
      const parent = temporaryDirectory();
      mkdirSync(join(parent, "in"));
      for (const [file, { header, rows }] of files) {
        const lines = seed === null ? rows : shuffled(rows, seed);
        writeFileSync(join(parent, "in", file), `${[header, ...lines].join("\n")}\n`);
      }
      const out = join(parent, "out");
      const { manifest } = await importHistory((duck) => findPlainFiles(join(parent, "in"), duck), {
        out,
        force: false,
        strict: true,
        timestamp: "end",
      });
      manifests.push(manifest);
      const history = await openHistory(out);
      try {
        const policies = [shipped("two-minute-override"), shipped("naive-threshold")];
        comparisons.push(timeless(await evaluated(history, policies, "recorded")));
      } finally {
        history.close();
      }
    }
  }, HOOK_MS);

  it("is large enough to mean something", () => {
    const [{ samples, rows }] = manifests as [HistoryManifest];
    expect(samples).toBeGreaterThan(40_000);
    for (const table of ["deployments", "tags", "incidents", "labels", "decisions"] as const) {
      expect(rows[table], table).toBeGreaterThan(3);
    }
    expect(comparisons[0]).toContain('"end":"rolledBack"');
  });

  it("shuffled, is the same history but for the digests of its files", () => {
    const [sorted, ...others] = manifests as [HistoryManifest, HistoryManifest, HistoryManifest];
    for (const other of others) {
      expect(other.digest).toBe(sorted.digest);
      expect({ ...other, sources: [] }).toEqual({ ...sorted, sources: [] });
      expect(other.sources.map(({ source, rows }) => [source, rows])).toEqual(
        sorted.sources.map(({ source, rows }) => [source, rows]),
      );
      expect(other.sources[0]!.sha256).not.toBe(sorted.sources[0]!.sha256);
    }
  });

  it("shuffled, gives the same comparison to the last digit", () => {
    expect(comparisons[1]).toBe(comparisons[0]);
    expect(comparisons[2]).toBe(comparisons[0]);
  });
});
