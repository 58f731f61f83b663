/** The shipped GitHub Action: its own script, on a repository with an organisation and a team. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { builtCommandLine } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

const action = z
  .object({
    inputs: z.record(z.string(), z.object({ default: z.string().optional() })),
    runs: z.object({
      steps: z.array(
        z.object({
          name: z.string().optional(),
          env: z.record(z.string(), z.string()).optional(),
          run: z.string().optional(),
        }),
      ),
    }),
  })
  .parse(parse(readFileSync(join(ROOT, "action.yml"), "utf8")));
const gate = action.runs.steps.find(({ name }) => name === "gate")!;

const repository = temporaryDirectory();
const place = temporaryDirectory();
const runner = temporaryDirectory();
let history = "";
let base = "";

function git(...words: string[]): string {
  const who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
  return execFileSync("git", [...who, ...words], { cwd: repository, encoding: "utf8" }).trim();
}

const team = (note: string): string =>
  `policy: payments\n# ${note}\nextends: ../org.yaml\n` +
  "owner: payments\nguardrails:\n  cooldown: 1h\n";

function runGate(given: Readonly<Record<string, string>> = {}): ReturnType<typeof spawnSync> {
  const inputs: Record<string, string> = {
    ...Object.fromEntries(
      Object.entries(action.inputs).map(([name, { default: value }]) => [name, value ?? ""]),
    ),
    policy: "teams/payments.yaml",
    history,
    base,
    ...given,
  };
  const input = (text: string): string =>
    text.replace(/\$\{\{ inputs\.(\w+) \}\}/g, (_, name: string) => inputs[name]!);
  const env = Object.fromEntries(
    Object.entries(gate.env!).map(([name, value]) => [name, input(value)]),
  );
  const summary = join(runner, "summary.md");
  writeFileSync(summary, "");
  return spawnSync("bash", ["-e", "-c", gate.run!], {
    cwd: repository,
    encoding: "utf8",
    env: {
      ...process.env,
      ...env,
      GITHUB_ACTION_PATH: place,
      RUNNER_TEMP: runner,
      GITHUB_STEP_SUMMARY: summary,
    },
  });
}

beforeAll(async () => {
  const tiny = await tinyHistory({
    good: { label: "benign" },
    slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
  });
  tiny.close();
  history = tiny.dir;
  // The action without `npm ci`, started from the built sources.
  mkdirSync(join(place, "lab/cli"), { recursive: true });
  symlinkSync(join(ROOT, "scenarios"), join(place, "scenarios"));
  writeFileSync(join(place, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(place, "lab/cli/hindsight.js"),
    `await import(${JSON.stringify(await builtCommandLine())});\n`,
  );
  const org = readFileSync(policyFile("naive-threshold"), "utf8");
  mkdirSync(join(repository, "teams"));
  writeFileSync(join(repository, "org.yaml"), org);
  writeFileSync(join(repository, "teams/payments.yaml"), team("first"));
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-q", "-m", "policies");
  base = git("rev-parse", "HEAD");
});

describe("action.yml", () => {
  it("hands each of its inputs on, and none as text of a script", () => {
    const text = readFileSync(join(ROOT, "action.yml"), "utf8");
    for (const name of Object.keys(action.inputs)) expect(text).toContain(`inputs.${name}`);
    for (const { run } of action.runs.steps) expect(run ?? "").not.toContain("${{");
  });

  it("passes a policy that decides alike, with a note at its changed line", () => {
    writeFileSync(join(repository, "teams/payments.yaml"), team("second"));
    const { status, stdout, stderr } = runGate();
    expect(stderr).not.toContain("hindsight:");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^::notice file=teams\/payments\.yaml,line=2,title=[^:]+::PASS: /m);
    expect(readFileSync(join(runner, "summary.md"), "utf8")).toMatch(/^## Policy gate: PASS/);
  });

  it("holds a changed parent against the one that the commit has, with the flags given", () => {
    const org = readFileSync(join(repository, "org.yaml"), "utf8");
    const latency = /(latency:[^}]*tolerance: )\d+%/s;
    expect(org).toMatch(latency);
    writeFileSync(join(repository, "org.yaml"), org.replace(latency, "$170%"));
    writeFileSync(join(repository, "flips.yaml"), "decide: flips\n");
    const { status, stdout } = runGate({ flags: "--budget flips.yaml --people absent" });
    expect(stdout).toMatch(/^ {2}[-−] d-slow \(regression\): rolledBack → missed$/m);
    expect(stdout).toMatch(/^::error file=teams\/payments\.yaml,line=2,[^:]+::FAIL: /m);
    expect(status).toBe(1);
    writeFileSync(join(repository, "org.yaml"), org);
  });

  it("fails where the policy is wrong, or is not in the commit", () => {
    expect(runGate({ policy: "teams/none.yaml" })).toMatchObject({ status: 2 });
    writeFileSync(join(repository, "teams/payments.yaml"), "policy: payments\n");
    expect(runGate()).toMatchObject({ status: 2 });
  });
});
