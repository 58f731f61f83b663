/** Texts that are too large, too deep or without end are refused before the work. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { POLICY_LIMITS, SWEPT_AT_MOST, VALUE_LIMITS } from "../../lab/limits.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { LimitProblem, Problem } from "../../lab/problem.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { checkDesign, openBase, variationsOf } from "../../lab/sweep/variations.ts";
import { changedText } from "../../lab/whatIf/changed.ts";
import { yamlValue } from "../../lab/yaml.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile } from "../history/smallWorld.ts";

const BASE = openBase(policyFile("two-minute-override"));
const GRID = { kind: "grid", points: 2, seed: 1 } as const;

/** Nine anchors, each a list of nine of the one before: 300 letters, 387 million values. */
const BOMB = "abcdefghi"
  .split("")
  .map((name, at) => {
    const inner = at === 0 ? "1" : `*${"abcdefghi"[at - 1]!}`;
    return `${name}: &${name} [${Array(9).fill(inner).join(", ")}]`;
  })
  .join("\n");

describe("a YAML text", () => {
  const nested = (open: string, times: number): string => open.repeat(times);
  const indented = Array.from({ length: 300 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
  it.each([
    ["brackets without end", nested("[", 4000), /^x\.yaml:1:\d+: more than 40 maps and lists/],
    ["braces without end", nested("{", 4000), /^x\.yaml:1:\d+: more than 40 maps and lists/],
    ["lists in lists", nested("- ", 4000), /more than 40 maps and lists/],
    ["keys that are keys", nested("? ", 4000), /more than 40 maps and lists/],
    ["maps in maps", indented, /^x\.yaml:41:41: more than 40 maps and lists/],
    ["many keys", "k: 1\n".repeat(14_000), /^x\.yaml:4001:2: more than 4000 keys and items/],
    ["many anchors", nested("&a ", 40_000), /more than 4000 keys and items/],
    ["many tags", nested("!a ", 40_000), /more than 4000 keys and items/],
    ["a long comment", "#".repeat(200_001), /longer than 200000 letters/],
    ["aliases of aliases", BOMB, /with its aliases this has more than/],
    ["an alias inside of its anchor", "&x {a: *x}", /^x\.yaml:1:8: \*x stands inside of &x\n/],
    ["an alias to nothing", "a: *b", /there is no anchor &b before/],
    ["many aliases", `a: &a 1\nb: [${nested("*a, ", 101)}1]`, /more than 100 aliases/],
  ])("with %s is refused", (_, text, told) => {
    expect(() => yamlValue(text, "x.yaml", POLICY_LIMITS)).toThrow(told);
    expect(() => policyFromText(text, "x.yaml")).toThrow(LimitProblem);
  });

  it("within the limits is read as it was", () => {
    const text = 'a: &a {b: 1, "c]": [2, {d: "{{{{"}]}\n# [[[[\ne: *a\nf: |\n  [[[[ - - - ? ? *x\n';
    const a = { b: 1, "c]": [2, { d: "{{{{" }] };
    expect(yamlValue(text, "x.yaml", { ...POLICY_LIMITS, depth: 6 })).toEqual({
      a,
      e: a,
      f: "[[[[ - - - ? ? *x\n",
    });
  });

  it("of any kind is a value or a problem", () => {
    const piece = fc.constantFrom(
      ..."[]{},:?-*&|>!%@'\"#\n\t ".split(""),
      "&a ",
      "*a",
      "- ",
      "a: ",
      "<<: ",
      "  ",
      "---\n",
      "!!set ",
      "__proto__: ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        try {
          JSON.stringify(yamlValue(pieces.join(""), "x", VALUE_LIMITS));
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
      { numRuns: 500, seed: 22 },
    );
  });
});

describe("a sweep", () => {
  it.each([
    "tiers.override.window=1m..10m/99999999",
    "tiers.override.window=1m..10m/99999999999999999999",
    `tiers.override.window=${"1m,".repeat(SWEPT_AT_MOST)}2m`,
    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1",
    "assign=&x {a: *x}",
    `assign=${"[".repeat(100)}`,
  ])("of %.60s is refused before it is begun", (vary) => {
    expect(() => parseDimension(vary)).toThrow(LimitProblem);
  });

  it("of too many policies is refused before one is made", () => {
    const dimensions = ["tiers.override.window", "signals.latency.hold"].map((path) =>
      parseDimension(`${path}=1m..10m/200`),
    );
    expect(() => checkDesign(dimensions, GRID)).toThrow(/has 40000 policies, at most 10000/);
    expect(() => checkDesign(dimensions, { kind: "sobol", points: 10_001 })).toThrow(LimitProblem);
  });

  it("of a list reaches one entry beyond it", () => {
    const vary = (path: string) => variationsOf(BASE, [parseDimension(path)], GRID);
    expect(() => vary("assign.99999999.tier=full")).toThrow(/assign has \d+ entries\n {2}Write /);
    expect(() => vary("assign.length=1")).toThrow(LimitProblem);
  });

  it("of any path is made or refused", () => {
    const part = fc.constantFrom(
      ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "*", "0", "-1"],
      ...["assign", "signals", "latency", "when", "tags", "tier", "modes", "context", "length", ""],
      ...["stages", "hold", "detector", "kind", "fusion", "atLeast", "guardrails", "never", "ü"],
    );
    const value = fc.constantFrom(
      ...["1", "full", "{}", "[]", "null", "{__proto__: {a: 1}}", "[[1]]", "!!set {a}", "2m", "~"],
      ...["{toString: 1}", "{kind: toString}", "{constructor: full}", "1e400", ".nan"],
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), value, (path, written) => {
        try {
          variationsOf(BASE, [parseDimension(`${path.join(".")}=${written}`)], GRID);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
      { numRuns: 600, seed: 22 },
    );
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});

describe("a changed policy", () => {
  const text = "assign:\n  - otherwise: full\n";
  it("takes one more entry of a list, and no more", () => {
    expect(changedText(text, [{ path: "assign.1", value: "{otherwise: full}" }])).toContain("- {");
    for (const path of ["assign.2", "assign.99999999.tier", "assign.-1", "assign.1e9"]) {
      expect(() => changedText(text, [{ path, value: "full" }])).toThrow(LimitProblem);
    }
  });

  it("takes no value without end", () => {
    for (const value of ["&x {a: *x}", "[".repeat(1000), BOMB]) {
      expect(() => changedText(text, [{ path: "context", value }])).toThrow(LimitProblem);
    }
  });
});

it("the command line names the file, the place and the cure", async () => {
  const file = join(temporaryDirectory(), "bomb.yaml");
  writeFileSync(file, BOMB);
  const { code, stdout, stderr } = await inTurn(["policy", "check", file]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/bomb\.yaml:\d+:\d+: with its aliases .*\n {2}Use fewer aliases\./);
});
