/** Answers from columns: of one side of a rollout, and where some evaluations failed. */

import { expect, test } from "vitest";
import {
  AnswerKind,
  answerFrom,
  type Answer,
  type Answering,
  type Question,
} from "../../../engine/index.ts";

const { value, none, failed } = AnswerKind;

/** One evaluation a second. */
function series(version: string | null, answers: readonly number[]): Answering {
  const atMs = Float64Array.from(answers, (_, place) => place * 1000);
  return {
    column: {
      series: { service: "shop", metric: "errors", version, percentagePoint: 1 },
      atMs,
      knownAtMs: atMs,
      values: Float64Array.from(answers, (kind) => (kind === value ? 1 : NaN)),
      answers: Float64Array.from(answers),
    },
  };
}

const range = (columns: readonly Answering[], scope: Question["scope"]): Answer =>
  answerFrom(columns, { query: "errors", scope, fromMs: 0, toMs: 2000 }, 2000, "2");

test("a range failed only where every evaluation in it failed", () => {
  expect(range([series(null, [failed, failed, failed])], "all").kind).toBe("failed");
  expect(range([series(null, [none, failed, none])], "all").kind).toBe("series");
  expect(range([series(null, [none, failed, value])], "all").kind).toBe("series");
});

test("a query of all versions that failed, failed for both sides of a rollout", () => {
  const whole = series(null, [failed, failed, failed]);
  expect(range([whole, series("1", [none, none, none])], "stable").kind).toBe("failed");
  expect(range([whole, series("2", [none, none, none])], "canary").kind).toBe("failed");
  const answered = range([series(null, [value, value, value])], "canary");
  expect(answered).toEqual({ kind: "series", series: [] });
});

test("a failure of one side says nothing of the other", () => {
  const columns = [series("1", [value, value, value]), series("2", [failed, failed, failed])];
  expect(range(columns, "canary").kind).toBe("failed");
  expect(range(columns, "stable").kind).toBe("series");
});
