/**
 * The port for judgements: what whoever decides asks, and the only thing they know of who judges.
 *
 * Judged from samples here (`direct.ts`), known from before (`known.ts`), kept on disk, by worker
 * processes or over a queue (`lab/scale`): all say the same, bit for bit.
 */

import type { Policy, SignalJudged, WatchJudged } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import type { Progress } from "../progress.ts";
import type { GivenTags } from "./given.ts";
import type { Plan } from "./plan.ts";
import type { SamplesCollector } from "./samplesSeen.ts";
import type { Futures } from "./splice.ts";

export interface Judgements {
  /** Judges every deployment of a history under every policy. */
  readonly of: (
    history: Past,
    policies: readonly Policy[],
    progress: Progress,
    asked: JudgementsAsked,
  ) => Promise<Judged>;
}

/** What is asked beside the history and the policies; nothing of it has to be. */
export interface JudgementsAsked {
  /** How what history cut short may have gone on; null or absent: that stays unseen. */
  readonly futures?: Futures | null | undefined;
  /** By policy: tags that it is told instead of history's; null or absent: history's own. */
  readonly given?: readonly (GivenTags | null)[] | undefined;
  /** Null or absent: nothing is known yet. */
  readonly known?: Known | null | undefined;
  /** Take glances: a quiet watch has no numbers then, which is enough for scores, not records. */
  readonly glances?: boolean | undefined;
  /** Collects digests of the samples that each deployment was judged on. */
  readonly samples?: SamplesCollector | undefined;
  /** Limits how much of its past a deployment sees. */
  readonly lookBackAtMostMs?: number | undefined;
}

/**
 * What an earlier pass over this history judged under these policies. With it only deployments that
 * history cut short are read again, to be continued, and those of `again`.
 */
export interface Known {
  readonly judged: JudgedBefore;
  /** Places of deployments that are judged anew although `judged` has them. */
  readonly again?: ReadonlySet<number> | undefined;
}

/** By policy, then by deployment of the plan. */
export type JudgedBefore = readonly (readonly WatchJudged[])[];

export interface Detection {
  readonly judged: JudgedBefore;
  /** By policy, then by draw: judgements of deployments that history cut short, continued. */
  readonly imagined: readonly (readonly ReadonlyMap<number, readonly SignalJudged[]>[])[];
  readonly samplesRead: number;
}

export interface Judged extends Detection {
  /** What was read of the history, and for which deployments. */
  readonly plan: Plan;
}
