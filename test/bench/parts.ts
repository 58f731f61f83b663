/**
 * What the benchmark measures, one part to a process: so that the peak memory is that
 * of the part, and no part runs on what another has warmed up.
 */

import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { judgementsOf, type Policy } from "../../engine/index.ts";
import { inspect } from "../../lab/history/inspect.ts";
import { silent } from "../../lab/progress.ts";
import { answerTo } from "../../lab/compare/answer.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { openDuck, quoted } from "../../lab/history/duck.ts";
import { openHistory } from "../../lab/history/open.ts";
import type { AlikeOutcomes } from "../../lab/outcome/alike.ts";
import { outcomesOf } from "../../lab/outcome/outcome.ts";
import { standingFor } from "../../lab/outcome/outcomeList.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { absent } from "../../lab/people/recorded.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { replay, watchHistory } from "../../lab/replay/replay.ts";
import { decisionKey } from "../sweep/decisionKey.ts";
import { openScale } from "../../lab/scale/open.ts";
import { portsOf, type Ports } from "../../lab/scale/ports.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { generated, rewritten } from "./generated.ts";
import { ruleSql } from "./ruleSql.ts";
import { sourcePath } from "./sourcePath.ts";
import { stopwatch, type Stopped } from "./stopwatch.ts";
import { writeLongTable, writeWorld, type World } from "./world.ts";

export type Part =
  | { readonly kind: "write"; readonly dir: string; readonly world: World }
  | { readonly kind: "scan"; readonly dir: string }
  | { readonly kind: "replay"; readonly dir: string; readonly policies: PolicyChoice }
  | { readonly kind: "document"; readonly dir: string }
  | { readonly kind: "rule"; readonly dir: string }
  | { readonly kind: "sql"; readonly dir: string }
  | {
      readonly kind: "evaluate";
      readonly dir: string;
      readonly asked?: Asked;
      readonly workers?: number;
    }
  | { readonly kind: "sweep"; readonly dir: string; readonly asked?: "cold" | "again" }
  | { readonly kind: "inspect"; readonly dir: string }
  | { readonly kind: "generate"; readonly dir: string; readonly services: number }
  | { readonly kind: "rewrite"; readonly dir: string; readonly samples: number };

/**
 * `cold`: nothing is kept; `again`: word for word what was asked before; `otherwise`: with another
 * override window. What was answered before is kept beside the history, made where it is not yet.
 */
type Asked = "cold" | "again" | "otherwise";

/** `bench`: bench.yaml; `hundred`: 100 variations of it; `shipped`: the default with a season. */
export type PolicyChoice = "bench" | "hundred" | "shipped";

export interface Measured extends Stopped {
  readonly peakMiB: number;
}

export const historyIn = (dir: string): string => join(dir, "history");
const longIn = (dir: string): string => join(dir, "long.parquet");

/** Measures one part in this process. */
export async function measure(part: Part): Promise<Measured> {
  const measured = await run(part);
  return { ...measured, peakMiB: process.resourceUsage().maxRSS / 1024 };
}

async function run(part: Part): Promise<Stopped> {
  switch (part.kind) {
    case "write":
      return write(part.dir, part.world);
    case "scan":
      return scan(part.dir);
    case "replay":
      return replayed(part.dir, policiesOf(part.policies));
    case "document":
      return documented(part.dir);
    case "rule":
      return (await ruled(part.dir)).stopped;
    case "sql":
      return ruledBySql(part.dir);
    case "evaluate":
      return evaluated(part.dir, part.asked ?? "cold", part.workers ?? 1);
    case "sweep":
      return swept(part.dir, part.asked ?? "cold");
    case "inspect":
      return inspected(part.dir);
    case "generate":
      return generated(part.dir, part.services);
    case "rewrite":
      return rewritten(part.dir, part.samples);
  }
}

async function write(dir: string, world: World): Promise<Stopped> {
  const stop = stopwatch();
  const { writeMs } = await writeWorld(historyIn(dir), world);
  const { cpuMs } = stop();
  const { bytes } = await writeLongTable(historyIn(dir), longIn(dir));
  const samples = world.services * world.samplesPerSeries * 3;
  return { ms: writeMs, cpuMs, samples, notes: { longBytes: bytes } };
}

/** DuckDB's bare scan of the plain long table, on one thread. */
async function scan(dir: string): Promise<Stopped> {
  const duck = await openDuck({ threads: 1 });
  const stop = stopwatch();
  const reader = await duck.connection.runAndReadAll(
    `SELECT sum(value), max(ts), count(*) FROM read_parquet(${quoted(longIn(dir))})`,
  );
  const stopped = stop();
  const samples = Number(reader.getRowsJS()[0]![2]);
  duck.close();
  return { ...stopped, samples, notes: {} };
}

