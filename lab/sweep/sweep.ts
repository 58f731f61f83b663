/**
 * A sweep: the base and its variations over one history, each reduced to a row of sums as
 * soon as it is decided. Policies that judge alike share one detection; what is new in a
 * tolerance or a detector costs one more fold of the readings.
 */

import { ENGINE_VERSION, type JsonObject, type Policy } from "../../engine/index.ts";
import type { EvaluateOptions } from "../compare/evaluate.ts";
import { marginOf } from "../compare/margin.ts";
import { isDrawn } from "../people/choose.ts";
import { unmetNotes } from "../compare/unmet.ts";
import type { Compared } from "../compare/print.ts";
import {
  scoredStretch,
  scoredWeeks,
  withinNotes,
  withinText,
  type WithinText,
} from "../compare/within.ts";
import { formatValue } from "../compare/words.ts";
import { DEFAULT_BUDGET, type Budget } from "../gate/budget.ts";
import type { Gate } from "../gate/gate.ts";
import type { Answers } from "../history/answered.ts";
import { isStored, type History } from "../history/open.ts";
import { choosePeople, peopleAsked, peopleContent, type PeopleAsked } from "../people/choose.ts";
import { refuseEmpty } from "../replay/replay.ts";
import type { EffectRule } from "../replay/splice.ts";
import { DEFAULT_COSTS, pricedFor, type Costs } from "../score/costs.ts";
import type { Dimension } from "./dimension.ts";
import { frontierOf, scoresOf, type Frontier, type Scores } from "./frontier.ts";
import { gateAll, shownFirst, toBeGated, withinLimits, type Gated } from "./gated.ts";
import { landscapeOf, type Landscape } from "./landscape.ts";
import { periodsOf, type Periods, type Span } from "./periods.ts";
import { recommend, type Recommendation } from "./recommend.ts";
import { resamplesOf } from "./resample.ts";
import { tableOf, type Tables } from "./rows.ts";
import { variationsOf, withTier, type Base, type Design, type Variation } from "./variations.ts";

export interface Anchor {
  readonly name: string;
  readonly what: string;
  readonly scores: Scores;
}

/** What a sweep finds out: plain data, kept whole for whoever asks the same again. */
interface Findings {
  /**
   * Of the incumbent, then of every variation; over the whole history. Those of `compared` are as
   * `compare` scores them; the others count what history hid as not rolled back.
   */
  readonly scores: readonly Scores[];
  /** Places, as those of the frontier. */
  readonly compared: readonly number[];
  /** Variations that are held against the budget. */
  readonly gated: readonly Gated[];
  readonly anchors: readonly Anchor[];
  /** Places: 0 is the incumbent, then the variations. */
  readonly frontier: Frontier;
  readonly recommendation: Recommendation;
  readonly landscape: Landscape;
  /** The recommended policy against the incumbent; null where none is recommended. */
  readonly comparison: Compared | null;
  /** What the budget says of it; null where nothing is recommended. */
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
  /** What a recommendation must stay within. */
  readonly budget: BudgetDocument;
  readonly seed: number;
  readonly replicates: number;
  /** Of the policies that are compared; see `Sweep`. */
  readonly draws: number;
  readonly effect: EffectRule;
  readonly policies: number;
  /** See `Findings`. */
  readonly detections: number;
  readonly passes: number;
  readonly notes: readonly string[];
  readonly timing: { readonly startedAt: string; readonly seconds: number };
}

/** A budget as a budget file has it. */
interface BudgetDocument extends Omit<Budget, "guards"> {
  readonly guards: JsonObject<string>;
}

