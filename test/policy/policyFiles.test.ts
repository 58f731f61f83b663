/** Policy files that are wrong: every problem at once, each with file, line and column. */

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadPolicy, policyFromText } from "../../lab/policy/load.ts";
import { Problem, Problems } from "../../lab/problem.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";

const GOOD = `policy: good
owner: platform
watch: 60m
signals:
  latency:
    metric: latency_p95_ms
    worse: up
    tolerance: 10%
    hold: 60s
assign:
  - otherwise: full
`;

/** What is wrong with the text, a line each. */
function wrongs(text: string): readonly string[] {
  try {
    policyFromText(text, "team.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(Problems);
    return (error as Problems).all.map(({ message }) => message);
  }
  return [];
}

describe("a policy file", () => {
  it("that is right has nothing wrong with it", () => {
    expect(wrongs(GOOD)).toEqual([]);
    expect(policyFromText(GOOD, "team.yaml")).toMatchObject({ policy: "good", watchMs: 3_600_000 });
  });

  it.each([
    ["wach: 1m", "unknown key `wach`; did you mean `watch`?"],
    ["guardrails: { toleranceAtmost: 60% }", "did you mean `toleranceAtMost`?"],
    ["tiers: { overide: {} }", "did you mean `override`?"],
    ["modes: { night: { calender: Sat } }", "did you mean `calendar`?"],
  ])("says of %s which key was meant", (line, message) => {
    expect(wrongs(`${GOOD}${line}\n`)[0]).toContain(message);
  });

  it("guesses at no key that none is near to", () => {
    expect(wrongs(`${GOOD}colour: red\n`)[0]).toMatch(/unknown key `colour`$/);
  });

  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    ["an unknown key", "    worse: up", "    worst: up\n    worse: up", /^team\.yaml:7:5: .*worst/],
    ["an unknown key at the top", "watch: 60m", "watch: 60m\nwach: 1m", /^team\.yaml:4:1: .*wach/],
    [
      "a bad duration",
      "watch: 60m",
      "watch: 60 minutes",
      /^team\.yaml:3:1: watch: expected a duration/,
    ],
    [
      "a bad duration inside",
      "hold: 60s",
      "hold: soon",
      /^team\.yaml:9:5: signals\.latency\.hold: /,
    ],
    ["a bad share", "tolerance: 10%", "tolerance: ten", /^team\.yaml:8:5: signals\.latency\.tol/],
    ["no owner", "owner: platform\n", "", /^team\.yaml:1:1: owner: /],
    ["a blank owner", "owner: platform", 'owner: " "', /^team\.yaml:2:1: owner: /],
    [
      "an unknown tier",
      "otherwise: full",
      "otherwise: fully",
      /^team\.yaml:11:5: assign\.0\.otherwise: expected full, override, approve/,
    ],
    [
      "no otherwise",
      "  - otherwise: full",
      "  - { when: {}, tier: full }",
      /^team\.yaml:10:1: assign/,
    ],
    [
      "a list that is a text",
      "assign:\n  - otherwise: full",
      "assign: full",
      /^team\.yaml:10:1: assign: expected a list, and this is a text/,
    ],
  ];
  it.each(cases)("with %s says where", (_, from, to, message) => {
    expect(GOOD).toContain(from);
    const found = wrongs(GOOD.replace(from, to));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  it("with several things wrong names them all at once, in the order of the file", () => {
    const text = GOOD.replace("60m", "long")
      .replace("worse: up", "worse: sideways")
      .replace("hold: 60s", "hold: 60s\n    held: 1m");
    const places = wrongs(text).map((message) => /^team\.yaml:(\d+):\d+: /.exec(message)?.[1]);
    expect([...places].sort()).toEqual(["10", "3", "7"]);
  });

  it("with nothing in it, or nothing where something belongs, says so", () => {
    expect(wrongs("")).toEqual(["team.yaml:1:1: nothing is written here, a mapping is expected"]);
    expect(wrongs("policy: team\nowner: platform\nsignals:\n")).toEqual([
      "team.yaml:3:1: signals: nothing is written here, a mapping is expected",
      "team.yaml:1:1: assign: missing, a list is expected",
    ]);
  });

  it("that is no YAML says where it stops being it", () => {
    const found = wrongs(GOOD.replace("metric: latency_p95_ms", "metric: [latency_p95_ms"));
    expect(found[0]).toMatch(/^team\.yaml:\d+:\d+: /);
    expect(wrongs(GOOD.replace("signals:", "signals:\n\t- tab"))[0]).toMatch(/^team\.yaml:5:\d+: /);
  });

  it.each([
    ["", "nothing"],
    ["- a\n- list\n", "a list"],
    ["just words\n", "words"],
  ])("that holds something else (%j) is refused with a place", (text) => {
    expect(wrongs(text).length).toBeGreaterThan(0);
    for (const message of wrongs(text)) expect(message).toMatch(/^team\.yaml:\d+:\d+: /);
  });

  it("with a key twice is refused: one of them would be ignored", () => {
    expect(wrongs(`${GOOD}owner: others\n`)[0]).toMatch(/^team\.yaml:12:1: .*unique/);
  });

  it("that is not there, or a directory, is named", () => {
    const missing = join(temporaryDirectory(), "missing.yaml");
    expect(() => loadPolicy(missing)).toThrow(
      new Problem("no such policy file", {
        file: missing,
        cure: "Give the path of a policy, a YAML file.",
      }),
    );
    const directory = temporaryDirectory();
    expect(() => loadPolicy(directory)).toThrow(/: this is a directory, and a file is needed\n/);
  });

  it.skipIf(process.getuid?.() === 0)("that may not be read says so", () => {
    const file = join(temporaryDirectory(), "secret.yaml");
    writeFileSync(file, GOOD);
    chmodSync(file, 0);
    expect(() => loadPolicy(file)).toThrow(/secret\.yaml: no permission/);
  });

  it("has one digest, whatever its comments and spaces", () => {
    const { digest } = policyFromText(GOOD, "team.yaml");
    const same = `# A comment.\n${GOOD.replace("10%", "'10%' # ten")}`;
    expect(policyFromText(same, "other.yaml").digest).toBe(digest);
    expect(policyFromText(GOOD.replace("10%", "11%"), "team.yaml").digest).not.toBe(digest);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the shipped policies", () => {
  it.each([
    "full-autonomy",
    "two-minute-override",
    "five-minute-override",
    "human-approval",
    "naive-threshold",
    "tagged-threshold",
    "plain-window",
  ])("%s loads under its own name", (name) => {
    expect(loadPolicy(policyFile(name)).policy).toBe(name);
  });
});
