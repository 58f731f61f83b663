/**
 * The confidence that a deployment is a regression, learned from cases whose labels were known.
 *
 * After an alarm: a logistic model of what the detectors saw, one for each delay since the alarm.
 * Without an alarm: the share of such deployments that were regressions, held near the overall
 * share where there are few. An unrelated incident is not the deployment's doing and counts as no
 * regression.
 *
 * What the labels support: were all n regressions of a ground alike, and this case as well, the
 * one-sided 95 % Clopper-Pearson bound of n out of n would be 0.05^(1/n). No confidence exceeds
 * that: ten regressions support 74 %, 59 support 95 %, 299 support 99 %.
 *
 * Without enough labels there is no confidence, only the detectors' evidence.
 */

import type { DeploymentKind } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Case, Ground, Seen } from "./cases.ts";
import { fitLogistic, probabilityOf, type Direction, type Logistic } from "./logistic.ts";

/** With fewer regressions, or fewer other deployments, nothing is learned. */
export const EACH_AT_LEAST = 5;
const MISTAKE = 0.05;
/** The overall share counts as so many cases of a ground without an alarm. */
const PRIOR_CASES = 2;

const KINDS: readonly DeploymentKind[] = ["config", "migration", "infrastructure", "feature_flag"];

export interface Feature {
  readonly name: string;
  readonly direction: Direction;
  readonly of: (seen: Seen) => number;
}

/** Of a policy's signals; code is the kind that the others are held against. */
export function featuresFor(signals: readonly string[]): readonly Feature[] {
  return [
    ...ALWAYS,
    ...signals.map((signal): Feature => ({
      name: `${signal} speaks against it`,
      direction: 1,
      of: ({ accusing }) => Number(accusing.includes(signal)),
    })),
  ];
}

const ALWAYS: readonly Feature[] = [
  { name: "effect over tolerance", direction: 1, of: ({ excess }) => excess },
  { name: "statistic over limit", direction: 1, of: ({ strength }) => strength },
  { name: "share of signals", direction: 1, of: ({ agreeing }) => agreeing },
  { name: "alarm still stands", direction: 1, of: ({ standing }) => standing },
  { name: "time from start to alarm", direction: -1, of: ({ delay }) => delay },
  { name: "alarms elsewhere", direction: -1, of: ({ elsewhere }) => elsewhere },
  { name: "alarms of this service before", direction: -1, of: ({ habit }) => habit },
  { name: "declared by a tag", direction: -1, of: ({ declared }) => declared },
  ...KINDS.map((kind): Feature => ({
    name: kind,
    direction: 0,
    of: (seen) => Number(seen.kind === kind),
  })),
];

/** A confidence, and what it rests on. */
export interface Confidence {
  readonly value: number;
  /** What it would be without the cap. */
  readonly uncapped: number;
  readonly cap: number;
  /** Labelled cases of the same ground, and how many of them were regressions. */
  readonly cases: number;
  readonly regressions: number;
}

/** What was learned from the cases whose labels were known at one moment. */
export interface Learned {
  readonly features: readonly Feature[];
  /** Null where too few cases were seen that late. */
  readonly modelAt: (delay: number) => Logistic | null;
  /** The confidence in a case, or null where the labels support none. */
  readonly of: (ground: Ground, seen: Seen | null, delay: number) => Confidence | null;
}

export function isRegression({ label }: Pick<Case, "label">): boolean {
  return label === "regression";
}

/** The largest confidence that so many regressions support. */
export function supportedBy(regressions: number): number {
  return regressions === 0 ? 0 : MISTAKE ** (1 / regressions);
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
  const regressions = cases.filter(isRegression).length;
  const isEnough = hasBoth(cases.length, regressions);
  const features = featuresFor(signalsOf(cases));
  const models = new Map<number, Logistic | null>();
  const modelAt = (delay: number) =>
    getOrMake(models, delay, () => modelOf(cases, features, delay));
  const counts = (ground: Ground, delay: number) => {
    const alike = cases.filter(
      (one) => one.ground === ground && (ground !== "alarm" || one.seen[delay] !== null),
    );
    return { cases: alike.length, regressions: alike.filter(isRegression).length };
  };
  return {
    features,
    modelAt,
    of: (ground, seen, delay) => {
      if (!isEnough) return null;
      const alike = counts(ground, delay);
      if (ground !== "alarm") {
        const share = regressions / cases.length;
        const value = (alike.regressions + PRIOR_CASES * share) / (alike.cases + PRIOR_CASES);
        return { value, uncapped: value, cap: 1, ...alike };
      }
      const model = modelAt(delay);
      if (seen === null || model === null) return null;
      const uncapped = probabilityOf(
        model,
        features.map(({ of }) => of(seen)),
      );
      const cap = supportedBy(alike.regressions);
      return { value: Math.min(uncapped, cap), uncapped, cap, ...alike };
    },
  };
}

function hasBoth(cases: number, regressions: number): boolean {
  return regressions >= EACH_AT_LEAST && cases - regressions >= EACH_AT_LEAST;
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
  if (!hasBoth(isSo.length, positives)) return alwaysSame(isSo.length, positives, features.length);
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
  if (cases < EACH_AT_LEAST) return null;
  const odds = (positives + 1) / (cases - positives + 1);
  return { intercept: Math.log(odds), coefficients: new Array<number>(features).fill(0) };
}
