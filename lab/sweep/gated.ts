/**
 * The candidates of a sweep as `compare` scores them and as the gate judges them. A sweep decides
 * every variation once and counts what history hid as not rolled back, which thousands can afford.
 * What it shows and what it recommends is evaluated again here: one definition of every score.
 */

import type { Policy } from "../../engine/index.ts";
import type { Difference } from "../compare/compare.ts";
import { evaluate, type EvaluateOptions } from "../compare/evaluate.ts";
import { scoredWeeks } from "../compare/within.ts";
import { limitsOf, type Budget } from "../gate/budget.ts";
import { gateOf, type Gate } from "../gate/gate.ts";
import { tooFew } from "../compare/enough.ts";
import { beyond, changeVerdict, type ChangeVerdict } from "../gate/verdict.ts";
import type { History } from "../history/open.ts";
import type { JudgedBefore } from "../replay/judgements.ts";
import { knownFrom } from "../replay/known.ts";
import type { Interval } from "../score/intervals.ts";
import { estimateIn, type Estimate, type Scorecard } from "../score/scorecard.ts";
import {
  groupsOn,
  type Frontier,
  type Intervals,
  type ObjectiveName,
  type Reasons,
  type Scores,
} from "./frontier.ts";
import type { Recommendation } from "./recommend.ts";

/** So many variations are evaluated as `compare` does it; a small sweep is evaluated whole. */
const GATED_AT_MOST = 15;

/** One policy of a sweep, scored as `compare` scores it. */
export interface Compared {
  /** Among the policies of the sweep: 0 is the incumbent, then the variations, then one tier. */
  readonly place: number;
  readonly scores: Scores;
  readonly intervals: Intervals;
  readonly reasons: Reasons;
}

/** The change from the incumbent to one variation, held against the budget. */
export interface Gated {
  /** As `place` of `Compared`. */
  readonly place: number;
  readonly gate: Pick<Gate, "verdict" | "checks">;
  readonly change: ChangeVerdict;
  readonly differences: readonly Difference[];
}

export interface AllGated {
  readonly compared: readonly Compared[];
  readonly gated: readonly Gated[];
}

/** The variations that a sweep shows first: one of each group on the frontier, by share. */
export function shownFirst(
  frontier: Pick<Frontier, "members" | "alike" | "membership">,
  scores: readonly Scores[],
): readonly (readonly number[])[] {
  const costOf = ([first]: readonly number[]): number => scores[first!]!.cost;
  const shareOf = ([first]: readonly number[]): number => frontier.membership[first!]!;
  return [...groupsOn(frontier)]
    .sort((a, b) => shareOf(b) - shareOf(a) || costOf(a) - costOf(b))
    .slice(0, GATED_AT_MOST);
}

/** Places of the variations that are held against the budget, in their order. */
export function toBeGated(
  variations: number,
  shown: readonly (readonly number[])[],
  { candidate, best }: Recommendation,
): readonly number[] {
  const all = Array.from({ length: variations }, (_, at) => at + 1);
  if (variations <= GATED_AT_MOST) return all;
  const asked = [candidate, best?.candidate ?? null].flatMap((at) => (at === null ? [] : [at + 1]));
  const firsts = shown.flatMap((group) => group.filter((place) => place > 0).slice(0, 1));
  const wanted = new Set([...asked, ...firsts]);
  return all.filter((place) => wanted.has(place));
}

/**
 * @param policies all of the sweep, each with a name of its own; the incumbent first
 * @param places of those that are held against the budget
 * @param pure places of those that are only scored
 * @param judged of all policies, where they are still known
 */
export async function gateAll(
  history: History,
  policies: readonly Policy[],
  { places, pure }: { readonly places: readonly number[]; readonly pure: readonly number[] },
  judged: JudgedBefore | null,
  budget: Budget,
  options: EvaluateOptions,
): Promise<AllGated> {
  const all = [0, ...places, ...pure];
  const asked = all.map((place) => policies[place]!);
  const known = judged === null ? null : { judged: all.map((place) => judged[place]!) };
  const evaluation = await evaluate(history, asked, {
    ...options,
    modelled: { limits: limitsOf(budget) },
    causes: false,
    ...(known === null ? { glances: true } : { judgements: knownFrom(known, options.judgements) }),
  });
  const weeks = scoredWeeks(history.manifest, options.within);
  const [incumbent, ...others] = evaluation.policies;
  const gated = places.map((place, at): Gated => {
    const candidate = others[at]!;
    const own = <One extends { readonly candidatePolicy: string }>(list: readonly One[]) =>
      list.filter(({ candidatePolicy }) => candidatePolicy === candidate.policy.policy);
    const differences = own(evaluation.differences);
    const flips = own(evaluation.flips);
    const two = { ...evaluation, policies: [incumbent!, candidate], differences, flips };
    const { verdict, checks } = gateOf(two, budget, [], weeks);
    const gate = { verdict, checks };
    const change = changeVerdict(policies[0]!, policies[place]!, differences, gate);
    return { place, gate, change, differences };
  });
  const compared = evaluation.policies.map(({ scored }, at): Compared => {
    return { place: all[at]!, ...shownScores(scored.scorecard, weeks) };
  });
  return { compared, gated };
}

