/**
 * The repository keeps its own rules, and every rule can fail: each has examples
 * that it must refuse and neighbours of them that it must let pass.
 */

import { describe, expect, test } from "vitest";
import { formatFinding, runRule } from "./rule.ts";
import { RULES, repositoryFiles, tidy } from "./tidy.ts";

interface Example {
  readonly path: string;
  /** Each text alone must be refused. */
  readonly refused: readonly string[];
  readonly allowed?: readonly string[];
}

const HEAD = "/** What for. */\n";
/** Spelled in two parts: these very words are what some rules look for in this file. */
const home = (rest: string): string => `/${rest}`;

const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  "engine-date": [
    {
      path: "engine/decide/machine.ts",
      refused: [
        "const now = Date.now();",
        "const now = new Date();",
        "const then = new Date(0);",
        "const at = Date.UTC(2026, 0);",
        "export function at(when: Date): number { return +when; }",
      ],
      allowed: [
        "// Date.now() is for the host.\nconst text = 'Date.now()';",
        "const hour = new Intl.DateTimeFormat('en-GB', { timeZone: zone }).format(atMs);",
      ],
    },
    { path: "lab/shadow/host.ts", refused: [], allowed: ["const now = Date.now();"] },
  ],
  "engine-async": [
    {
      path: "engine/controller.ts",
      refused: [
        "export async function handle() {}",
        "const handle = async () => 1;",
        "for await (const event of events) {}",
        "export type Later = Promise<number>;",
        "const later = Promise.resolve(1);",
      ],
      allowed: ["/** The host may await a Promise. */\nexport function* steps() { yield 1; }"],
    },
  ],
  "engine-import": [
    {
      path: "engine/detect/detectors/cusum.ts",
      refused: [
        'import { readFileSync } from "node:fs";',
        'import "fs";',
        'import { load } from "../../../lab/history/open.ts";',
        'import type { Row } from "../../../lab/history/tables.ts";',
        'export * from "../../../datasets/world/world.ts";',
        'const yaml = import("yaml");',
        'type Hash = import("node:crypto").Hash;',
        'import fs = require("node:fs");',
        '/// <reference types="node" />\nexport {};',
        "declare const console: { log(text: string): void };",
      ],
      allowed: [
        'import { median } from "simple-statistics";\nimport { z } from "zod";',
        'import { assert } from "../assert.ts";\nexport * from "./watch.ts";',
      ],
    },
  ],
  "engine-door": [
    {
      path: "lab/replay/run.ts",
      refused: [
        'import { step } from "../../engine/decide/machine.ts";',
        'const { step } = await import("../../engine/decide/machine.ts");',
      ],
      allowed: ['import { handle } from "../../engine/index.ts";\nimport "./engine/row.ts";'],
    },
  ],
  "stage-known": [
    { path: "lab/everything/run.ts", refused: [""] },
    { path: "lab/scale/run.ts", refused: [], allowed: [""] },
  ],
  "stage-order": [
    {
      path: "lab/replay/run.ts",
      refused: [
        'import { score } from "../score/scorecard.ts";',
        'import type { Outcome } from "../outcome/outcome.ts";',
        'const { print } = await import("../cli/output.ts");',
        'import type { Scale } from "../scale/scale.ts";',
      ],
      allowed: ['import type { Past } from "../history/open.ts";\nimport "./plan.ts";'],
    },
    {
      path: "lab/problem.ts",
      refused: ['import { openHistory } from "./history/open.ts";'],
      allowed: ['import { counted } from "./counted.ts";'],
    },
    {
      path: "lab/scale/run.ts",
      refused: ['import { print } from "../cli/output.ts";'],
      allowed: ['import { detect } from "../replay/detect.ts";'],
    },
  ],
  "engine-ambient": [
    {
      path: "engine/policy/calendar.ts",
      refused: [
        'const now = globalThis["Da" + "te"];',
        'const now = new Function("return 1");',
        "const text = (1.5).toLocaleString();",
        "const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;",
        'const clock = new Intl.DateTimeFormat("en-GB");',
      ],
      allowed: ['const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC" });'],
    },
  ],
  "engine-class": [
    {
      path: "engine/controller.ts",
      refused: [
        "export class Controller {}",
        "const Machine = class {};",
        "class Broken extends Error {}",
      ],
      allowed: ["export interface Controller { readonly phase: string }"],
    },
    {
      path: "engine/assert.ts",
      refused: ["class Assertion {}"],
      allowed: ["export class InvariantError extends Error {}"],
    },
  ],
  "engine-state": [
    {
      path: "engine/learn/learn.ts",
      refused: ["let seen = 0;", "export var seen = 0;"],
      allowed: ["const LIMIT = 3;\nfunction count() { let seen = 0; seen += 1; return seen; }"],
    },
  ],
  random: [
    {
      path: "lab/people/modelled.ts",
      refused: [
        "const delay = Math.random();",
        "const { random } = Math;",
        'const draw = Math["random"]();',
        'import { randomUUID } from "node:crypto";',
        // An excuse needs a reason.
        "const delay = Math.random(); // tidy-ok:",
      ],
      allowed: [
        "const most = Math.max(1, 2);",
        "// Unlike Math.random(), this has a seed.\nexport {};",
        "const id = Math.random(); // tidy-ok: the id of a temporary file.",
        "// tidy-ok: the id of a temporary file.\nconst id = Math.random();",
      ],
    },
    { path: "datasets/world/world.ts", refused: ["const noise = Math.random();"] },
    // Nothing excuses the engine.
    { path: "engine/decide/machine.ts", refused: ["Math.random(); // tidy-ok: no reason holds."] },
  ],
  "short-write": [
    {
      path: "lab/audit/write.ts",
      refused: ["writeSync(handle, text);", "fs.writeSync(handle, text);"],
      allowed: ["writeFileSync(handle, text);"],
    },
  ],
  "locale-order": [
    {
      path: "lab/history/open.ts",
      refused: ["rows.sort((a, b) => a.service.localeCompare(b.service));"],
      allowed: ["rows.sort((a, b) => (a.service < b.service ? -1 : 1));"],
    },
  ],
  "sql-network": [
    {
      path: "lab/history/duck.ts",
      refused: [
        'await run("INSTALL httpfs");',
        'await run("LOAD icu");',
        "await run(`SET threads = 1; load 'json'`);",
        "await run(`INSTALL ${extension}`);",
        "await run(\"SELECT * FROM read_parquet('https://example.org/a.parquet')\");",
      ],
      allowed: [
        'const tip = "Install Chromium to print, or load the page yourself.";',
        "// INSTALL is never needed.\nexport {};",
      ],
    },
  ],
  "sql-aggregate": [
    {
      path: "lab/history/query.ts",
      refused: [
        'const sql = "SELECT avg(value) FROM samples";',
        "const sql = `SELECT service, SUM (value) FROM ${table} GROUP BY service`;",
        "const sql = `SELECT\n  stddev_samp(value)\nFROM samples`;",
      ],
      allowed: [
        "const sql = `SELECT count(*), max(value) FROM samples`;",
        "const total = sum(values) + mean(values);",
        "const sql = `SELECT\n  -- tidy-ok: a count of rows, shown by inspect only.\n  sum(n)`;",
      ],
    },
  ],
  "file-length": [
    {
      path: "lab/score/scorecard.ts",
      refused: [HEAD + "\n".repeat(400)],
      allowed: [HEAD + "\n".repeat(399)],
    },
    { path: "scenarios/stories/long.yaml", refused: [], allowed: ["\n".repeat(401)] },
  ],
  columns: [
    {
      path: "lab/score/scorecard.ts",
      refused: [`// ${"word ".repeat(20)}`, `const wide = \`\n${"wide ".repeat(21)}\n\`;`],
      allowed: [`// ${"é".repeat(97)}`, `// https://example.org/${"a".repeat(100)}`],
    },
    {
      path: "test/score/scorecard.test.ts",
      refused: [`const wide = "${"wide ".repeat(21)}";`],
      allowed: [`const table = \`\n${"wide ".repeat(21)}\n\`;`],
    },
  ],
  header: [
    {
      path: "lab/score/scorecard.ts",
      refused: ["export const limit = 1;", 'import { z } from "zod";\n/** Late. */'],
      allowed: [HEAD, "// What for.\n"],
    },
  ],
  "left-out-test": [
    {
      path: "test/decide/machine.test.ts",
      refused: [
        'test.only("a", run);',
        'describe.skip("a", run);',
        'it.concurrent.todo("a");',
        'test.each([1]).only("a", run);',
      ],
      allowed: [
        'test.skipIf(chromium === null)("a", run);',
        "rows.skip(3);",
        'const a = ".only(";',
      ],
    },
  ],
  silenced: [
    {
      path: "lab/history/open.ts",
      refused: [
        "// @ts-ignore\nexport {};",
        "// @ts-nocheck\nexport {};",
        "const row = value as any;",
        "const row: any = value;",
        "/* eslint-disable no-console */",
        "call(); // eslint-disable-line",
      ],
      allowed: ['const rule = "eslint-disable @ts-ignore as any";', "const row: unknown = value;"],
    },
  ],
  "outside-name": [
    {
      path: "lab/score/scorecard.ts",
      refused: [
        "let cards: Readonly<Record<string | number, Card>>;",
        "interface Card { readonly [field: string]: unknown }",
        "const isKnown = name in known;",
        "for (const name in known) use(name);",
      ],
      allowed: ['let titles: Record<TierName, JsonObject>;\nconst isBatch = "file" in seen;'],
    },
    { path: "engine/json.ts", refused: [], allowed: ["type A = Record<string, unknown>;"] },
  ],
  "left-over": [
    {
      path: "lab/history/open.ts",
      refused: ["// TODO: close the connection\n", "call(/* FIXME */ 1);"],
      allowed: ['const words = ["TODO", "FIXME"];'],
    },
    { path: "scenarios/policies/org.yaml", refused: ["watch: 60m # FIXME\n"] },
    { path: ".ci/run", refused: ["# XXX slow\n"] },
  ],
  "machine-path": [
    {
      path: "lab/cli/demo.ts",
      refused: [
        `const out = "${home("tmp/")}demo";`,
        `const out = "${home("root/")}history";`,
        `// Run it in ${home("work/")}main.\n`,
        `const out = "${home("home/")}ann/history";`,
        String.raw`const out = "C:${"\\"}history";`,
      ],
      allowed: [
        'const link = "https://example.org/work/1";',
        'import { a } from "../tmp/a.ts";',
        'const out = "framework/root/a";',
      ],
    },
    { path: "README.md", refused: [`hindsight demo --out ${home("tmp/")}demo\n`] },
  ],
  "top-level": [
    { path: "src/main.ts", refused: [""] },
    { path: "notes.md", refused: [""] },
    { path: "engine", refused: [""] },
    { path: "engine/index.ts", refused: [], allowed: [""] },
    { path: "knip.json", refused: [], allowed: [""] },
  ],
  drawer: [
    { path: "lab/utils/dates.ts", refused: [""] },
    { path: "lab/score/helpers.ts", refused: [""] },
    { path: "lab/score/scoreUtils.ts", refused: [""] },
    { path: "lab/common.ts", refused: [""] },
    { path: "test/misc.test.ts", refused: [""] },
    { path: "lab/history/commonality.ts", refused: [], allowed: [""] },
  ],
  "file-case": [
    { path: "lab/history/OpenHistory.ts", refused: [""] },
    { path: "lab/history/open-history.ts", refused: [""] },
    { path: "ui/frontier.svelte", refused: [""] },
    { path: "scenarios/stories/slowBurn.yaml", refused: [""] },
    { path: "scenarios/stories/slow-burn.yaml", refused: [], allowed: [""] },
    { path: "test/tidy/tidy.test.ts", refused: [], allowed: [""] },
  ],
  "large-file": [
    {
      path: "datasets/quarter.parquet",
      refused: ["x".repeat(1_000_001), "é".repeat(500_001), "\0".repeat(1_000_001)],
      allowed: ["x".repeat(1_000_000), `\0${"é".repeat(999_999)}`],
    },
  ],
  "exact-version": [
    {
      path: "package.json",
      refused: [
        '{ "dependencies": { "zod": "^4.6.7" } }',
        '{ "devDependencies": { "zod": "~4.6.7" } }',
        '{ "dependencies": { "zod": "latest" } }',
        '{ "dependencies": { "zod": "4.6" } }',
        '{ "dependencies": { "zod": 4 } }',
      ],
      allowed: ['{ "dependencies": { "zod": "4.6.7", "@duckdb/node-api": "1.5.6-r.1" } }'],
    },
  ],
};

