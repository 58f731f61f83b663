/**
 * What takes long, taken apart: kept in a store, and worked out by others where there are any.
 * Whoever has no scale gets the same answers, each made here and now.
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

/** Has others work out all units of a question; the results are in the store afterwards. */
export type Work = (question: Question, progress: Progress) => Promise<void>;

export interface Scale {
  readonly store: Store;
  /** A history of fewer samples is judged at once, and nothing of it is kept. */
  readonly leastSamples: number;
  /** How large a shard is; see `cutIntoShards`. */
  readonly shardWindows: number;
  /** Null: nobody else works on it. */
  readonly work: (history: Past) => Work | null;
  /** Hears how many of a sweep's policies were there already. */
  readonly tell?: (found: { readonly policies: number; readonly there: number }) => void;
}

/**
 * `planReplay`, and the spacing of the series with a scale: whoever finds all judgements kept
 * needs no index of blocks, and a plan wants no more of it.
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
  /** Collects by what samples each deployment was judged. */
  readonly samples?: SamplesCollector | undefined;
  /** Shows a deployment no more of its past than this. */
  readonly lookBackAtMostMs?: number | undefined;
}

/**
 * `detect`, through a scale where that can be: not where a policy is told something else than
 * history's tags (what it is told may depend on what others judged), nor where single
 * deployments are judged again, nor where the past is not what lies in its directory: a world
 * makes one up as it is asked, and a redacted one has other rows.
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
