/**
 * The comparison at the top of an expression becomes a query and a bound. Goal: the query with the
 * bound says the same as the expression. Method: each form, and what it comes to.
 */

import { expect, test } from "vitest";
import {
  answerWithoutData,
  isExpression,
  parseExpression,
  splitExpression,
  type Expression,
} from "../../lab/policy/import/promql.ts";

function parsed(source: string): Expression {
  const expression = parseExpression(source);
  if (!isExpression(expression)) throw new Error(`no PromQL: ${source}`);
  return expression;
}

test.each([
  ["up == 0", "up", "==", 0],
  ["0.5 < up", "up", ">", 0.5],
  ["100 >= (up)", "(up)", "<=", 100],
  ["(a / b > 0.05)", "a / b", ">", 0.05],
  ["((0.05 < a / b))", "a / b", ">", 0.05],
  ["a > -(2)", "a", ">", -2],
  ["a > 5 * 60 + 2 ^ 3", "a", ">", 308],
  ["a != 0x1F", "a", "!=", 31],
  ["a > 1_000", "a", ">", 1000],
  ["a > .5e1", "a", ">", 5],
  ["a > 1h30m", "a", ">", 5400],
  ["a > 017", "a", ">", 15],
  ["a > 1 == 2", "a > 1", "==", 2],
  ["a > bool 1 == 1", "a > bool 1", "==", 1],
  ["count(up == 0) / count(up) > 0.1", "count(up == 0) / count(up)", ">", 0.1],
  // `offset` and `@` belong to the selector before them, wherever they stand.
  ["foo offset 5m > 3", "foo offset 5m", ">", 3],
  ["3 < foo offset 5m", "foo offset 5m", ">", 3],
  ["(3 < foo @ end())", "foo @ end()", ">", 3],
  ["a - b offset 1w > 3", "a - b offset 1w", ">", 3],
  ["rate(a[5m] offset -1m) >= 2", "rate(a[5m] offset -1m)", ">=", 2],
  ['a{x="> 5"} > 5 # > 6', 'a{x="> 5"}', ">", 5],
  ["sum by (job) (a)\n  / on (job) group_left\nsum(b)\n  > 1", /^sum by[^>]*sum\(b\)$/, ">", 1],
] as const)("%s is a query and a bound", (source, query, op, value) => {
  const split = splitExpression(parsed(source));
  expect(split).toMatchObject({ bound: { op, value }, whole: null });
  if (typeof query === "string") expect(split.query).toBe(query);
  else expect(split.query).toMatch(query);
  expect(isExpression(parseExpression(split.query))).toBe(true);
});

test.each([
  ["up", "noComparison"],
  ["1", "noComparison"],
  ["absent(up)", "noComparison"],
  ["(a > 5) + 1", "noComparison"],
  ["-(a > 5)", "noComparison"],
  ["a > 5 and b > 1", "setOperator"],
  ["a > 5 unless on (job) b", "setOperator"],
  ["absent(a) or a > 5", "setOperator"],
  ["a or b offset 5m > 5", "setOperator"],
  ["a > bool 5", "bool"],
  ["a > b", "twoVectors"],
  ["a > on (job) group_left b", "twoVectors"],
  ["a > scalar(b)", "boundVaries"],
  ["a < time() - 3600", "boundVaries"],
  ["a > 1 / 0", "boundNotFinite"],
  ["a > NaN", "boundNotFinite"],
  ["a < +Inf", "boundNotFinite"],
] as const)("%s stays whole: %s", (source, whole) => {
  expect(splitExpression(parsed(source))).toEqual({ query: source, bound: null, whole });
});

test.each([
  ["a >", 1, 4],
  ["", 1, 1],
  ["a\n  > = 5", 2, 5],
  ["default_rollup(a[5m]) > 5", 1, 15],
  [`${"(".repeat(300)}a${")".repeat(300)}`, 1, 200],
])("%j is no PromQL", (source, line, column) => {
  expect(parseExpression(source)).toEqual({ line, column });
});

test.each([
  ["up > 5", null],
  ["absent(up)", 1],
  ["absent(up) > 5", null],
  ["absent(absent(up))", null],
  ["absent_over_time(up[5m])", 1],
  ["up == 0 or absent(up)", 1],
  ["sum(a) or vector(0)", 0],
  ["(sum(a) or vector(0)) < 1", 0],
  ["1 > (sum(a) or vector(0))", 0],
  ["(sum(a) or vector(0)) > 1", null],
  ["(sum(a) or vector(0)) > bool 1", 0],
  ["sum(rate(a[5m])) / sum(rate(b[5m]))", null],
  ["100 * (1 - (sum(a) or vector(1)))", 0],
  ["vector(1) unless a", 1],
  ["vector(1) and a", null],
  ["max_over_time(a[5m:1m])", null],
  ["1", 1],
  ["time()", undefined],
  ["scalar(a)", NaN],
])("%s answers %s when no series is there", (source, answer) => {
  const { top, text } = parsed(source);
  expect(answerWithoutData(top, text)).toEqual(answer);
});
