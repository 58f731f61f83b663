/**
 * How far to trust a replay: over many worlds, what an open-loop replay says of a policy
 * beside what that policy did when it lived there.
 *
 * Two truths stand beside each other. *This world's* is what the policy did with the very
 * deployments of the history; an interval is made for more than that, so it should hold
 * this truth more often than it says. *Such worlds'* is the mean over all worlds: what a 95 %
 * interval that is right holds in 95 % of worlds. A biased replay is under it.
 */

import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { Progress } from "../progress.ts";
import { tidy } from "../score/intervals.ts";
import holdToTruth, {
  SCORES,
  type HeldTo,
  type ScoreHeld,
  type WorldResult,
  type WorldTask,
} from "./oneWorld.ts";

/** A mean over worlds with its Monte Carlo standard error. */
export interface Measured {
  readonly value: number | null;
  readonly standardError: number | null;
  readonly worlds: number;
}

export interface ScoreFidelity {
  readonly score: HeldTo;
  readonly truth: Measured;
  readonly estimate: Measured;
  /** Estimate less truth, in the score's unit and as a share of the mean truth. */
  readonly bias: Measured;
  readonly biasShare: Measured;
  /** Of a single world: the root of the mean squared error. */
  readonly typicalError: number | null;
  /** From the history's policy to the one asked about. */
  readonly trueDifference: Measured;
  readonly differenceBias: Measured;
  /** Shares of worlds in which the 95 % interval holds the truth. */
  readonly coverage: {
    readonly thisWorld: Measured;
    readonly suchWorlds: Measured;
    readonly differenceThisWorld: Measured;
    readonly differenceSuchWorlds: Measured;
  };
  /** Share of worlds in which the bounds hold this world's truth; null where there are none. */
  readonly boundsHold: Measured;
  /** Of the worlds in which the two policies truly differ: ordered as the truth does. */
  readonly rankedRight: Measured;
  /** Worlds in which `compare` said better or worse, and in which this world says otherwise. */
  readonly verdicts: { readonly given: number; readonly wrong: number };
}

export interface PairFidelity {
  readonly logPolicy: string;
  readonly asked: string;
  readonly identifiedShare: Measured;
  readonly scores: readonly ScoreFidelity[];
}

export interface FidelityOptions {
  readonly worlds: number;
  readonly workers: number;
  readonly progress: Progress;
}

/** Worlds of successive seeds from the task's own, in the order of their seeds. */
export async function liveManyWorlds(
  task: WorldTask,
  { worlds, workers, progress }: FidelityOptions,
): Promise<readonly WorldResult[]> {
  const tasks = Array.from({ length: worlds }, (_, at) => ({ ...task, seed: task.seed + at }));
  let done = 0;
  const count = (result: WorldResult): WorldResult => {
    progress.update(++done, worlds, "living worlds");
    return result;
  };
  const threads = Math.min(workers, worlds);
  const results: WorldResult[] = [];
  if (threads === 1) {
    for (const one of tasks) results.push(count(await holdToTruth(one)));
  } else {
    const isSource = import.meta.url.endsWith(".ts");
    const pool = new Piscina<WorldTask, WorldResult>({
      filename: new URL(isSource ? "./oneWorld.ts" : "./oneWorld.js", import.meta.url).href,
      execArgv: isSource ? ["--import", "tsx"] : [],
      minThreads: threads,
      maxThreads: threads,
    });
    try {
      results.push(...(await Promise.all(tasks.map(async (one) => count(await pool.run(one))))));
    } finally {
      await pool.destroy();
    }
  }
  progress.end();
  return results;
}

export function defaultWorkers(): number {
  return availableParallelism();
}

/** The table of one policy asked about. */
export function fidelityOf(
  logPolicy: string,
  asked: string,
  results: readonly WorldResult[],
): PairFidelity {
  const held = results.map(({ asked: all }) => all.find(({ policy }) => policy === asked)!);
  return {
    logPolicy,
    asked,
    identifiedShare: measured(held.map(({ identifiedShare }) => identifiedShare)),
    scores: SCORES.map((score) => {
      const all = held.flatMap(({ scores }) => scores.filter((one) => one.score === score));
      return scoreFidelity(score, all);
    }),
  };
}

