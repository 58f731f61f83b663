/**
 * A sweep: the base and its variations over one history, each reduced to a row of sums as
 * soon as it is decided. Policies that judge alike share one detection; what is new in a
 * tolerance or a detector costs one more fold of the readings.
 */

import { ENGINE_VERSION, type Policy } from "../../engine/index.ts";
import { tooFew } from "../compare/enough.ts";
import { evaluate, type EvaluateOptions } from "../compare/evaluate.ts";
import { isDrawn } from "../people/choose.ts";
import { unmetNotes } from "../compare/unmet.ts";
import type { Compared } from "../compare/print.ts";
import { scoredStretch, withinNotes, withinText, type WithinText } from "../compare/within.ts";
import { formatValue } from "../compare/words.ts";
import { DEFAULT_BUDGET, limitsOf } from "../gate/budget.ts";
import { gateOf, type Gate } from "../gate/gate.ts";
import { isStored, type History } from "../history/open.ts";
import { choosePeople, peopleAsked, type PeopleAsked } from "../people/choose.ts";
import { refuseEmpty, type JudgedBefore } from "../replay/replay.ts";
import type { EffectRule } from "../replay/splice.ts";
import { answered } from "../scale/answers.ts";
import { peopleIdentity } from "../scale/identity.ts";
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

const WEEK_MS = 604_800_000;

/** What a sweep finds out: plain data, kept whole for whoever asks the same again. */
interface Findings {
  /** Of the incumbent, then of every variation; over the whole history. */
  readonly scores: readonly Scores[];
  readonly anchors: readonly Anchor[];
  /** Places: 0 is the incumbent, then the variations. */
  readonly frontier: Frontier;
  readonly recommendation: Recommendation;
  readonly landscape: Landscape;
  /** The recommended policy against the incumbent; null where none is recommended. */
  readonly comparison: Compared | null;
  /** What the default budget says of it; null where nothing is recommended. */
  readonly gate: Pick<Gate, "verdict" | "checks"> | null;
  /** Distinct detections, and how often the samples were read for them. */
  readonly detections: number;
  readonly passes: number;
}

export interface Sweep extends Omit<Findings, "detections" | "passes"> {
  readonly base: Policy;
  readonly dimensions: readonly Dimension[];
  readonly variations: readonly Variation[];
  readonly periods: Periods;
  readonly manifest: SweepManifest;
}

