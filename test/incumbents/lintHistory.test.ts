/**
 * `policy lint --history`: how often each finding would have happened. Three deployments, of which
 * one meets missing data in its first minutes, and one late enough that its analysis is over.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const TEMPLATES = "test/incumbents/argo/templates";
const START_MS = Date.UTC(2026, 6, 1, 12);
const MINUTE_MS = 60_000;
const directory = temporaryDirectory();
const history = join(directory, "history");

/** Minutes after the start in which a service has no data. */
const MISSING: Readonly<Record<string, readonly number[]>> = {
  early: [2, 3],
  late: [30],
  never: [],
};

interface Found {
  readonly code: string;
  readonly happened: {
    readonly deployments: number;
    readonly rolledBack: number | null;
    readonly of: number;
    readonly first: readonly string[];
  };
}

beforeAll(async () => {
  const csv = join(directory, "csv");
  mkdirSync(csv);
  const services = Object.keys(MISSING);
  const samples = services.flatMap((service) =>
    Array.from({ length: 121 }, (_, at) => at - 60).map((minute) => {
      const ts = new Date(START_MS + minute * MINUTE_MS).toISOString();
      const value = MISSING[service]!.includes(minute) ? "NaN" : "0.99";
      return `${service},success,${ts},${value}`;
    }),
  );
  writeFileSync(join(csv, "metrics.csv"), ["service,metric,ts,value", ...samples].join("\n"));
  const at = new Date(START_MS).toISOString();
  const rows = services.map((service) => `${service}-1,${service},${at},code`);
  const head = "deployment_id,service,deployed_at,kind";
  writeFileSync(join(csv, "deployments.csv"), [head, ...rows].join("\n"));
  const imported = await inTurn(["import", "csv", csv, "--out", history, "--timestamp", "end"]);
  expect(imported.code, imported.stderr).toBe(0);
});

async function lint(template: string, ...words: readonly string[]) {
  const file = join(TEMPLATES, `${template}.yaml`);
  return inTurn(["policy", "lint", file, "--history", history, ...words]);
}

async function found(template: string): Promise<Map<string, Found["happened"]>> {
  const { stdout } = await lint(template, "--metric", "success-rate=success", "--json");
  const { findings } = JSON.parse(stdout) as { findings: Found[] };
  return new Map(findings.map(({ code, happened }) => [code, happened]));
}

describe("a finding with a history", () => {
  it("counts the deployments in which it happened, and those rolled back for it", async () => {
    const counts = await found("first-series");
    const early = { deployments: 1, rolledBack: 1, of: 3, first: ["early-1"] };
    expect(counts.get("errsOnEmptyAnswer")).toEqual(early);
    expect(counts.get("outageAborts")).toEqual(early);
    const none = { deployments: 0, rolledBack: 0, of: 3, first: [] };
    expect(counts.get("failsOnNaN")).toEqual(none);
  });

  it("counts a condition that errs on every number in every deployment", async () => {
    const counts = await found("bare-result");
    expect(counts.get("errsOnHealthyAnswer")).toMatchObject({ deployments: 3, rolledBack: 3 });
  });

  it("is told in words below the finding", async () => {
    const { stdout } = await lint("first-series", "--metric", "success-rate=success");
    expect(stdout).toContain("in 1 of 3 deployments, 1 of them rolled back for it (early-1)");
  });

  it("is refused where the history has no such metric", async () => {
    const { code, stderr } = await lint("first-series");
    expect(code).toBe(2);
    expect(stderr).toContain("success-rate");
  });
});

it("without a history nothing is counted", async () => {
  const file = join(TEMPLATES, "first-series.yaml");
  const { stdout } = await inTurn(["policy", "lint", file, "--json"]);
  const { findings } = JSON.parse(stdout) as { findings: Partial<Found>[] };
  expect(findings.every(({ happened }) => happened === undefined)).toBe(true);
});

it("a watch and a label for the service change what is found", async () => {
  const file = join(directory, "rules.yaml");
  const rule = { alert: "A", expr: "sum(a) > 5", for: "40m" };
  writeFileSync(file, JSON.stringify({ groups: [{ name: "g", interval: "1m", rules: [rule] }] }));
  const codes = async (...words: readonly string[]): Promise<string[]> => {
    const { stdout } = await inTurn(["policy", "lint", file, "--json", ...words]);
    return (JSON.parse(stdout) as { findings: Found[] }).findings.map(({ code }) => code);
  };
  expect(await codes()).toEqual(["silentWithoutData"]);
  expect(await codes("--watch", "30m")).toContain("neverFiresInWatch");
  expect(await codes("--service-label", "service")).toContain("serviceLabelDropped");
});
