/**
 * Evidence of several signals as one confidence that the deployment did harm.
 *
 *     E = Σ w_j·E_j      logit confidence = logit π + ln E
 *
 * E_j is the e-value of signal j, w_j its weight (the weights sum to one over the signals that
 * have a series), and π the share of deployments that go wrong.
 *
 * Why an average: the average of e-values is itself an e-value however the signals depend on
 * each other, and no other way of merging them is (Vovk and Wang 2021; Wang 2024). A product
 * would need independent signals, which metrics of one service never are.
 *
 * Known values at π = 5 %: E = 20 gives .51, 100 gives .84, 1000 gives .98.
 *
 * Bias: this is Bayes' rule with E in the place of the likelihood ratio. An e-value is such a
 * ratio for an alternative that the detector assumes, not for the true one, so a confidence of
 * 90 % is right nine times in ten only as far as π and the detectors' models are right. Measured
 * on the generated quarter under the shipped evidence.yaml (lab/score/calibration.ts): of
 * proposals with a confidence of 90 % on average, 27 % were right, and another 20 % were of
 * incidents that the deployment had not caused. Read it as a scale until labels calibrate it.
 *
 * Caps hold a confidence down where the evidence is of a kind that cannot support more.
 */

import { BASELINE_FOR_HEALTH } from "../detect/baseline/baselineLength.ts";
import type { Arm, SignalEvidence } from "../event.ts";
import { jsonObject, own, type JsonObject } from "../json.ts";
import type { Policy } from "../policy/policy.ts";

/** The cap on a short baseline, or where more than `MISSING_AT_MOST` of the samples are missing. */
const POOR_AT_MOST = 0.6;
/** As a share of the samples that were due since the deployment. */
const MISSING_AT_MOST = 0.2;
/** The cap where only one signal speaks against the deployment. */
export const ALONE_AT_MOST = 0.97;
/** A hard guard lifts the confidence to this, which every shipped tier is content with. */
const HARD_GUARD_AT_LEAST = 0.95;
/** A proposal is taken back when the confidence falls below this. */
export const WITHDRAWN_BELOW = 0.3;

export interface ConfidenceCap {
  readonly rule: "data quality" | "single signal";
  readonly atMost: number;
}

export interface Confidence {
  readonly value: number;
  /** What it would be without the caps. */
  readonly uncapped: number;
  /** Natural logarithm of E, the weighted mean of the signals' e-values. */
  readonly logE: number;
  readonly changeFailureRate: number;
  /** Of the signals that have a series; they sum to one. */
  readonly weights: JsonObject<number>;
  /** Those caps that lowered it. */
  readonly caps: readonly ConfidenceCap[];
  /** What a hard guard lifted it to at least; absent where none speaks. */
  readonly hardGuardAtLeast?: number;
}

/**
 * Does this signal speak against the deployment? Under `fusion: evidence` by evidence that
 * stands, under every other fusion by a breach, and always when its hard guard spoke.
 */
export function accuses({ standing, verdict, hardGuard }: SignalEvidence): boolean {
  if (hardGuard === true) return true;
  return standing === null ? verdict === "breach" : standing.tagged > 0;
}

function isPoor({ baselineSamples, missing }: SignalEvidence): boolean {
  return baselineSamples < BASELINE_FOR_HEALTH || (missing !== null && missing > MISSING_AT_MOST);
}

/** Bayes' rule in odds: a prior probability and an e-value in the place of a likelihood ratio. */
function posterior(prior: number, e: number): number {
  const odds = (prior / (1 - prior)) * e;
  return odds / (1 + odds);
}

/**
 * The confidence, from 0 to 1, that the deployment did harm. Null where no signal has a series,
 * and under every fusion but `evidence`.
 */
export function confidenceOf(
  policy: Policy,
  signals: readonly SignalEvidence[],
  arm: Arm,
): Confidence | null {
  const judged = policy.signals.flatMap(({ name }) => {
    const evidence = signals.find(({ signal }) => signal === name);
    const standing = evidence?.standing ?? null;
    if (evidence === undefined || standing === null) return [];
    return [{ name, weight: own(policy.evidence.weights, name)!, evidence, logE: standing[arm] }];
  });
  if (judged.length === 0) return null;
  const total = judged.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (counts: (evidence: SignalEvidence) => boolean): number =>
    judged.reduce(
      (sum, { weight, evidence, logE }) =>
        sum + (weight / total) * (counts(evidence) ? Math.exp(logE) : 1),
      0,
    );
  const { changeFailureRate } = policy.evidence;
  const e = mean(() => true);
  const uncapped = posterior(changeFailureRate, e);
  const caps: ConfidenceCap[] = [];
  let value = uncapped;
  const cap = (rule: ConfidenceCap["rule"], atMost: number): void => {
    if (value <= atMost) return;
    value = atMost;
    caps.push({ rule, atMost });
  };
  // Signals of good quality are not capped; what poor ones add lifts it to the cap at most.
  const sound = posterior(
    changeFailureRate,
    mean((evidence) => !isPoor(evidence)),
  );
  cap("data quality", Math.max(POOR_AT_MOST, sound));
  if (judged.filter(({ logE }) => logE > 0).length === 1) cap("single signal", ALONE_AT_MOST);
  const guarded = judged.some(({ evidence }) => evidence.hardGuard === true);
  return {
    value: guarded ? Math.max(value, HARD_GUARD_AT_LEAST) : value,
    uncapped,
    logE: Math.log(e),
    changeFailureRate,
    weights: jsonObject(judged.map(({ name, weight }) => [name, weight / total])),
    caps,
    ...(guarded ? { hardGuardAtLeast: HARD_GUARD_AT_LEAST } : {}),
  };
}
