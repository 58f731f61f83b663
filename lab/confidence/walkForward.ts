/**
 * How good a learned confidence is, on cases that it was not learned from: each case is judged by
 * what was learned from the labels known at its own moment, and never from later ones.
 *
 * Scored are the cases from the moment on at which enough labels were known (see learn.ts). The
 * reference is the share of regressions among the scored cases, which only hindsight knows: it is
 * harder to beat than the share known at the time.
 */

import { randomStream } from "../random.ts";
import { brierOf, type Forecast } from "../score/isotonic.ts";
import { DELAYS_MS, type Case } from "./cases.ts";
import { isRegression, knownBefore, learn, type Learned } from "./learn.ts";
import { tenthsOf, type Tenth } from "./reliability.ts";

/** It is learned again when a fiftieth more labels are known, not at every label. */
const GROWTH = 1.02;
const RESAMPLES = 1000;

/** What was said of a case at its moment, and whether it was so. */
export interface Said extends Forecast {
  readonly deploymentId: string;
  readonly service: string;
  readonly delayMs: number;
}

export interface Scores {
  readonly n: number;
  readonly regressions: number;
  /** Mean squared error, and that of saying the share of regressions of every case. */
  readonly brier: number;
  readonly baseBrier: number;
  /** Brier less its reference, with a 95 % interval over services: below zero is better. */
  readonly gain: { readonly value: number; readonly low: number; readonly high: number };
  /** Mean negative log likelihood in nats, and that of the share. */
  readonly logLoss: number;
  readonly baseLogLoss: number;
  readonly tenths: readonly Tenth[];
}

export interface WalkForward {
  /** Labelled cases, and those that came before enough labels were known. */
  readonly labelled: number;
  readonly regressions: number;
  readonly tooEarly: number;
  /** All labelled deployments: at the first alarm or, without one, at the end of the watch. */
  readonly deployments: Scores | null;
  /** Those with an alarm, by delay. */
  readonly alarms: readonly { readonly delayMs: number; readonly scores: Scores | null }[];
}

/** @param cases in the order of their moments */
export function walkForward(cases: readonly Case[], seed: number): WalkForward {
  const labelled = cases.filter(({ label }) => label !== "unknown");
  const first = saidOf(labelled, 0);
  const scored = new Set(first.map(({ deploymentId }) => deploymentId));
  const isAlarm = new Set(
    labelled.filter(({ ground }) => ground === "alarm").map(({ deploymentId }) => deploymentId),
  );
  return {
    labelled: labelled.length,
    regressions: labelled.filter(isRegression).length,
    tooEarly: labelled.filter(({ deploymentId }) => !scored.has(deploymentId)).length,
    deployments: scoresOf(first, seed),
    alarms: DELAYS_MS.map((delayMs, delay) => {
      const said = delay === 0 ? first : saidOf(labelled, delay);
      const alarms = said.filter(({ deploymentId }) => isAlarm.has(deploymentId));
      return { delayMs, scores: scoresOf(alarms, seed) };
    }),
  };
}

/** What would have been said of each case so long after its alarm, from labels known then. */
export function saidOf(cases: readonly Case[], delay: number): readonly Said[] {
  const said: Said[] = [];
  let learned: Learned | null = null;
  let from = 0;
  for (const one of cases) {
    if (delay > 0 && one.ground !== "alarm") continue;
    const delayMs = one.ground === "alarm" ? DELAYS_MS[delay]! : 0;
    const known = knownBefore(cases, one.atMs + delayMs, one.deploymentId);
    if (learned === null || known.length >= from * GROWTH) {
      learned = learn(known);
      from = known.length;
    }
    const seen = one.seen[delay] ?? null;
    const confidence = learned.of(one.ground, seen, delay);
    if (confidence === null) continue;
    const { deploymentId, service } = one;
    const isSo = isRegression(one);
    said.push({ deploymentId, service, delayMs, said: confidence.value, isSo });
  }
  return said;
}

/** How good what was said is; null of nothing. */
export function scoresOf(said: readonly Said[], seed: number): Scores | null {
  const n = said.length;
  if (n === 0) return null;
  const regressions = said.filter(({ isSo }) => isSo).length;
  const share = regressions / n;
  const base = said.map(({ isSo }): Forecast => ({ said: share, isSo }));
  const [brier, baseBrier] = [brierOf(said), brierOf(base)];
  return {
    n,
    regressions,
    brier,
    baseBrier,
    gain: { value: brier - baseBrier, ...gainInterval(said, share, seed) },
    logLoss: logLossOf(said),
    baseLogLoss: logLossOf(base),
    tenths: tenthsOf(said, seed),
  };
}

/** Mean negative log likelihood. A certain answer that is right costs nothing. */
function logLossOf(forecasts: readonly Forecast[]): number {
  const sum = forecasts.reduce(
    (total, { said, isSo }) => total - Math.log(isSo ? said : 1 - said),
    0,
  );
  return sum / forecasts.length;
}

/** Percentiles over resampled services: the cases of one service are alike. */
function gainInterval(said: readonly Said[], share: number, seed: number) {
  const byService = new Map<string, { sum: number; n: number }>();
  for (const one of said) {
    const own = byService.get(one.service) ?? { sum: 0, n: 0 };
    const isSo = Number(one.isSo);
    own.sum += (one.said - isSo) ** 2 - (share - isSo) ** 2;
    own.n += 1;
    byService.set(one.service, own);
  }
  const services = [...byService.values()];
  const means = Array.from({ length: RESAMPLES }, (_, replicate) => {
    const random = randomStream("confidence gain", seed, replicate);
    let sum = 0;
    let n = 0;
    for (let draw = 0; draw < services.length; draw++) {
      const drawn = random.pick(services);
      sum += drawn.sum;
      n += drawn.n;
    }
    return sum / n;
  }).sort((a, b) => a - b);
  return {
    low: means[Math.floor(RESAMPLES * 0.025)]!,
    high: means[Math.ceil(RESAMPLES * 0.975) - 1]!,
  };
}
