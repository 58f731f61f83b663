/**
 * Evidence of several signals as one confidence that the deployment did harm.
 *
 *     E = Σ w_j·E_j      logit confidence = logit π + ln E
 *
 * with weights that sum to one over the signals that have a series, and π the share of
 * deployments that go wrong. The average of e-values is one whatever ties the signals
 * together, and no other rule is (Vovk and Wang 2021; Wang 2024); a product would need
 * them to be independent, which metrics of one service never are. Known values at π =
 * 5 %: E = 20 gives .51, 100 gives .84, 1000 gives .98.
 *
 * It is the posterior of a gambler who believes π and for whom E is a likelihood ratio;
 * an e-value is one for some alternative, not for the true one. Bias: a confidence of 90 %
 * is meant to be right nine times in ten, and is as right as π and the detectors' models
 * are. Measured on the generated quarter under the shipped
 * evidence.yaml (lab/score/calibration.ts): asked with 90 % on average, right in 27 %, and
 * in another 20 % it was an incident that the deployment had not caused. Read it as a scale
 * until it is put right by labels.
 *
 * Caps say what evidence of this kind cannot support, whatever its size.
 */

import { BASELINE_FOR_HEALTH } from "../detect/baseline/residual.ts";
import type { SignalEvidence } from "../event.ts";
import type { Policy } from "../policy/policy.ts";

/** On a short history or with a fifth of the samples missing nobody is surer than this. */
const POOR_AT_MOST = 0.6;
const MISSING_AT_MOST = 0.2;
/** Nor on one signal that no other supports. */
export const ALONE_AT_MOST = 0.97;
/** Harm that no tolerance is asked about is enough for every tier as it is shipped. */
const HARD_GUARD_AT_LEAST = 0.95;
/** A proposal is taken back below this. */
export const WITHDRAWN_BELOW = 0.3;

export interface ConfidenceCap {
  readonly rule: "data quality" | "single signal";
  readonly atMost: number;
}

export interface Confidence {
  readonly value: number;
  /** Without caps. */
  readonly uncapped: number;
  /** Natural logarithm of the weighted mean. */
  readonly logE: number;
  readonly changeFailureRate: number;
  /** Of the signals that have a series; they sum to one. */
  readonly weights: Readonly<Record<string, number>>;
  /** The caps that held it down. */
  readonly caps: readonly ConfidenceCap[];
  /** What a hard guard lifted it to at least; absent where none speaks. */
  readonly hardGuardAtLeast?: number;
}

/** Does this signal speak against the deployment: by evidence where that is fused, or a breach? */
export function accuses({ standing, verdict, hardGuard }: SignalEvidence): boolean {
  if (hardGuard === true) return true;
  return standing === null ? verdict === "breach" : standing.tagged > 0;
}

function isPoor({ baselineSamples, missing }: SignalEvidence): boolean {
  return baselineSamples < BASELINE_FOR_HEALTH || (missing !== null && missing > MISSING_AT_MOST);
}

function posterior(prior: number, e: number): number {
  const odds = (prior / (1 - prior)) * e;
  return odds / (1 + odds);
}

/** Null where no signal has a series, and under every fusion but `evidence`. */
export function confidenceOf(
  policy: Policy,
  signals: Readonly<Record<string, SignalEvidence>>,
  arm: "tagged" | "untagged",
): Confidence | null {
  const judged = policy.signals.flatMap(({ name }) => {
    const evidence = signals[name];
    const standing = evidence?.standing ?? null;
    if (evidence === undefined || standing === null) return [];
    return [{ name, weight: policy.evidence.weights[name]!, evidence, logE: standing[arm] }];
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
  // What sound signals say on their own stands; poor ones may lift it to the cap.
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
    weights: Object.fromEntries(judged.map(({ name, weight }) => [name, weight / total])),
    caps,
    ...(guarded ? { hardGuardAtLeast: HARD_GUARD_AT_LEAST } : {}),
  };
}
