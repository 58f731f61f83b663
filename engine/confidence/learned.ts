/**
 * From what was seen to the confidence that the deployment is a regression, by numbers that labels
 * gave. Without labels there is only evidence, and the answer is null.
 *
 * What the labels support: were all n regressions of a ground alike, and this case as well, the
 * one-sided 95 % Clopper-Pearson bound of n out of n would be 0.05^(1/n). No confidence exceeds
 * that: ten regressions support 74 %, 59 support 95 %, 299 support 99 %.
 */

import { featuresFor, type Feature } from "./features.ts";
import type { ConfidenceModel } from "./model.ts";
import type { Seen } from "./seen.ts";

/** With fewer regressions, or fewer other deployments, nothing is learned. */
export const LABELS_AT_LEAST = 5;
const MISTAKE = 0.05;
/** The overall share counts as so many cases of a ground without an alarm. */
const PRIOR_CASES = 2;

/** `quiet`: judged healthy, no alarm. `unjudged`: no alarm, and too little data to judge. */
export type Ground = "alarm" | "quiet" | "unjudged";

/** Labelled cases, and how many of them were regressions. */
export interface Tally {
  readonly cases: number;
  readonly regressions: number;
}

export interface Logistic {
  readonly intercept: number;
  /** Of the features as they are, not standardised. */
  readonly coefficients: readonly number[];
}

/** A learned confidence, and what it rests on: the labelled cases of the same ground. */
export interface LearnedValue extends Tally {
  readonly value: number;
  /** What it would be without the cap. */
  readonly uncapped: number;
  readonly cap: number;
}

/** The largest confidence that so many regressions support. */
export function supportedBy(regressions: number): number {
  return regressions === 0 ? 0 : MISTAKE ** (1 / regressions);
}

export function isEnough({ cases, regressions }: Tally): boolean {
  return regressions >= LABELS_AT_LEAST && cases - regressions >= LABELS_AT_LEAST;
}

export function probabilityOf({ intercept, coefficients }: Logistic, row: readonly number[]) {
  const sum = coefficients.reduce(
    (total, beta, feature) => total + beta * row[feature]!,
    intercept,
  );
  return logistic(sum);
}

export function logistic(sum: number): number {
  return 1 / (1 + Math.exp(-sum));
}

/** What labels gave for cases of one ground. */
export interface LearnedOfGround {
  readonly labels: Tally;
  readonly alike: Tally;
  readonly features: readonly Feature[];
  /** After an alarm only; null: too few were seen that late. */
  readonly fitted: Logistic | null;
}

/** Null where the labels support no confidence, which is evidence only. */
export function confidenceFrom(
  { labels, alike, features, fitted }: LearnedOfGround,
  ground: Ground,
  seen: Seen | null,
): LearnedValue | null {
  if (!isEnough(labels)) return null;
  if (ground !== "alarm") return withoutAlarm(labels, alike);
  if (seen === null || fitted === null) return null;
  const uncapped = probabilityOf(
    fitted,
    features.map(({ of }) => of(seen)),
  );
  const cap = supportedBy(alike.regressions);
  return { value: Math.min(uncapped, cap), uncapped, cap, ...alike };
}

/** The share of such deployments, held near that of all where there are few. */
function withoutAlarm(all: Tally, alike: Tally): LearnedValue {
  const share = all.regressions / all.cases;
  const value = (alike.regressions + PRIOR_CASES * share) / (alike.cases + PRIOR_CASES);
  return { value, uncapped: value, cap: 1, ...alike };
}

/** The confidence so long after the alarm: the model of the latest delay that has passed speaks. */
export function learnedConfidence(
  model: ConfidenceModel,
  ground: Ground,
  seen: Seen | null,
  sinceAlarmMs: number,
): LearnedValue | null {
  const { labels, signals } = model;
  const features = featuresFor(signals);
  if (ground !== "alarm") {
    return confidenceFrom({ labels, alike: model[ground], features, fitted: null }, ground, seen);
  }
  const due = model.alarm.filter(({ delayMs }) => delayMs <= sinceAlarmMs).at(-1);
  if (due === undefined) return null;
  const { cases, regressions, fitted } = due;
  return confidenceFrom({ labels, alike: { cases, regressions }, features, fitted }, ground, seen);
}
