/**
 * Is a policy right as often as its confidence says, and how sure should it have to be?
 *
 * What it said is the confidence at the first question or, where it asked nothing, at the end of
 * the watch: both are moments at which the policy stopped for a reason of its own, while the
 * highest confidence of a watch would be biased upwards. It was right where the deployment is
 * labelled a regression. An unrelated incident is not the deployment's doing and counts as wrong,
 * however bad it looked.
 *
 * Questions are selected by their confidence, so they are shown beside all labelled deployments.
 * Biases: deployments that history rolled back before anything was asked are in neither, and these
 * may be the worst. A regression counts as right even where the question came before its onset.
 */

import type { Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import type { Recovery } from "../outcome/recovery.ts";
import type { Costs } from "./costs.ts";
import { tidy } from "./intervals.ts";
import {
  brierOf,
  brierParts,
  equalBins,
  isotonic,
  type Block,
  type BrierParts,
  type Forecast,
} from "./isotonic.ts";

/** With fewer regressions a curve is mostly chance (method 6), */
const POSITIVES_AT_LEAST = 50;
/** and so many bins take its place. */
const BINS = 3;

/** How what was said compares with what was so. */
export interface Reliability {
  readonly n: number;
  /** How many of them are regressions, and how many unrelated incidents. */
  readonly regressions: number;
  readonly unrelated: number;
  readonly meanConfidence: number;
  /** The share that are regressions. */
  readonly observed: number;
  /** Mean squared error of the confidence; 0 is best. */
  readonly brier: number;
  /** Null with fewer than 50 regressions. */
  readonly parts: BrierParts | null;
  /** 1 − Brier / (Brier of saying the policy's `changeFailureRate` of every deployment). */
  readonly skillAgainstPrior: number | null;
  /** 1 − Brier / (Brier of saying the observed share of every deployment). */
  readonly skillAgainstObserved: number | null;
  readonly by: "isotonic" | "bins";
  readonly curve: readonly Block[];
  /** Why something is missing; absent where nothing is. */
  readonly why?: string;
}

/** The confidence that a tier should ask for, by costs. */
export interface CostThreshold {
  readonly tier: "full" | "override" | "approve";
  /** The confidence that the policy asks for. */
  readonly policy: number;
  /** The confidence from which on the tier costs less than the next one down. */
  readonly costs: number;
  /** The same if a wrong act cost half as much, and if it cost twice as much. */
  readonly costsIfHalf: number;
  readonly costsIfDouble: number;
  /** What being wrong costs, and what being right saves. */
  readonly wrongCost: number;
  readonly rightSaves: number;
  /** From which confidence on it was right that often, and of how many; null where never. */
  readonly reached: { readonly from: number; readonly n: number } | null;
}

export interface Calibration {
  /** Of the first questions. */
  readonly proposals: Reliability | null;
  /** Of all labelled deployments, asked about or not. */
  readonly deployments: Reliability | null;
  readonly thresholds: readonly CostThreshold[] | null;
  /** Why something is null; absent where nothing is. */
  readonly why?: string;
}

/**
 * The calibration of one policy.
 *
 * @param outcomes of one draw: confidences are the same in all of them
 */
export function calibrationOf(
  outcomes: Listed<Outcome>,
  policy: Policy,
  costs: Costs,
  recovery: Recovery,
): Calibration {
  const none = { proposals: null, deployments: null, thresholds: null };
  if (policy.fusion !== "evidence") {
    return { ...none, why: "only `fusion: evidence` weighs its evidence" };
  }
  const standing = standingFor(outcomes);
  const seen = standing.filter(
    ({ label, censoredAtMs, proposedAtMs }) =>
      label !== "unknown" &&
      (censoredAtMs === null || (proposedAtMs !== null && proposedAtMs <= censoredAtMs)),
  );
  const prior = policy.evidence.changeFailureRate;
  const proposals = reliabilityOf(seen, ({ confidence }) => confidence, prior);
  const deployments = reliabilityOf(
    seen,
    ({ confidence, confidenceAtEnd }) => confidence ?? confidenceAtEnd,
    prior,
  );
  if (deployments === null) {
    return { ...none, why: "no labelled deployment of which anything was said" };
  }
  return {
    proposals,
    deployments,
    thresholds: thresholdsOf(standing, policy, costs, recovery, deployments),
    ...(proposals === null ? { why: "no labelled deployment was asked about" } : {}),
  };
}

function reliabilityOf(
  outcomes: Listed<Outcome>,
  saidOf: (outcome: Outcome) => number | null,
  prior: number,
): Reliability | null {
  const forecasts: Forecast[] = [];
  let unrelated = 0;
  for (const outcome of outcomes) {
    const said = saidOf(outcome);
    if (said === null) continue;
    forecasts.push({ said, isSo: outcome.label === "regression" });
    if (outcome.label === "unrelated_incident") unrelated++;
  }
  const n = forecasts.length;
  if (n === 0) return null;
  const regressions = forecasts.filter(({ isSo }) => isSo).length;
  const observed = regressions / n;
  const brier = brierOf(forecasts);
  const enough = regressions >= POSITIVES_AT_LEAST;
  const curve = enough ? isotonic(forecasts) : equalBins(forecasts, BINS);
  const saying = (share: number): number =>
    brierOf(forecasts.map(({ isSo }) => ({ said: share, isSo })));
  return {
    n,
    regressions,
    unrelated,
    meanConfidence: tidy(forecasts.reduce((sum, { said }) => sum + said, 0) / n),
    observed: tidy(observed),
    brier: tidy(brier),
    parts: enough ? tidied(brierParts(forecasts, curve)) : null,
    skillAgainstPrior: skill(brier, saying(prior)),
    skillAgainstObserved: skill(brier, saying(observed)),
    by: enough ? "isotonic" : "bins",
    curve: curve.map(tidied),
    ...(enough
      ? {}
      : { why: `${regressions} regressions: a curve needs ${POSITIVES_AT_LEAST}, so three bins` }),
  };
}

/** 1 − brier / reference; null where the reference has no error at all. */
function skill(brier: number, reference: number): number | null {
  return reference === 0 ? null : tidy(1 - brier / reference);
}

function tidied<Numbers extends object>(numbers: Numbers): Numbers {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, tidy(value as number)]),
  ) as Numbers;
}

