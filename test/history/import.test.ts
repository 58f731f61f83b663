/**
 * Importing plain and mapped files: what comes in is what is read back, what cannot
 * be understood is named and left out or refused, and any form gives the same history.
 */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inspect } from "../../lab/history/inspect.ts";
import { openDuck } from "../../lab/history/duck.ts";
import {
  findPlainFiles,
  importHistory,
  type ImportSummary,
} from "../../lab/history/import/importHistory.ts";
import { readTimeMs } from "../../lab/history/import/times.ts";
import { findMapped } from "../../lab/history/import/mapping.ts";
import { Zone } from "../../lab/history/import/zone.ts";
import { openHistory } from "../../lab/history/open.ts";
import { plainViewSql } from "../../lab/history/plainView.ts";
import { streamWindows } from "../../lab/history/windows.ts";
import { plainFiles, RECORDINGS, START_MS, writeFiles } from "./samples.ts";
import { temporaryDirectory } from "../directories.ts";

async function importDir(
  dir: string,
  options: { strict?: boolean; timestamp?: "start" | "end" } = {},
): Promise<ImportSummary & { out: string }> {
  const out = join(temporaryDirectory(), "history");
  const summary = await importHistory((duck) => findPlainFiles(dir, duck), {
    out,
    force: false,
    strict: options.strict ?? false,
    timestamp: options.timestamp ?? null,
  });
  return { ...summary, out };
}

async function inspected(out: string) {
  const history = await openHistory(out);
  try {
    return await inspect(history);
  } finally {
    history.close();
  }
}

async function valuesOf(out: string, service: string, metric: string) {
  const history = await openHistory(out);
  const { series } = history.series.find((s) => s.service === service && s.metric === metric)!;
  const request = { id: 0, series, fromMs: -Infinity, toMs: Infinity };
  try {
    for await (const { window } of streamWindows(history, [request])) return window;
  } finally {
    history.close();
  }
  throw new Error("a window comes");
}

/** The same lines in another order: a fixed stride that visits every row once. */
function shuffled(lines: readonly string[]): string[] {
  const [header, ...rows] = lines;
  const stride = 379;
  return [header!, ...rows.map((_, i) => rows[(i * stride) % rows.length]!)];
}

