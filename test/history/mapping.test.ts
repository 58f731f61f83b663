/**
 * Foreign exports through a mapping: each worked example imports, all tell the same, and a mistake
 * is named with the line of the mapping and what there is.
 */

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { importHistory } from "../../lab/history/import/importHistory.ts";
import { findMapped } from "../../lab/history/import/mapping.ts";
import { Zone } from "../../lab/history/import/zone.ts";
import { openHistory } from "../../lab/history/open.ts";
import { streamWindows } from "../../lab/history/windows.ts";
import { temporaryDirectory } from "../directories.ts";
import { ROOT, START_MS } from "./samples.ts";

const EXPORTS = join(ROOT, "datasets/exports");

async function imported(mapping: string, zone: Zone | null = null) {
  const out = join(temporaryDirectory(), "history");
  const options = { out, force: false, strict: true, timestamp: "start" } as const;
  const summary = await importHistory((duck) => findMapped(mapping, duck, zone), options);
  const history = await openHistory(out);
  try {
    const values = new Map<string, number[]>();
    const requests = history.series.map(({ series }) => {
      return { id: series, series, fromMs: -Infinity, toMs: Infinity };
    });
    for await (const { id, window } of streamWindows(history, requests)) {
      const { service, metric } = history.series[id]!;
      expect(window.atMs[1]! - window.atMs[0]!).toBe(60_000);
      expect(window.atMs[0]).toBe(START_MS);
      values.set(`${service}/${metric}`, [...window.values]);
    }
    return { summary, values, deployments: history.tables.deployments };
  } finally {
    history.close();
  }
}