/** Everything a scorecard is made of: detected, decided, and an outcome of every deployment. */
async function replayed(dir: string, policies: readonly Policy[]): Promise<Stopped> {
  const opening = performance.now();
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const began = performance.now();
  const stop = stopwatch();
  const recovery = recoveryOf(history.tables, 1);
  const { plan, decide, samplesRead } = await watchHistory(history, policies, silent, {
    glances: true,
  });
  const detectedAt = performance.now();
  const alike: AlikeOutcomes = new Map();
  const decided = new Map<string, number>();
  let rollbacks = 0;
  policies.forEach((policy, index) => {
    const key = decisionKey(policy);
    let acted = decided.get(key);
    if (acted === undefined) {
      const made = decide(index, absent, recovery);
      const all = outcomesOf(history, { plan, imagined: NOBODY }, made, absent, recovery, alike);
      acted = standingFor(all).filter(({ rolledBack }) => rolledBack).length;
      decided.set(key, acted);
    }
    rollbacks += acted;
  });
  const stopped = stop();
  const ended = performance.now();
  history.close();
  return {
    ...stopped,
    samples: samplesRead,
    notes: {
      deployments: plan.deployments.length,
      rollbacks,
      openMs: began - opening,
      detectMs: detectedAt - began,
      decideMs: ended - detectedAt,
    },
  };
}

const NOBODY: ReadonlySet<number> = new Set();

/** The same with every number that a document of outcomes has: nothing is only glanced at. */
async function documented(dir: string): Promise<Stopped> {
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const stop = stopwatch();
  const recovery = recoveryOf(history.tables, 1);
  const made = await replay(history, policiesOf("bench"), absent, recovery, silent);
  const shown = { plan: made.plan, imagined: made.imagined[0]! };
  const outcomes = outcomesOf(history, shown, made.policies[0]!, absent, recovery);
  const stopped = stop();
  history.close();
  return { ...stopped, samples: made.samplesRead, notes: { outcomes: outcomes.length } };
}

/** The threshold rule alone, by us: the deployments that it flags. */
async function ruled(
  dir: string,
): Promise<{ readonly stopped: Stopped; readonly flagged: readonly string[] }> {
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const stop = stopwatch();
  const policy = loadPolicy(fileBeside("rule.yaml"));
  const { plan, judged } = await watchHistory(history, [policy], silent, { glances: true });
  const flagged = plan.deployments
    .filter(({ deployment }, at) =>
      judgementsOf(judged[0]![at]!, deployment).some(
        ({ evidence }) => evidence.verdict === "breach",
      ),
    )
    .map(({ deployment }) => deployment.deploymentId);
  const took = stop();
  const samples = plan.deployments.length;
  history.close();
  return { stopped: { ...took, samples, notes: { flagged: flagged.length } }, flagged };
}

/** The same rule as SQL; it must flag the same. */
async function ruledBySql(dir: string): Promise<Stopped> {
  // Its windows are sorted: what does not fit into memory is spilled.
  const spillDirectory = join(dir, "sql.spill");
  const duck = await openDuck({ threads: 1, memoryLimit: "8GB", spillDirectory });
  const sql = ruleSql(historyIn(dir), longIn(dir));
  const stop = stopwatch();
  const reader = await duck.connection.runAndReadAll(sql);
  const stopped = stop();
  const flagged = reader.getRowsJS().map(([id]) => id as string);
  duck.close();
  const { flagged: ours, stopped: own } = await ruled(dir);
  if (flagged.sort().join(" ") !== [...ours].sort().join(" ")) {
    throw new Error(`SQL flags ${flagged.length} deployments, the engine ${ours.length}`);
  }
  return { ...stopped, samples: own.samples, notes: { flagged: flagged.length } };
}

async function inspected(dir: string): Promise<Stopped> {
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const stop = stopwatch();
  await inspect(history);
  const stopped = stop();
  const { samples, missingSamples } = history.manifest;
  history.close();
  return { ...stopped, samples: samples + missingSamples, notes: {} };
}

/** What the commands do when nobody says otherwise. */
const OPTIONS = { people: "absent", seed: 1, replicates: 1000, draws: 5, progress: silent };

