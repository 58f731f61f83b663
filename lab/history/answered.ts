/**
 * The port for whole answers: whoever asks exactly the same again may be handed what was answered
 * then. Where nobody keeps answers, every one is made. `lab/scale/answers.ts` keeps them on disk.
 */

import type { Past } from "./open.ts";

/** What is asked. An answer is handed to nobody else. */
export interface AskedAgain {
  /** The history that is asked about; null: none is, and the question says it all. */
  readonly past: Pick<Past, "dir" | "manifest"> | null;
  /** Names the kind of question. */
  readonly kind: string;
  /** Everything the answer depends on besides history and program; plain data. */
  readonly question: () => unknown;
  /** How many policies it is about, for the line that says what was found; absent: of none. */
  readonly policies?: number;
}

export interface Answers {
  /** Of a smaller history, an evaluation is made again sooner than it is looked up. */
  readonly leastSamples: number;
  /** The kept answer, or else that of `make`, which must be plain data. Both are equal. */
  readonly answer: <Answer>(
    asked: AskedAgain,
    make: () => Promise<Answer>,
  ) => Promise<{ readonly answer: Answer; readonly isKept: boolean }>;
}
