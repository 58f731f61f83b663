/** Bad input through the real command line: exit code, one clear message, nothing half-written. */

import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createHistory } from "../../lab/history/write.ts";
import { builtCommandLine, hindsight, inTurn, node } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { NO_MOUNT, smallDisk } from "../smallDisk.ts";
import { ABOUT, copyOf, NO_TABLES, plainFiles, START_MS, writeFiles } from "./samples.ts";

/** The message of a command that must refuse: one paragraph, no stack. */
async function refused(args: readonly string[], uid?: number): Promise<string> {
  const { code, stdout, stderr } = await (uid === undefined
    ? inTurn(args)
    : hindsight(args, { uid }));
  expect(stderr).not.toMatch(/\n\s+at /);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^hindsight: /);
  return stderr;
}

let history = "";
beforeAll(async () => {
  history = join(temporaryDirectory(), "history");
  const { code, stdout } = await inTurn([
    "import",
    "csv",
    writeFiles(plainFiles()),
    "--out",
    history,
    "--json",
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    samples: 720,
    deployments: { total: 2, regression: 1, benign: 1 },
  });
});

describe("import refuses", () => {
  const cases: [string, (files: Record<string, string[]>) => void, RegExp][] = [
    [
      "a missing column",
      (files) => (files["metrics.csv"]![0] = "service,metric,when,value"),
      /metrics\.csv:1: missing column: ts\n {2}It has service, metric, when, value/,
    ],
    [
      "a time that is none",
      (files) => files["metrics.csv"]!.splice(5, 0, "", "shop,latency_p95_ms,yesterday,4"),
      /metrics\.csv:7: "yesterday" is not a time in ISO 8601 with a zone\n {2}Write times like/,
    ],
    [
      "fields between semicolons",
      (files) =>
        (files["metrics.csv"] = files["metrics.csv"]!.map((line) => line.replaceAll(",", ";"))),
      /metrics\.csv:1: missing columns: service, .*\n {2}Its fields stand between ";"/,
    ],
    [
      "samples that cannot be read",
      (files) =>
        (files["metrics.csv"] = files["metrics.csv"]!.map((line, at) =>
          at === 0 ? line : `${line}x`,
        )),
      /no sample in it .*\n {2}Left out: 720 lines, such as metrics\.csv:2\. It must be UTF-8/,
    ],
    [
      "a history without samples",
      (files) => (files["metrics.csv"] = files["metrics.csv"]!.slice(0, 1)),
      /metrics\.csv: there is no sample in it/,
    ],
  ];
  it.each(cases)("%s", async (_, change, message) => {
    const files = plainFiles();
    change(files);
    const parent = temporaryDirectory();
    const args = ["import", "csv", writeFiles(files), "--out", join(parent, "new", "history")];
    expect(await refused(args)).toMatch(message);
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe("inspect refuses", () => {
  it("what is no history, and a newer one", async () => {
    expect(await refused(["inspect", temporaryDirectory()])).toMatch(/no manifest\.json/);
    expect(await refused(["inspect", join(history, "nowhere")])).toMatch(/no such directory/);
    expect(await refused(["inspect", "s3://bucket/quarter"])).toMatch(
      /^hindsight: s3:\/\/bucket\/quarter: this is a URL[^]*Mount/m,
    );
    const newer = copyOf(history);
    const manifest = readFileSync(join(newer, "manifest.json"), "utf8");
    writeFileSync(
      join(newer, "manifest.json"),
      manifest.replace('"schemaVersion": 1', '"schemaVersion": 99'),
    );
    expect(await refused(["inspect", newer])).toMatch(/schema version 99.*\n {2}Upgrade/);
  });

  it("a truncated, missing or damaged Parquet file, by name", async () => {
    const part = "metrics/part-00000-float.parquet";
    const truncated = copyOf(history);
    truncateSync(join(truncated, part), 100);
    expect(await refused(["inspect", truncated])).toMatch(
      /part-00000-float\.parquet: this file is truncated: 100 of/,
    );

    const damaged = copyOf(history);
    const bytes = readFileSync(join(damaged, part));
    writeFileSync(join(damaged, part), bytes.fill(0x5a, 4, bytes.length - 4));
    expect(await refused(["inspect", damaged])).toMatch(
      /part-00000-float\.parquet: this file is damaged/,
    );
  });

  it.skipIf(process.getuid?.() !== 0)("a directory it may not read", async () => {
    const locked = copyOf(history);
    chmodSync(locked, 0o700);
    // The tests run as root, who may read everything; the child is nobody.
    chmodSync(join(locked, ".."), 0o755);
    expect(await refused(["inspect", locked], 65_534)).toMatch(
      /copy(\/manifest\.json)?: no permission/,
    );
  });
});

describe("inspect", () => {
  it("says what is there and what can be answered", async () => {
    const { code, stdout } = await inTurn(["inspect", history, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      samples: 720,
      series: 4,
      services: 2,
      deployments: { total: 2, regression: 1, benign: 1, unknown: 0 },
      incidents: 0,
      decisions: 0,
      tags: 0,
      quality: { gaps: 0, deployments: { shortHistory: [], outsideSampledTime: [] } },
    });
    const text = await inTurn(["inspect", history]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/2 \(1 regression, 1 benign\)/);
    expect(text.stdout).toMatch(/neither MTTR nor time to rollback/);
  });

  it("answers in a sentence first, then what is doubtful, and everything with --all", async () => {
    const [brief, all] = [
      await inTurn(["inspect", history]),
      await inTurn(["inspect", history, "--all"]),
    ];
    expect(brief.stdout).toMatch(
      /^2 deployments of 2 services in 1 day: too few for a verdict on which policy is better,/,
    );
    expect(brief.stdout).toContain("--all has every row");
    expect(brief.stdout).not.toMatch(/ {2}yes {2}|: 0 series|digest/);
    expect(all.stdout.split("\n")[0]).toBe(brief.stdout.split("\n")[0]);
    expect(all.stdout).toMatch(/ {2}yes {2}How many regressions would have been caught\?/);
    expect(all.stdout).toMatch(/constant +0 series/);
  });
});

describe("interrupted and out of room", () => {
  it("leaves nothing on a full disk", async (context) => {
    const disk = smallDisk(1024);
    if (disk === null) return context.skip(NO_MOUNT);
    try {
      const writer = await createHistory(join(disk.dir, "history"));
      writer.addSeries({ service: "a", metric: "b", version: null }, "double");
      const noise = Float64Array.from({ length: 50_000 }, (_, i) => Math.sin(i * i) * 1e9);
      const filling = async (): Promise<void> => {
        for (let day = 0; day < 100; day++) {
          await writer.appendRegular(0, START_MS + day * 50_000_000, 1000, noise, 0);
        }
        await writer.finish(NO_TABLES, ABOUT);
      };
      await expect(filling()).rejects.toThrow(/history: the disk is full\n {2}Free some space/);
      expect(readdirSync(disk.dir)).toEqual([]);
    } finally {
      disk.unmount();
    }
  });

  it("leaves nothing after Ctrl-C, and exits with 130", async () => {
    const parent = temporaryDirectory();
    const write = join(await builtCommandLine(), "../../history/write.js");
    const program = `
      import { createHistory } from ${JSON.stringify(write)};
      const writer = await createHistory(${JSON.stringify(join(parent, "made", "history"))});
      writer.addSeries({ service: "a", metric: "b", version: null }, "float");
      await writer.appendRegular(0, 0, 1000, new Float64Array(3_000_000), 0);
      process.kill(process.pid, "SIGINT");
      setTimeout(() => undefined, 10_000);`;
    const { code, stderr } = await node(["--input-type=module", "-e", program]);
    expect(stderr).toMatch(/interrupted; nothing half-written was left behind/);
    expect(code).toBe(130);
    expect(readdirSync(parent)).toEqual([]);
  });

  it("does not touch what was there when an import fails", async () => {
    const before = statSync(join(history, "manifest.json")).mtimeMs;
    const files = { ...plainFiles(), "deployments.csv": ["deployment_id", "d1"] };
    const args = ["import", "csv", writeFiles(files), "--out", history];
    expect(await refused(args)).toMatch(/there is a history already\n.*--force/);
    expect(await refused([...args, "--force"])).toMatch(
      /missing columns: service, deployed_at, kind/,
    );
    expect(statSync(join(history, "manifest.json")).mtimeMs).toBe(before);
    expect(existsSync(join(history, "metrics"))).toBe(true);
    expect(readdirSync(join(history, ".."))).toEqual(["history"]);
  });

  it("names series of which a baseline expects nothing", async () => {
    const files = plainFiles();
    for (const service of ["cart", "shop"]) {
      for (let minute = 0; minute < 180; minute++) {
        const ts = new Date(START_MS + minute * 60_000).toISOString();
        const every = service === "cart" ? 3 : 2;
        files["metrics.csv"]!.push(`${service},failure_ratio,${ts},${minute % every ? 0 : 0.02}`);
      }
    }
    const out = join(temporaryDirectory(), "history");
    const made = await inTurn(["import", "csv", writeFiles(files), "--out", out]);
    expect(made.code).toBe(0);
    const { stdout } = await inTurn(["inspect", out, "--json"]);
    const { quality } = JSON.parse(stdout) as { quality: { mostlyZeroSeries: string[] } };
    expect(quality.mostlyZeroSeries).toEqual(["cart/failure_ratio"]);
    expect((await inTurn(["inspect", out])).stdout).toMatch(/mostly zero +1 series .*kind: count/);
  });
});
