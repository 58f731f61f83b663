/**
 * Scores policies on the suite: over the nine core families and all of them, and how
 * many of each family were flagged.
 *
 *     node --import tsx scenarios/judge/score.ts 201 202 203 204 205
 *
 * Flags come from the replay that detect-bench uses; only the counting by family is here.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  own,
  jsonObject,
  type DetectorSettings,
  type Policy,
  type JsonObject,
} from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { ruleOf } from "../../lab/detectBench/baselines.ts";
import { casesOf } from "../../lab/detectBench/cases.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { absent } from "../../lab/people/recorded.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { replay } from "../../lab/replay/replay.ts";
import { drawCases, familiesOf, readSuite, writeCases, type Suite } from "./suite.ts";

export interface Score {
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
  readonly falsePositiveRate: number;
}

export interface PolicyScore {
  readonly policy: string;
  readonly core: Score;
  readonly all: Score;
  /** Flagged cases by family. */
  readonly flagged: JsonObject<number>;
}

const base = { baselineMs: 0, season: false };

/** One detector for each metric, any of which flags, at the same tolerance. */
const ALONE: readonly (readonly [string, DetectorSettings])[] = [
  ["CUSUM alone", { ...base, kind: "cusum", drift: 1, clip: 4, limit: 5 }],
  [
    "Mann-Whitney alone, at the end",
    { ...base, kind: "mannWhitney", confidence: 0.98, limit: 0.25, atLeast: 31, every: 1 },
  ],
  [
    "Kayenta-compatible, at every sample",
    { ...base, kind: "mannWhitney", confidence: 0.98, limit: 0.25, atLeast: 3, every: 1 },
  ],
];

/** The judges, single detectors at tolerance 0, and the shipped default policy. */
export function judges(): Policy[] {
  const load = (name: string): Policy => loadPolicy(join(import.meta.dirname, name));
  const zero = load("tolerance-zero.yaml");
  const single: Policy = {
    ...zero,
    signals: zero.signals.filter(({ name }) => name.endsWith("_hint")),
    fusion: "any",
  };
  return [
    zero,
    load("default-tolerance.yaml"),
    load("canary-half-hour.yaml"),
    ...ALONE.map(([name, detector]) => ruleOf(single, name, detector)),
    load("../policies/default.yaml"),
  ];
}

/** Runs `use` on the history of these seeds, which is gone afterwards. */
export async function withHistory<Value>(
  suite: Suite,
  which: "core" | "all",
  seeds: readonly number[],
  use: (history: History) => Promise<Value>,
): Promise<Value> {
  const directory = mkdtempSync(join(tmpdir(), "hindsight-judge-"));
  try {
    const families = familiesOf(suite, which);
    const cases = seeds.flatMap((seed) => drawCases(suite, families, seed));
    const dir = join(directory, "history");
    await writeCases(dir, suite, cases, seeds);
    const history = await openHistory(dir);
    try {
      return await use(history);
    } finally {
      history.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function scorePolicies(
  suite: Suite,
  history: History,
  policies: readonly Policy[],
): Promise<PolicyScore[]> {
  const replayed = await replay(
    history,
    policies,
    absent,
    { rollBack: () => ({ durationMs: 0, succeeds: true }) },
    silent,
  );
  const familyOf = new Map(
    history.tables.labels.map(({ deploymentId, basis }) => [deploymentId, basis!]),
  );
  return policies.map(({ policy }, index) => {
    const judged = casesOf(history, replayed, index).map(({ deploymentId, bad, flagged }) => ({
      family: familyOf.get(deploymentId)!,
      bad,
      flagged,
    }));
    const flagged = jsonObject(
      familiesOf(suite, "all").map((name): [string, number] => {
        return [name, judged.filter((one) => one.family === name && one.flagged).length];
      }),
    );
    const core = new Set(familiesOf(suite, "core"));
    return {
      policy,
      core: scoreOf(judged.filter(({ family }) => core.has(family))),
      all: scoreOf(judged),
      flagged,
    };
  });
}

function scoreOf(judged: readonly { bad: boolean; flagged: boolean }[]): Score {
  const count = (bad: boolean, flagged: boolean): number =>
    judged.filter((one) => one.bad === bad && one.flagged === flagged).length;
  const truePositives = count(true, true);
  const falsePositives = count(false, true);
  return {
    accuracy: (truePositives + count(false, false)) / judged.length,
    precision: truePositives / (truePositives + falsePositives),
    recall: truePositives / (truePositives + count(true, false)),
    falsePositiveRate: falsePositives / (falsePositives + count(false, false)),
  };
}

/** The tables of lab/detectBench/README.md. */
export function tablesOf(suite: Suite, scores: readonly PolicyScore[], cases: number): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const head = ["judge", "families", "accuracy", "precision", "recall", "false-positive rate"];
  const rows = scores.flatMap(({ policy, core, all }) =>
    (
      [
        ["nine", core],
        ["all", all],
      ] as const
    ).map(([families, { accuracy, precision, recall, falsePositiveRate }]) =>
      line([
        policy,
        families,
        ...[accuracy, precision, recall, falsePositiveRate].map((one) => one.toFixed(3)),
      ]),
    ),
  );
  const perFamily = Object.entries(suite.families).map(([name, { label }]) =>
    line([name, label, ...scores.map(({ flagged }) => (own(flagged, name)! / cases).toFixed(2))]),
  );
  const columns = ["family", "label", ...scores.map(({ policy }) => policy)];
  return [
    line(head),
    line(head.map(() => "---")),
    ...rows,
    "",
    line(columns),
    line(columns.map(() => "---")),
    ...perFamily,
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) {
  const seeds = process.argv.slice(2).map(Number);
  if (seeds.length === 0 || !seeds.every(Number.isSafeInteger)) {
    process.stderr.write("Give the seeds to score on, such as 201 202 203 204 205.\n");
    process.exitCode = 2;
  } else {
    const suite = readSuite();
    const scores = await withHistory(suite, "all", seeds, (history) =>
      scorePolicies(suite, history, judges()),
    );
    process.stdout.write(`${tablesOf(suite, scores, suite.cases * seeds.length)}\n`);
  }
}
