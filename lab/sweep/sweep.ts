/**
 * A sweep: the base and its variations over one history, each reduced to a row of sums as
 * soon as it is decided. Policies that judge alike share one detection; what is new in a
 * tolerance or a detector costs one more fold of the readings.
 */

import { ENGINE_VERSION, type Policy } from "../../engine/index.ts";
import {
  evaluate,
  unmatchedSignals,
  type EvaluateOptions,
  type Evaluation,
} from "../compare/evaluate.ts";
import { isStored, type History } from "../history/open.ts";
import type { JudgedBefore } from "../replay/replay.ts";
import { tableThrough } from "../scale/rows.ts";
import { DEFAULT_COSTS, type Costs } from "../score/costs.ts";
import type { Dimension } from "./dimension.ts";
import { frontierOf, scoresOf, type Frontier, type Scores } from "./frontier.ts";
import { landscapeOf, type Landscape } from "./landscape.ts";
import { periodsOf, type Periods, type Span } from "./periods.ts";
import { recommend, type Recommendation } from "./recommend.ts";
import { resamplesOf } from "./resample.ts";
import { tableOf } from "./rows.ts";
import { variationsOf, withTier, type Base, type Design, type Variation } from "./variations.ts";

export interface Anchor {
  readonly name: string;
  readonly what: string;
  readonly scores: Scores;
}

export interface Sweep {
  readonly base: Policy;
  readonly dimensions: readonly Dimension[];
  readonly variations: readonly Variation[];
  /** Of the incumbent, then of every variation; over the whole history. */
  readonly scores: readonly Scores[];
  readonly anchors: readonly Anchor[];
  /** Places: 0 is the incumbent, then the variations. */
  readonly frontier: Frontier;
  readonly periods: Periods;
  readonly recommendation: Recommendation;
  readonly landscape: Landscape;
  /** The recommended policy against the incumbent; null where none is recommended. */
  readonly comparison: Evaluation | null;
  readonly manifest: SweepManifest;
}

/** Everything needed to make a sweep again; only `timing` may differ between two. */
export interface SweepManifest {
  readonly format: "hindsight-sweep";
  readonly engineVersion: string;
  readonly history: { readonly digest: string; readonly samples: number };
  readonly base: { readonly name: string; readonly digest: string };
  readonly vary: readonly string[];
  readonly design: Design;
  readonly people: EvaluateOptions["people"];
  readonly costs: Costs;
  readonly seed: number;
  readonly replicates: number;
  readonly policies: number;
  /** Distinct detections, and how often the samples were read for them. */
  readonly detections: number;
  readonly passes: number;
  readonly notes: readonly string[];
  readonly timing: { readonly startedAt: string; readonly seconds: number };
}

/** Resamples behind "how often on the frontier". */
const FRONTIER_RESAMPLES = 200;
const FLIPS = 2000;

