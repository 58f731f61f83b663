/**
 * The types of a condition, checked before it runs as expr-lang does (checker/checker.go). Argo
 * compiles a condition against the result of each measurement, so an operand of the wrong type is
 * an error even in a branch that is never reached: `true || result > 1` errs on a vector.
 */

import type { BinaryOperator, FunctionName, Node } from "./parse.ts";

export type Type =
  | "bool"
  | "int"
  | "float"
  | "string"
  | "nil"
  /** Known at run time only. */
  | "any"
  | { readonly list: Type };

/** Why a measurement is an Error: the condition could not be evaluated on this result. */
export type ConditionError =
  /** An operator or function got a type that it does not take. */
  | "mismatchedTypes"
  /** A name other than `result`. */
  | "unknownName"
  /** `result[n]`, and the answer has no n-th series. */
  | "indexOutOfRange"
  | "divisionByZero"
  /** The condition is neither true nor false. */
  | "notBoolean"
  /** A text that is no number. */
  | "notANumber"
  /** Two lists are compared: versions of expr-lang differ. */
  | "notEmulated";

type Checked = { readonly type: Type } | { readonly error: ConditionError };

const MISMATCH: Checked = { error: "mismatchedTypes" };

/** @param result the type of the name `result` */
export function checkCondition(node: Node, result: Type): Checked {
  return check(node, { result, element: null });
}

interface Scope {
  readonly result: Type;
  readonly element: Type | null;
}

function check(node: Node, scope: Scope): Checked {
  switch (node.kind) {
    case "literal":
      return { type: literalType(node.value) };
    case "name":
      return node.name === "result" ? { type: scope.result } : { error: "unknownName" };
    case "element":
      return { type: scope.element ?? "any" };
    case "list":
      return checkAll(node.items, scope) ?? { type: { list: "any" } };
    case "unary": {
      const of = check(node.operand, scope);
      if ("error" in of) return of;
      if (node.operator === "!") return isOr(of.type, "bool") ? { type: "bool" } : MISMATCH;
      return isNumeric(of.type) || of.type === "any" ? of : MISMATCH;
    }
    case "binary":
      return checkBinary(node, scope);
    case "index": {
      const [list, index] = [check(node.list, scope), check(node.index, scope)];
      if ("error" in list) return list;
      if ("error" in index) return index;
      if (list.type === "any") return { type: "any" };
      if (typeof list.type !== "object" || !isOr(index.type, "int")) return MISMATCH;
      return { type: list.type.list };
    }
    case "call":
      return checkCall(node.name, node.given, scope);
    case "each":
      return checkEach(node, scope);
    case "conditional":
      return checkConditional(node, scope);
  }
}

/** The first error among several nodes. */
function checkAll(nodes: readonly Node[], scope: Scope): Checked | null {
  return nodes.map((node) => check(node, scope)).find((one) => "error" in one) ?? null;
}

function checkBinary(node: Node & { kind: "binary" }, scope: Scope): Checked {
  const [left, right] = [check(node.left, scope), check(node.right, scope)];
  if ("error" in left) return left;
  if ("error" in right) return right;
  return binaryType(node.operator, left.type, right.type);
}

function binaryType(operator: BinaryOperator, left: Type, right: Type): Checked {
  const numeric = isOr(left, "int", "float") && isOr(right, "int", "float");
  const isKnown = left !== "any" && right !== "any";
  const texts = isOr(left, "string") && isOr(right, "string");
  switch (operator) {
    case "||":
    case "&&":
      return isOr(left, "bool") && isOr(right, "bool") ? { type: "bool" } : MISMATCH;
    case "==":
    case "!=":
      if (typeof left === "object" && typeof right === "object") return { error: "notEmulated" };
      return isComparable(left, right) ? { type: "bool" } : MISMATCH;
    case "<":
    case ">":
    case "<=":
    case ">=":
      return numeric || texts ? { type: "bool" } : MISMATCH;
    case "+":
      if (texts && isKnown) return { type: "string" };
      if (!numeric && !texts) return MISMATCH;
      return { type: isKnown ? combined(left, right) : "any" };
    case "-":
    case "*":
      return numeric ? { type: isKnown ? combined(left, right) : "any" } : MISMATCH;
    case "/":
    case "**":
      return numeric ? { type: "float" } : MISMATCH;
    case "%":
      if (!isOr(left, "int") || !isOr(right, "int")) return MISMATCH;
      return { type: isKnown ? "int" : "any" };
    case "in":
      if (typeof right === "object") {
        return left === "nil" || isComparable(left, right.list) ? { type: "bool" } : MISMATCH;
      }
      return right === "any" ? { type: "bool" } : MISMATCH;
    case "??":
      if (left === "nil") return { type: right };
      return { type: right === "nil" || sameType(left, right) ? left : "any" };
  }
}

