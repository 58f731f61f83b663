/**
 * The confidence that a deployment is a regression, learned from cases whose labels were known.
 *
 * After an alarm: a logistic model of what the detectors saw, one for each delay since the alarm.
 * Without an alarm: the share of such deployments that were regressions, held near the overall
 * share where there are few. An unrelated incident is not the deployment's doing and counts as no
 * regression.
 *
 * No confidence exceeds what the labels support (engine/confidence/learned.ts).
 *
 * Without enough labels there is no confidence, only the detectors' evidence.
 */

import {
  confidenceFrom,
  LABELS_AT_LEAST,
  featuresFor,
  isEnough,
  type Feature,
  type Ground,
  type LearnedValue,
  type Logistic,
  type Seen,
  type Tally,
} from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Case } from "./cases.ts";
import { fitLogistic } from "./logistic.ts";

/** What was learned from the cases whose labels were known at one moment. */
export interface Learned {
  readonly features: readonly Feature[];
  readonly labels: Tally;
  /** Of the cases of a ground; of those with an alarm, the ones that were seen that late. */
  readonly tallyAt: (ground: Ground, delay: number) => Tally;
  /** Null where too few cases were seen that late. */
  readonly modelAt: (delay: number) => Logistic | null;
  /** The confidence in a case, or null where the labels support none. */
  readonly of: (ground: Ground, seen: Seen | null, delay: number) => LearnedValue | null;
}

export function isRegression({ label }: Pick<Case, "label">): boolean {
  return label === "regression";
}

/** The cases whose labels were known before a moment; a case never learns from its own label. */
export function knownBefore(cases: readonly Case[], atMs: number, asked: string): readonly Case[] {
  return cases.filter(
    ({ label, knownAtMs, deploymentId }) =>
      label !== "unknown" && knownAtMs < atMs && deploymentId !== asked,
  );
}

/** Learns from these cases; all of their labels have to be known. */
export function learn(cases: readonly Case[]): Learned {
  const labels = tallyOf(cases);
  const features = featuresFor(signalsOf(cases));
  const models = new Map<number, Logistic | null>();
  const modelAt = (delay: number) =>
    getOrMake(models, delay, () => modelOf(cases, features, delay));
  const tallyAt = (ground: Ground, delay: number) =>
    tallyOf(
      cases.filter(
        (one) => one.ground === ground && (ground !== "alarm" || one.seen[delay] !== null),
      ),
    );
  return {
    features,
    labels,
    modelAt,
    tallyAt,
    of: (ground, seen, delay) => {
      const alike = tallyAt(ground, delay);
      const fitted = ground === "alarm" ? modelAt(delay) : null;
      return confidenceFrom({ labels, alike, features, fitted }, ground, seen);
    },
  };
}

function tallyOf(cases: readonly Case[]): Tally {
  return { cases: cases.length, regressions: cases.filter(isRegression).length };
}

/** Every signal that spoke against any of these deployments. */
export function signalsOf(cases: readonly Case[]): readonly string[] {
  return [
    ...new Set(cases.flatMap(({ seen }) => seen.flatMap((one) => one?.accusing ?? []))),
  ].sort();
}

function modelOf(
  cases: readonly Case[],
  features: readonly Feature[],
  delay: number,
): Logistic | null {
  const rows: (readonly number[])[] = [];
  const isSo: boolean[] = [];
  for (const one of cases) {
    const seen = one.seen[delay] ?? null;
    if (seen === null) continue;
    rows.push(features.map(({ of }) => of(seen)));
    isSo.push(isRegression(one));
  }
  const positives = isSo.filter(Boolean).length;
  if (!isEnough({ cases: isSo.length, regressions: positives }))
    return alwaysSame(isSo.length, positives, features.length);
  return fitLogistic(
    rows,
    isSo,
    features.map(({ direction }) => direction),
  );
}

/**
 * Where nearly all alarms ended one way, no feature can be learned: all of them get the share that
 * did, with one case of either kind added (the rule of succession).
 */
function alwaysSame(cases: number, positives: number, features: number): Logistic | null {
  if (cases < LABELS_AT_LEAST) return null;
  const odds = (positives + 1) / (cases - positives + 1);
  return { intercept: Math.log(odds), coefficients: new Array<number>(features).fill(0) };
}
