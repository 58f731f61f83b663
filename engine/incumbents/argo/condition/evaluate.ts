/**
 * A condition on the result of one measurement → true, false, or why it raises.
 *
 * `result` is a list of numbers for a vector and a number for a scalar. `default` and `isNil` look
 * at `result` whatever they are given (utils/evaluate/evaluate.go), and the result of a query is
 * never nil, so `default(result[0], 0)` is the whole vector, and on an empty one it raises.
 */

import { checkCondition, type ConditionError, type Type } from "./check.ts";
import type { BinaryOperator, Literal, Node } from "./parse.ts";

export type Value =
  | boolean
  | string
  | null
  | { readonly int: number }
  | { readonly float: number }
  | readonly Value[];

export type Evaluated = { readonly holds: boolean } | { readonly error: ConditionError };

/** What an operand gives: a value, or the error that ends the evaluation. */
type Given = { readonly value: Value } | { readonly error: ConditionError };

const MISMATCH: Given = { error: "mismatchedTypes" };

interface Scope {
  readonly result: Value;
  readonly element: Value;
}

export function evaluateCondition(node: Node, result: Value): Evaluated {
  const checked = checkCondition(node, typeOf(result));
  if ("error" in checked) return checked;
  const given = evaluate(node, { result, element: null });
  if ("error" in given) return given;
  return typeof given.value === "boolean" ? { holds: given.value } : { error: "notBoolean" };
}

/** A vector is a list of floats, also where it is empty. */
function typeOf(value: Value): Type {
  if (value === null) return "nil";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (isList(value)) return { list: "float" };
  return "int" in value ? "int" : "float";
}

function evaluate(node: Node, scope: Scope): Given {
  switch (node.kind) {
    case "literal":
      return { value: node.value satisfies Literal };
    case "name":
      return node.name === "result" ? { value: scope.result } : { error: "unknownName" };
    case "element":
      return { value: scope.element };
    case "list":
      return values(node.items, scope);
    case "unary":
      return unary(node, scope);
    case "binary":
      return binary(node, scope);
    case "index":
      return index(node, scope);
    case "call":
      return call(node, scope);
    case "each":
      return each(node, scope);
    case "conditional": {
      const test = evaluate(node.test, scope);
      if ("error" in test) return test;
      if (typeof test.value !== "boolean") return MISMATCH;
      return evaluate(test.value ? node.then : node.otherwise, scope);
    }
  }
}

function values(
  nodes: readonly Node[],
  scope: Scope,
): { readonly value: readonly Value[] } | { readonly error: ConditionError } {
  const all: Value[] = [];
  for (const node of nodes) {
    const one = evaluate(node, scope);
    if ("error" in one) return one;
    all.push(one.value);
  }
  return { value: all };
}

function unary({ operator, operand }: Node & { kind: "unary" }, scope: Scope): Given {
  const given = evaluate(operand, scope);
  if ("error" in given) return given;
  const { value } = given;
  if (operator === "!") return typeof value === "boolean" ? { value: !value } : MISMATCH;
  if (!isNumber(value)) return MISMATCH;
  if (operator === "+") return given;
  return { value: "int" in value ? { int: -value.int } : { float: -value.float } };
}

function index({ list, index: by }: Node & { kind: "index" }, scope: Scope): Given {
  const both = values([list, by], scope);
  if ("error" in both) return both;
  const [from, at] = both.value as [Value, Value];
  if (!isList(from) || !isNumber(at)) return MISMATCH;
  const place = Math.trunc(numberOf(at));
  // A negative index counts from the end.
  const found = from[place < 0 ? from.length + place : place];
  return found === undefined ? { error: "indexOutOfRange" } : { value: found };
}

function call({ name, given }: Node & { kind: "call" }, scope: Scope): Given {
  const all = values(given, scope);
  if ("error" in all) return all;
  const [first] = all.value as [Value];
  switch (name) {
    case "len": {
      if (isList(first)) return { value: { int: first.length } };
      return typeof first === "string" ? { value: { int: characters(first) } } : MISMATCH;
    }
    case "isNaN":
    case "isInf": {
      if (!isNumber(first)) return MISMATCH;
      const number = numberOf(first);
      if (name === "isNaN") return { value: Number.isNaN(number) };
      return { value: number === Infinity || number === -Infinity };
    }
    case "isNil":
      return { value: scope.result === null };
    case "default":
      return { value: scope.result === null ? (all.value[1] as Value) : scope.result };
    case "asInt":
      return asInt(first);
    case "asFloat":
      return asFloat(first);
  }
}

/** Go's conversion of NaN and of what does not fit, as amd64 does it. */
const LEAST_INT = -(2 ** 63);

function asInt(value: Value): Given {
  if (typeof value === "string") {
    return /^[+-]?\d{1,18}$/.test(value) ? { value: { int: Number(value) } } : NOT_A_NUMBER;
  }
  if (!isNumber(value)) return MISMATCH;
  const whole = Math.trunc(numberOf(value));
  return { value: { int: Math.abs(whole) < 2 ** 63 ? whole : LEAST_INT } };
}

