/**
 * The package works from its tarball: packed from the files that git knows, unpacked in an empty
 * folder elsewhere, and run there. The registry is not asked: what `dependencies` name is linked
 * from this clone, and nothing else, so a library of `devDependencies` is missing there.
 */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { temporaryDirectory } from "../directories.ts";
import { ROOT } from "../history/smallWorld.ts";

const PACK_MS = 300_000;

const clone = temporaryDirectory();
const empty = temporaryDirectory();
const installed = join(empty, "node_modules/hindsight");
const shipped = "node_modules/hindsight";
const policy = (name: string): string => join(shipped, `scenarios/policies/${name}.yaml`);

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** `npx hindsight …` in the empty folder; npx must not fetch the package of that name. */
const npx = (...words: string[]): string =>
  run("npx", ["--no-install", "hindsight", ...words], empty);

beforeAll(() => {
  for (const file of run("git", ["ls-files", "-z"], ROOT).split("\0").filter(Boolean)) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(ROOT, file), join(clone, file));
  }
  symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
  run("npm", ["pack", "--pack-destination", empty], clone);

  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", `hindsight-${ENGINE_VERSION}.tgz`, "--strip=1", "-C", shipped], empty);
  const { dependencies, bin } = JSON.parse(
    readFileSync(join(installed, "package.json"), "utf8"),
  ) as { dependencies: Record<string, string>; bin: { hindsight: string } };
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(empty, "node_modules", name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(empty, "node_modules", name));
  }
  mkdirSync(join(empty, "node_modules/.bin"));
  symlinkSync(join(installed, bin.hindsight), join(empty, "node_modules/.bin/hindsight"));
  // The demo does not depend on how long its quarter is.
  const quarter = join(installed, "datasets/worlds/quarter.yaml");
  writeFileSync(quarter, readFileSync(quarter, "utf8").replace(/^length: 13w$/m, "length: 2w"));
}, PACK_MS);

describe("the packed package, in an empty folder", () => {
  it("has the built files, and neither tests nor sources", () => {
    const names = readdirSync(installed, { recursive: true, encoding: "utf8" });
    expect(names).toContain("dist/ui/index.html");
    expect(names).toContain("datasets/example/metrics.csv.gz");
    expect(names.filter((name) => /\.map$|(?<!\.d)\.ts$|^(test|ui|engine)\b/.test(name))).toEqual(
      [],
    );
  });

  it("says its version", () => {
    expect(npx("--version")).toBe(`${ENGINE_VERSION}\n`);
  });

  it("imports the example and compares shipped policies on it", () => {
    const history = ["--history", "history"];
    npx("import", "csv", `${shipped}/datasets/example`, "--out", "history", "--timestamp", "end");
    const two = ["--policy", policy("naive-threshold"), "--policy", policy("two-minute-override")];
    const compared = JSON.parse(npx("compare", ...history, ...two, "--json")) as {
      flips: unknown[];
    };
    expect(compared.flips.length).toBeGreaterThan(0);
    const deployment = ["--deployment", "pricing-20260907-1"];
    expect(
      npx("explain", ...history, "--policy", policy("naive-threshold"), ...deployment),
    ).toContain("pricing-20260907-1");
  });

  it("runs a shipped scenario, and checks the shipped live host", () => {
    npx("scenario", "test", `${shipped}/scenarios/stories/the-2332-rollback.yaml`);
    npx("shadow", `${shipped}/scenarios/shadow/shadow.yaml`, "--check", "--without-secrets");
  });

  it(
    "tells the demo in one screen, and its commands run as they stand",
    { timeout: PACK_MS },
    () => {
      const env = { ...process.env, COLUMNS: "80" };
      const told = execFileSync("npx", ["--no-install", "hindsight", "demo"], {
        cwd: empty,
        encoding: "utf8",
        env,
      });
      const lines = told.trimEnd().split("\n");
      // A clone has shorter paths, and a line less.
      expect(lines.length).toBeLessThanOrEqual(25);
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      const next = told.slice(told.indexOf("Go on with:")).replaceAll("\\\n", " ");
      const commands = [...next.matchAll(/^ +(?:npx )?hindsight (.*)$/gm)].map(([, words]) =>
        words!.split(/ +/),
      );
      expect(commands.map(([name]) => name)).toEqual(["explain", "gate", "serve"]);
      const [explain, gate, serve] = commands;
      // What it says of that deployment is what the history says.
      const tree = npx(...explain!);
      expect(tree).toContain("how it ended: rolled back");
      expect(tree).toContain("migration_window=true");
      const id = explain![explain!.indexOf("--deployment") + 1]!;
      expect(told).toContain(`${id} began`);
      const judged = spawnSync("npx", ["--no-install", "hindsight", ...gate!], {
        cwd: empty,
        encoding: "utf8",
      });
      expect([0, 1, 3]).toContain(judged.status);
      expect(judged.stdout).toMatch(/^(PASS|FAIL|INCONCLUSIVE): \S+ against plain-window/);
      expect(npx(...serve!, "--help")).toContain("--config <file>");
      const config = readFileSync(join(empty, serve![serve!.indexOf("--config") + 1]!), "utf8");
      expect(config).toContain("people: modelled");
    },
  );

  it("serves the pages of the web lab", async () => {
    const words = ["serve", "--history", "history", "--port", "0", "--json"];
    const child = spawn(process.execPath, ["node_modules/.bin/hindsight", ...words], {
      cwd: empty,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      let told = "";
      for await (const part of child.stdout) {
        told += String(part);
        if (told.includes("}")) break;
      }
      const { url } = JSON.parse(told) as { url: string };
      const page = await (await fetch(url)).text();
      expect(page).toMatch(/<script type="module"[^>]* src="\/assets\//);
    } finally {
      child.kill("SIGINT");
      await once(child, "exit");
    }
  });

  it("exports the engine, with its types", () => {
    const code =
      'import { parseDuration } from "hindsight/engine";\n' +
      'const ms: number | null = parseDuration("2m");\nconsole.log(ms);\n';
    writeFileSync(join(empty, "use.mts"), code);
    const strict = ["--strict", "--module", "nodenext", "--target", "es2023", "--outDir", "out"];
    run(join(ROOT, "node_modules/.bin/tsc"), ["use.mts", ...strict], empty);
    expect(run(process.execPath, ["out/use.mjs"], empty)).toBe("120000\n");
  });
});
