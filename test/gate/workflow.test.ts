/** The shipped GitHub Actions example: its own steps, run as a shell would run them. */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { builtCommandLine } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, ROOT } from "../history/smallWorld.ts";

const workflowSchema = z.looseObject({
  jobs: z.looseObject({
    gate: z.looseObject({
      env: z.looseObject({ POLICY: z.string() }),
      steps: z.array(z.looseObject({ name: z.string().optional(), run: z.string().optional() })),
    }),
  }),
});
const { gate } = workflowSchema.parse(
  parse(readFileSync(join(ROOT, "scenarios/gate/github-actions.yaml"), "utf8")),
).jobs;
const PLACE = join(ROOT, ".hindsight/gate");

/** The commit to compare with, as far as this checkout has one. */
const isCheckout = spawnSync("git", ["rev-parse", "HEAD"], { cwd: ROOT }).status === 0;

let path = "";

function run(name: string): { status: number | null; output: string } {
  const step = gate.steps.find((one) => one.name === name)!;
  const base = execFileSync("git", ["rev-parse", "HEAD"], { cwd: ROOT, encoding: "utf8" }).trim();
  const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", step.run!], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, PATH: path, POLICY: gate.env.POLICY, BASE: base },
  });
  return { status, output: stdout + stderr };
}

beforeAll(async () => {
  rmSync(PLACE, { recursive: true, force: true });
  // `npx hindsight` without npm's start and without stripping types anew.
  const bin = temporaryDirectory();
  const script = `[ "$1" = hindsight ] && shift && exec node "${await builtCommandLine()}" "$@"`;
  writeFileSync(join(bin, "npx"), `#!/bin/sh\n${script}\nexit 64\n`, { mode: 0o755 });
  path = `${bin}${delimiter}${process.env["PATH"]}`;
});
afterAll(() => rmSync(PLACE, { recursive: true, force: true }));

test.runIf(isCheckout)(
  "imports the example, judges an unchanged policy and writes both reports",
  () => {
    expect(run("history")).toMatchObject({ status: 0 });
    const { status, output } = run("gate");
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(output).toMatch(/^PASS: /m);
    expect(existsSync(join(PLACE, "gate.xml"))).toBe(true);
    expect(readFileSync(join(PLACE, "gate.md"), "utf8")).toMatch(/^## Policy gate: PASS/);
  },
  HOOK_MS,
);