const NOT_A_NUMBER: Given = { error: "notANumber" };

function asFloat(value: Value): Given {
  if (isNumber(value)) return { value: { float: numberOf(value) } };
  if (typeof value !== "string") return MISMATCH;
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value))
    return { value: { float: Number(value) } };
  if (/^[+-]?inf(inity)?$/i.test(value)) {
    return { value: { float: value.startsWith("-") ? -Infinity : Infinity } };
  }
  return /^nan$/i.test(value) ? { value: { float: NaN } } : NOT_A_NUMBER;
}

function each({ name, list, predicate }: Node & { kind: "each" }, scope: Scope): Given {
  const over = evaluate(list, scope);
  if ("error" in over) return over;
  if (!isList(over.value)) return MISMATCH;
  const kept: Value[] = [];
  const mapped: Value[] = [];
  for (const element of over.value) {
    const given = evaluate(predicate, { ...scope, element });
    if ("error" in given) return given;
    mapped.push(given.value);
    if (name === "map") continue;
    if (typeof given.value !== "boolean") return MISMATCH;
    if (given.value) kept.push(element);
    // These stop at the first answer, so an error further on is never met.
    if (name === "all" && !given.value) return { value: false };
    if (name === "any" && given.value) return { value: true };
    if (name === "none" && given.value) return { value: false };
  }
  switch (name) {
    case "map":
      return { value: mapped };
    case "filter":
      return { value: kept };
    case "count":
      return { value: { int: kept.length } };
    case "one":
      return { value: kept.length === 1 };
    case "all":
    case "none":
      return { value: true };
    case "any":
      return { value: false };
  }
}

function binary(node: Node & { kind: "binary" }, scope: Scope): Given {
  const { operator } = node;
  const left = evaluate(node.left, scope);
  if ("error" in left) return left;
  if (operator === "||" || operator === "&&") {
    if (typeof left.value !== "boolean") return MISMATCH;
    if (left.value === (operator === "||")) return left;
    const right = evaluate(node.right, scope);
    return "value" in right && typeof right.value !== "boolean" ? MISMATCH : right;
  }
  if (operator === "??" && left.value !== null) return left;
  const right = evaluate(node.right, scope);
  if ("error" in right || operator === "??") return right;
  return operate(operator, left.value, right.value);
}

function operate(operator: BinaryOperator, left: Value, right: Value): Given {
  if (operator === "==" || operator === "!=") {
    if (isList(left) && isList(right)) return { error: "notEmulated" };
    return { value: isEqual(left, right) === (operator === "==") };
  }
  if (operator === "in") {
    if (right === null) return { value: false };
    return isList(right) ? { value: right.some((one) => isEqual(one, left)) } : MISMATCH;
  }
  if (typeof left === "string" && typeof right === "string") return ofTexts(operator, left, right);
  if (!isNumber(left) || !isNumber(right)) return MISMATCH;
  const bothInts = "int" in left && "int" in right;
  return ofNumbers(operator, numberOf(left), numberOf(right), bothInts);
}

function ofTexts(operator: BinaryOperator, left: string, right: string): Given {
  if (operator === "+") return { value: left + right };
  const compared = compare(operator, left, right);
  return compared === null ? MISMATCH : { value: compared };
}

function ofNumbers(operator: BinaryOperator, left: number, right: number, ints: boolean): Given {
  const compared = compare(operator, left, right);
  if (compared !== null) return { value: compared };
  if (operator === "/") return { value: { float: left / right } };
  if (operator === "**") return { value: { float: left ** right } };
  if (operator === "%" && !ints) return MISMATCH;
  if (operator === "%" && right === 0) return { error: "divisionByZero" };
  const value = arithmetic(operator, left, right);
  if (value === null) return MISMATCH;
  return { value: ints ? { int: value } : { float: value } };
}

function arithmetic(operator: BinaryOperator, left: number, right: number): number | null {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  return operator === "%" ? left % right : null;
}

/** Null for an operator that does not compare. With NaN every comparison is false. */
function compare<Side extends number | string>(
  operator: BinaryOperator,
  left: Side,
  right: Side,
): boolean | null {
  if (operator === "<") return left < right;
  if (operator === ">") return left > right;
  if (operator === "<=") return left <= right;
  return operator === ">=" ? left >= right : null;
}

function isEqual(left: Value, right: Value): boolean {
  if (isNumber(left) && isNumber(right)) return numberOf(left) === numberOf(right);
  return left === right;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function isNumber(value: Value): value is { readonly int: number } | { readonly float: number } {
  return typeof value === "object" && value !== null && !isList(value);
}

function numberOf(value: { readonly int: number } | { readonly float: number }): number {
  return "int" in value ? value.int : value.float;
}

function characters(text: string): number {
  return Array.from(text).length;
}
