/**
 * Learns how long people take to answer, by shift, from a history's own decisions.
 *
 * The model is a lognormal delay, or no answer at all with some probability. It is fitted by
 * maximum likelihood for censored times, with expectation and maximisation (Dempster, Laird and
 * Rubin 1977). A question that closed without an answer does not mean that nobody was there:
 * somebody may have looked and let it run, or would have come later. Each shift is held near the
 * defaults by 20 pseudo-observations at the quantiles of the default, so a shift with two answers
 * stays near the assumption.
 *
 * How often people are right is fitted where history asked for approvals only (rightness.ts). A
 * window that runs out leaves no trace of who looked, so with windows the odds stay as given.
 *
 * Bias: the delay of an answer to an escalation counts from the first question.
 */

import { getOrMake } from "../getOrMake.ts";
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
import { CLOSES } from "./recorded.ts";
import { rightnessOf, type Decided, type Rightness } from "./rightness.ts";
import { normalDensity, normalQuantile, normalTail } from "../random.ts";

/** One question: it was answered after `delayMs`, or it closed unanswered after `delayMs`. */
export interface Waited {
  readonly delayMs: number;
  readonly answered: boolean;
  /** The share of people who look at it that give an answer at all. */
  readonly answering: number;
  readonly weight: number;
}

/** With as many answers of its own, a history weighs as much as what is assumed. */
export const PSEUDO_OBSERVATIONS = 20;
const ROUNDS = 300;
/** Probabilities are kept above this, so that none is divided by zero. */
const SMALL = 1e-12;

export interface FittedPeople {
  readonly model: ResponderModel;
  /** How many questions and answers each shift rests on. */
  readonly seen: Readonly<Record<Shift, { questions: number; answers: number }>>;
  /** The longest that history waited for an answer; 0 without questions. */
  readonly seenUntilMs: number;
  /** Null where a question may have been one of a window. */
  readonly rightness: Rightness | null;
}

/** History's first question about a deployment, and what ended it. */
interface QuestionAsked {
  readonly deploymentId: string;
  readonly asked: DecisionRow;
  /** Undefined where it closed without one. */
  readonly answer: DecisionRow | undefined;
  readonly close: DecisionRow | undefined;
  /** The answer, or else what closed it. */
  readonly end: DecisionRow;
}

/** The questions that tell something about people. */
export function questionsIn(decisions: readonly DecisionRow[]): readonly QuestionAsked[] {
  const byDeployment = new Map<string, DecisionRow[]>();
  for (const row of decisions) getOrMake(byDeployment, row.deploymentId, () => []).push(row);
  return [...byDeployment].flatMap(([deploymentId, rows]): QuestionAsked[] => {
    const asked = rows.find(({ what }) => what === "proposed");
    if (asked === undefined) return [];
    const after = rows.filter((row) => row.atMs >= asked.atMs && row !== asked);
    const answer = after.find(({ what }) => what === "overrideGiven" || what === "approvalGiven");
    const close = after.find(({ what }) => CLOSES.includes(what));
    const end = answer ?? close;
    // Acted on at once it was no question, and one that never closed says nothing of a delay.
    if (end === undefined || end.atMs === asked.atMs) return [];
    return [{ deploymentId, asked, answer, close, end }];
  });
}

/** Fits the delays of all shifts; a shift without questions stays as in `start`. */
export function fitPeople(
  decisions: readonly DecisionRow[],
  about: (deploymentId: string) => Asked,
  start: ResponderModel,
): FittedPeople {
  const decided: Decided[] = [];
  let seenUntilMs = 0;
  const unanswered = new Set<DecisionRow["what"]>();
  const waited: Record<Shift, Waited[]> = { business: [], evening: [], night: [] };
  for (const { deploymentId, asked, answer, close, end } of questionsIn(decisions)) {
    const { timezone, truthIsBad } = about(deploymentId);
    const shift = shiftAt(timezone, asked.atMs);
    seenUntilMs = Math.max(seenUntilMs, end.atMs - asked.atMs);
    if (answer === undefined) unanswered.add(end.what);
    else if (truthIsBad !== null) {
      const skill = skillAfterWaking(shift, answer.atMs - asked.atMs);
      decided.push({ truthIsBad, overridden: answer.what === "overrideGiven", skill });
    }
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
  if (!unanswered.has("expired") || unanswered.has("rollbackStarted")) {
    return { model, seen, seenUntilMs, rightness: null };
  }
  const rightness = rightnessOf(decided, start.business);
  for (const shift of ["business", "evening", "night"] as const) {
    const [good, bad] = [rightness.overrideIfGood.value, rightness.overrideIfBad.value];
    const approveIfBad = Math.min(start[shift].approveIfBad, 1 - bad);
    model[shift] = { ...model[shift], overrideIfGood: good, overrideIfBad: bad, approveIfBad };
  }
  return { model, seen, seenUntilMs, rightness };
}

/** Fits one shift, held near `start` by the pseudo-observations. */
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
      // Unanswered for one of three reasons: nobody was there (`silence`), somebody looked and let
      // it run (`let0`), or somebody would have come later (`late`).
      const z = (at - mean) / sigma;
      const later = normalTail(z);
      const let0 = (1 - silence) * (1 - answering);
      const late = (1 - silence) * answering * later;
      const all3 = Math.max(SMALL, silence + let0 + late);
      const hazard = later < SMALL ? z : normalDensity(z) / later;
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