describe("the plain form", () => {
  it("imports, and counts what is in the files", async () => {
    const { manifest, deployments } = await importDir(writeFiles(plainFiles()));
    expect(manifest).toMatchObject({
      samples: 720,
      missingSamples: 0,
      seriesCount: 4,
      dropped: [],
    });
    expect(deployments).toMatchObject({ total: 2, regression: 1, benign: 1 });
    expect(manifest.sources.map(({ source, rows }) => [source, rows])).toEqual([
      ["metrics.csv", 720],
      ["deployments.csv", 2],
      ["labels.csv", 2],
    ]);
  });

  it("does not depend on row order, line ends or compression", async () => {
    const files = plainFiles();
    const straight = await importDir(writeFiles(files));
    const dir = writeFiles({
      "deployments.csv": shuffled(files["deployments.csv"]!),
      "labels.csv": shuffled(files["labels.csv"]!).map((line) => `${line}\r`),
    });
    const text = shuffled(files["metrics.csv"]!).join("\r\n");
    writeFileSync(join(dir, "metrics.csv.gz"), gzipSync(text));
    const other = await importDir(dir);
    expect(other.manifest.digest).toBe(straight.manifest.digest);
    expect(await inspected(other.out)).toEqual(await inspected(straight.out));
  });

  it("merges, drops and counts, naming file and line", async () => {
    const files = plainFiles();
    const lines = files["metrics.csv"]!;
    const [first, second] = [lines[1]!, lines[3]!];
    lines.push(
      first, // 722: an exact duplicate
      second.replace(/[^,]*$/, "999"), // 723: contradicts line 4
      "", // 724: blank
      "cart,new_metric,2026-07-01T00:00:00Z,NaN",
      "cart,new_metric,2026-07-01T00:01:00Z,inf",
      "cart,new_metric,2026-07-01T00:02:00Z,",
      "cart,new_metric,2026-07-01T00:03:00Z,3",
      "cart,new_metric,2026-07-01T00:04:00Z,many", // 729
      "cart,new_metric,2026-07-01T00:05:00Z", // 730
    );
    const { manifest, out } = await importDir(writeFiles(files));
    expect(manifest.samples).toBe(720);
    expect(manifest.missingSamples).toBe(3);
    expect(manifest.dropped).toEqual([
      {
        table: "metrics",
        reason: "unreadable line: the value is not a number",
        rows: 1,
        examples: ["metrics.csv:729"],
      },
      {
        table: "metrics",
        reason: "unreadable line: wrong number of columns or broken quotes",
        rows: 1,
        examples: [expect.stringContaining("metrics.csv:730") as string],
      },
      {
        table: "metrics",
        reason: "exact duplicate, merged",
        rows: 1,
        examples: ["metrics.csv:722"],
      },
      {
        table: "metrics",
        reason: "conflicting duplicate: same series and time, other value",
        rows: 2,
        examples: ["metrics.csv:4", "metrics.csv:723"],
      },
    ]);
    expect(manifest.warnings.join("\n")).toMatch(/3 samples NaN/);
    const window = await valuesOf(out, "cart", "new_metric");
    expect([...window.values]).toEqual([NaN, NaN, NaN, 3]);
    await expect(importDir(writeFiles(files), { strict: true })).rejects.toThrow(
      /metrics.csv:4: metrics: 2 rows: conflicting/,
    );
  });

  it("leaves out what ends before it begins, and names whatever is of no deployment", async () => {
    const { manifest } = await importDir(
      writeFiles({
        ...plainFiles(),
        "labels.csv": ["deployment_id,label", "d2,good", "dX,bad"],
        "tags.csv": [
          "deployment_id,service,tag,value,valid_from,valid_until",
          "d1,,migration_window,true,2026-07-01T01:00:00Z,2026-07-01T00:30:00Z",
        ],
        "cases.csv": [
          "case_id,recording_starts_at,recording_ends_at",
          "c1,2026-07-01T03:00:00Z,2026-07-01T00:00:00Z",
        ],
      }),
    );
    expect(manifest.dropped.map(({ reason, examples }) => [reason, ...examples])).toEqual([
      ["unknown deployment, others are like d1", "labels.csv:3"],
      ["unreadable line: valid_until is before valid_from", "tags.csv:2"],
      ["unreadable line: recording_ends_at is before recording_starts_at", "cases.csv:2"],
    ]);
  });

  it("knows a bucket's value only at its end when its time marks the start", async () => {
    const dir = writeFiles(plainFiles());
    const assumed = await importDir(dir);
    const start = await valuesOf(assumed.out, "shop", "error_rate");
    expect(start.knownAtMs[0]! - start.atMs[0]!).toBe(60_000);
    expect(assumed.manifest.warnings.join("\n")).toMatch(/read as the start of a bucket/);
    const said = await importDir(dir, { timestamp: "end" });
    const end = await valuesOf(said.out, "shop", "error_rate");
    expect(end.knownAtMs[0]).toBe(end.atMs[0]);
    expect(said.manifest.warnings.join("\n")).not.toMatch(/assumed/);
  });

  it("stores values exactly: FLOAT where that is exact, else DOUBLE", async () => {
    const files = plainFiles();
    for (const [i, value] of ["16777217", "0.1", "123456.7", "1e300"].entries()) {
      files["metrics.csv"]!.push(`shop,exact_${i},2026-07-01T00:00:00Z,${value}`);
    }
    const { out } = await importDir(writeFiles(files));
    expect((await valuesOf(out, "shop", "exact_0")).values[0]).toBe(16777217);
    expect((await valuesOf(out, "shop", "exact_1")).values[0]).toBeCloseTo(0.1, 8);
    expect((await valuesOf(out, "shop", "exact_2")).values[0]).toBeCloseTo(123456.7, 1);
    expect((await valuesOf(out, "shop", "exact_3")).values[0]).toBe(1e300);
  });

  it("reads every optional table and says what it concluded", async () => {
    const { manifest, deployments, out } = await importDir(
      writeFiles({
        ...plainFiles(),
        "labels.csv": ["deployment_id,label,basis", "d2,expected_change,planned", "dX,bad,?"],
        "kinds.csv": ["kind_source,kind", "code-deploy,config"],
        "tags.csv": [
          "deployment_id,service,tag,value,known_at",
          "d1,,expected_latency_increase,15%,2026-07-01T00:30:00Z",
          ",cart,migration_window,true,2026-07-01T00:40:00+02:00",
          "d9,,lost,true,2026-07-01T00:40:00Z",
        ],
        "stages.csv": [
          "deployment_id,stage,completed_at,replicas_v1,replicas_v2",
          "d1,one,2026-07-01T01:01:00Z,3,1",
        ],
        "incidents.csv": [
          "deployment_id,service,started_at,resolved_at,label",
          "d1,shop,2026-07-01T01:00:30Z,2026-07-01T01:20:00Z,bad-deployment:latency",
          ",shop,2026-07-01T01:10:00Z,,network",
        ],
        "services.csv": [
          "service,team,criticality,timezone,depends_on,revenue_per_minute,pager",
          "shop,front,critical,Europe/Berlin,cart;ghost,12.5,x",
        ],
        "metric_catalog.csv": ["metric,unit,worse,kind", "error_rate,ratio,up,ratio"],
        "decisions.csv": [
          "deployment_id,at,what,by,justification,confidence",
          'd1,2026-07-01T01:05:00Z,overrideGiven,ann,"known, expected",82%',
          "d1,2026-07-01T01:06:00Z,shrugged,ann,,",
        ],
        "cases.csv": [
          "case_id,recording_starts_at,recording_ends_at",
          "c1,2026-07-01T00:00:00Z,2026-07-01T03:00:00Z",
        ],
      }),
    );
    const history = await openHistory(out);
    history.close();
    const { tables } = history;
    expect(deployments).toMatchObject({ total: 2, regression: 1, expected_change: 1 });
    expect(tables.deployments.map(({ kind, kindSource }) => [kind, kindSource])).toEqual([
      ["config", "code-deploy"],
      ["migration", "migration-step"],
    ]);
    expect(tables.deployments.at(0)!.stages).toEqual([
      { share: 0.25, atMs: START_MS + 61 * 60_000 },
    ]);
    expect(tables.tags.map(({ service, tag, knownAtMs }) => [service, tag, knownAtMs])).toEqual([
      ["cart", "migration_window", START_MS - 80 * 60_000],
      ["shop", "expected_latency_increase", START_MS + 30 * 60_000],
    ]);
    expect(tables.services[0]).toMatchObject({
      dependsOn: ["cart", "ghost"],
      revenuePerMinute: 12.5,
    });
    expect(tables.decisions).toHaveLength(1);
    expect(tables.decisions[0]).toMatchObject({
      justification: "known, expected",
      confidence: 0.82,
    });
    expect(tables.incidents.map(({ incidentId }) => incidentId)).toEqual([
      "shop@2026-07-01T01:00:30.000Z",
      "shop@2026-07-01T01:10:00.000Z",
    ]);
    expect(manifest.dropped.map(({ table, reason, rows }) => `${table} ${rows} ${reason}`)).toEqual(
      [
        "labels 1 unknown deployment, others are like d1",
        "tags 1 unknown deployment, others are like d1",
        expect.stringMatching(/^decisions 1 unreadable line: what is not one of/) as string,
      ],
    );
    const warnings = manifest.warnings.join("\n");
    expect(warnings).toMatch(/columns not used: pager/);
    expect(warnings).toMatch(/1 label derived where none is given \(1 regression/);
    expect(warnings).toMatch(
      /revenue_per_minute of 1 service is kept; it prices a minute of harm where a costs file/,
    );
    expect(warnings).toMatch(/1 incident overlapping another/);
    expect(warnings).toMatch(/depends_on names unknown services: cart, ghost/);
    expect(warnings).toMatch(/latency_p95_ms \(latency, worse up, ms\)/);
  });

  it("refuses an empty file and a directory without deployments", async () => {
    const { "metrics.csv": metrics = [] } = plainFiles();
    const rest = { "metrics.csv": metrics };
    await expect(importDir(writeFiles(rest))).rejects.toThrow(/there is no deployments\.csv here/);
    await expect(importDir(writeFiles({ ...rest, "deployments.csv": [] }))).rejects.toThrow(
      /deployments\.csv: this file is empty/,
    );
  });

  it("reads times with any zone and refuses those without one", () => {
    expect(readTimeMs("2026-07-01T02:00:00+02:00")).toBe(START_MS);
    expect(readTimeMs("2026-07-01 00:00:00.0009Z")).toBe(START_MS);
    expect(readTimeMs("2026-06-30T19:00-0500")).toBe(START_MS);
    expect(readTimeMs("2026-07-01T00:00:00")).toBeNull();
    expect(readTimeMs("2026-02-30T00:00:00Z")).toBeNull();
  });
});

describe("a mapped warehouse", () => {
  it("imports other tables and gives the same history", async () => {
    const files = plainFiles();
    const dir = writeFiles(files);
    const straight = await importDir(dir);
    const duck = await openDuck();
    await duck.connection.run(
      `COPY (SELECT service AS app, metric AS name, ts::TIMESTAMPTZ::TIMESTAMP AS "time",
           value / 1000 AS val, 'prod' AS env FROM read_csv('${dir}/metrics.csv', all_varchar = false,
           types = {'ts': 'VARCHAR'}))
       TO '${dir}/samples-1.parquet'`,
    );
    await duck.connection.run(
      `COPY (SELECT deployment_id AS id, service, deployed_at, kind
           FROM read_csv('${dir}/deployments.csv', all_varchar = true))
       TO '${dir}/deploys.parquet'`,
    );
    await duck.connection.run(
      `COPY (FROM read_csv('${dir}/labels.csv', all_varchar = true)) TO '${dir}/labels.parquet'`,
    );
    duck.close();
    const mapping = (extra: string): string => `tables:
  metrics:
    files: "samples-*.parquet"
    columns: { service: app, metric: name, ts: time, value: { sql: "round(val * 1000, 9)" } }
    where: "env = 'prod'"
  deployments: { files: deploys.parquet, columns: { deployment_id: id, service: service, deployed_at: deployed_at, kind: kind } }
  labels: { files: labels.parquet }
${extra}`;
    writeFileSync(join(dir, "map.yaml"), mapping(""));
    const out = join(temporaryDirectory(), "history");
    const options = { out, force: false, strict: true, timestamp: null };
    const mapped = await importHistory(
      (d) => findMapped(join(dir, "map.yaml"), d, new Zone("UTC")),
      options,
    );
    expect(mapped.manifest.samples).toBe(straight.manifest.samples);
    expect(mapped.manifest.digest).toBe(straight.manifest.digest);

    writeFileSync(join(dir, "bad.yaml"), mapping("kind: { a: code }\n"));
    const bad = importHistory((d) => findMapped(join(dir, "bad.yaml"), d), {
      ...options,
      force: true,
    });
    await expect(bad).rejects.toThrow(/bad\.yaml:8:1: unknown key "kind"/);
    expect(existsSync(out)).toBe(true);
  });
});

describe("the plain view", () => {
  it("gives every sample as a row", async () => {
    const files = plainFiles();
    files["metrics.csv"]!.push(
      "shop,big,2026-07-01T00:00:00Z,16777217",
      "shop,big,2026-07-01T00:00:07Z,NaN",
    );
    const { out, manifest } = await importDir(writeFiles(files), { timestamp: "start" });
    const history = await openHistory(out);
    const connection = await history.connect();
    await connection.run(plainViewSql(out, history.manifest));
    const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
    expect(await read("SELECT count(value), count(*) FROM samples")).toEqual([
      [String(manifest.samples), String(manifest.samples + 1)],
    ]);
    expect(
      await read(
        `SELECT value, CAST("at" AS VARCHAR), CAST(known_at AS VARCHAR) FROM samples
         WHERE metric = 'big' ORDER BY "at"`,
      ),
    ).toEqual([
      [16777217, "2026-07-01 00:00:00", "2026-07-01 00:00:07"],
      [null, "2026-07-01 00:00:07", "2026-07-01 00:00:14"],
    ]);
    history.close();
  });
});

const recorded = [
  ["nezha-onlineboutique", 104_050, { total: 45, regression: 14, benign: 31, unknown: 0 }, 56],
  ["petshop", 216_779, { total: 94, regression: 62, benign: 32, unknown: 0 }, 68],
  ["nab-aws", 89_789, { total: 194, regression: 33, benign: 161, unknown: 0 }, 36],
] as const;
const absent = existsSync(RECORDINGS)
  ? ""
  : ` (SKIPPED: the recordings in ${RECORDINGS} are outside the repository and not here)`;

describe.skipIf(absent !== "")(`real recordings${absent}`, () => {
  it.each(recorded)("counts %s as its rows", async (name, samples, deployments, incidents) => {
    const { out, ...summary } = await importDir(join(RECORDINGS, name), { strict: true });
    expect(summary.manifest.samples).toBe(samples);
    expect(summary.deployments).toMatchObject(deployments);
    expect(summary.manifest.rows.incidents).toBe(incidents);
    const inspection = await inspected(out);
    expect(inspection.deployments).toMatchObject(deployments);
    expect(inspection.metrics.reduce((sum, metric) => sum + metric.samples, 0)).toBe(samples);
  });
});
