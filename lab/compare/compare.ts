/**
 * Policies side by side on the same deployments: paired differences against the
 * first one, with a verdict, and the deployments that end differently.
 */

import type { Listed } from "../history/listed.ts";
import { isEarlyRollback, isOpen, type Outcome } from "../outcome/outcome.ts";
import { assumptionsOf } from "./assumed.ts";
import { BOTH, inFavourOf, WITHOUT_A_PLAN, type Hidden, type Which } from "./bounds.ts";
import { discordantOf, type Discordant } from "./discordant.ts";
import { tooFew, tooFewDiffer } from "./enough.ts";
import type { Evaluated } from "./evaluate.ts";
import { FIELDS, type Field } from "../score/fields.ts";
import {
  differenceRange,
  intervalOf,
  standardErrorOf,
  tidy,
  type Interval,
  type Spread,
} from "../score/intervals.ts";
import { score, type Scored, type ScoreOptions } from "../score/scorecard.ts";
import { groundOf, ModelGround, NOT_MODELLED, widest } from "./grounds.ts";
import type { Limit } from "./margin.ts";
import type { ModelErrors, PairAgain, Tested } from "./modelled.ts";
import type { Draws } from "./changes.ts";
import type { Tipping } from "./tipping.ts";
import { designEffectOf, resolvesOf } from "./resolution.ts";
import { unseenBetween, withUnseen, type Unseen } from "./unseen.ts";
import { weightedGround, type Weighted } from "./weighted.ts";

/** A verdict on one ground. */
export interface GroundVerdict {
  readonly low: number | null;
  readonly high: number | null;
  readonly verdict: Verdict;
}

export type Verdict =
  "better" | "worse" | "not distinguishable" | "too few to tell" | "no evidence";

export interface Difference {
  readonly field: string;
  readonly candidatePolicy: string;
  readonly baseline: number | null;
  readonly candidate: number | null;
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly unit: Field["unit"];
  /** That of the ground it rests on; `low` and `high` are its interval. */
  readonly verdict: Verdict;
  /**
   * What better or worse rests on. `identified`: it holds whatever history hid. `modelled`: it
   * holds if the model of what was hidden is as good as it shows itself on this history. Null where
   * neither ground says better or worse.
   */
  readonly ground: "identified" | "modelled" | null;
  readonly identified: GroundVerdict;
  /** Null where history hid nothing of it, or nothing can be said on this ground. */
  readonly modelled: (GroundVerdict & { readonly errors: ModelErrors }) | null;
  /** Kinds of hidden deployments that count as the worst drawn of them: too few could be tested. */
  readonly untested: readonly Tested[];
  /** What would overturn a verdict by the model; null for every other one. */
  readonly tipping: Tipping | null;
  /** The same for the verdict that the candidate is worse by no more than a limit. */
  readonly tippingAtLimit: Tipping | null;
  /** How many observations it rests on, of the policy that has fewer. */
  readonly n: number;
  /** The smallest true difference this history would show four times in five; see resolution.ts. */
  readonly resolves: number | null;
  /** How much more the services' likeness widens it than single deployments would. */
  readonly designEffect: number | null;
  /** What this history has no case of; `low` and `high` are with it. Zeros where it has some. */
  readonly unseen: Unseen;
  /** As many equal services as these unequal ones count for. */
  readonly effectiveClusters: number;
  /** For counts and shares of single deployments; of the first draw, as flips are. */
  readonly discordant: Discordant | null;
  /** Single deployments that only one of the two treats rightly, hidden ones as first drawn. */
  readonly differing: number | null;
  /** Share of the difference that rests on what history hid; said of it above a fifth. */
  readonly hiddenShare: number | null;
  /**
   * Between which it lies for what history hid alone, were there no luck in it: no length of
   * such a history makes the interval narrower than that.
   */
  readonly hiddenLow: number | null;
  readonly hiddenHigh: number | null;
  /** By the coins of a policy that explored; absent where none says anything about it. */
  readonly weighted?: Weighted;
  /** How many deployments have a part in it that is assumed; means over the draws. */
  readonly assumed: AssumedIn;
}

export interface AssumedIn {
  /** History hid what a policy would have done: the interval covers whatever that is. */
  readonly bounded: number;
  /** History hid it from two policies that watch the same: they are taken to have seen the same. */
  readonly alike: number;
  /** A policy rolled back what history did not, or at another time: the recovery is modelled. */
  readonly modelled: number;
}

export interface Flip {
  readonly deploymentId: string;
  readonly service: string;
  readonly label: string;
  readonly candidatePolicy: string;
  readonly baseline: { readonly end: string; readonly rolledBack: boolean };
  readonly candidate: { readonly end: string; readonly rolledBack: boolean };
  /** Good for the team, bad for it, neither, or not to be told from this history. */
  readonly change: "better" | "worse" | "neutral" | "open";
  readonly why: string;
}

/** History hid nothing, so there is no other model of it and no test. */
const NOTHING_AGAIN: PairAgain = {
  ids: new Set(),
  tested: null,
  sizes: new Map(),
  models: [],
  coins: null,
};