export interface SweepOptions extends EvaluateOptions {
  /** The default budget where none is given. */
  readonly budget?: Budget | undefined;
  /** Keeps answers; absent: every one is made. */
  readonly answers?: Answers;
  /** Makes the table; absent: `tableOf`, from samples. */
  readonly tables?: Tables;
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
  options: SweepOptions,
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
  const { within } = options;
  const stretch = scoredStretch(history.manifest, within);
  const periods = periodsOf(stretch.fromMs, stretch.toMs);
  if (within !== undefined) notes.unshift(...withinNotes(within, history));
  const tried = { base, vary, dimensions, variations, pure, periods };
  const { detections, passes, ...found } = await findThrough(history, tried, options);
  if (isDrawn(options.people) && found.compared.length <= variations.length) {
    notes.push(
      "Variations that are not compared meet the first draw of these people (`compared` in JSON).",
    );
  }
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
      costs: pricedFor(history.tables.services, options.costs ?? DEFAULT_COSTS),
      budget: budgetDocument(options.budget ?? DEFAULT_BUDGET),
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

function budgetDocument({ guards, ...others }: Budget): BudgetDocument {
  const named = guards.map(({ field, margin }) => [field.name, margin.text]);
  return { guards: Object.fromEntries(named) as JsonObject<string>, ...others };
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
  options: SweepOptions,
): Promise<Findings> {
  const find = (): Promise<Findings> => findingsOf(history, tried, options);
  const { base, vary, variations, pure } = tried;
  const { answers, people, costs = DEFAULT_COSTS, seed, replicates } = options;
  if (answers === undefined || !isStored(history)) return find();
  const { draws = 1, effect = "hold", budget = DEFAULT_BUDGET } = options;
  const question = (): unknown => [
    [base.policy.policy, base.policy.digest, pure.map(({ policy }) => policy.digest), vary],
    // A digest is a policy; the rest is what makes one of two policies the simpler one.
    variations.map(({ name, policy, distance, place, steps }) => [
      name,
      policy.digest,
      distance,
      place,
      steps,
    ]),
    [people, peopleContent(people), costs, seed, replicates, draws, effect],
    budgetDocument(budget),
    options.within === undefined ? null : withinText(options.within),
  ];
  const policies = 1 + variations.length + pure.length;
  const asked = { past: history, kind: "sweep", question, policies };
  return (await answers.answer(asked, find)).answer;
}

async function findingsOf(
  history: History,
  { base, dimensions, variations, pure, periods }: Tried,
  options: SweepOptions,
): Promise<Findings> {
  const policies = [
    base.policy,
    ...variations.map(({ policy }) => policy),
    ...pure.map(({ policy }) => policy),
  ];
  const { tables = { of: tableOf } } = options;
  const { edgesMs } = periods;
  const { table, detections, passes, judged } = await tables.of(
    history,
    policies,
    edgesMs,
    options,
  );
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
  const { budget = DEFAULT_BUDGET, ...asked } = options;
  const screened = swept.map((row) => scoresOf(table, row, whole));
  const weeks = scoredWeeks(history.manifest, options.within);
  const missMargin = missesAllowed(budget, screened[0]!.missRate, weeks);
  const recommendAmong = (among?: ReadonlySet<number>): Recommendation => {
    const rules = { flips: FLIPS, seed: options.seed, missMargin };
    const limited = among === undefined ? rules : { ...rules, among };
    return recommend(table, candidates, 0, periods, resamples, limited);
  };
  const cheapest = recommendAmong();
  const placed = variations.map(({ place, steps }, index) => ({ row: index + 1, place, steps }));
  const best = cheapest.candidate ?? cheapest.best?.candidate ?? null;
  const shown = shownFirst(frontier, screened);
  const { compared, gated } = await gateAll(
    history,
    namedApart(base.policy, variations, pure),
    {
      places: toBeGated(variations.length, shown, cheapest),
      pure: pure.map((_, at) => 1 + variations.length + at),
    },
    judged,
    budget,
    asked,
  );
  const nameOf = (candidate: number): string => variations[candidate]!.name;
  const verdict = withinLimits(cheapest, gated, recommendAmong, nameOf);
  const chosen = gated.find(({ place }) => place === (verdict.candidate ?? -1) + 1) ?? null;
  const found = verdict.candidate === null ? null : chosen;
  const known = new Map(compared.map((one) => [one.place, one]));
  const scoresAt = (place: number): Scores =>
    known.get(place)?.scores ?? scoresOf(table, place, whole);
  const rows = policies.length;
  const landscape =
    best === null
      ? { kind: null, warnings: [] }
      : landscapeOf(table, dimensions, placed, best, periods.open, resamples);
  const idle = scoresOf(table, rows, whole).cost;
  const dearer = [
    { name: "What you have", cost: scoresAt(0).cost },
    ...(found === null ? [] : [{ name: "What is recommended", cost: scoresAt(found.place).cost }]),
  ].filter(({ cost }) => cost > idle);
  const warnings = dearer.map(
    ({ name, cost }) =>
      `${name} costs ${formatValue("cost", cost)} for 100 deployments, ` +
      `${formatValue("cost", idle)} if nobody ` +
      `acted at all: see whether the costs are yours, and look beyond what was varied.`,
  );
  return {
    scores: swept.map(scoresAt),
    compared: compared.map(({ place }) => place).filter((place) => place <= variations.length),
    gated,
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
        scores: scoresAt(variations.length + 1 + index),
      })),
    ],
    frontier: {
      ...frontier,
      intervals: swept.map((place) => known.get(place)?.intervals ?? frontier.intervals[place]!),
      reasons: swept.map((place) => known.get(place)?.reasons ?? frontier.reasons[place]!),
    },
    recommendation: verdict,
    landscape: { ...landscape, warnings: [...landscape.warnings, ...warnings] },
    comparison:
      found === null
        ? null
        : {
            policies: [base.policy, variations[found.place - 1]!.policy].map((policy) => ({
              policy,
            })),
            differences: found.differences,
          },
    gate: found === null ? null : found.gate,
    detections,
    passes,
  };
}

/** How much larger the share of missed regressions may be, by the budget. */
function missesAllowed({ guards }: Budget, now: number, weeks: number): number {
  const guard = guards.find(({ field }) => field.name === "missRate");
  if (guard === undefined) return Number.POSITIVE_INFINITY;
  return marginOf(guard.margin, Number.isNaN(now) ? null : now, weeks) ?? 0;
}

/** All policies of a sweep by names of their own, as those that are compared must have. */
function namedApart(
  base: Policy,
  variations: readonly Variation[],
  pure: Tried["pure"],
): readonly Policy[] {
  const others = [...variations, ...pure].map(({ name, policy }) => {
    return { ...policy, policy: name === base.policy ? `${name}, changed` : name };
  });
  return [base, ...others];
}
