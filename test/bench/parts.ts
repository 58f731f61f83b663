/**
 * What the benchmark measures, one part to a process: so that the peak memory is that
 * of the part, and no part runs on what another has warmed up.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Policy } from "../../engine/index.ts";
import { inspect } from "../../lab/history/inspect.ts";
import { silent } from "../../lab/cli/output.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { openDuck, quoted } from "../../lab/history/duck.ts";
import { openHistory } from "../../lab/history/open.ts";
import { outcomesOf, type AlikeOutcomes } from "../../lab/outcome/outcome.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { absent } from "../../lab/people/recorded.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { replay } from "../../lab/replay/replay.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { generated, rewritten } from "./generated.ts";
import { stopwatch, type Stopped } from "./stopwatch.ts";
import { writeLongTable, writeWorld, type World } from "./world.ts";

export type Part =
  | { readonly kind: "write"; readonly dir: string; readonly world: World }
  | { readonly kind: "scan"; readonly dir: string }
  | { readonly kind: "replay"; readonly dir: string; readonly policies: PolicyChoice }
  | { readonly kind: "evaluate"; readonly dir: string }
  | { readonly kind: "sweep"; readonly dir: string }
  | { readonly kind: "inspect"; readonly dir: string }
  | { readonly kind: "generate"; readonly dir: string; readonly services: number }
  | { readonly kind: "rewrite"; readonly dir: string; readonly samples: number };

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
    case "evaluate":
      return evaluated(part.dir);
    case "sweep":
      return swept(part.dir);
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

async function replayed(dir: string, policies: Policy[]): Promise<Stopped> {
  const opening = performance.now();
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const began = performance.now();
  const stop = stopwatch();
  const recovery = recoveryOf(history.tables);
  const result = await replay(
    history,
    policies,
    absent,
    recovery,
    silent,
    undefined,
    null,
    undefined,
    [],
    null,
    undefined,
    process.env.NOGLANCE === undefined,
  );
  const detectedAt = performance.now();
  const alike: AlikeOutcomes = new Map();
  let rollbacks = 0;
  for (const policy of result.policies) {
    const outcomes = outcomesOf(history, result, policy, absent, recovery, alike);
    for (const { rolledBack } of outcomes) if (rolledBack) rollbacks++;
  }
  const stopped = stop();
  const ended = performance.now();
  history.close();
  return {
    ...stopped,
    samples: result.samplesRead,
    notes: {
      deployments: result.plan.deployments.length,
      rollbacks,
      openMs: began - opening,
      detectMs: detectedAt - began,
      decideMs: ended - detectedAt,
    },
  };
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

/** `hindsight replay` of bench.yaml, scorecard included. */
async function evaluated(dir: string): Promise<Stopped> {
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const stop = stopwatch();
  const { manifest } = await evaluate(history, policiesOf("bench"), OPTIONS);
  const stopped = stop();
  history.close();
  return { ...stopped, samples: manifest.samplesRead, notes: {} };
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
async function swept(dir: string): Promise<Stopped> {
  const history = await openHistory(historyIn(dir), { threads: 1 });
  const base = openBase(fileBeside("bench.yaml"));
  const design = { kind: "grid", points: 0, seed: 1 } as const;
  const stop = stopwatch();
  const made = await sweep(history, base, VARIED, VARIED.map(parseDimension), design, OPTIONS);
  const stopped = stop();
  const { samples } = history.manifest;
  history.close();
  return { ...stopped, samples, notes: { policies: made.manifest.policies } };
}

const fileBeside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function policiesOf(choice: PolicyChoice): Policy[] {
  if (choice === "shipped") {
    return [loadPolicy(fileBeside("../../scenarios/policies/two-minute-override.yaml"))];
  }
  const bench = loadPolicy(fileBeside("bench.yaml"));
  return choice === "bench" ? [bench] : variationsOf(bench);
}

/** A hundred policies that share one detection pass: 4 holds × 5 clears × 5 authorities. */
function variationsOf(bench: Policy): Policy[] {
  const authorities = [
    { tier: "full", windowMs: 120_000 },
    { tier: "override", windowMs: 120_000 },
    { tier: "override", windowMs: 300_000 },
    { tier: "override", windowMs: 600_000 },
    { tier: "approve", windowMs: 120_000 },
  ] as const;
  return [30_000, 60_000, 90_000, 120_000].flatMap((holdMs) =>
    [60_000, 120_000, 180_000, 240_000, 300_000].flatMap((clearMs) =>
      authorities.map(({ tier, windowMs }, at) => ({
        ...bench,
        digest: `bench-${holdMs}-${clearMs}-${at}`,
        signals: bench.signals.map((signal) => ({ ...signal, holdMs, clearMs })),
        tiers: { ...bench.tiers, override: { ...bench.tiers.override, windowMs } },
        assign: [{ when: null, tier }],
      })),
    ),
  );
}
