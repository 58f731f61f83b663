/**
 * Conditions of Argo Rollouts: what holds, what raises, what is refused.
 *
 * The facts of upstream's utils/evaluate/evaluate_test.go are named by their case. Left out:
 * TestEvaluateArray and TestEvaluateInvalidStruct (objects; a Prometheus query gives none, so a
 * `.` is refused), TestEqual (a function that no condition can call), TestDefaultFunc with a
 * pointer and TestValueFromPointer (the Datadog provider's pointers), TestEvalTime… (the
 * expressions of Datadog queries), and the wording of errors.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Type } from "../../../../engine/incumbents/argo/condition/check.ts";
import { checkCondition } from "../../../../engine/incumbents/argo/condition/check.ts";
import {
  evaluateCondition,
  type Value,
} from "../../../../engine/incumbents/argo/condition/evaluate.ts";
import { isRefusal, parseCondition } from "../../../../engine/incumbents/argo/condition/parse.ts";
import { evaluateResult } from "../../../../engine/incumbents/argo/measure.ts";

const float = (value: number): Value => ({ float: value });
const int = (value: number): Value => ({ int: value });
const vector = (...values: readonly number[]): Value => values.map(float);

/** True, false, the code of an error, or `refused`. */
function outcome(text: string, result: Value): boolean | string {
  const node = parseCondition(text);
  if (isRefusal(node)) return "refused";
  const evaluated = evaluateCondition(node, result);
  return "holds" in evaluated ? evaluated.holds : evaluated.error;
}

describe("evaluate_test.go", () => {
  test.each([
    ["TestEvaluateResultWithSuccess", "true", "false", "Successful"],
    ["TestEvaluateResultWithFailure", "true", "true", "Failed"],
    ["TestEvaluateResultInconclusive", "false", "false", "Inconclusive"],
    ["TestEvaluateResultNoSuccessConditionAndNotFailing", null, "false", "Successful"],
    ["TestEvaluateResultNoFailureConditionAndNotSuccessful", "false", null, "Failed"],
    ["TestEvaluateResultNoFailureConditionAndNoSuccessCondition", null, null, "Successful"],
    ["TestEvaluateResultWithErrorOnSuccessCondition", "a == true", "true", "Error"],
    ["TestEvaluateResultWithErrorOnFailureCondition", "true", "a == true", "Error"],
  ])("%s", (_case, successCondition, failureCondition, phase) => {
    expect(evaluateResult({ successCondition, failureCondition }, true).phase).toBe(phase);
  });

  test.each<[string, string, Value, boolean | string]>([
    ["TestEvaluateConditionWithSuccess", "result == true", true, true],
    ["TestEvaluateConditionWithFailure", "result == false", true, false],
    ["TestErrorWithNonBoolReturn", "1", true, "notBoolean"],
    ["TestErrorWithInvalidReference", "invalidVariable", true, "unknownName"],
    ["TestEvaluateInOperator", "2 in result", vector(2, 2), true],
    ["TestEvaluateFloat64", "result > 1", float(5), true],
    ["TestEvaluateAsIntPanic", "asInt(result) == 1.1", "1.1", "notANumber"],
    ["TestEvaluateAsInt 1", "asInt(result) == 1", "1", true],
    ["TestEvaluateAsInt 2", "asInt(result) == 1", int(1), true],
    ["TestEvaluateAsInt 3", "asInt(result) == 1", float(1.123), true],
    ["TestEvaluateAsFloatError 1", "asFloat(result) == 1.1", "NotANum", "notANumber"],
    ["TestEvaluateAsFloatError 2", 'asFloat(result) == "1.1"', "1.1", "mismatchedTypes"],
    ["TestEvaluateAsFloat 1", "asFloat(result) == 1.1", "1.1", true],
    ["TestEvaluateAsFloat 2", "asFloat(result) >= 1.1", "1.1", true],
    ["TestEvaluateAsFloat 3", "asFloat(result) <= 1.1", "1.1", true],
    ["TestEvaluateAsFloat 4", "asFloat(result) == 1.1", float(1.1), true],
    ["TestEvaluateAsFloat 5", "asFloat(result) == 1", int(1), true],
    ["TestEvaluateAsFloat 6", "asFloat(result) >= 1", int(1), true],
    ["TestAsInt", "asInt(result) == 1", "notint", "notANumber"],
    ["TestAsFloat", "asFloat(result) == 1.1", "notfloat", "notANumber"],
    ["TestIsInf 1", "isInf(result)", float(Infinity), true],
    ["TestIsInf 2", "isInf(result)", float(0), false],
    ["TestDefaultFunc 1", "default(result, 1) == 1", null, true],
    ["TestDefaultFunc 2", "default(result, 0) == 1", float(1), true],
    ["TestIsNilFunc, TestIsNil 1", "isNil(result)", null, true],
    ["TestIsNilFunc, TestIsNil 2", "isNil(result)", float(1), false],
    ["TestIsNilFunc, TestIsNil 3", "isNil(result)", vector(1, 2), false],
    ["TestIsNilFunc, TestIsNil 4", "isNil(result)", false, false],
  ])("%s: %s", (_case, text, result, expected) => {
    expect(outcome(text, result)).toBe(expected);
  });
});

