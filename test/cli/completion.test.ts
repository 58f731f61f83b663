/** The completion scripts, asked in the shells themselves where they are there. */

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const folder = temporaryDirectory();

/** What each shell would offer for a line, the last word of which is begun. */
const OFFERED = {
  bash: (file: string, line: string) =>
    run("bash", [
      "--norc",
      "-c",
      `source ${file}; COMP_WORDS=(${line.replace(/ $/, ' ""')}); ` +
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hindsight; printf '%s\\n' \"${COMPREPLY[@]}\"",
    ]),
  // Its own functions of completion work at a prompt only: they print here.
  zsh: (file: string, line: string) =>
    run("zsh", [
      "-fc",
      `compdef() { }; _files() { }; compadd() { shift; print -l -- "$@" }; source ${file}; ` +
        `words=(${line.replace(/ $/, ' ""')}); CURRENT=\${#words}; _hindsight`,
    ]).filter((word) => word.startsWith(line.split(" ").at(-1)!)),
  fish: (file: string, line: string) =>
    run("fish", ["--no-config", "-c", `source ${file}; complete -C "${line}"`]).map(
      (word) => word.split("\t")[0]!,
    ),
};

function run(command: string, words: readonly string[]): string[] {
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const told = execFileSync(command, words, { encoding: "utf8", cwd: folder, env });
  return told.split("\n").filter((word) => word !== "");
}

describe.each(["bash", "zsh", "fish"] as const)("hindsight completion %s", (shell) => {
  const file = join(folder, shell);
  const isHere = spawnSync(shell, ["--version"]).status === 0;
  const offered = (line: string): string[] => OFFERED[shell](file, line).sort();

  beforeAll(async () => {
    const { code, stdout } = await inTurn(["completion", shell]);
    expect(code).toBe(0);
    writeFileSync(file, stdout);
  });

  it.runIf(isHere)("completes commands, and those below them", () => {
    expect(offered("hindsight co")).toEqual(["compare", "completion", "confidence"]);
    expect(offered("hindsight audit ")).toEqual(["replay", "verify"]);
    expect(offered("hindsight policy import ar")).toEqual(["argo"]);
    expect(offered("hindsight completion z")).toEqual(["zsh"]);
  });

  it.runIf(isHere)("completes the options of the command, after others too", () => {
    expect(offered("hindsight compare --his")).toEqual(["--history"]);
    expect(offered("hindsight compare --history h --conf")).toEqual(["--config"]);
    expect(offered("hindsight audit replay --op")).toEqual(["--open"]);
    expect(offered("hindsight audit replay --fake")).toEqual([]);
  });

  it.runIf(isHere)("completes the values of an option, and leaves files to the shell", () => {
    expect(offered("hindsight compare --labels ")).toEqual(["both", "derived", "given"]);
    writeFileSync(join(folder, "policy.yaml"), "");
    const files = shell === "fish" ? ["policy.yaml"] : [];
    expect(offered("hindsight compare --policy po")).toEqual(files);
  });
});

it("refuses another shell, and names those it knows", async () => {
  const { code, stderr } = await inTurn(["completion", "tcsh"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/choices are bash, zsh, fish/);
});
