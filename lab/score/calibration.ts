/**
 * Is a policy as often right as it says it is sure, and how sure should it have to be?
 *
 * What was said: the confidence at the first question, and where nothing was asked the one
 * when the watch was over. Both are moments at which the policy stopped for a reason of its
 * own; the highest of a watch would say too much. What is so: that the deployment is
 * labelled a regression. An unrelated incident is not the deployment's doing and counts as
 * wrong, however bad it looked.
 *
 * Questions are selected by the confidence itself, so they stand beside all labelled
 * deployments. What history's rollback hid before anything was asked is in neither: of
 * all deployments the worst may be missing. One that is a regression counts as right even
 * where the question came before its onset.
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

/** With fewer a curve is mostly luck (method 6). */
const POSITIVES_AT_LEAST = 50;
const BINS = 3;

export interface Reliability {
  readonly n: number;
  /** Regressions among them, and unrelated incidents. */
  readonly regressions: number;
  readonly unrelated: number;
  readonly meanConfidence: number;
  /** What share were regressions. */
  readonly observed: number;
  readonly brier: number;
  /** Null with fewer than 50 regressions. */
  readonly parts: BrierParts | null;
  /** 1 − Brier / Brier of saying the policy's `changeFailureRate` of each. */
  readonly skillAgainstPrior: number | null;
  /** 1 − Brier / Brier of knowing the share beforehand and saying that of each. */
  readonly skillAgainstObserved: number | null;
  readonly by: "isotonic" | "bins";
  readonly curve: readonly Block[];
  /** Only where something is missing. */
  readonly why?: string;
}

export interface CostThreshold {
  readonly tier: "full" | "override" | "approve";
  /** What the policy asks for. */
  readonly policy: number;
  /** How often it must be right for acting to cost less than the next tier down. */
  readonly costs: number;
  /** The same if a wrong act cost half as much, and twice. */
  readonly costsIfHalf: number;
  readonly costsIfDouble: number;
  /** What being wrong costs, and what being right saves. */
  readonly wrongCost: number;
  readonly rightSaves: number;
  /** From what confidence on it was right so often, and how many were so sure; null: none. */
  readonly reached: { readonly from: number; readonly n: number } | null;
}

export interface Calibration {
  /** At the first question. */
  readonly proposals: Reliability | null;
  /** Of all that are labelled, asked about or not. */
  readonly deployments: Reliability | null;
  readonly thresholds: readonly CostThreshold[] | null;
  /** Only where something is null. */
  readonly why?: string;
}

/** @param outcomes of one draw: what was said does not depend on people's luck */
export function calibrationOf(
  outcomes: Listed<Outcome>,
  policy: Policy,
  costs: Costs,
  recovery: Recovery,
): Calibration {
  const none = { proposals: null, deployments: null, thresholds: null };
  if (policy.fusion !== "evidence") {
    return { ...none, why: "only `fusion: evidence` has a confidence" };
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

/** Null where what it is held against makes no error at all. */
function skill(brier: number, reference: number): number | null {
  return reference === 0 ? null : tidy(1 - brier / reference);
}

function tidied<Numbers extends object>(numbers: Numbers): Numbers {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, tidy(value as number)]),
  ) as Numbers;
}

/**
 * Acting pays where confidence × what being right saves exceeds (1 − confidence) × what
 * being wrong costs (Elkan 2001): from wrong / (wrong + saves) on.
 *
 * Each tier is held against the next one down, whose person is taken to answer when the
 * time for it is over, and rightly: so full saves its window of degradation and may cost a
 * wrong rollback; override saves what an approval would take longer; a wrong question for
 * approval costs a page and its toil, and a right one saves what a regression goes on when
 * nobody acts. Biases: people who veto in the window make override cheaper than this, and
 * people who answer sooner make either save less.
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

/** From the onset of a regression to its question, on average; at once where none was asked. */
function askedAfterMs(outcomes: Listed<Outcome>): number {
  const waits = outcomes.flatMap(({ onsetAtMs, proposedAtMs }) =>
    onsetAtMs === null || proposedAtMs === null ? [] : [Math.max(0, proposedAtMs - onsetAtMs)],
  );
  return waits.length === 0 ? 0 : waits.reduce((sum, ms) => sum + ms, 0) / waits.length;
}
