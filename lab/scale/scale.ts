/** What the implementations in this folder go by: a store, and who works. */

import type { Progress } from "../progress.ts";
import type { Past } from "../history/open.ts";
import type { JudgeQuestion } from "./judge.ts";
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
