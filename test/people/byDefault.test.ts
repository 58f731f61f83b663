/** Who answers where nobody says: one rule, the same in every command and in the web lab. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { History } from "../../lab/history/open.ts";
import type { Label } from "../../lab/history/tables.ts";
import { defaultPeopleIn, defaultPeopleNote } from "../../lab/people/byDefault.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";
import { tinyHistory, type TinyDeployment } from "../history/tinyHistory.ts";
import { startServer } from "../server/serving.ts";

/** A question that somebody answers three minutes later. */
function answered(label: Label): TinyDeployment {
  const decisions = [
    [10, "proposed"],
    [13, "overrideGiven"],
  ] as const;
  const slow = [5, 30] as const;
  return label === "unknown" ? { slow, decisions } : { slow, label, decisions };
}

function historyOf(labels: readonly Label[]): Promise<History> {
  const names = labels.map((label, at) => [`s${String(at).padStart(2, "0")}`, answered(label)]);
  return tinyHistory(Object.fromEntries(names) as Record<string, TinyDeployment>);
}

const labelled = (count: number): Label[] =>
  Array.from({ length: count }, (_, at) => (at % 4 === 0 ? "regression" : "benign"));

const opened: History[] = [];
let enough: string;
let few: string;
let unlabelled: string;
beforeAll(async () => {
  opened.push(await historyOf(labelled(20)), await historyOf(labelled(19)));
  opened.push(await historyOf([...labelled(19), "unknown"]));
  [enough, few, unlabelled] = opened.map(({ dir }) => dir) as [string, string, string];
}, 60_000);
afterAll(() => {
  for (const history of opened) history.close();
});

describe("the default", () => {
  it("is modelled from twenty answers on, and says so", async () => {
    const some = await defaultPeopleIn(enough, undefined);
    expect(some).toEqual({ people: "modelled", answers: 20 });
    expect(defaultPeopleNote(some)).toMatch(
      /^People: modelled, as .* 20 answers of people; --people/,
    );
    const less = await defaultPeopleIn(few, undefined);
    expect(less).toEqual({ people: "absent", answers: 19 });
    expect(defaultPeopleNote(less)).toMatch(/^People: absent, as .* 19 answers .* takes 20;/);
    expect(defaultPeopleNote({ people: "absent", answers: 0 })).toBeNull();
  });

  it("does not count answers about what nobody labelled", async () => {
    expect(await defaultPeopleIn(unlabelled, undefined)).toEqual({ people: "absent", answers: 19 });
  });
});

describe("commands without --people", () => {
  const policy = policyFile("two-minute-override");
  const other = policyFile("five-minute-override");
  const commands: readonly (readonly [string, string, readonly string[]])[] = [
    ["replay", "manifest.people", ["--policy", policy]],
    ["compare", "manifest.people", ["--policy", policy, "--policy", other]],
    ["gate", "manifest.people", ["--baseline", policy, "--candidate", other]],
    ["sweep", "manifest.people", ["--policy", policy, "--vary", "tiers.override.window=2m,5m"]],
    ["explain", "manifest.people", ["--policy", policy, "--deployment", "d-s00"]],
    ["report", "asked.people", ["--policy", policy, "--candidate", other]],
  ];

  it.each(commands)("%s takes what suits the history", async (name, path, words) => {
    const people = async (dir: string, more: readonly string[] = []) => {
      const { stdout, stderr } = await inTurn([
        name,
        "--history",
        dir,
        ...words,
        ...more,
        "--json",
      ]);
      const value = path
        .split(".")
        .reduce<unknown>((of, key) => (of as Record<string, unknown>)[key], JSON.parse(stdout));
      return { value, said: /^People: (\w+)/m.exec(stderr)?.[1] };
    };
    expect(await people(enough)).toEqual({ value: "modelled", said: "modelled" });
    expect(await people(few)).toEqual({ value: "absent", said: "absent" });
    // A flag wins, and needs no line.
    const told = await people(enough, ["--people", "absent"]);
    expect(told).toEqual({ value: "absent", said: undefined });
  });

  it("tags, on a history with none, says it all the same", async () => {
    const { code, stderr } = await inTurn(["tags", "--history", enough, "--policy", policy]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^People: modelled/m) as string,
    });
  });

  it("hindsight.yaml wins over the history", async () => {
    const folder = temporaryDirectory();
    const file = join(folder, "hindsight.yaml");
    writeFileSync(file, `history: ${enough}\npeople: absent\npolicies: [${policy}]\n`);
    const { stdout, stderr } = await inTurn(["replay", "--json"], folder);
    const { manifest } = JSON.parse(stdout) as { manifest: { people: string } };
    expect(manifest.people).toBe("absent");
    expect(stderr).not.toMatch(/^People:/m);
  });

  it("gate says who answered in its text", async () => {
    const words = ["gate", "--history", enough, "--baseline", policy, "--candidate", other];
    const { stdout } = await inTurn(words);
    expect(stdout).toMatch(/^People: modelled \(fitted to this history's answers/m);
    const silent = await inTurn(words.map((word) => (word === enough ? few : word)));
    expect(silent.stdout).toMatch(/^People: absent \(no answers\): .* longer ones look worse/m);
  });

  it("the web lab takes the same", async () => {
    const of = async (dir: string): Promise<unknown> => {
      const lab = await startServer(["--history", dir, "--out", temporaryDirectory()]);
      try {
        const status = (await (await lab.ask("/api/status")).json()) as {
          options: { people: string };
        };
        return [status.options.people, /^People: (\w+)/m.exec(lab.said())?.[1]];
      } finally {
        await lab.stop();
      }
    };
    expect(await of(enough)).toEqual(["modelled", "modelled"]);
    expect(await of(few)).toEqual(["absent", "absent"]);
  });
});