export async function sweep(
  history: History,
  base: Base,
  vary: readonly string[],
  dimensions: readonly Dimension[],
  design: Design,
  options: EvaluateOptions,
): Promise<Sweep> {
  const startedAt = new Date();
  const began = performance.now();
  const variations = variationsOf(base, dimensions, design);
  const pure = (["full", "override", "approve"] as const).map((tier) => ({
    name: `all ${tier}`,
    what: `everybody in tier ${tier}`,
    policy: withTier(base, tier),
  }));
  const policies = [
    base.policy,
    ...variations.map(({ policy }) => policy),
    ...pure.map(({ policy }) => policy),
  ];
  const notes = unmatchedSignals(history, [base.policy]);
  const { from, to } = history.manifest;
  const periods = periodsOf(Date.parse(from ?? ""), Date.parse(to ?? ""));
  const { scale } = options;
  const { table, detections, passes, judged } =
    scale === undefined || !isStored(history)
      ? await tableOf(history, policies, periods.edgesMs, options)
      : await tableThrough(scale, history, policies, periods.edgesMs, options);
  const whole: Span = [0, table.edgesMs.length - 1];
  const resamples = resamplesOf(table.services.length, options.replicates, options.seed);
  const swept = [0, ...variations.map((_, index) => index + 1)];
  const frontier = frontierOf(
    table,
    whole,
    swept,
    0,
    resamplesOf(
      table.services.length,
      Math.min(options.replicates, FRONTIER_RESAMPLES),
      options.seed,
    ),
  );
  const candidates = variations.map(({ distance }, index) => ({ row: index + 1, distance }));
  const recommendation = recommend(table, candidates, 0, periods, resamples, {
    flips: FLIPS,
    seed: options.seed,
  });
  const placed = variations.map(({ place, steps }, index) => ({ row: index + 1, place, steps }));
  const best = recommendation.candidate ?? recommendation.best?.candidate ?? null;
  const { verdict, comparison } = await confirm(
    history,
    base,
    variations,
    recommendation,
    judged,
    options,
  );
  const rows = policies.length;
  const landscape =
    best === null
      ? { kind: null, warnings: [] }
      : landscapeOf(table, dimensions, placed, best, periods.open, resamples);
  const idle = scoresOf(table, rows, whole).cost;
  const dearer = [
    { name: "What you have", cost: scoresOf(table, 0, whole).cost },
    ...(verdict.candidate === null
      ? []
      : [
          { name: "What is recommended", cost: scoresOf(table, verdict.candidate + 1, whole).cost },
        ]),
  ].filter(({ cost }) => cost > idle);
  const warnings = dearer.map(
    ({ name, cost }) =>
      `${name} costs ${cost.toFixed(0)} for 100 deployments, ${idle.toFixed(0)} if nobody ` +
      `acted at all: see whether the costs are yours, and look beyond what was varied.`,
  );
  return {
    base: base.policy,
    dimensions,
    variations,
    scores: swept.map((row) => scoresOf(table, row, whole)),
    anchors: [
      { name: "never", what: "nobody acts", scores: scoresOf(table, rows, whole) },
      {
        name: "oracle",
        what: "every regression rolled back at its onset, nothing else",
        scores: scoresOf(table, rows + 1, whole),
      },
      ...pure.map(({ name, what }, index) => ({
        name,
        what,
        scores: scoresOf(table, variations.length + 1 + index, whole),
      })),
    ],
    frontier,
    periods,
    recommendation: verdict,
    landscape: { ...landscape, warnings: [...landscape.warnings, ...warnings] },
    comparison,
    manifest: {
      format: "hindsight-sweep",
      engineVersion: ENGINE_VERSION,
      history: { digest: history.manifest.digest, samples: history.manifest.samples },
      base: { name: base.policy.policy, digest: base.policy.digest },
      vary,
      design,
      people: options.people,
      costs: options.costs ?? DEFAULT_COSTS,
      seed: options.seed,
      replicates: options.replicates,
      policies: policies.length,
      detections,
      passes,
      notes,
      timing: {
        startedAt: startedAt.toISOString(),
        seconds: Math.round(performance.now() - began) / 1000,
      },
    },
  };
}

/**
 * The last question to a recommendation: is it better whatever history hid? A sweep scores
 * what history's own rollback cut short by a model; a comparison resolves every such doubt
 * both ways.
 */
async function confirm(
  history: History,
  base: Base,
  variations: readonly Variation[],
  found: Recommendation,
  judged: JudgedBefore | null,
  options: EvaluateOptions,
): Promise<{ verdict: Recommendation; comparison: Evaluation | null }> {
  if (found.candidate === null) return { verdict: found, comparison: null };
  const { name, policy } = variations[found.candidate]!;
  const comparison = await evaluate(
    history,
    [base.policy, { ...policy, policy: name === base.policy.policy ? `${name}, changed` : name }],
    judged === null
      ? { ...options, glances: true }
      : { ...options, judged: [judged[0]!, judged[found.candidate + 1]!] },
  );
  const cost = comparison.differences.find(({ field }) => field === "cost")!;
  if (cost.verdict === "better") return { verdict: found, comparison };
  const reason =
    "its cost is lower, but not whatever the deployments would have done that history " +
    "rolled back itself";
  return {
    verdict: { ...found, verdict: "nothing", candidate: null, reasons: [reason] },
    comparison: null,
  };
}
