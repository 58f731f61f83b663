/**
 * Synthetic answers for a metric of Argo: which of them it takes for healthy. The numbers tried are
 * those of its conditions, and what lies beside, between and beyond them.
 */

import {
  isRefusal,
  measureArgo,
  parseCondition,
  type Answer,
  type ArgoMetric,
  type ConditionNode,
  type Measured,
} from "../../../engine/index.ts";

export const QUERY_FAILED: Answer = { kind: "failed" };

export function answerOf(...values: readonly number[]): Answer {
  return {
    kind: "series",
    series: values.map((value, place) => ({
      labels: new Map([["series", String(place)]]),
      atMs: Float64Array.of(0),
      values: Float64Array.of(value),
    })),
  };
}

export const EMPTY = answerOf();
export const NAN = answerOf(NaN);

/** Conditions have a few; more would make the combinations many. */
const MOST_LITERALS = 8;
const MOST_SERIES = 3;
const ALWAYS_TRIED = [0, 1, -1, 0.5, 100, 1e9, -1e9];

/** Numbers that a condition may tell apart. */
export function triedValues(metric: ArgoMetric): readonly number[] {
  const literals = [
    ...new Set([metric.successCondition, metric.failureCondition].flatMap(literalsOf)),
  ].slice(0, MOST_LITERALS);
  const ofPairs = literals.flatMap((left) =>
    literals.flatMap((right) => [left / right, left * right, left + right, left - right]),
  );
  const known = [...new Set([...ALWAYS_TRIED, ...literals, ...ofPairs])]
    .filter(Number.isFinite)
    .sort((left, right) => left - right);
  const between = known.slice(1).map((value, place) => (value + known[place]!) / 2);
  const beside = literals.flatMap((value) => {
    const step = Math.max(Math.abs(value), 1) * 1e-3;
    return [value - step, value + step];
  });
  return [...new Set([...known, ...between, ...beside])];
}

function literalsOf(text: string | null): readonly number[] {
  if (text === null) return [];
  const node = parseCondition(text);
  return isRefusal(node) ? [] : numbersIn(node);
}

function numbersIn(node: ConditionNode): readonly number[] {
  if (node.kind === "literal") {
    const { value } = node;
    if (typeof value !== "object" || value === null) return [];
    return ["int" in value ? value.int : value.float];
  }
  return childrenOf(node).flatMap(numbersIn);
}

export function childrenOf(node: ConditionNode): readonly ConditionNode[] {
  switch (node.kind) {
    case "literal":
    case "name":
    case "element":
      return [];
    case "list":
      return node.items;
    case "unary":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    case "index":
      return [node.list, node.index];
    case "call":
      return node.given;
    case "each":
      return [node.list, node.predicate];
    case "conditional":
      return [node.test, node.then, node.otherwise];
  }
}

export interface Tried {
  readonly answer: Answer;
  readonly measured: Measured;
}

/** Every tried number in a vector of this many equal series. */
export function tryAnswers(metric: ArgoMetric, series: number): readonly Tried[] {
  return triedValues(metric).map((value) => {
    const answer = answerOf(...Array.from({ length: series }, () => value));
    return { answer, measured: measureArgo(metric, answer) };
  });
}

export interface Healthy {
  readonly answer: Answer;
  readonly series: number;
}

/** An answer that the metric takes for healthy, with as few series as possible. */
export function healthyAnswer(metric: ArgoMetric): Healthy | null {
  for (let series = 1; series <= MOST_SERIES; series++) {
    const found = tryAnswers(metric, series).find(
      ({ measured }) => measured.phase === "Successful",
    );
    if (found !== undefined) return { answer: found.answer, series };
  }
  return null;
}
