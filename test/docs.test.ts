/**
 * The README's commands work as written: every `npx hindsight` line of its `sh`
 * blocks is run, in order, in an empty directory that sees the shipped folders.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const commands = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
  .flatMap(([, block]) => block!.split("\n"))
  .map((line) => line.replace(/#.*$/, "").trim())
  .filter((line) => line !== "");

const directory = mkdtempSync(join(tmpdir(), "hindsight-readme-"));
for (const folder of ["datasets", "scenarios"]) {
  symlinkSync(join(root, folder), join(directory, folder));
}
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("README", () => {
  it("shows commands", () => {
    expect(commands.length).toBeGreaterThanOrEqual(5);
    for (const command of commands) expect(command).toMatch(/^npx hindsight /);
  });

  it.each(commands)("%s", { timeout: 120_000 }, (command) => {
    const words = command.split(/\s+/).slice(2);
    const run = spawnSync("node", [join(root, "lab/cli/hindsight.js"), ...words], {
      cwd: directory,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    expect(run.stderr).not.toMatch(/our fault/);
    expect(run.status).toBe(0);
    if (words.includes("--json")) expect(() => JSON.parse(run.stdout) as unknown).not.toThrow();
    else expect(run.stdout).not.toBe("");
  });

  it("lists every command of the command line", () => {
    const help = spawnSync("node", [join(root, "lab/cli/hindsight.js"), "--help"], {
      encoding: "utf8",
    }).stdout;
    const listed = [...help.matchAll(/^ {2}([a-z-]+) .*(?:\[options\]|<)/gm)].map(
      ([, name]) => name!,
    );
    expect(listed.length).toBeGreaterThan(4);
    for (const name of listed) expect(readme).toContain(`\`${name}`);
  });
});
