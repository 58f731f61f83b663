/**
 * Times that name no zone, in CSV and in Parquet: an error, or local times of the zone that the
 * command line names. Never UTC by default.
 */

import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDuck } from "../../lab/history/duck.ts";
import { utcOffsetMs } from "../../lab/localTime.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { plainFiles, writeFiles } from "./samples.ts";

const BERLIN = ["--timezone", "Europe/Berlin"];

/** Runs `import csv`. */
async function imported(dir: string, words: readonly string[] = []) {
  const out = join(temporaryDirectory(), "history");
  const ended = await inTurn(["import", "csv", dir, "--json", "--out", out, ...words]);
  return { ...ended, isThere: existsSync(out), told: toldOf(ended.stdout) };
}

interface Told {
  readonly digest: string;
  readonly samples: number;
  readonly dropped: readonly { table: string; reason: string; rows: number; examples: string[] }[];
  readonly warnings: readonly string[];
}

function toldOf(stdout: string): Told | null {
  return stdout === "" ? null : (JSON.parse(stdout) as Told);
}

/** The same files with every time as a clock in Berlin shows it, and no zone. */
function inBerlin(files: Readonly<Record<string, string[]>>): Record<string, string[]> {
  const local = (utc: string): string => {
    const atMs = Date.parse(utc);
    return new Date(atMs + utcOffsetMs("Europe/Berlin", atMs)).toISOString().slice(0, -1);
  };
  return Object.fromEntries(
    Object.entries(files).map(([name, lines]) => [
      name,
      lines.map((line) => line.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, local)),
    ]),
  );
}

const TIMES: Readonly<Record<string, string>> = {
  "metrics.csv": "ts",
  "deployments.csv": "deployed_at",
};

/** The files of a directory as Parquet, times of samples and deployments in columns of `type`. */
async function asParquet(dir: string, type: "TIMESTAMP" | "TIMESTAMP_NS" | "TIMESTAMPTZ") {
  const out = temporaryDirectory();
  const duck = await openDuck();
  for (const name of readdirSync(dir)) {
    const time = TIMES[name];
    const columns = time === undefined ? "*" : `* REPLACE (${time}::${type} AS ${time})`;
    const csv = `SELECT ${columns} FROM read_csv('${join(dir, name)}', all_varchar = true)`;
    await duck.connection.run(`COPY (${csv}) TO '${join(out, name.replace(".csv", ".parquet"))}'`);
  }
  duck.close();
  return out;
}

describe("times that name no zone", () => {
  it("are an error in CSV and in Parquet, in samples and in small tables", async () => {
    const [utc, local] = [plainFiles(), inBerlin(plainFiles())];
    const onlyLocal = (name: string) => writeFiles({ ...utc, [name]: local[name]! });
    // Deployments with a zone, so that the samples are what is refused.
    const samplesAs = async (type: "TIMESTAMP" | "TIMESTAMP_NS") => {
      const dir = await asParquet(writeFiles(utc), type);
      rmSync(join(dir, "deployments.parquet"));
      writeFileSync(join(dir, "deployments.csv"), utc["deployments.csv"]!.join("\n"));
      return dir;
    };
    for (const [dir, place] of [
      [onlyLocal("metrics.csv"), "metrics.csv:2: "],
      [onlyLocal("deployments.csv"), "deployments.csv:2: "],
      [await samplesAs("TIMESTAMP"), "metrics.parquet row 1: "],
      [await samplesAs("TIMESTAMP_NS"), "metrics.parquet row 1: "],
      [await asParquet(writeFiles(utc), "TIMESTAMP"), "deployments.parquet row 1: "],
    ] as const) {
      const { code, stderr, isThere } = await imported(dir);
      expect({ code, isThere }).toEqual({ code: 2, isThere: false });
      expect(stderr).toContain(place);
      expect(stderr).toContain("--timezone");
    }
  });

  it("are local times of --timezone, and give the history that UTC gives", async () => {
    const straight = await imported(writeFiles(plainFiles()));
    const dir = writeFiles(inBerlin(plainFiles()));
    const same = [
      await imported(dir, BERLIN),
      await imported(await asParquet(dir, "TIMESTAMP"), BERLIN),
      await imported(await asParquet(dir, "TIMESTAMP_NS"), BERLIN),
      // A time with a zone keeps it.
      await imported(writeFiles(plainFiles()), BERLIN),
      await imported(await asParquet(writeFiles(plainFiles()), "TIMESTAMPTZ"), BERLIN),
    ];
    expect(straight.told!.samples).toBeGreaterThan(0);
    expect(same.map(({ told }) => told?.digest)).toEqual(same.map(() => straight.told!.digest));
    expect(same[0]!.told!.warnings).toContainEqual(expect.stringContaining("Europe/Berlin"));
    const utc = await imported(dir, ["--timezone", "UTC"]);
    expect(utc.told!.digest).not.toBe(straight.told!.digest);
  });

  it("are left out and counted where clocks are put back over them", async () => {
    const files = {
      "metrics.csv": [
        "service,metric,ts,value",
        "shop,x,2026-10-25T01:59:00,1",
        "shop,x,2026-10-25T02:00:00,2",
        "shop,x,2026-10-25T02:59:00,3",
        "shop,x,2026-10-25T03:00:00,4",
      ],
      "deployments.csv": [
        "deployment_id,service,deployed_at,kind",
        "d1,shop,2026-10-25 01:30,code",
        "d2,shop,2026-10-25 02:30,code",
      ],
    };
    for (const dir of [writeFiles(files), await asParquet(writeFiles(files), "TIMESTAMP")]) {
      const { told } = await imported(dir, BERLIN);
      expect(told!.samples).toBe(2);
      expect(told!.dropped.map(({ table, rows }) => ({ table, rows }))).toEqual([
        { table: "deployments", rows: 1 },
        { table: "metrics", rows: 2 },
      ]);
      const [one, both] = told!.dropped.map(({ examples }) => examples.length);
      expect([one, both]).toEqual([1, 2]);
      expect((await imported(dir, [...BERLIN, "--strict"])).code).toBe(2);
      expect((await imported(dir, ["--timezone", "UTC", "--strict"])).code).toBe(0);
    }
  });

  it("are an error where clocks skip them: the zone is wrong", async () => {
    const deployments = [
      "deployment_id,service,deployed_at,kind",
      "d1,shop,2026-03-29 05:00:00,code",
    ];
    const files = {
      "metrics.csv": ["service,metric,ts,value", "shop,x,2026-03-29T02:30:00,1"],
      "deployments.csv": deployments,
    };
    for (const [dir, place] of [
      [writeFiles(files), "metrics.csv:2: "],
      [await asParquet(writeFiles(files), "TIMESTAMP"), "metrics.parquet row 1: "],
    ] as const) {
      const { code, stderr, isThere } = await imported(dir, BERLIN);
      expect({ code, isThere }).toEqual({ code: 2, isThere: false });
      expect(stderr).toContain(place);
      expect(stderr).toContain("Europe/Berlin");
      expect((await imported(dir, ["--timezone", "America/New_York"])).code).toBe(0);
    }
  });

  it("need a zone that exists", async () => {
    const words = ["--timezone", "Mars/Olympus"];
    const { code, stderr } = await imported(writeFiles(plainFiles()), words);
    expect(code).toBe(2);
    expect(stderr).toContain("IANA");
  });
});