function scoreFidelity(score: HeldTo, all: readonly ScoreHeld[]): ScoreFidelity {
  // A world without a single regression or rollback has no such score to be right about.
  const held = all.filter((one) => isKnown(one.truth) && isKnown(one.estimate));
  const pairs = held.filter((one) => isKnown(one.logTruth) && isKnown(one.logEstimate));
  const truth = measured(held.map((one) => one.truth));
  const errors = held.map((one) => one.estimate! - one.truth!);
  const bias = measured(errors);
  const trueDifferences = pairs.map((one) => one.truth! - one.logTruth!);
  const saidDifferences = pairs.map((one) => one.estimate! - one.logEstimate!);
  const trueDifference = measured(trueDifferences);
  const covered = (mean: number | null): Measured =>
    measured(held.map((one) => within(one.low, mean ?? one.truth!, one.high)));
  const coveredDifference = (mean: number | null): Measured =>
    measured(
      pairs.map((one, at) =>
        within(one.differenceLow, mean ?? trueDifferences[at]!, one.differenceHigh),
      ),
    );
  const differing = pairs.map((_, at) => at).filter((at) => !isNothing(trueDifferences[at]!));
  const given = pairs
    .map((_, at) => at)
    .filter((at) => pairs[at]!.verdict === "better" || pairs[at]!.verdict === "worse");
  return {
    score,
    truth,
    estimate: measured(held.map((one) => one.estimate)),
    bias,
    biasShare: times(bias, truth.value === null || truth.value === 0 ? null : 1 / truth.value),
    typicalError:
      errors.length === 0 ? null : tidy(Math.sqrt(mean(errors.map((error) => error ** 2)))),
    trueDifference,
    differenceBias: measured(saidDifferences.map((said, at) => said - trueDifferences[at]!)),
    coverage: {
      thisWorld: covered(null),
      suchWorlds: covered(truth.value),
      differenceThisWorld: coveredDifference(null),
      differenceSuchWorlds: coveredDifference(trueDifference.value),
    },
    boundsHold: measured(held.map((one) => within(one.best, one.truth!, one.worst))),
    rankedRight: measured(
      differing.map((at) =>
        Number(Math.sign(saidDifferences[at]!) === Math.sign(trueDifferences[at]!)),
      ),
    ),
    verdicts: {
      given: given.length,
      wrong: given.filter(
        (at) => Math.sign(saidDifferences[at]!) === -Math.sign(trueDifferences[at]!),
      ).length,
    },
  };
}

/** Numbers are kept to nine digits: less than this is rounding. */
const ROUNDING = 1e-6;

function isNothing(difference: number): boolean {
  return Math.abs(difference) < ROUNDING;
}

function isKnown(value: number | null): boolean {
  return value !== null;
}

/** 1 where a value lies between two others, 0 where not, null where there are no such others. */
function within(low: number | null, value: number, high: number | null): number | null {
  if (low === null || high === null) return null;
  return Number(value >= low - ROUNDING && value <= high + ROUNDING);
}

function measured(values: readonly (number | null)[]): Measured {
  const known = values.filter((value) => value !== null);
  const worlds = known.length;
  if (worlds === 0) return { value: null, standardError: null, worlds };
  const value = mean(known);
  const squares = known.reduce((sum, one) => sum + (one - value) ** 2, 0);
  const standardError = worlds < 2 ? null : tidy(Math.sqrt(squares / (worlds - 1) / worlds));
  return { value: tidy(value), standardError, worlds };
}

function times({ value, standardError, worlds }: Measured, factor: number | null): Measured {
  if (value === null || factor === null) return { value: null, standardError: null, worlds };
  return {
    value: tidy(value * factor),
    standardError: standardError === null ? null : tidy(standardError * Math.abs(factor)),
    worlds,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