/**
 * The recommendation that stays within the budget: the first one where it does, or else the next
 * one that does, or none.
 *
 * @param again recommends among some of the candidates
 */
export function withinLimits(
  cheapest: Recommendation,
  gated: readonly Gated[],
  again: (among: ReadonlySet<number>) => Recommendation,
  nameOf: (candidate: number) => string,
): Recommendation {
  const { candidate } = cheapest;
  if (candidate === null) return cheapest;
  const passing = gated.filter((one) => one.gate.verdict === "pass" && isCheaper(one));
  const among = new Set(passing.map(({ place }) => place - 1));
  if (among.has(candidate)) return cheapest;
  const why = refusal(
    nameOf(candidate),
    gated.find(({ place }) => place === candidate + 1)!,
  );
  const next = again(among);
  if (next.candidate !== null) {
    return { ...next, refused: candidate, reasons: [...next.reasons, why] };
  }
  return {
    ...cheapest,
    verdict: "nothing",
    candidate: null,
    refused: candidate,
    reasons: [why],
  };
}

const costOf = ({ differences }: Gated): Difference =>
  differences.find(({ field }) => field === "cost")!;

/** Whatever the deployments would have done that history rolled back. */
function isCheaper(one: Gated): boolean {
  return costOf(one).verdict === "better";
}

/** Why the choice by cost is not recommended, in words. */
function refusal(name: string, one: Gated): string {
  const { verdict, checks } = one.gate;
  if (verdict !== "pass") {
    const limits =
      verdict === "fail" ? "it breaks your limits" : "your limits are not shown to hold";
    return `${name} is cheaper, but ${limits}: ${beyond(checks, verdict)}`;
  }
  const few = tooFew(costOf(one));
  return few === null
    ? `${name} is cheaper, but not whatever the deployments would have done that history ` +
        "rolled back itself"
    : `${name} is cheaper, but of too few to tell: ${few}`;
}

/** The score of `compare` that each objective is, and what a sweep counts it in. */
const FIELD_OF: Readonly<Record<ObjectiveName | "missRate", string>> = {
  recoveryMinutes: "timeToRecovery.restrictedMean60m",
  falsePositiveRate: "falsePositiveRate",
  nightPages: "nightPages",
  cost: "cost",
  missRate: "missRate",
};

function shownScores(card: Scorecard, weeks: number): Omit<Compared, "place"> {
  const valueOf = (name: string): number => estimateIn(card, name).value ?? Number.NaN;
  const times: Readonly<Record<ObjectiveName, number>> = {
    recoveryMinutes: 1 / 60,
    falsePositiveRate: 1,
    nightPages: 1 / weeks,
    // A scorecard has the cost of all deployments.
    cost: 100 / valueOf("deployments"),
  };
  const estimate = (name: keyof typeof FIELD_OF): Estimate => estimateIn(card, FIELD_OF[name]);
  const names = Object.keys(times) as ObjectiveName[];
  const intervalOf = (name: ObjectiveName): Interval | null => {
    const { low, high } = estimate(name);
    const by = times[name];
    return low === null || high === null ? null : { low: low * by, high: high * by };
  };
  const whys = names.map((name) => [name, estimate(name).reason] as const);
  return {
    scores: {
      recoveryMinutes: valueOf(FIELD_OF.recoveryMinutes) * times.recoveryMinutes,
      falsePositiveRate: valueOf(FIELD_OF.falsePositiveRate),
      nightPages: valueOf(FIELD_OF.nightPages) * times.nightPages,
      cost: valueOf(FIELD_OF.cost) * times.cost,
      missRate: valueOf(FIELD_OF.missRate),
      rollbacks: valueOf("rollbacks"),
      falsePositives: valueOf("falsePositiveRollbacks"),
      pagesPerWeek: valueOf("pagesPerWeek"),
    },
    intervals: Object.fromEntries(names.map((name) => [name, intervalOf(name)])) as Intervals,
    reasons: Object.fromEntries(whys.filter(([, reason]) => reason !== undefined)),
  };
}