function checkCall(name: FunctionName, given: readonly Node[], scope: Scope): Checked {
  const wrong = checkAll(given, scope);
  if (wrong !== null) return wrong;
  const first = check(given[0]!, scope);
  if ("error" in first) return first;
  const { type } = first;
  switch (name) {
    case "len":
      return typeof type === "object" || isOr(type, "string") ? { type: "int" } : MISMATCH;
    case "isNaN":
    case "isInf": {
      const fits = isOr(type, "float") || (type === "int" && isArithmetic(given[0]!));
      return fits ? { type: "bool" } : MISMATCH;
    }
    // These three take anything, and look at it when they run.
    case "isNil":
      return { type: "bool" };
    case "asInt":
      return { type: "int" };
    case "asFloat":
      return { type: "float" };
    case "default":
      return { type: "any" };
  }
}

function checkEach(node: Node & { kind: "each" }, scope: Scope): Checked {
  const over = check(node.list, scope);
  if ("error" in over) return over;
  if (typeof over.type !== "object" && over.type !== "any") return MISMATCH;
  const element = over.type === "any" ? "any" : over.type.list;
  const predicate = check(node.predicate, { ...scope, element });
  if ("error" in predicate) return predicate;
  if (node.name === "map") return { type: { list: predicate.type } };
  if (!isOr(predicate.type, "bool")) return MISMATCH;
  if (node.name === "filter") return { type: { list: element } };
  return { type: node.name === "count" ? "int" : "bool" };
}

function checkConditional(node: Node & { kind: "conditional" }, scope: Scope): Checked {
  const wrong = checkAll([node.test, node.then, node.otherwise], scope);
  if (wrong !== null) return wrong;
  const [test, then, otherwise] = [node.test, node.then, node.otherwise].map((one) =>
    check(one, scope),
  ) as { type: Type }[];
  if (!isOr(test!.type, "bool")) return MISMATCH;
  return { type: sameType(then!.type, otherwise!.type) ? then!.type : "any" };
}

function literalType(value: (Node & { kind: "literal" })["value"]): Type {
  if (value === null) return "nil";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return "int" in value ? "int" : "float";
}

/** Integers written out, and sums of them, stand where a float is wanted. */
function isArithmetic(node: Node): boolean {
  if (node.kind === "literal") return true;
  if (node.kind === "unary") return node.operator !== "!";
  return node.kind === "binary" && ["+", "-", "*", "/", "%", "**"].includes(node.operator);
}

function isNumeric(type: Type): boolean {
  return type === "int" || type === "float";
}

/** One of these, or known at run time only. */
function isOr(type: Type, ...kinds: readonly Type[]): boolean {
  return type === "any" || kinds.includes(type);
}

function isComparable(left: Type, right: Type): boolean {
  if (left === "any" || right === "any" || left === "nil" || right === "nil") return true;
  return (isNumeric(left) && isNumeric(right)) || sameType(left, right);
}

function sameType(left: Type, right: Type): boolean {
  if (typeof left !== "object" || typeof right !== "object") return left === right;
  return sameType(left.list, right.list);
}

function combined(left: Type, right: Type): Type {
  return left === "int" && right === "int" ? "int" : "float";
}