describe("vectors", () => {
  const empty = vector();
  test.each<[string, Value, boolean | string]>([
    ["result >= 0.95", vector(1), "mismatchedTypes"],
    ["result[0] >= .95", vector(1), true],
    ["result[0] >= .95", vector(0.5), false],
    ["result[0] >= .95", empty, "indexOutOfRange"],
    ["result[0] >= .95 && result[1] >= .95", vector(1), "indexOutOfRange"],
    ["result[0] >= .95 && result[1] >= .95", vector(0.5), false],
    ["result[0] >= .9 || len(result) == 0", empty, "indexOutOfRange"],
    ["len(result) == 0 || result[0] >= .95", empty, true],
    ["len(result) == 0 || result[0] >= .95", vector(NaN), false],
    ["len(result) == 0 || isNaN(result[0]) || result[0] >= .95", vector(NaN), true],
    ["isNaN(result)", vector(NaN), "mismatchedTypes"],
    ["isInf(result[0])", vector(-Infinity), true],
    ["result[-1] == 3", vector(1, 3), true],
    ["result[-3] == 3", vector(1, 3), "indexOutOfRange"],
    ["result[len(result) - 1] == 3", vector(1, 3), true],
    ["result[0.5] > 1", vector(1), "mismatchedTypes"],
    // The types are checked before anything runs, also where nothing gets there.
    ["true || result > 1", vector(1), "mismatchedTypes"],
    ["result == nil", vector(1), false],
    ["result[0] == nil", empty, "indexOutOfRange"],
    ["isNil(result[0])", empty, "indexOutOfRange"],
    ["default(result[0], 0) < 5", empty, "indexOutOfRange"],
    // The second argument is for nil, and a vector is never nil: this is the whole vector.
    ["default(result, 0) < 5", vector(1), "mismatchedTypes"],
    ["default(result, [0])[0] < 5", vector(1), true],
    ["all(result, {# >= 0.9})", vector(0.95, 0.99), true],
    ["all(result, # >= 0.9)", vector(0.95, 0.5), false],
    ["all(result, {# >= 0.9})", empty, true],
    ["any(result, {# > 1})", vector(0, 2), true],
    ["none(result, {# > 1})", vector(0, 2), false],
    ["one(result, {# > 1})", vector(0, 2), true],
    ["count(result, {# > 1}) <= 1", vector(2, 2), false],
    ["len(filter(result, {!isNaN(#)})) == 1", vector(NaN, 2), true],
    ["map(result, {# * 100})[0] == 50", vector(0.5), true],
    ["all(result, {# + 1})", vector(1), "mismatchedTypes"],
    ["len(result) > 0 ? result[0] < 1 : true", empty, true],
    ["(len(result) > 0 ? result[0] : 0) < 1", vector(2), false],
    ["(len(result) > 0 ? result[0] : 'none') < 1", vector(2), false],
    ["result ? true : false", vector(1), "mismatchedTypes"],
    ["(result ?? 0) == nil", vector(1), false],
    ["'a' in result", vector(1), "mismatchedTypes"],
    ["result[0] in [0, 1]", vector(1), true],
    ["result == [1]", vector(1), "notEmulated"],
    ["asFloat(result) > 1", vector(1), "mismatchedTypes"],
    ["asInt(result[0]) > 0", vector(NaN), false],
  ])("%s on %j: %s", (text, result, expected) => {
    expect(outcome(text, result)).toBe(expected);
  });
});

