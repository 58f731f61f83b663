/**
 * The commands of the README and of the first week work as written: every `npx hindsight` line
 * of their `sh` blocks is run, in order, in an empty directory that sees the shipped folders, by
 * one process that goes on to the next. Links between pages lead somewhere. Every stage of the
 * lab says what it is, and the files it names are there.
 */

import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ENGINE_VERSION } from "../engine/index.ts";
import { inTurn, node } from "./commandLine.ts";
import { temporaryDirectory } from "./directories.ts";

const root = resolve(import.meta.dirname, "..");
const PAGES = ["README.md", "scenarios/first-week.md"];
const commands = PAGES.flatMap((page) => [
  ...readFileSync(join(root, page), "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm),
])
  .flatMap(([, block]) => block!.split("\n"))
  .map((line) => line.replace(/#.*$/, "").trim())
  .filter((line) => line !== "");

const directory = temporaryDirectory();
symlinkSync(join(root, "scenarios"), join(directory, "scenarios"));
cpSync(join(root, "datasets"), join(directory, "datasets"), { recursive: true });
// The commands do not depend on how long and wide the quarter is, and the soak runs all of it.
if (process.env["SOAK"] === undefined) {
  const world = join(directory, "datasets/worlds/quarter.yaml");
  const text = readFileSync(world, "utf8");
  const [length, count] = [/^length: 13w$/m, /^ {2}count: 40$/m];
  for (const one of [length, count]) expect(text).toMatch(one);
  writeFileSync(world, text.replace(length, "length: 1w").replace(count, "  count: 10"));
}

describe("README and first week", () => {
  it("show commands", () => {
    expect(commands.length).toBeGreaterThanOrEqual(5);
    for (const command of commands) expect(command).toMatch(/^npx hindsight /);
  });

  it.each(commands)("%s", async (command) => {
    const words = command.split(/\s+/).slice(2);
    const run = await inTurn(words, directory);
    expect(run.stderr).not.toMatch(/our fault/);
    expect(run.code).toBe(0);
    if (words.includes("--json")) expect(() => JSON.parse(run.stdout) as unknown).not.toThrow();
    else expect(run.stdout).not.toBe("");
  });

  // Every other test runs them as plain JavaScript; that it names every command, and that this
  // page has a line for each, test/cli/commandLine.test.ts shows.
  it("says `npx hindsight`, which starts the sources", async () => {
    const { code, stdout } = await node([join(root, "lab/cli/hindsight.js"), "--version"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${ENGINE_VERSION}\n` });
  });
});

describe("pages", () => {
  const pages = ["README.md", ...["lab", "scenarios"].flatMap(pagesIn)];

  function pagesIn(folder: string): string[] {
    return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => join(folder, file));
  }

  it.each(pages)("%s links only to what is there", (page) => {
    const text = readFileSync(join(root, page), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, to]) => to!);
    const lost = links.filter((to) => !existsSync(join(root, dirname(page), to)));
    expect(lost).toEqual([]);
  });
});

describe("READMEs of folders", () => {
  const folders = readdirSync(join(root, "lab"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );

  it.each(folders.map(({ name }) => name))("lab/%s says what it is and what to read", (name) => {
    expect(readFileSync(join(root, "lab/README.md"), "utf8")).toContain(`\`${name}`);
    const links = [
      ...readFileSync(join(root, "lab", name, "README.md"), "utf8").matchAll(/`([a-zA-Z/]+\.ts)`/g),
    ];
    expect(links.length).toBeGreaterThan(0);
    for (const [, file] of links) {
      const places = [join("lab", name), "lab", "."].map((place) => join(root, place, file!));
      expect(
        places.filter((place) => existsSync(place)),
        file,
      ).not.toEqual([]);
    }
  });
});
