/**
 * Where the expensive steps use the store and the workers. Without a `Scale`, every step computes
 * the same result in this process.
 */

import type { Policy } from "../../engine/index.ts";
import type { SamplesCollector } from "../replay/samplesSeen.ts";
import type { Progress } from "../progress.ts";
import { isStored, type Past } from "../history/open.ts";
import { detect, type DetectOptions, type Detection } from "../replay/detect.ts";
import { planReplay, type Plan } from "../replay/plan.ts";
import { answered } from "./answers.ts";
import { basisOf } from "./identity.ts";
import { judgeByShards, type JudgeQuestion } from "./judge.ts";
import type { RowsQuestion } from "./rows.ts";
import type { Store } from "./store.ts";

export type Question = JudgeQuestion | RowsQuestion;

/** Lets workers compute all units of a question; afterwards the results are in the store. */
export type Work = (question: Question, progress: Progress) => Promise<void>;

export interface Scale {
  readonly store: Store;
  /** A history with fewer samples does not use the store. */
  readonly leastSamples: number;
  /** The size of a shard; see `cutIntoShards`. */
  readonly shardWindows: number;
  /** Null: there are no workers. */
  readonly work: (history: Past) => Work | null;
  /** Called with how many of a sweep's policies were in the store. */
  readonly tell?: (found: { readonly policies: number; readonly there: number }) => void;
}

/**
 * `planReplay`; with a scale, the spacing of the series is stored. It is all that a plan needs of
 * the index of blocks, which then need not be read where all judgements are stored.
 */
export function planThrough(
  scale: Scale | null,
  history: Past,
  policies: readonly Policy[],
  lookBackAtMostMs?: number,
): Promise<Plan> {
  if (scale === null || !isStored(history) || history.manifest.samples < scale.leastSamples) {
    return planReplay(history, policies, lookBackAtMostMs);
  }
  const make = async (): Promise<{ readonly series: Float64Array; readonly ms: Float64Array }> => {
    const steps = await history.stepsMs();
    return { series: Float64Array.from(steps.keys()), ms: Float64Array.from(steps.values()) };
  };
  const stepsMs = async (): Promise<ReadonlyMap<number, number>> => {
    const { series, ms } = (await answered(scale, history, "steps", () => null, make)).answer;
    return new Map(Array.from(series, (one, at) => [one, ms[at]!]));
  };
  return planReplay({ ...history, stepsMs }, policies, lookBackAtMostMs);
}

export interface ThroughOptions extends Omit<DetectOptions, "seen"> {
  /** Collects digests of the samples that each deployment was judged on. */
  readonly samples?: SamplesCollector | undefined;
  /** Limits how much of its past a deployment sees. */
  readonly lookBackAtMostMs?: number | undefined;
}

/**
 * `detect`, through the store and the workers where possible. Not possible where a policy has other
 * tags than the history's (they may depend on the judgements of others), where single deployments
 * are judged again, and where the past is not exactly what is in its directory (a world makes its
 * samples when they are read; a redacted history has other rows).
 */
export async function detectThrough(
  scale: Scale | null,
  history: Past,
  plan: Plan,
  policies: readonly Policy[],
  progress: Progress,
  { samples, lookBackAtMostMs, ...options }: ThroughOptions,
): Promise<Detection> {
  const { futures = null, given = [], judged = null, again, glances = false } = options;
  const isPlain = given.length === 0 && again === undefined && isStored(history);
  if (scale === null || !isPlain || history.manifest.samples < scale.leastSamples) {
    return detect(history, plan, policies, progress, { ...options, seen: samples?.seen });
  }
  const sharded = await judgeByShards(history, plan, policies, {
    store: scale.store,
    work: scale.work(history),
    basis: basisOf(history),
    shardWindows: scale.shardWindows,
    lookBackAtMostMs: lookBackAtMostMs ?? null,
    futures,
    digests: samples !== undefined && judged === null,
    judged,
    glances,
    progress,
  });
  for (const seen of sharded.digests) samples?.add(seen);
  return sharded;
}