describe("scalars", () => {
  test.each<[string, Value, boolean | string]>([
    ["result >= 0.95", float(1), true],
    ["result[0] >= 0.95", float(1), "mismatchedTypes"],
    ["len(result) == 0 || result >= 0.95", float(1), "mismatchedTypes"],
    ["isNaN(result) || result >= 0.95", float(NaN), true],
    ["isNaN(1 + 1)", float(1), false],
    ["isNaN(asInt(result))", float(1), "mismatchedTypes"],
  ])("%s on %j: %s", (text, result, expected) => {
    expect(outcome(text, result)).toBe(expected);
  });
});

describe("operators", () => {
  test.each<[string, boolean | string]>([
    ["1 + 2 * 3 == 7", true],
    ["-2 ** 2 == -4", true],
    ["2 ^ 3 ^ 2 == 512", true],
    ["7 % 3 == 1", true],
    ["7 % 0 == 1", "divisionByZero"],
    ["7.0 % 3 == 1", "mismatchedTypes"],
    ["1 / 2 == 0.5", true],
    ["not false and true", true],
    ["false or true", true],
    // `!` binds closer than a comparison, so it gets the number.
    ["!result > 1", "mismatchedTypes"],
    ["!(result > 1)", false],
    ["1_000 == 1e3", true],
    ["0x10 == 16", true],
    ["true == 1", "mismatchedTypes"],
    ["'a' < 'b'", true],
    ["'a' + 'b' == 'ab'", true],
    ["nil == nil", true],
  ])("%s: %s", (text, expected) => {
    expect(outcome(text, float(5))).toBe(expected);
  });
});

describe("refused with its place", () => {
  test.each<[string, string, string, number]>([
    ["result.value > 1", "construct", ".", 6],
    ["result?.value > 1", "construct", "?.", 6],
    ["1 < result[0] < 2", "syntax", "<", 14],
    ["result ?? 0 > 1", "syntax", ">", 12],
    ["sum(result) > 1", "construct", "sum", 0],
    ["len(result, 1) > 1", "construct", "len", 0],
    ["result | len", "construct", "|", 7],
    ["let x = 1; x > 0", "construct", "let", 0],
    ["result in 1..3", "construct", "..", 11],
    ["all(result, {any(result, {# > 1})})", "construct", "any", 13],
    ["# > 1", "syntax", "#", 0],
    ["result[0] >= ", "syntax", "", 13],
    ["'a\\n' == 'b'", "syntax", "'", 0],
    ["result[0] => 1", "syntax", "=", 10],
    ["", "syntax", "", 0],
    ["99999999999999999999 > 1", "syntax", "99999999999999999999", 0],
    ["(".repeat(1000), "tooDeep", "(", 40],
    ["!".repeat(1999), "tooDeep", "!", 40],
    [`${"1 + ".repeat(400)}1 > 0`, "tooManyParts", "", 0],
    ["1".repeat(2001), "tooLong", "", 2000],
  ])("%#", (text, code, token, at) => {
    const refusal = parseCondition(text);
    expect(refusal).toMatchObject(code.startsWith("tooM") ? { code } : { code, token });
    if (!code.startsWith("too")) expect(refusal).toMatchObject({ at });
  });
});

const WORDS = [
  ..."result [ ] ( ) 0 1 .95 len ( result ) # { } , all any filter map count ? : ?? in".split(" "),
  ..."&& || ! + - * / % ** == < >= isNaN asInt asFloat default nil true 'x' not and or".split(" "),
];
const piece = fc.constantFrom(...WORDS);

const text = fc.oneof(
  fc.array(piece, { maxLength: 30 }).map((parts) => parts.join(" ")),
  fc.string({ maxLength: 60 }),
);

test("hostile text never throws, and a type error is found before anything runs", () => {
  fc.assert(
    fc.property(text, fc.array(fc.double(), { maxLength: 4 }), (condition, values) => {
      const node = parseCondition(condition);
      if (isRefusal(node)) return;
      const type: Type = { list: "float" };
      const checked = checkCondition(node, type);
      const evaluated = evaluateCondition(node, vector(...values));
      if ("error" in checked) expect(evaluated).toEqual(checked);
    }),
    { numRuns: 2000 },
  );
});
