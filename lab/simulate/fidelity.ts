/**
 * How far to trust a replay: over many worlds, compares the open-loop replay of a policy with what
 * the policy did in closed loop.
 *
 * There are two truths. *This world's* is what the policy did with the very deployments of the
 * history; an interval is made to cover more than that, so it should contain this truth more often
 * than its level says. *Such worlds'* is the mean over all worlds: a correct 95 % interval contains
 * it in 95 % of worlds, and a biased replay in fewer.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { Answers, AskedAgain } from "../history/answered.ts";
import { peopleContent } from "../people/choose.ts";
import { loadPolicy } from "../policy/load.ts";
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
  /** Estimate minus truth, in the score's unit. */
  readonly bias: Measured;
  /** The bias as a share of the mean truth. */
  readonly biasShare: Measured;
  /** The root of the mean squared error: how far a single world is off. */
  readonly typicalError: number | null;
  /** The policy asked about minus the history's policy. */
  readonly trueDifference: Measured;
  readonly differenceBias: Measured;
  /** Shares of worlds in which the 95 % interval contains the truth. */
  readonly coverage: {
    readonly thisWorld: Measured;
    readonly suchWorlds: Measured;
    readonly differenceThisWorld: Measured;
    readonly differenceSuchWorlds: Measured;
  };
  /** The share of worlds in which the bounds contain this world's truth; null without bounds. */
  readonly boundsHold: Measured;
  /** Of the worlds in which the policies truly differ, the share that the replay orders right. */
  readonly rankedRight: Measured;
  /** In how many worlds `compare` said better or worse, and in how many of them it was wrong. */
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
  /** Keeps the result of each world, so that a run that was stopped goes on; absent: none is. */
  readonly answers?: Answers | undefined;
}

/** Runs worlds of successive seeds, from the task's seed on; results in the order of the seeds. */
export async function liveManyWorlds(
  task: WorldTask,
  { worlds, workers, progress, answers }: FidelityOptions,
): Promise<readonly WorldResult[]> {
  const seeds = Array.from({ length: worlds }, (_, at) => task.seed + at);
  const contents = answers === undefined ? null : contentsOf(task);
  const threads = Math.min(workers, worlds);
  const pool = threads <= 1 ? null : new Pool(threads);
  const make = (seed: number): Promise<WorldResult> =>
    pool === null ? holdToTruth({ ...task, seed }) : pool.run({ ...task, seed });
  const results: WorldResult[] = [];
  let done = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < worlds; at = next++) {
      const seed = seeds[at]!;
      results[at] =
        answers === undefined
          ? await make(seed)
          : (await answers.answer(askedOf(contents, seed), () => make(seed))).answer;
      progress.update(++done, worlds, "living worlds");
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, threads) }, lane));
  } finally {
    await pool?.end();
  }
  progress.end();
  return results;
}

/** Threads that are started when the first world has to be lived: all may be kept. */
class Pool {
  #threads: Piscina<WorldTask, WorldResult> | null = null;

  constructor(readonly threads: number) {}

  run(task: WorldTask): Promise<WorldResult> {
    this.#threads ??= poolOf(this.threads);
    return this.#threads.run(task);
  }

  async end(): Promise<void> {
    await this.#threads?.destroy();
  }
}

function poolOf(threads: number): Piscina<WorldTask, WorldResult> {
  const isSource = import.meta.url.endsWith(".ts");
  return new Piscina<WorldTask, WorldResult>({
    filename: new URL(isSource ? "./oneWorld.ts" : "./oneWorld.js", import.meta.url).href,
    execArgv: isSource ? ["--import", "tsx"] : [],
    minThreads: threads,
    maxThreads: threads,
  });
}

/** All that the result of a world depends on, besides its seed. */
function contentsOf({ worldFile, logPolicy, asked, people, ...how }: WorldTask): unknown {
  const policies = [logPolicy, ...asked].map(loadPolicy);
  return [
    readFileSync(worldFile, "utf8"),
    policies.map(({ policy, digest }) => [policy, digest]),
    peopleContent(people),
    { ...how, seed: null },
  ];
}

function askedOf(contents: unknown, seed: number): AskedAgain {
  return { past: null, kind: "world", question: () => [contents, seed] };
}

export function defaultWorkers(): number {
  return availableParallelism();
}

/** The measures of one policy asked about, over all worlds. */
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
  // A world without a regression or rollback lacks some scores, and is left out of them.
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

/** Scores are rounded to nine digits, so smaller differences are rounding. */
const ROUNDING = 1e-6;

function isNothing(difference: number): boolean {
  return Math.abs(difference) < ROUNDING;
}

function isKnown(value: number | null): boolean {
  return value !== null;
}

/** 1 where the value lies within the limits, 0 where not, null where a limit is missing. */
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
