/**
 * The states of alerts against the real thing. Goal: ours are those of `promtool test rules`.
 * Method: 200 random series and rules (seeded) as its test files, in which our states are what is
 * expected; one process tests them all. Without promtool nothing runs, and the test's name says so.
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { prometheus } from "../../engine/index.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import { temporaryDirectory } from "../directories.ts";
import { importedRules } from "./alerts.ts";

const HAS = spawnSync("promtool", ["--version"]).status === 0;
const WITHOUT = HAS ? "" : " (not run: there is no promtool here)";
const SEED = 26;
const CASES = 200;

type Sample = number | "stale" | "_";
/** The value of each series at an instant; absent ones are left out. */
type Values = ReadonlyMap<string, number>;

interface Shape {
  readonly expr: string;
  /** What the import has to ask. */
  readonly query: string;
  /** What the query answers; the bound is not in it where the import splits it off. */
  readonly answer: (values: Values) => Values;
}

const each = (values: Values, change: (value: number) => number | null): Values =>
  new Map(
    [...values].flatMap(([series, value]) => {
      const changed = change(value);
      return changed === null ? [] : [[series, changed] as const];
    }),
  );

const SHAPES: readonly ((bound: number) => Shape)[] = [
  ...[">", ">=", "<", "<=", "==", "!="].flatMap((op) => [
    (bound: number) => ({ expr: `m ${op} ${bound}`, query: "m", answer: (all: Values) => all }),
    (bound: number) => ({
      expr: `(${bound} ${op} (m))`,
      query: "(m)",
      answer: (all: Values) => all,
    }),
  ]),
  (bound) => ({
    expr: `m * 2 - 1 > ${bound}`,
    query: "m * 2 - 1",
    answer: (all) => each(all, (value) => value * 2 - 1),
  }),
  (bound) => ({
    expr: `m / m != ${bound}`,
    query: "m / m",
    answer: (all) => each(all, (value) => value / value),
  }),
  (bound) => ({
    expr: `sum by (s) (m) <= ${bound}`,
    query: "sum by (s) (m)",
    answer: (all) => all,
  }),
  (bound) => ({
    expr: `m > ${bound} and m < 9`,
    query: `m > ${bound} and m < 9`,
    answer: (all) => each(all, (value) => (value > bound && value < 9 ? value : null)),
  }),
  (bound) => ({
    expr: `m == bool ${bound}`,
    query: `m == bool ${bound}`,
    answer: (all) => each(all, (value) => (value === bound ? 1 : 0)),
  }),
  () => ({
    expr: "absent(m)",
    query: "absent(m)",
    answer: (all): Values => (all.size === 0 ? new Map([["", 1]]) : new Map<string, number>()),
  }),
];

function pick<T>(random: RandomStream, from: readonly T[]): T {
  return from[Math.floor(random.next() * from.length)]!;
}

/** Runs of equal samples, so that alerts fire; missing ones stay within the look-back. */
function samplesOf(random: RandomStream, count: number, stepS: number): Sample[] {
  const samples: Sample[] = [];
  while (samples.length < count) {
    const sample = pick<Sample>(random, [
      0,
      1,
      2,
      5,
      10,
      10,
      -3,
      NaN,
      Infinity,
      -Infinity,
      "stale",
      "_",
    ]);
    const longest = sample === "_" ? 240 / stepS - 1 : 10;
    for (let n = Math.ceil(random.next() * longest); n > 0; n--) samples.push(sample);
    if (sample === "_") samples.push(pick(random, [1, 10, "stale"]));
  }
  return samples.slice(0, count);
}

/** An instant selector: the newest sample, none after a stale marker. */
function valueAt(samples: readonly Sample[], stepS: number, atS: number): number | null {
  for (let i = Math.min(Math.floor(atS / stepS), samples.length - 1); i >= 0; i--) {
    const sample = samples[i]!;
    if (sample === "stale") return null;
    if (sample !== "_") return sample;
  }
  return null;
}

interface Case {
  readonly rules: string;
  readonly unitTest: string;
}

