/**
 * Why an incumbent rolled back or paused, in one of four words. The measurement that decided
 * counts: of three failures in a row that reach a limit, the third.
 */

import type { Answer, Finding, Question } from "./incumbent.ts";

/**
 * - `condition`: a number beyond a bound, or by which a condition fails.
 * - `conditionError`: a number on which the condition errs, or that the system cannot read.
 * - `noData`: no series, or NaN.
 * - `queryFailed`: the API of the metrics was down, or refused the query.
 */
export type IncumbentCause = "condition" | "conditionError" | "noData" | "queryFailed";

/**
 * @param finding the one that decided
 * @param questions those of the step in which it did, with their answers
 */
export function causeOf(
  { params }: Finding,
  questions: readonly Question[],
  answers: readonly Answer[],
): IncumbentCause {
  // Flagger rolls back at the tick after the check that decided, and says why that one failed.
  const told = FLAGGER_REASONS.get(String(params["reason"] ?? ""));
  if (told !== undefined) return told;
  // Kayenta's label of the metric that decided.
  if (/^Nodata/.test(String(params["label"] ?? ""))) return "noData";
  const own = answers.filter((_, place) => questions[place]!.query === params["query"]);
  if (own.some(({ kind }) => kind === "failed")) return "queryFailed";
  if (own.length > 0 && own.every(isWithoutNumber)) return "noData";
  return params["phase"] === "Error" ? "conditionError" : "condition";
}

const FLAGGER_REASONS: ReadonlyMap<string, IncumbentCause> = new Map([
  ["belowMin", "condition"],
  ["aboveMax", "condition"],
  ["noValues", "noData"],
  ["queryFailed", "queryFailed"],
]);

function isWithoutNumber(answer: Answer): boolean {
  if (answer.kind === "failed") return false;
  return answer.series.every(({ values }) => values.every(Number.isNaN));
}
