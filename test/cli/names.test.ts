/** A history whose ids, services, metrics, tags and people have names that every object has. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { writeFiles } from "../history/samples.ts";

const NAMES = ["__proto__", "constructor", "hasOwnProperty", "toString", "cart"] as const;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 2, 2);
const iso = (ms: number): string => new Date(ms).toISOString();
/** Hours apart, so that each is judged by itself. */
const startOf = (at: number): number => START_MS + (3 + at) * HOUR_MS;

let dir = "";
let history = "";
const policy = (name: string): string => join(dir, `${name}.yaml`);

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await inTurn([...args, "--json"]);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

beforeAll(async () => {
  dir = temporaryDirectory();
  history = join(dir, "history");
  const samples = NAMES.flatMap((name, at) =>
    Array.from({ length: 600 }, (_, minute) => {
      const ms = START_MS + minute * 60_000;
      const isHarmed = ms >= startOf(at) && ms < startOf(at) + 3_000_000;
      return `${name},${name},${iso(ms)},${(isHarmed ? 200 : 100) + ((minute * 7) % 13) / 4}`;
    }),
  );
  const rows = (row: (name: string, startMs: number) => string): string[] =>
    NAMES.map((name, at) => row(name, startOf(at)));
  const files = writeFiles({
    "metrics.csv": ["service,metric,ts,value", ...samples],
    "deployments.csv": [
      "deployment_id,service,deployed_at,kind,author",
      ...rows((name, ms) => `${name},${name},${iso(ms)},code,${name}`),
    ],
    "tags.csv": [
      "deployment_id,service,tag,value,given_by",
      ...rows((name) => `${name},${name},${name},true,${name}`),
    ],
    "labels.csv": ["deployment_id,label,basis", ...rows((name) => `${name},bad,${name}`)],
  });
  for (const [name, tolerance] of [
    ["toString", "10%"],
    ["constructor", "30%"],
  ] as const) {
    writeFileSync(
      policy(name),
      `policy: ${name}
owner: constructor
watch: 30m
signals:
  toString: { metric: "*", tolerance: ${tolerance} }
  hasOwnProperty: { metric: "*", tolerance: 20%, detector: { kind: cusum, season: true } }
assign: [{ when: { tags: { toString: true } }, tier: approve }, { otherwise: override }]
context: { constructor: { signal: toString, shifts: tolerance } }
`,
    );
  }
  await json("import", "csv", files, "--timestamp", "end", "--out", history);
});

test("is inspected, replayed, verified and decided again like any other", async () => {
  expect(await json("inspect", history)).toMatchObject({ deployments: { total: NAMES.length } });
  const run = join(dir, "run");
  const asked = ["--history", history, "--policy", policy("toString")];
  const { outcomes } = await json("replay", ...asked, "--out", run);
  const ends = (outcomes as { deploymentId: string; service: string; end: string }[]).map(
    ({ deploymentId, service, end }) => [deploymentId, service, end],
  );
  expect(ends.sort()).toEqual(
    NAMES.map((name) => [name, name, name === "toString" ? "expired" : "rolledBack"]).sort(),
  );
  await json("audit", "verify", run);
  await json("audit", "replay", run, "--history", history);
});

test("is compared, and its tags are valued", async () => {
  const asked = ["--history", history, "--policy", policy("toString")];
  const { scorecards } = await json("compare", ...asked, "--policy", policy("constructor"));
  expect(Object.keys(scorecards as object)).toEqual(["toString", "constructor"]);
  await json("tags", ...asked);
});

test.each(NAMES)("deployment %s is cut out as a scenario that holds", async (name) => {
  const scenario = join(dir, `${name}.scenario.yaml`);
  const asked = ["--history", history, "--policy", policy("toString")];
  const cut = await inTurn(["scenario", "from", ...asked, "--deployment", name, "--out", scenario]);
  expect(cut.code).toBe(0);
  expect((await inTurn(["scenario", "test", scenario])).code).toBe(0);
});

test.each([
  ["policy check", "policy.yaml", ["policy", "check"]],
  ["scenario test", "scenario.yaml", ["scenario", "test"]],
] as const)("%s refuses a key `__proto__` at its place", async (_, file, command) => {
  const path = join(dir, file);
  const text = readFileSync(policy("toString"), "utf8");
  writeFileSync(path, text.replace("  toString:", "  __proto__:"));
  const { code, stderr, stdout } = await inTurn([...command, path]);
  expect(code).toBe(2);
  expect(`${stderr}${stdout}`).toContain(`${file}:5:3: \`__proto__\` cannot be a key`);
});