/** The field counts no single deployments. */
const NOT_COUNTED = { discordant: null, differing: null };

/** What a comparison is made with. */
export interface Comparing {
  /** How outcomes of these deployments are scored. */
  readonly scoring: ScoreOptions;
  /** What is known of deployments that history hid. */
  readonly hidden?: Hidden;
  /** The two policies again, for verdicts by the model of what was hidden; see modelled.ts. */
  readonly again?: PairAgain | null;
  /** Margins of which verdicts are held against as well; see `tippingAtLimit`. */
  readonly limits?: readonly Limit[];
}

/**
 * Differences of every field that has a better direction, candidate minus baseline, with a verdict
 * on each of two grounds.
 *
 * `identified` holds whatever history hid: the widest of the paired bootstrap intervals under the
 * assumptions of bounds.ts. `modelled` holds if the model of what was hidden is as good as it shows
 * itself on this history (modelled.ts). Both only speak where there is enough to go by; see
 * enough.ts.
 */
export function differencesOf(
  baseline: Evaluated,
  candidate: Evaluated,
  { scoring, hidden = WITHOUT_A_PLAN, again = null, limits = [] }: Comparing,
): readonly Difference[] {
  const scoreAgain = (draws: readonly Listed<Outcome>[]): Scored => score(draws, scoring);
  const assumedIn = assumptionsOf(baseline, candidate);
  const pairs: (readonly [Scored, Scored])[] = [[baseline.scored, candidate.scored]];
  const resolved = new Map<Which, Draws>();
  const places = new Set<number>();
  const recoveries = new Set<number>();
  for (const side of BOTH) {
    const assumed = baseline.draws.map((outcomes, draw) =>
      inFavourOf(
        side,
        { policy: baseline.policy, outcomes },
        { policy: candidate.policy, outcomes: candidate.draws[draw]! },
        hidden,
      ),
    );
    if (side === "baseline") assumed.forEach(({ given }) => assumedIn.add(given));
    for (const { given } of assumed) {
      for (const { how, place } of given) {
        if (how === "bounded") places.add(place);
        else if (how === "recovery") recoveries.add(place);
      }
    }
    const draws = {
      baseline: assumed.map((one) => one.baseline),
      candidate: assumed.map((one) => one.candidate),
    };
    resolved.set(side, draws);
    if (assumed.every((one) => !one.doubts)) continue;
    pairs.push([scoreAgain(draws.baseline), scoreAgain(draws.candidate)]);
  }
  const isHidden = pairs.length > 1;
  const asked = again ?? (places.size === 0 ? NOTHING_AGAIN : null);
  const parts = { places: [...places], recoveries: [...recoveries] };
  const model =
    isHidden && asked !== null
      ? new ModelGround(baseline, candidate, asked, resolved, parts, scoring)
      : null;
  const coins = weightedGround(baseline, candidate, again?.coins ?? null, scoring);
  const seen = onlySeen(baseline, candidate);
  const seenOnly = seen === null ? null : scoreAgain(seen);
  const unseenOf = unseenBetween(baseline, candidate, scoring);
  return FIELDS.filter(({ better }) => better !== null).map((field): Difference => {
    const from = baseline.scored.values.get(field.name)!;
    const to = candidate.scored.values.get(field.name)!;
    const base = {
      field: field.name,
      candidatePolicy: candidate.policy.policy,
      baseline: nullable(from),
      candidate: nullable(to),
      unit: field.unit,
      ...(discordantOf(field.name, baseline.draws[0]!, candidate.draws[0]!) ?? NOT_COUNTED),
    };
    const spread = pairedSpread(field, baseline.scored, candidate.scored);
    const rests = {
      n: tidy(Math.min(...[baseline, candidate].map((one) => one.scored.counts.get(field.name)!))),
      effectiveClusters: spread.effectiveClusters,
    };
    const nothing = {
      ...rests,
      resolves: null,
      designEffect: null,
      unseen: { below: 0, above: 0 },
      hiddenShare: null,
      hiddenLow: null,
      hiddenHigh: null,
      assumed: assumedIn.of(field.name),
    };
    if (Number.isNaN(from) || Number.isNaN(to)) {
      const none = { low: null, high: null, verdict: "no evidence" } as const;
      const grounds = { ground: null, identified: none, modelled: null, untested: [] };
      const tipping = { tipping: null, tippingAtLimit: null };
      return { ...base, difference: null, ...none, ...grounds, ...tipping, ...nothing };
    }
    const few = tooFew(rests) !== null;
    const difference = tidy(to - from);
    const speak = (interval: Interval | null): GroundVerdict => {
      const verdict = verdictOf(field, difference, interval, few);
      const isTold = verdict === "better" || verdict === "worse";
      return {
        low: interval?.low ?? null,
        high: interval?.high ?? null,
        verdict: isTold && tooFewDiffer(base) !== null ? "too few to tell" : verdict,
      };
    };
    const isInterval = candidate.scored.clusters >= 2;
    const unseen = unseenOf(field, spread, rests.n);
    const sampled = isInterval
      ? withUnseen(intervalOf(spread), spread.value, unseen, spread.range)
      : null;
    const resolvedTo = pairs.slice(1).map((pair) => intervalOf(pairedSpread(field, ...pair)));
    const identified = speak(isInterval ? widest([sampled, ...resolvedTo]) : null);
    const found =
      model?.speak(field, sampled, speak, limits, base.baseline, identified) ?? NOT_MODELLED;
    const weighted = coins?.of(field, speak) ?? null;
    const { ground, told } = groundOf(identified, found.modelled);
    const assumed = pairs.map(
      ([before, after]) => after.values.get(field.name)! - before.values.get(field.name)!,
    );
    const error = isInterval ? standardErrorOf(spread) : 0;
    return {
      ...base,
      difference,
      ...told,
      ground,
      identified,
      ...found,
      ...nothing,
      unseen,
      ...(weighted === null ? {} : { weighted }),
      hiddenShare:
        seenOnly === null ? null : hiddenShareOf(to - from, to - seenOnly.values.get(field.name)!),
      hiddenLow: nullable(Math.min(...assumed)),
      hiddenHigh: nullable(Math.max(...assumed)),
      resolves: few
        ? null
        : resolvesOf(field, error, reachOf(difference, told), unseen, spread.range.high, [
            baseline,
            candidate,
          ]),
      designEffect: error === 0 ? null : designEffectOf(field.name, error, baseline, candidate),
    };
  });
}