/**
 * Acting pays where confidence × (what being right saves) is more than (1 − confidence) × (what
 * being wrong costs), so from a confidence of wrong / (wrong + saves) on (Elkan 2001).
 *
 * Each tier is compared with the next one down, whose person is taken to answer rightly, and just
 * when the time for an answer is over. So `full` saves the degradation during the override window
 * and may cost a wrong rollback; `override` saves the time by which an approval takes longer; a
 * wrong question for approval costs a page and its toil, and a right one saves what a regression
 * costs when nobody acts. Biases: people who veto within the window make `override` cheaper than
 * this, and people who answer sooner make both save less.
 */
function thresholdsOf(
  outcomes: Listed<Outcome>,
  { tiers }: Policy,
  costs: Costs,
  recovery: Recovery,
  { by, curve }: Reliability,
): readonly CostThreshold[] {
  const wrongRollback =
    costs.rollback + costs.falsePositive + costs.hoursPerFalsePositive * costs.toilHour;
  const wrongQuestion = costs.page + costs.hoursPerPage * costs.toilHour;
  const windowMs = tiers.override.windowMs;
  const slaMs = tiers.approve.slaMs;
  const approvedMs = askedAfterMs(outcomes) + slaMs + recovery.rollbackMs + recovery.recoveryMs;
  const saves = (ms: number): number => (Math.max(0, ms) / 60_000) * costs.degradedMinute;
  const rows = [
    { tier: "full", wrong: wrongRollback, right: saves(windowMs) },
    { tier: "override", wrong: wrongRollback, right: saves(slaMs - windowMs) },
    {
      tier: "approve",
      wrong: wrongQuestion,
      right: Math.max(0, saves(recovery.unaided.meanMs - approvedMs) - costs.rollback),
    },
  ] as const;
  return rows.map(({ tier, wrong, right }): CostThreshold => {
    const asked = (times: number): number =>
      wrong * times + right === 0 ? 1 : tidy((wrong * times) / (wrong * times + right));
    const needed = asked(1);
    const sure = by === "isotonic" ? curve.filter(({ observed }) => observed >= needed) : [];
    return {
      tier,
      policy: tiers[tier].confidence,
      costs: needed,
      costsIfHalf: asked(0.5),
      costsIfDouble: asked(2),
      wrongCost: tidy(wrong),
      rightSaves: tidy(right),
      reached:
        sure.length === 0
          ? null
          : { from: sure[0]!.from, n: sure.reduce((sum, { n }) => sum + n, 0) },
    };
  });
}

/** The mean time from a regression's onset to its question, in milliseconds; 0 without any. */
function askedAfterMs(outcomes: Listed<Outcome>): number {
  const waits = outcomes.flatMap(({ onsetAtMs, proposedAtMs }) =>
    onsetAtMs === null || proposedAtMs === null ? [] : [Math.max(0, proposedAtMs - onsetAtMs)],
  );
  return waits.length === 0 ? 0 : waits.reduce((sum, ms) => sum + ms, 0) / waits.length;
}