const files = repositoryFiles(new URL("../..", import.meta.url).pathname);

describe.each(RULES)("$name", (rule) => {
  const examples = EXAMPLES[rule.name] ?? [];

  test("holds in this repository", () => {
    expect(tidy(files, [rule]).map(formatFinding)).toEqual([]);
  });

  test("refuses its planted examples and lets their neighbours pass", () => {
    expect(examples.flatMap(({ refused }) => refused).length).toBeGreaterThan(0);
    for (const { path, refused, allowed = [] } of examples) {
      for (const text of refused) {
        expect(
          runRule(rule, path, text).length,
          `must refuse ${path}: ${text.slice(0, 80)}`,
        ).toBeGreaterThan(0);
      }
      for (const text of allowed) {
        expect(runRule(rule, path, text), `must allow ${path}: ${text.slice(0, 80)}`).toEqual([]);
      }
    }
  });
});

describe("tidy", () => {
  test("sees the repository, this file among it", () => {
    expect(files.map(({ path }) => path)).toContain("test/tidy/tidy.test.ts");
  });

  test("has examples for its rules and for nothing else", () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(RULES.map(({ name }) => name).sort());
  });

  test("prints file, line, rule and what to do instead", () => {
    const text = `${HEAD}\nconst now = Date.now();\n`;
    expect(tidy([{ path: "engine/a.ts", text }]).map(formatFinding)).toEqual([
      "engine/a.ts:3 engine-date (Date) — take atMs or knownAtMs from the event; " +
        "for calendars give Intl.DateTimeFormat the ms",
    ]);
  });
});