/** The candidate's draws with the baseline's outcome wherever history hid either; null: none. */
function onlySeen(baseline: Evaluated, candidate: Evaluated): Outcome[][] | null {
  let hidden = 0;
  const draws = candidate.draws.map((outcomes, draw) =>
    outcomes.map((after, index) => {
      const before = baseline.draws[draw]!.at(index)!;
      if (before.censoredAtMs === null && after.censoredAtMs === null) return after;
      hidden++;
      return before;
    }),
  );
  return hidden === 0 ? null : draws;
}

function hiddenShareOf(difference: number, hidden: number): number | null {
  if (difference === 0 || Number.isNaN(hidden)) return null;
  return tidy(Math.abs(hidden / difference));
}

/** How far the interval reaches from the difference, on its longer side. */
function reachOf(difference: number, { low, high }: GroundVerdict): number {
  return low === null || high === null ? 0 : Math.max(difference - low, high - difference);
}

/** The difference's own spread: in each sample, and without each service, both policies' alike. */
export function pairedSpread(field: Field, baseline: Scored, candidate: Scored): Spread {
  const before = baseline.spreads.get(field.name)!;
  const after = candidate.spreads.get(field.name)!;
  const minus = (to: Float64Array, from: Float64Array): Float64Array =>
    to.map((value, index) => value - from[index]!);
  return {
    value: after.value - before.value,
    samples: minus(after.samples, before.samples),
    leftOut:
      after.leftOut === null || before.leftOut === null
        ? null
        : minus(after.leftOut, before.leftOut),
    effectiveClusters: Math.min(before.effectiveClusters, after.effectiveClusters),
    smooth: field.smooth,
    range: differenceRange(after.range, before.range),
  };
}

function verdictOf(
  field: Field,
  difference: number,
  interval: Interval | null,
  few: boolean,
): Difference["verdict"] {
  if (few && difference !== 0) return "too few to tell";
  if (interval === null) return difference === 0 ? "not distinguishable" : "no evidence";
  if (interval.low <= 0 && interval.high >= 0) return "not distinguishable";
  const lower = interval.high < 0;
  return lower === (field.better === "lower") ? "better" : "worse";
}

function nullable(value: number): number | null {
  return Number.isNaN(value) ? null : tidy(value);
}

/** Deployments whose end differs, in the order of the outcomes. */
export function flipsOf(
  baseline: Listed<Outcome>,
  candidate: Listed<Outcome>,
  candidatePolicy: string,
): readonly Flip[] {
  const flips: Flip[] = [];
  baseline.forEach((before, index) => {
    const after = candidate.at(index)!;
    if (before.end === after.end && before.rolledBack === after.rolledBack) return;
    flips.push({
      deploymentId: before.deploymentId,
      service: before.service,
      label: before.label,
      candidatePolicy,
      baseline: { end: before.end, rolledBack: before.rolledBack },
      candidate: { end: after.end, rolledBack: after.rolledBack },
      change: changeOf(before, after),
      why: after.reason,
    });
  });
  return flips;
}

function changeOf(before: Outcome, after: Outcome): Flip["change"] {
  // Of one without a recorded onset only the time is unknown, not what was done.
  const open = (one: Outcome): boolean =>
    isOpen(one) || (one.evidence === "bounded" && one.onsetAtMs !== null);
  if (open(before) || open(after)) return "open";
  if (before.rolledBack === after.rolledBack) return "neutral";
  // A regression rolled back before its onset is a wrong rollback, and no miss either.
  if (isEarlyRollback(before) || isEarlyRollback(after)) return "neutral";
  const rightToRollBack = after.label === "regression";
  const wrongToRollBack = after.label === "benign" || after.label === "expected_change";
  if (!rightToRollBack && !wrongToRollBack) return "neutral";
  return after.rolledBack === rightToRollBack ? "better" : "worse";
}