/** Everything needed to make a sweep again; only `timing` may differ between two. */
export interface SweepManifest extends PeopleAsked {
  readonly format: "hindsight-sweep";
  readonly engineVersion: string;
  readonly timeZones: string;
  readonly history: { readonly digest: string; readonly samples: number };
  /** See `RunManifest`. */
  readonly within?: WithinText;
  readonly base: { readonly name: string; readonly digest: string };
  readonly vary: readonly string[];
  readonly design: Design;
  readonly costs: Costs;
  readonly seed: number;
  readonly replicates: number;
  /** Of the last check of a recommendation, which is a comparison. */
  readonly draws: number;
  readonly effect: EffectRule;
  readonly policies: number;
  /** See `Findings`. */
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
  refuseEmpty(history);
  const startedAt = new Date();
  const began = performance.now();
  const variations = variationsOf(base, dimensions, design);
  const pure = (["full", "override", "approve"] as const).map((tier) => ({
    name: `all ${tier}`,
    what: `everybody in tier ${tier}`,
    policy: withTier(base, tier),
  }));
  const notes = unmetNotes(history, [base.policy]);
  if (isDrawn(options.people)) {
    notes.push("Every policy meets the first draw of these people; `compare` takes several.");
  }
  const { within } = options;
  const stretch = scoredStretch(history.manifest, within);
  const periods = periodsOf(stretch.fromMs, stretch.toMs);
  if (within !== undefined) notes.unshift(...withinNotes(within, history));
  const tried = { base, vary, dimensions, variations, pure, periods };
  const { detections, passes, ...found } = await findThrough(history, tried, options);
  return {
    base: base.policy,
    dimensions,
    variations,
    periods,
    ...found,
    manifest: {
      format: "hindsight-sweep",
      engineVersion: ENGINE_VERSION,
      timeZones: process.versions["tz"] ?? "unknown",
      history: { digest: history.manifest.digest, samples: history.manifest.samples },
      ...(within === undefined ? {} : { within: withinText(within) }),
      base: { name: base.policy.policy, digest: base.policy.digest },
      vary,
      design,
      ...peopleAsked(options.people, choosePeople(history, options.people, options.seed)),
      costs: options.costs ?? DEFAULT_COSTS,
      seed: options.seed,
      replicates: options.replicates,
      draws: options.draws ?? 1,
      effect: options.effect ?? "hold",
      policies: 1 + variations.length + pure.length,
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

/** What is asked about the policies that are tried. */
interface Tried {
  readonly base: Base;
  /** The dimensions as they were written. */
  readonly vary: readonly string[];
  readonly dimensions: readonly Dimension[];
  readonly variations: readonly Variation[];
  /** Everybody in one tier. */
  readonly pure: readonly {
    readonly name: string;
    readonly what: string;
    readonly policy: Policy;
  }[];
  readonly periods: Periods;
}

/** What was found when the same was asked before, or else is found now. */
async function findThrough(
  history: History,
  tried: Tried,
  options: EvaluateOptions,
): Promise<Findings> {
  const find = (): Promise<Findings> => findingsOf(history, tried, options);
  const { base, vary, variations, pure } = tried;
  const { scale, people, costs = DEFAULT_COSTS, seed, replicates } = options;
  if (scale === undefined || !isStored(history)) return find();
  const { draws = 1, effect = "hold" } = options;
  const { answer, isKept } = await answered(
    scale,
    history,
    "sweep",
    () => [
      [base.policy.policy, base.policy.digest, pure.map(({ policy }) => policy.digest), vary],
      // A digest is a policy; the rest is what makes one of two policies the simpler one.
      variations.map(({ name, policy, distance, place, steps }) => [
        name,
        policy.digest,
        distance,
        place,
        steps,
      ]),
      [people, peopleIdentity(people), costs, seed, replicates, draws, effect],
      options.within === undefined ? null : withinText(options.within),
    ],
    find,
  );
  const policies = 1 + variations.length + pure.length;
  if (isKept) scale.tell?.({ policies, there: policies });
  return answer;
}

async function findingsOf(
  history: History,
  { base, dimensions, variations, pure, periods }: Tried,
  options: EvaluateOptions,
): Promise<Findings> {
  const policies = [
    base.policy,
    ...variations.map(({ policy }) => policy),
    ...pure.map(({ policy }) => policy),
  ];
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
  const { verdict, comparison, gate } = await confirm(
    history,
    base,
    variations,
    periods,
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
      `${name} costs ${formatValue("cost", cost)} for 100 deployments, ` +
      `${formatValue("cost", idle)} if nobody ` +
      `acted at all: see whether the costs are yours, and look beyond what was varied.`,
  );
  return {
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
    recommendation: verdict,
    landscape: { ...landscape, warnings: [...landscape.warnings, ...warnings] },
    comparison,
    gate,
    detections,
    passes,
  };
}

/**
 * The last question to a recommendation: is it better whatever history hid? A sweep scores
 * what history's own rollback cut short by a model; a comparison resolves every such doubt
 * both ways. And what the default budget says of it: a sweep asks for the lowest cost alone.
 */
async function confirm(
  history: History,
  base: Base,
  variations: readonly Variation[],
  { edgesMs }: Periods,
  found: Recommendation,
  judged: JudgedBefore | null,
  options: EvaluateOptions,
): Promise<Pick<Findings, "comparison" | "gate"> & { readonly verdict: Recommendation }> {
  if (found.candidate === null) return { verdict: found, comparison: null, gate: null };
  const { name, policy } = variations[found.candidate]!;
  const modelled = { limits: limitsOf(DEFAULT_BUDGET) };
  const evaluation = await evaluate(
    history,
    [base.policy, { ...policy, policy: name === base.policy.policy ? `${name}, changed` : name }],
    judged === null
      ? { ...options, modelled, causes: false, glances: true }
      : { ...options, modelled, causes: false, judged: [judged[0]!, judged[found.candidate + 1]!] },
  );
  const { policies, differences } = evaluation;
  const cost = differences.find(({ field }) => field === "cost")!;
  if (cost.verdict === "better") {
    const compared = policies.map((one) => ({ policy: one.policy }));
    const weeks = (edgesMs.at(-1)! - edgesMs[0]!) / WEEK_MS;
    const { verdict, checks } = gateOf(evaluation, DEFAULT_BUDGET, [], weeks);
    return {
      verdict: found,
      comparison: { policies: compared, differences },
      gate: { verdict, checks },
    };
  }
  const few = tooFew(cost);
  const reason =
    few === null
      ? `${name} is cheaper, but not whatever the deployments would have done that history ` +
        "rolled back itself"
      : `${name} is cheaper, but of too few to tell: ${few}`;
  return {
    verdict: { ...found, verdict: "nothing", candidate: null, reasons: [reason] },
    comparison: null,
    gate: null,
  };
}
