/** Whether a history can answer questions about one side of a rollout: the canary or the rest. */

import type { SampleColumn } from "../event.ts";
import type { Answer, Question } from "./incumbent.ts";

/** Questions that were asked at one moment, and what the history answered. */
export interface AskedSides {
  readonly questions: readonly Question[];
  readonly answers: readonly Answer[];
  /** The deployment's new version. */
  readonly version: string | null;
  /** The series that the questions may be answered from. */
  readonly columns: readonly SampleColumn[];
}

/**
 * Why the canary cannot be compared with a baseline; undefined where it can, or where no question
 * needs it. A system would take what the history lacks for a canary that failed. A canary without
 * data beside a baseline with data did fail, and where neither has any, the metrics did.
 */
export function lacksSides({
  questions,
  answers,
  version,
  columns,
}: AskedSides): string | undefined {
  if (questions.every(({ scope }) => scope === "all")) return undefined;
  if (version === null) return "the history does not say which version is new";
  if (columns.length > 0 && columns.every(({ series }) => series.version === null)) {
    return "the history has no series by version, so there is no baseline";
  }
  const has = (side: Question["scope"]): boolean =>
    questions.some(({ scope }, place) => scope === side && hasSeries(answers[place]!));
  const isAlone = has("canary") && !has("stable");
  return isAlone ? "no other version served beside it, so there is no baseline" : undefined;
}

export function hasSeries(answer: Answer): boolean {
  return answer.kind === "series" && answer.series.length > 0;
}