/** `hindsight replay` of bench.yaml, scorecard included; `--json` would show the quiet ones too. */
async function evaluated(dir: string, asked: Asked, workers: number): Promise<Stopped> {
  const options = { ...OPTIONS, glances: true };
  const [bench] = policiesOf("bench") as [Policy];
  const kept = join(dir, "kept");
  const ask = (): ReturnType<typeof answerTo> =>
    answerTo(historyIn(dir), [bench], { ...options, ...portsIn(kept, workers) }, "scores");
  if (asked !== "cold" && !existsSync(kept)) await ask();
  if (asked === "again") {
    const stop = stopwatch();
    const { manifest } = await ask();
    return { ...stop(), samples: manifest.samplesRead, notes: {} };
  }
  const { override } = bench.tiers;
  const patient = { ...bench.tiers, override: { ...override, windowMs: 300_000 } };
  const policy = asked === "cold" ? bench : { ...bench, digest: "patient", tiers: patient };
  // What is kept now would be there when it is asked the next time.
  const apart = join(dir, "otherwise");
  if (asked === "otherwise") cpSync(kept, apart, { recursive: true });
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const ports = portsIn(asked === "cold" ? "off" : apart, workers);
  const stop = stopwatch();
  const { manifest } = await evaluate(history, [policy], { ...options, ...ports });
  const stopped = stop();
  history.close();
  rmSync(apart, { recursive: true, force: true });
  return { ...stopped, samples: manifest.samplesRead, notes: {} };
}

function portsIn(cache: string, workers = 1): Partial<Ports> {
  const scale = openScale({ cache, workers }, () => undefined);
  return scale === undefined ? {} : portsOf(scale);
}

/** 200 policies: 5 windows × 5 holds × 8 ways to give tiers. */
const VARIED = [
  "tiers.override.window=1m,2m,3m,5m,10m",
  "signals.*.hold=0s..2m/5",
  "assign=" +
    [
      "[{ otherwise: full }]",
      "[{ otherwise: override }]",
      "[{ otherwise: approve }]",
      ...["full", "override", "approve"].flatMap((tier) =>
        ["full", "override"]
          .filter((other) => other !== tier)
          .map(
            (other) =>
              `[{ when: { criticality: [medium] }, tier: ${tier} }, { otherwise: ${other} }]`,
          ),
      ),
      "[{ when: { kind: config }, tier: full }, { otherwise: override }]",
    ].join(","),
];

/**
 * `hindsight sweep` of these. The benchmark's history has no labels, so nothing is
 * recommended and the last comparison is no part of it.
 */
async function swept(dir: string, asked: "cold" | "again"): Promise<Stopped> {
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const base = openBase(fileBeside("bench.yaml"));
  const design = { kind: "grid", points: 0, seed: 1 } as const;
  const kept = join(dir, "keptSweep");
  const options = { ...OPTIONS, ...portsIn(asked === "cold" ? "off" : kept) };
  const ask = (): ReturnType<typeof sweep> =>
    sweep(history, base, VARIED, VARIED.map(parseDimension), design, options);
  if (asked === "again" && !existsSync(kept)) await ask();
  const stop = stopwatch();
  const made = await ask();
  const stopped = stop();
  const { samples } = history.manifest;
  history.close();
  return { ...stopped, samples, notes: { policies: made.manifest.policies } };
}

const fileBeside = (name: string): string => sourcePath(`test/bench/${name}`);

function policiesOf(choice: PolicyChoice): Policy[] {
  if (choice === "shipped") {
    return [loadPolicy(sourcePath("scenarios/policies/two-minute-override.yaml"))];
  }
  const bench = loadPolicy(fileBeside("bench.yaml"));
  return choice === "bench" ? [bench] : variationsOf(bench);
}

/**
 * A hundred policies that share one detection pass: 4 confidences × 5 holds × 5 ways to give
 * authority, three of them with a window of their own.
 */
function variationsOf(bench: Policy): Policy[] {
  const authorities = [
    { tier: "full", windowMs: 120_000 },
    { tier: "override", windowMs: 120_000 },
    { tier: "override", windowMs: 300_000 },
    { tier: "override", windowMs: 600_000 },
    { tier: "approve", windowMs: 120_000 },
  ] as const;
  return [0.6, 0.7, 0.8, 0.9].flatMap((confidence) =>
    [0, 30_000, 60_000, 90_000, 120_000].flatMap((holdMs) =>
      authorities.map(({ tier, windowMs }, at) =>
        // Read anew, as from a file: spreads made one after another differ in their hidden class.
        structuredClone({
          ...bench,
          digest: `bench-${confidence}-${holdMs}-${at}`,
          signals: bench.signals.map((signal) => ({ ...signal, holdMs })),
          tiers: { ...bench.tiers, override: { ...bench.tiers.override, windowMs, confidence } },
          assign: [{ when: null, tier }],
        }),
      ),
    ),
  );
}
