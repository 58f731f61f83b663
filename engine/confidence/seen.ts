/**
 * What the detectors saw of a deployment by one moment, as numbers that a model can weigh. All are
 * finite. Nothing here asks for a label, so a replay and a live host see the same.
 */

import { accuses } from "../decide/confidence.ts";
import type { Deployment, DeploymentKind, SignalEvidence } from "../event.ts";

/** Beyond a ratio of twenty, more of it says no more. */
const RATIO_AT_MOST = 20;

/** What the detectors saw of a deployment that had an alarm; every number is finite. */
export interface Seen {
  /** Logarithm of the largest effect over its tolerance, from 0. */
  readonly excess: number;
  /** Logarithm of one plus the largest statistic over its limit. */
  readonly strength: number;
  /** The share of the judged signals that speak against the deployment. */
  readonly agreeing: number;
  /** 1 where the alarm still stands, 0 where it is over. */
  readonly standing: number;
  /** Logarithm of one plus the minutes from the start to the first alarm. */
  readonly delay: number;
  /** Logarithm of one plus the number of other services with an alarm in the ten minutes before. */
  readonly elsewhere: number;
  /** Logarithm of one plus the alarms of this service in the two weeks before. */
  readonly habit: number;
  /** 1 where any context tag was known about the deployment. */
  readonly declared: number;
  /** The signals that speak against the deployment by then. */
  readonly accusing: readonly string[];
  readonly kind: DeploymentKind;
}

/** The largest ratios so far: they outlast the evidence that showed them. */
export interface WorstRatios {
  /** Of an effect to its tolerance, 1 or more. */
  readonly effect: number;
  /** Of a statistic to its limit. */
  readonly statistic: number;
}

export const NO_RATIOS: WorstRatios = { effect: 1, statistic: 0 };

/** The largest ratios after one more judgement; only what speaks against the deployment counts. */
export function worstRatiosWith(worst: WorstRatios, evidence: SignalEvidence): WorstRatios {
  if (!accuses(evidence)) return worst;
  return {
    effect: Math.max(worst.effect, ratio(evidence.effect, evidence.tolerance)),
    statistic: Math.max(worst.statistic, ratio(evidence.statistic, evidence.limit)),
  };
}

/** What is known at the moment that is asked about. */
export interface Sight {
  readonly deployment: Pick<Deployment, "startedAtMs" | "kind">;
  readonly alarmAtMs: number;
  readonly signals: readonly SignalEvidence[];
  readonly worst: WorstRatios;
  readonly stands: boolean;
  readonly isDeclared: boolean;
  /** Other services with an alarm in the ten minutes before. */
  readonly servicesElsewhere: number;
  /** Alarms of this service in the two weeks before. */
  readonly alarmsBefore: number;
}

export function seenIn(sight: Sight): Seen {
  const { deployment, alarmAtMs, worst } = sight;
  const judged = sight.signals.filter(({ series }) => series !== null);
  const accusing = judged.filter(accuses);
  return {
    excess: Math.log(worst.effect),
    strength: Math.log1p(worst.statistic),
    agreeing: judged.length === 0 ? 0 : accusing.length / judged.length,
    standing: sight.stands ? 1 : 0,
    delay: Math.log1p(Math.max(0, alarmAtMs - deployment.startedAtMs) / 60_000),
    elsewhere: Math.log1p(sight.servicesElsewhere),
    habit: Math.log1p(sight.alarmsBefore),
    declared: sight.isDeclared ? 1 : 0,
    accusing: accusing.map(({ signal }) => signal),
    kind: deployment.kind,
  };
}

/** |a| / |b| within 0 and 20; 0 where either is missing. */
function ratio(amount: number | null, of: number | null): number {
  if (amount === null || of === null || amount === 0) return 0;
  const times = Math.abs(amount / of);
  return Number.isNaN(times) ? 0 : Math.min(RATIO_AT_MOST, times);
}
