/**
 * How far a replay is off in one world: one policy leaves a history, others are replayed on it by
 * the ordinary lab and then run in closed loop in the same world. Nothing is written to disk. The
 * default export is what a worker thread runs.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { createWorld } from "../../datasets/world/index.ts";
import { silent } from "../progress.ts";
import { pairedSpread, type Difference } from "../compare/compare.ts";
import { evaluate, type Evaluated } from "../compare/evaluate.ts";
import { loadPolicy } from "../policy/load.ts";
import type { EffectRule } from "../replay/splice.ts";
import { FIELDS } from "../score/fields.ts";
import { standardErrorOf } from "../score/intervals.ts";
import type { Estimate } from "../score/scorecard.ts";
import { knownFrom } from "../replay/known.ts";
import { evaluateLives, historyOf, knownOn, live, wholeOf } from "./closedLoop.ts";
import { openWorld } from "./open.ts";

export type Ground = NonNullable<Difference["ground"]>;

/** The scores that are compared with the truth, and the scorecard's names of their bounds. */
export const HELD_TO = {
  mttr: "mttrBounds",
  "timeToRecovery.restrictedMean60m": "restrictedMean60mBounds",
  falsePositiveShare: "falsePositiveShareBounds",
  missRate: "missRateBounds",
  pagesPerWeek: null,
} as const;
export type HeldTo = keyof typeof HELD_TO;
export const SCORES = Object.keys(HELD_TO) as HeldTo[];

/** The task of one world; plain data, so that it can be sent to a worker thread. */
export interface WorldTask {
  readonly worldFile: string;
  readonly seed: number;
  /** The policy file that writes the history, and those that are replayed on it. */
  readonly logPolicy: string;
  readonly asked: readonly string[];
  /**
   * The people of the world. The replay uses the same where they are certain (`absent`, `perfect`);
   * else it fits a model to what they did in the history.
   */
  readonly people: string;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: EffectRule;
}

/** One score of one policy: the truth and the replay's estimate. */
export interface ScoreHeld {
  readonly score: HeldTo;
  /** The same for the policy that wrote the history. */
  readonly logTruth: number | null;
  readonly logEstimate: number | null;
  readonly truth: number | null;
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly best: number | null;
  readonly worst: number | null;
  /** Interval of the difference to the history's policy, as `compare` gives it. */
  readonly differenceLow: number | null;
  readonly differenceHigh: number | null;
  readonly verdict: Difference["verdict"];
  /** What the verdict rests on; null where there is none, or it is not said. */
  readonly ground: Ground | null;
  /** The standard error of the difference by sampling alone, as the replay's bootstrap has it. */
  readonly differenceError: number;
}

export interface AskedHeld {
  readonly policy: string;
  readonly identifiedShare: number | null;
  readonly scores: readonly ScoreHeld[];
}

export interface WorldResult {
  readonly seed: number;
  readonly deployments: number;
  readonly regressions: number;
  readonly asked: readonly AskedHeld[];
}

/** Keeps replay seeds apart from the seeds of people, whose luck a replay must not know. */
const REPLAY_SEEDS = 2 ** 31;

export default async function holdToTruth(task: WorldTask): Promise<WorldResult> {
  const { people, replicates, seed, draws, effect } = task;
  const { spec } = openWorld(task.worldFile, seed).world;
  // With the seed in the file, people would have the same luck in every world.
  const stage = wholeOf(createWorld({ ...spec, people: { seed: spec.people.seed + seed } }, seed));
  const policies = [task.logPolicy, ...task.asked].map(loadPolicy);
  const lives = await live(stage, policies, people, silent);
  const truth = await evaluateLives(stage, lives, {
    people,
    seed,
    replicates: 1,
    progress: silent,
    scoresOnly: true,
  });
  const history = historyOf(stage, lives[0]!);
  const replayed = await evaluate(history, policies, {
    judgements: knownFrom(await knownOn(stage, history, lives[0]!, lives)),
    people: people === "absent" || people === "perfect" ? people : "modelled",
    seed: REPLAY_SEEDS + seed,
    replicates,
    draws,
    effect,
    progress: silent,
    scoresOnly: true,
    modelled: { limits: [] },
  });
  const [logTruth, ...lived] = truth.policies as [Evaluated, ...Evaluated[]];
  const [logEstimate, ...asked] = replayed.policies as [Evaluated, ...Evaluated[]];
  const { counts } = logTruth.scored;
  return {
    seed,
    deployments: logTruth.outcomes.length,
    regressions: counts.get("missRate")!,
    asked: asked.map((estimate, index) => ({
      policy: estimate.policy.policy,
      identifiedShare: estimate.scored.scorecard.identifiedShare,
      scores: SCORES.map((score): ScoreHeld => {
        const { value, low, high } = estimateOf(estimate, score);
        const name = HELD_TO[score];
        const bounds = name === null ? null : estimate.scored.scorecard[name];
        const difference = replayed.differences.find(
          ({ field, candidatePolicy }) =>
            field === score && candidatePolicy === estimate.policy.policy,
        )!;
        return {
          score,
          logTruth: estimateOf(logTruth, score).value,
          logEstimate: estimateOf(logEstimate, score).value,
          truth: estimateOf(lived[index]!, score).value,
          estimate: value,
          low,
          high,
          best: bounds?.best ?? null,
          worst: bounds?.worst ?? null,
          differenceLow: difference.low,
          differenceHigh: difference.high,
          verdict: difference.verdict,
          differenceError: samplingError(score, logEstimate, estimate),
          ground: difference.ground,
        };
      }),
    })),
  };
}

function samplingError(score: HeldTo, before: Evaluated, after: Evaluated): number {
  const field = FIELDS.find(({ name }) => name === score)!;
  return standardErrorOf(pairedSpread(field, before.scored, after.scored));
}

function estimateOf({ scored: { scorecard } }: Evaluated, score: HeldTo): Estimate {
  const [field, statistic] = score.split(".") as [string, string | undefined];
  const found = own(scorecard, field) as Estimate & JsonObject<Estimate>;
  return statistic === undefined ? found : own(found, statistic)!;
}