function caseOf(n: number): Case {
  const random = randomStream("promtool", SEED, n);
  const [stepS, intervalS] = [pick(random, [15, 30, 60]), pick(random, [30, 60])];
  const evaluations = 20 + Math.floor(random.next() * 20);
  const count = (evaluations * intervalS) / stepS;
  const series = new Map<string, readonly Sample[]>();
  for (let s = Math.ceil(random.next() * 3); s > 0; s--) {
    series.set(String(s), samplesOf(random, count, stepS));
  }
  const shape = pick(random, SHAPES)(pick(random, [0, 1, 2, 5]));
  const duration = (): string => pick(random, ["0s", "30s", "1m", "90s", "2m", "5m"]);
  const rules = `groups:
  - name: g
    interval: ${intervalS}s
    rules:
      - alert: A
        expr: ${shape.expr}
        for: ${duration()}
        keep_firing_for: ${duration()}
        labels: { severity: page, of: "<{{ $labels.s }}>", s: "${pick(random, ["", "all"])}" }
`.replace(/, s: ""/, "");
  const { plan, queries } = importedRules(rules, {
    onFiring: "page",
    watchMs: evaluations * intervalS * 1_000,
  });
  expect(queries.map(({ expr }) => expr)).toEqual([shape.query]);
  let state = prometheus.start({ ...plan, warmUpMs: 0 }, 0, "any");
  const expected: string[] = [];
  for (let k = 0; k < evaluations; k++) {
    const due = prometheus.due(plan, state)!;
    expect(due.atMs).toBe(k * intervalS * 1_000);
    const values = new Map(
      [...series].flatMap(([s, samples]) => {
        const value = valueAt(samples, stepS, k * intervalS);
        return value === null ? [] : [[s, value] as const];
      }),
    );
    const answers = [...shape.answer(values)].map(([s, value]) => ({
      labels: new Map(s === "" ? [] : [["s", s]]),
      atMs: Float64Array.of(due.atMs),
      values: Float64Array.of(value),
    }));
    ({ state } = prometheus.step(plan, state, due.atMs, [{ kind: "series", series: answers }]));
    const samples = state.alerts[0]![0]!.map(({ labels, state: now }) => {
      const all = [...labels, ["alertstate", now] as const];
      const text = all.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ");
      return `          - { labels: ${JSON.stringify(`ALERTS{${text}}`)}, value: 1 }\n`;
    });
    expected.push(
      `      - expr: ALERTS\n        eval_time: ${k * intervalS}s\n` +
        (samples.length === 0 ? "" : `        exp_samples:\n${samples.join("")}`),
    );
  }
  const input = [...series].map(([s, samples]) => {
    const written = samples.map((sample) => String(sample).replace("Infinity", "Inf")).join(" ");
    return `      - { series: 'm{s="${s}"}', values: "${written}" }\n`;
  });
  const unitTest = `rule_files: [rules-${n}.yml]
evaluation_interval: ${intervalS}s
tests:
  - interval: ${stepS}s
    input_series:
${input.join("")}    promql_expr_test:
${expected.join("")}`;
  return { rules, unitTest };
}

function promtool(
  directory: string,
  files: readonly string[],
): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", ...files], {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  return { status, said: stdout + stderr };
}

test.skipIf(!HAS)(
  `${CASES} random rules have the states of promtool (seed ${SEED})${WITHOUT}`,
  () => {
    const directory = temporaryDirectory();
    const cases = Array.from({ length: CASES }, (_, n) => caseOf(n));
    const files = cases.map(({ rules, unitTest }, n) => {
      writeFileSync(join(directory, `rules-${n}.yml`), rules);
      writeFileSync(join(directory, `test-${n}.yml`), unitTest);
      return `test-${n}.yml`;
    });
    const { status, said } = promtool(directory, files);
    expect(
      said.split("\n").filter((line) => line.includes("FAILED") || line.includes("exp:")),
    ).toEqual([]);
    expect(status).toBe(0);
    expect(said.match(/SUCCESS/g)).toHaveLength(CASES);
    // They are not all empty, and another state would have failed.
    const firing = cases.filter(({ unitTest }) => unitTest.includes('alertstate=\\"firing'));
    expect(firing.length).toBeGreaterThan(CASES / 2);
    writeFileSync(
      join(directory, "wrong.yml"),
      firing[0]!.unitTest.replace('alertstate=\\"firing', 'alertstate=\\"pending'),
    );
    expect(promtool(directory, ["wrong.yml"]).status).toBe(1);
  },
);
