/**
 * How long people take to answer, learnt from a history's own decisions, by shift.
 *
 * A censored maximum likelihood by expectation and maximisation (Dempster, Laird & Rubin
 * 1977) of a lognormal delay mixed with "nobody answers". A question that closed without
 * an answer is not "nobody": somebody may have looked and let it run, or have come too
 * late. Each shift is held to the defaults by 20 pseudo-observations spread over the
 * default's own quantiles, so a shift with two answers stays near the assumption.
 *
 * How often people are right is not fitted: a window that runs out leaves no trace of
 * who looked, so the recorded answers alone cannot say it. Those odds stay as given.
 *
 * Bias: delays of answers to escalations count from the first question.
 */

import type { DecisionRow } from "../history/tables.ts";
import {
  choices,
  shiftAt,
  skillAfterWaking,
  type ResponderModel,
  type Shift,
  type ShiftModel,
} from "./model.ts";
import type { Asked } from "./modelled.ts";
import { normalQuantile } from "../random.ts";

/** One question: answered after `delayMs`, or open when it closed after `delayMs`. */
export interface Waited {
  readonly delayMs: number;
  readonly answered: boolean;
  /** Share of those who look that gives an answer at all. */
  readonly answering: number;
  readonly weight: number;
}

const PSEUDO_OBSERVATIONS = 20;
const ROUNDS = 300;
/** The delay of somebody who looked at a closed question says nothing beyond the model. */
const SMALL = 1e-12;

export interface FittedPeople {
  readonly model: ResponderModel;
  /** Questions and answers behind each shift. */
  readonly seen: Readonly<Record<Shift, { questions: number; answers: number }>>;
}

export function fitPeople(
  decisions: readonly DecisionRow[],
  about: (deploymentId: string) => Asked,
  start: ResponderModel,
): FittedPeople {
  const waited: Record<Shift, Waited[]> = { business: [], evening: [], night: [] };
  const byDeployment = new Map<string, DecisionRow[]>();
  for (const row of decisions) {
    const rows = byDeployment.get(row.deploymentId);
    if (rows === undefined) byDeployment.set(row.deploymentId, [row]);
    else rows.push(row);
  }
  for (const [deploymentId, rows] of byDeployment) {
    const asked = rows.find(({ what }) => what === "proposed");
    if (asked === undefined) continue;
    const { timezone, truthIsBad } = about(deploymentId);
    const shift = shiftAt(timezone, asked.atMs);
    const after = rows.filter((row) => row.atMs >= asked.atMs && row !== asked);
    const answer = after.find(({ what }) => what === "overrideGiven" || what === "approvalGiven");
    const close = after.find(({ what }) => CLOSES.includes(what));
    const end = answer ?? close;
    // Asked and acted at once is no question; never closed says nothing of how long.
    if (end === undefined || end.atMs === asked.atMs) continue;
    const odds = (bad: boolean): number => {
      const skill = skillAfterWaking(shift, start[shift].medianMs);
      const mustDecide = close?.what === "expired";
      const { overrides, approves } = choices(start[shift], { truthIsBad: bad, mustDecide, skill });
      return overrides + approves;
    };
    waited[shift].push({
      delayMs: end.atMs - asked.atMs,
      answered: answer !== undefined,
      answering: truthIsBad === null ? (odds(true) + odds(false)) / 2 : odds(truthIsBad),
      weight: 1,
    });
  }
  const model: Record<Shift, ShiftModel> = { ...start };
  const seen = {} as Record<Shift, { questions: number; answers: number }>;
  for (const shift of ["business", "evening", "night"] as const) {
    const questions = waited[shift];
    seen[shift] = {
      questions: questions.length,
      answers: questions.filter(({ answered }) => answered).length,
    };
    if (questions.length > 0) model[shift] = fitShift(questions, start[shift]);
  }
  return { model, seen };
}

const CLOSES: readonly DecisionRow["what"][] = ["withdrawn", "expired", "rollbackStarted"];

/** The delay of one shift, held to `start` by the pseudo-observations. */
export function fitShift(questions: readonly Waited[], start: ShiftModel): ShiftModel {
  const all = [...questions, ...pseudoObservations(start)];
  let mean = Math.log(start.medianMs);
  let sigma = start.sigma;
  let silence = start.silence;
  for (let round = 0; round < ROUNDS; round++) {
    let people = 0;
    let total = 0;
    let first = 0;
    let second = 0;
    for (const { delayMs, answered, answering, weight } of all) {
      total += weight;
      const at = Math.log(Math.max(1, delayMs));
      if (answered) {
        people += weight;
        first += weight * at;
        second += weight * at * at;
        continue;
      }
      // Nobody; somebody who let it run, at any time; somebody who would have come later.
      const z = (at - mean) / sigma;
      const later = upperTail(z);
      const let0 = (1 - silence) * (1 - answering);
      const late = (1 - silence) * answering * later;
      const all3 = Math.max(SMALL, silence + let0 + late);
      const hazard = later < SMALL ? z : density(z) / later;
      const lateMean = mean + sigma * hazard;
      const lateSquare = mean * mean + 2 * mean * sigma * hazard + sigma * sigma * (1 + z * hazard);
      const looked = (weight * let0) / all3;
      const came = (weight * late) / all3;
      people += looked + came;
      first += looked * mean + came * lateMean;
      second += looked * (mean * mean + sigma * sigma) + came * lateSquare;
    }
    mean = first / people;
    sigma = Math.sqrt(Math.max(0.01, second / people - mean * mean));
    silence = Math.min(1 - SMALL, Math.max(0, 1 - people / total));
  }
  return { ...start, medianMs: Math.round(Math.exp(mean)), sigma, silence };
}

function pseudoObservations({ medianMs, sigma, silence }: ShiftModel): Waited[] {
  const answered = Array.from({ length: PSEUDO_OBSERVATIONS }, (_, index): Waited => {
    const probability = (index + 0.5) / PSEUDO_OBSERVATIONS;
    return {
      delayMs: medianMs * Math.exp(sigma * normalQuantile(probability)),
      answered: true,
      answering: 1,
      weight: 1 - silence,
    };
  });
  const weight = PSEUDO_OBSERVATIONS * silence;
  return [...answered, { delayMs: Number.MAX_SAFE_INTEGER, answered: false, answering: 1, weight }];
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** P(Z > z), by Abramowitz & Stegun 26.2.17 (absolute error below 7.5e-8). */
export function upperTail(z: number): number {
  if (z < 0) return 1 - upperTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return density(z) * polynomial;
}
