/** `audit` and `explain` as a shell sees them: exit codes, stdout, messages. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  CHAIN_START,
  chainEntry,
  DECIDES_OTHERWISE,
  ENGINE_VERSION,
  explanationText,
  JUDGES_OTHERWISE,
} from "../../engine/index.ts";
import { otherEngines } from "../../lab/audit/engines.ts";
import { logEntries } from "../../lab/audit/read.ts";
import { logLines, writeText } from "../../lab/audit/write.ts";
import { explainLog } from "../../lab/explain/find.ts";
import { nearestNames } from "../../lab/explain/nearest.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { inTurn } from "../commandLine.ts";
import { readStory } from "../engine/story.ts";
import { temporaryDirectory } from "../directories.ts";
import { ROOT } from "../history/smallWorld.ts";

const directory = temporaryDirectory();
const story = join(ROOT, "scenarios/stories/planned-migration-two-minutes.yaml");
const { policy, run } = readStory(story);
const { handled } = run().host;
const section = { policy, caseId: null, history: null, handled, samples: new Map() };
const log = join(directory, "decisions.jsonl");
writeText(log, logLines([section], null));
const broken = join(directory, "broken.jsonl");
writeFileSync(broken, readFileSync(log, "utf8").replace("by dana", "by eve"));
const empty = join(directory, "empty.jsonl");
writeFileSync(empty, "");

test("exit codes: 0 fine, 1 not whole, 2 nothing to check", async () => {
  const [changed, none, same, nothing] = await Promise.all([
    inTurn(["audit", "verify", broken]),
    inTurn(["audit", "verify", join(directory, "none.jsonl")]),
    inTurn(["audit", "replay", log]),
    inTurn(["audit", "replay", empty, "--json"]),
  ]);
  expect(changed.code).toBe(1);
  expect(changed.stdout).toMatch(/broken\.jsonl:\d+: altered: it has not the hash it bears/);
  expect(none).toMatchObject({ code: 2, stdout: "" });
  expect(none.stderr).toMatch(/none\.jsonl: no such log/);
  expect(same).toEqual({ code: 0, stdout: "3 decisions made again, all identical\n", stderr: "" });
  expect(nothing).toMatchObject({ code: 2, stdout: "" });
  expect(nothing.stderr).toMatch(/the log is empty/);
});

test("a log of an older engine: both are named, and what it cannot make again", async () => {
  const older = join(directory, "older.jsonl");
  const entries = [...logEntries(log, false)].map(({ entry }) => entry);
  let end = CHAIN_START;
  const lines = entries.map((entry) => {
    const written =
      entry.kind === "header"
        ? { ...entry, content: { ...entry.content, engineVersion: "0.1.0" } }
        : entry;
    const next = chainEntry(end, written, sha256);
    end = next.end;
    return `${next.line}\n`;
  });
  writeFileSync(older, lines.join(""));
  const run = await inTurn(["audit", "replay", older]);
  expect(run).toMatchObject({ code: 0, stdout: "3 decisions made again, all identical\n" });
  expect(run.stderr).toBe(`${otherEngines(["0.1.0"], false)!}\n`);
  expect(run.stderr).toContain(`Written by engine 0.1.0, and this is ${ENGINE_VERSION}`);
  expect(run.stderr).not.toContain("cannot");
});

test("what an engine judges otherwise is said of logs from before, and where it matters", () => {
  const judged = otherEngines(["0.1.0", ENGINE_VERSION], true)!;
  expect(judged).toContain("cannot all be made again from samples");
  expect(judged).toContain("since 0.2.0: a season begins earlier");
  expect(otherEngines(["0.2.1"], true)).toContain("since 0.3.1: the reason of what history cut");
  expect(otherEngines(["0.2.1"], true)).not.toContain("a season begins earlier");
  expect(otherEngines(["0.10.0"], true)).not.toContain("cannot");
  expect(otherEngines([ENGINE_VERSION], true)).toBeNull();
  expect(otherEngines(["0.2.1"], false)).toContain("since 0.3.0: a deployment that becomes known");
  expect(otherEngines(["0.10.0"], false)).not.toContain("differ");
  for (const changes of [JUDGES_OTHERWISE, DECIDES_OTHERWISE]) {
    expect(changes.at(-1)!.since <= ENGINE_VERSION).toBe(true);
  }
});

test("explain --json is one document, with times in UTC", async () => {
  const [json, neither] = await Promise.all([
    inTurn(["explain", log, "--deployment", "d1", "--json"]),
    inTurn(["explain", "--deployment", "d1"]),
  ]);
  expect(JSON.parse(json.stdout)).toMatchObject({
    policy: "two-minute-override",
    tree: { about: "deployment", at: "2026-03-12T23:00:00Z" },
  });
  expect(neither).toMatchObject({ code: 2, stdout: "" });
});

test("a log explains its deployments, and names the nearest ids of one it has not", () => {
  const text = explanationText(explainLog(log, "d1", null).tree);
  expect(text).toContain("dana objected: planned index build until 01:00");
  expect(() => explainLog(log, "d2", null)).toThrow(
    /no deployment d2\n {2}The nearest ids are d1\./,
  );
  expect(() => explainLog(log, "d1", "other")).toThrow(/has no policy other/);
  expect(() => explainLog(broken, "d1", null)).toThrow(/broken\.jsonl:\d+: altered/);
});

test("the nearest names take the fewest changed letters", () => {
  expect(nearestNames("sitting", ["kitten", "sittin", "bread"], 2)).toEqual(["sittin", "kitten"]);
  expect(nearestNames("D-42", ["d-420", "d-42", "x"], 1)).toEqual(["d-42"]);
  const exported = ["github/acme/search/1000113", "g/1", "github/acme/a-long-name/1000013"];
  expect(nearestNames("1000013", exported, 1)).toEqual(["github/acme/a-long-name/1000013"]);
});