/** A copy of an example with some of the text of a file replaced. */
function changed(name: string, file: string, from: string, to: string): string {
  const dir = join(temporaryDirectory(), "exports");
  cpSync(EXPORTS, dir, { recursive: true });
  const text = readFileSync(join(dir, name, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(dir, name, file), text.replace(from, to));
  return join(dir, name, "mapping.yaml");
}

/** A mapping of CSV files of its own; `metrics` is the YAML of its table. */
function mappingOf(metrics: string, files: Readonly<Record<string, string>>): string {
  const dir = temporaryDirectory();
  cpSync(join(EXPORTS, "deployments.csv"), join(dir, "deployments.csv"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const file = join(dir, "mapping.yaml");
  const tables = `tables:\n  metrics:\n${metrics.replaceAll(/^/gm, "    ")}\n`;
  writeFileSync(file, `${tables}  deployments: { files: deployments.csv }\n`);
  return file;
}

/** One metric of one service; a sample a minute with these values. */
function csvOf(values: readonly string[], between = ","): string {
  const lines = values.map((value, at) => {
    return `${new Date(START_MS + at * 60_000).toISOString()}${between}shop${between}${value}`;
  });
  return `${["t", "s", "v"].join(between)}\n${lines.join("\n")}\n`;
}

const SHEET = `files: a.csv
columns:
  service: s
  metric: { constant: latency_ms }
  ts: t
  value: v`;

const refused = async (mapping: string): Promise<string> => {
  const out = join(temporaryDirectory(), "history");
  const options = { out, force: false, strict: false, timestamp: "start" } as const;
  const made = importHistory((duck) => findMapped(mapping, duck, null), options);
  return made.then(
    () => "it was imported",
    (error: unknown) => (error as Error).message,
  );
};

describe("a worked example", () => {
  it.each(["datadog", "cloudwatch", "newrelic", "victoriametrics", "otlp-parquet"])(
    "of %s is imported, every sample at its time",
    async (name) => {
      const { summary, values } = await imported(join(EXPORTS, name, "mapping.yaml"));
      expect(summary.manifest.samples + summary.manifest.missingSamples).toBe(80);
      // That d3 brings back an earlier version is seen, and is too little for a label of d2.
      expect(summary.deployments).toMatchObject({ total: 3, unknown: 3 });
      expect(summary.manifest.warnings.join("\n")).toMatch(/set aside: d3\n1 deployment taken/);
      const shop = values.get("shop/latency_avg_seconds")!;
      expect(shop).toHaveLength(40);
      expect(shop[0]).toBeCloseTo(0.12, 6);
      expect(shop[15]).toBeCloseTo(0.18, 6);
      // Datadog has null where nothing was reported.
      const missing = values.get("cart/latency_avg_seconds")!.filter(Number.isNaN);
      expect(missing).toHaveLength(name === "datadog" ? 1 : 0);
    },
  );

  it("of OpenTelemetry's deployments takes its attributes, in production", async () => {
    const mapping = join(EXPORTS, "otel-deployments/mapping.yaml");
    const { summary, deployments } = await imported(mapping);
    // That d3 brings back an earlier version is seen, and is too little for a label of d2.
    expect(summary.deployments).toMatchObject({ total: 3, unknown: 3 });
    expect(summary.manifest.warnings.join("\n")).toMatch(/set aside: d3\n1 deployment taken/);
    const ends = deployments.map((row) => [
      row.deploymentId,
      row.service,
      row.version,
      row.environment,
      row.finishedAtMs === null ? null : (row.finishedAtMs - row.startedAtMs) / 1000,
    ]);
    expect(ends).toEqual([
      ["d1", "cart", "1.0.0", "production", 130],
      ["d2", "shop", "2.4.0", "production", 95],
      ["d3", "shop", "2.3.1", "production", 62],
    ]);
    // A deployment that failed has no known end, also where it is meant.
    const staging = await imported(
      changed("otel-deployments", "mapping.yaml", "= 'prod", "<> 'prod"),
    );
    expect([...staging.deployments]).toMatchObject([{ deploymentId: "d4", finishedAtMs: null }]);
  });

  it("of a sheet with decimal commas and local time is imported with its time zone", async () => {
    const mapping = join(EXPORTS, "spreadsheet/mapping.yaml");
    const { values } = await imported(mapping, new Zone("Europe/Berlin"));
    expect(values.get("shop/latency_avg_ms")![15]).toBeCloseTo(1180, 6);
    expect(await refused(mapping)).toMatch(/--timezone/);
  });
});

describe("a mistake in a mapping", () => {
  it.each([
    ["cloudwatch", "MetricDataResults.Label", "MetricDataResults.Lable", 8, "Label"],
    ["newrelic", "facets.timeSeries", "facets.series", 5, "timeSeries"],
    ["spreadsheet", "Dienst", "Service", 8, "Dienst"],
    ["datadog", "regexp_extract(series.scope", "regexp_extract(scope", 7, "series"],
    ["otlp-parquet", "ResourceAttributes[", "Attributes[", 5, "ResourceAttributes"],
  ])("of %s names its line and the columns", async (name, from, to, line, column) => {
    const message = await refused(changed(name, "mapping.yaml", from, to));
    expect(message).toContain(`mapping.yaml:${line}:`);
    expect(message.slice(message.indexOf("There are in"))).toContain(column);
  });

  it("names a time in another unit, with its line", async () => {
    const message = await refused(changed("datadog", "mapping.yaml", "epoch_ms", "epoch_s"));
    expect(message).toContain("mapping.yaml:9: pointlist[1] is no time in epoch_s");
  });

  it("names lists that do not belong together", async () => {
    const message = await refused(
      changed("victoriametrics", "export.jsonl", '"values": [0.08, ', '"values": ['),
    );
    expect(message).toMatch(/mapping.yaml:5: the lists timestamps and values/);
  });

  it.each([
    ["metric: { constant: latency_ms }", "metric: { constnt: m }", "6:", "columns.metric"],
    ["ts: t", "ts: { of: t, is: epoch }", "7:", "columns.ts"],
  ])("names the forms that a column may have instead of %s", async (from, to, line, path) => {
    const sheet = SHEET.replace(from, to);
    const message = await refused(mappingOf(sheet, { "a.csv": csvOf(["1"]) }));
    expect(message).toContain(`mapping.yaml:${line}`);
    expect(message).toContain(`tables.metrics.${path}: `);
    expect(message).toMatch(/constant: .*sql: .*epoch_ms/);
  });

  it("names the columns of the mapping where one of ours is forgotten, not the file", async () => {
    const sheet = SHEET.replace("\n  value: v", "");
    const message = await refused(mappingOf(sheet, { "a.csv": csvOf(["1"]) }));
    expect(message).toMatch(/mapping.yaml:4:\d+: missing column: value\n/);
    expect(message).toContain("value: NAME");
    expect(message).not.toContain("a.csv:1");
  });

  it("names a file that is not there", async () => {
    const message = await refused(changed("cloudwatch", "mapping.yaml", "page-2", "page-3"));
    expect(message).toMatch(/mapping.yaml:5:\d+: tables.metrics: no file matches page-3.json/);
  });
});

describe("a decimal comma", () => {
  const sheet = SHEET.replace("files: a.csv", 'files: a.csv\ndelimiter: ";"').replace(
    "value: v",
    "value: { of: v, is: decimal_comma }",
  );

  it("is read, with thousands in groups of three digits", async () => {
    const cells = {
      "0,25": 0.25,
      "-1.250,5": -1250.5,
      "1 234 567": 1_234_567,
      "1\u00a0000,5": 1000.5,
      "12'000": 12_000,
      "1250": 1250,
      ",5": 0.5,
      "2,5E-1": 0.25,
      "n/a": NaN,
      "": NaN,
    };
    const mapping = mappingOf(sheet, { "a.csv": csvOf(Object.keys(cells), ";") });
    const { values } = await imported(mapping);
    expect(values.get("shop/latency_ms")).toEqual(Object.values(cells));
  });

  it.each(["0.25", "0.250", "1.25,5", "12.34", "1.234.56", "1.234 567", "1,2,3", "12 ms"])(
    "is not read into %s",
    async (value) => {
      const message = await refused(
        mappingOf(sheet, { "a.csv": csvOf(["0,25", value, "0,25"], ";") }),
      );
      expect(message).toContain("mapping.yaml:9: v");
      expect(message).toContain(value);
      expect(message).not.toContain("DuckDB");
    },
  );
});

describe("a time in the wrong unit", () => {
  const seconds = START_MS / 1000;
  it.each([
    ["epoch_ms", seconds, "epoch_s"],
    ["epoch_us", START_MS, "epoch_ms"],
    ["epoch_s", seconds * 1e9, "epoch_ns"],
  ])("of %s is refused with the unit that fits", async (unit, at, fits) => {
    const sheet = SHEET.replace("ts: t", `ts: { of: t, is: ${unit} }`);
    const message = await refused(mappingOf(sheet, { "a.csv": `t,s,v\n${at},shop,1\n` }));
    expect(message).toContain(`mapping.yaml:7: t is no time in ${unit}`);
    expect(message).toContain(`: ${at}\n  It would be one in ${fits}.`);
  });

  it("names a text that is no number at all, and does not blame the file", async () => {
    const sheet = SHEET.replace("ts: t", "ts: { of: t, is: epoch_s }");
    const message = await refused(mappingOf(sheet, { "a.csv": "t,s,v\nsoon,shop,1\n" }));
    expect(message).toMatch(/mapping.yaml:7: t is no time in epoch_s between 2000 and 2100: soon$/);
  });
});

describe("a mapping that finds no evidence", () => {
  it("is refused where no sample has a value, with the line of the value", async () => {
    const message = await refused(
      changed("datadog", "mapping.yaml", 'value: "pointlist[2]"', 'value: "pointlist[3]"'),
    );
    expect(message).toMatch(/mapping.yaml:10:\d+: no sample has a value/);
  });

  it("is refused where it scales a metric that is not there", async () => {
    const sheet = `${SHEET}\nscale: { latncy_ms: 1000 }`;
    const message = await refused(mappingOf(sheet, { "a.csv": csvOf(["1"]) }));
    expect(message).toMatch(/mapping.yaml:9:\d+: scale: no metric is called latncy_ms/);
    expect(message).toContain("latency_ms");
  });

  it("is refused where one of its files lacks a column", async () => {
    const sheet = SHEET.replace("a.csv", '"*s.csv"');
    const [first, other] = [csvOf(["1"]), csvOf(["2"]).replace("t,s,v", "t,s,val")];
    const message = await refused(mappingOf(sheet, { "as.csv": first, "bs.csv": other }));
    expect(message).toMatch(/mapping.yaml:8:\d+: column value in .*bs.csv/);
    expect(message).toMatch(/There are in .*bs.csv: .*val/);
  });

  it.each([
    ["datadog", "series.json", { series: [] }, 5, "series"],
    ["datadog", "series.json", { series: [{ scope: "service:a", pointlist: [] }] }, 5, "pointlist"],
    ["victoriametrics", "export.jsonl", { metric: {}, timestamps: [], values: [] }, 5, "values"],
  ])("of %s is refused where %s has an empty list", async (name, file, data, line, list) => {
    const mapping = changed(name, "mapping.yaml", "tables:", "tables:");
    writeFileSync(join(dirname(mapping), file), JSON.stringify(data));
    const message = await refused(mapping);
    expect(message).toMatch(
      new RegExp(`mapping.yaml:${line}:\\d+: rows: the list is empty: .*${list}`),
    );
  });
});

describe("a mapped CSV file", () => {
  it("loses only a ragged line, which is counted and named", async () => {
    const text = `${csvOf(["1", "2", "3"])}2026-07-01T01:00:00Z,shop,4,5,6\n`;
    const mapping = mappingOf(SHEET.replace("a.csv", "[a.csv, b.csv]"), {
      "a.csv": csvOf(["1"]),
      "b.csv": text,
    });
    const out = join(temporaryDirectory(), "history");
    const options = { out, force: false, strict: false, timestamp: "start" } as const;
    const { manifest } = await importHistory((duck) => findMapped(mapping, duck, null), options);
    expect(manifest.samples).toBe(3);
    const [ragged] = manifest.dropped.filter(({ reason }) => reason.includes("unreadable line"));
    expect(ragged).toMatchObject({ table: "metrics", rows: 1 });
    expect(ragged!.examples[0]).toContain("b.csv:5 ");
  });

  it.each([";", "\t", "|"])("with a forgotten delimiter %j is told it", async (between) => {
    const message = await refused(mappingOf(SHEET, { "a.csv": csvOf(["1,5", "2"], between) }));
    expect(message).toContain("mapping.yaml:5:");
    expect(message).toContain(`write delimiter: ${JSON.stringify(between)}`);
  });

  it("has tabs where it is called .tsv, and names with commas between quotes", async () => {
    const tabs = csvOf(["1", "2"], "\t");
    const tsv = mappingOf(SHEET.replace("a.csv", "a.tsv"), { "a.tsv": tabs });
    expect((await imported(tsv)).values.get("shop/latency_ms")).toEqual([1, 2]);
    const named = csvOf(["1", "2"]).replace("v", '"v, in ms"');
    const csv = mappingOf(SHEET.replace("value: v", 'value: "v, in ms"'), { "a.csv": named });
    expect((await imported(csv)).values.get("shop/latency_ms")).toEqual([1, 2]);
  });
});
