/** `hindsight.yaml` in place of flags: where it is found, what it gives, and what wins over it. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inTurn, type Ended } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";

const WHOLE = `history: data
policies: [current.yaml, next.yaml]
people: modelled
costs: costs.yaml
labels: given
`;

/** A folder with that file, and one below it. */
function folderWith(text: string): { top: string; below: string } {
  const top = temporaryDirectory();
  const below = join(top, "below");
  mkdirSync(below);
  writeFileSync(join(top, "hindsight.yaml"), text);
  return { top, below };
}

/** There is no such history, so each command ends as soon as it looks for it. */
const asked = (words: string, cwd: string): Promise<Ended> =>
  inTurn(words === "" ? [] : words.split(" "), cwd);

const SCORED = "--history data --people modelled --costs costs.yaml --labels given";

describe("hindsight.yaml", () => {
  const { top, below } = folderWith(WHOLE);

  it.each([
    ["inspect", "data"],
    ["policy suggest", "--history data --labels given"],
    ["replay", `${SCORED} --policy current.yaml`],
    ["compare", `${SCORED} --policy current.yaml --policy next.yaml`],
    ["sweep", `${SCORED} --policy current.yaml`],
    ["tags", `${SCORED} --policy current.yaml`],
    ["gate --candidate next.yaml", `${SCORED} --baseline current.yaml`],
    ["serve", `${SCORED} --policy current.yaml --policy next.yaml`],
    [
      "explain --deployment d",
      "--history data --people modelled --labels given --policy current.yaml",
    ],
    ["report --out r.html", `${SCORED} --policy current.yaml`],
    ["scenario from --deployment d --out s.yaml", "--history data --policy current.yaml"],
    ["detect-bench", "--history data --labels given --policy current.yaml"],
    ["confidence learn", "--history data --labels given --policy current.yaml"],
  ])("gives %s its flags and says so", async (words, taken) => {
    const { code, stdout, stderr } = await asked(words, top);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n")[0]).toBe(`From hindsight.yaml: ${taken}`);
    expect(stderr).not.toMatch(/required option|missing required/);
  });

  it("is found from a folder below, with paths from where it lies", async () => {
    const { stderr } = await asked("inspect", below);
    expect(stderr.split("\n")[0]).toBe(`From ${top}/hindsight.yaml: ${top}/data`);
  });

  it("is not looked for beyond the root of a repository", async () => {
    const repository = join(top, "repository");
    mkdirSync(join(repository, ".git"), { recursive: true });
    const { code, stderr } = await asked("replay", repository);
    expect(code).toBe(2);
    expect(stderr).not.toContain("From ");
    expect(stderr).toContain("required option '--policy <file>' not specified");
  });

  it("gives way to flags, and is silent where all are given", async () => {
    const some = await asked("compare --policy a.yaml --people absent --history h", top);
    expect(some.stderr.split("\n")[0]).toBe(
      "From hindsight.yaml: --costs costs.yaml --labels given",
    );
    expect((await asked("inspect elsewhere", top)).stderr).not.toContain("From ");
  });

  it("is another one with --config", async () => {
    writeFileSync(join(below, "other.yaml"), "history: ../other\n");
    const { stderr } = await asked("inspect --config below/other.yaml", top);
    expect(stderr.split("\n")[0]).toBe("From below/other.yaml: other");
    const none = await asked("inspect --config none.yaml", top);
    expect({ code: none.code, stdout: none.stdout }).toEqual({ code: 2, stdout: "" });
    expect(none.stderr).toMatch(/^hindsight: none\.yaml: no such file\n/);
  });

  it("changes nothing of what a log or a report says itself", async () => {
    for (const words of ["explain run --deployment d", "report --check r.html"]) {
      expect((await asked(words, top)).stderr).not.toContain("From ");
    }
  });

  it.each([
    ["history: data\npolicy: a.yaml\n", "hindsight.yaml:2:1: policy: unknown key"],
    ["policies: a.yaml\n", "hindsight.yaml:1:1: policies: expected a list of policy files"],
    ["policies: []\n", "hindsight.yaml:1:1: policies: expected at least one policy file"],
    ["history: 7\n", "hindsight.yaml:1:1: history: expected a path"],
    ["labels: all\n", "hindsight.yaml:1:1: labels: expected one of both, given, derived"],
  ])("refuses %j with its line", async (text, message) => {
    const { code, stdout, stderr } = await asked("inspect", folderWith(text).top);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});
