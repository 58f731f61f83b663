/**
 * What an alerting expression says, without evaluating it: its query and its bound, and what it
 * answers when nothing is there. The grammar is that of Prometheus' own editor.
 */

import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { own, type AlertBound, type Comparison, type JsonObject } from "../../../engine/index.ts";

/** Longer expressions are refused: people do not write them. */
export const LONGEST_EXPRESSION = 10_000;
/** Deeper nesting is refused, because the tree is walked by recursion. */
const DEEPEST = 200;

/** Why the whole expression is the query: a result is active whatever its value. */
export type WholeBecause =
  /** There is no comparison at the top. */
  | "noComparison"
  /** `and`, `or` or `unless` is at the top. */
  | "setOperator"
  /** `bool` makes the comparison a value, 0 or 1, which is always there. */
  | "bool"
  /** Two vectors are compared. */
  | "twoVectors"
  /** The bound is no constant, such as `time()`. */
  | "boundVaries"
  /** The bound is NaN or infinite. */
  | "boundNotFinite"
  /** It is no PromQL: an extension, such as MetricsQL. */
  | "notPromql";

export interface SplitExpression {
  readonly query: string;
  readonly bound: AlertBound | null;
  readonly whole: WholeBecause | null;
}

/** A place within an expression, from 1. */
export interface PlaceInText {
  readonly line: number;
  readonly column: number;
}

/** An expression as a tree. `text` is blank where `offset` and `@` are written in `source`. */
export interface Expression {
  readonly source: string;
  readonly text: string;
  readonly top: SyntaxNode;
}

/** @returns the place of the first mistake where it is no PromQL */
export function parseExpression(source: string): Expression | PlaceInText {
  // The grammar binds `offset` and `@` to a whole operation, Prometheus binds them to the selector
  // before them. Without them the tree is right; they do not change its shape.
  let text = source;
  for (const { from, to } of modifiersOf(source)) {
    text = text.slice(0, from) + text.slice(from, to).replace(/[^\n]/g, " ") + text.slice(to);
  }
  const mistake = mistakeIn(source) ?? mistakeIn(text);
  if (mistake !== null) return placeAt(source, mistake);
  const top = parser.parse(text).topNode.firstChild;
  return top === null ? placeAt(source, 0) : { source, text, top };
}

export function isExpression(parsed: Expression | PlaceInText): parsed is Expression {
  return "top" in parsed;
}

function modifiersOf(source: string): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  parser.parse(source).iterate({
    enter({ name, node, to }) {
      if (name !== "OffsetExpr" && name !== "StepInvariantExpr") return;
      const word = node.getChild("Offset") ?? node.getChild("At");
      if (word !== null) found.push({ from: word.from, to });
    },
  });
  return found;
}

/** The offset of the first mistake; null for none. Too deep is a mistake too. */
function mistakeIn(text: string): number | null {
  let first: number | null = null;
  let depth = 0;
  parser.parse(text).iterate({
    enter({ type, from }) {
      if (first === null && (type.isError || ++depth > DEEPEST)) first = from;
      return first === null;
    },
    leave() {
      depth--;
    },
  });
  return first;
}

function placeAt(text: string, offset: number): PlaceInText {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

const COMPARISONS: JsonObject<Comparison> = {
  Gtr: ">",
  Gte: ">=",
  Lss: "<",
  Lte: "<=",
  Eql: "==",
  Neq: "!=",
};
const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  ">": "<",
  ">=": "<=",
  "<": ">",
  "<=": ">=",
  "==": "==",
  "!=": "!=",
};

/** Splits the comparison at the top into the query to ask and the bound to compare with. */
export function splitExpression({ source, text, top }: Expression): SplitExpression {
  const whole = (because: WholeBecause): SplitExpression => ({
    query: source.trim(),
    bound: null,
    whole: because,
  });
  const { node, to } = withoutParentheses(top, text.length);
  const operation = operationOf(node);
  if (operation === null) return whole("noComparison");
  const { operator, left, right } = operation;
  if (["And", "Or", "Unless"].includes(operator.name)) return whole("setOperator");
  const op = own(COMPARISONS, operator.name);
  if (op === undefined) return whole("noComparison");
  if (node.getChild("BoolModifier") !== null) return whole("bool");
  if (isScalar(left) === isScalar(right)) return whole("twoVectors");
  const boundIsRight = isScalar(right);
  const value = constantOf(boundIsRight ? right : left, text);
  if (value === null) return whole("boundVaries");
  if (!Number.isFinite(value)) return whole("boundNotFinite");
  // From the source, up to the operator or the end: a modifier of the last selector belongs to it.
  const query = boundIsRight
    ? source.slice(node.from, operator.from)
    : source.slice(right.from, Math.max(to, right.to));
  const bound = { op: boundIsRight ? op : MIRRORED[op], value };
  return { query: query.trim(), bound, whole: null };
}

/** @param to where the text of the node ends, with what is blank in it */
function withoutParentheses(node: SyntaxNode, to: number): { node: SyntaxNode; to: number } {
  while (node.name === "ParenExpr" && node.firstChild !== null) {
    to = node.to - 1;
    node = node.firstChild;
  }
  return { node, to };
}

interface Operation {
  readonly operator: SyntaxNode;
  readonly left: SyntaxNode;
  readonly right: SyntaxNode;
}

/** The parts of an operation with two sides; null for anything else. */
export function operationOf(node: SyntaxNode): Operation | null {
  if (node.name !== "BinaryExpr") return null;
  const [left, operator, right] = [node.firstChild, node.firstChild?.nextSibling, node.lastChild];
  return left && operator && right ? { operator, left, right } : null;
}

/** The lower-case name and the arguments of a function or an aggregation; else null. */
export function callOf(node: SyntaxNode): { name: string; of: readonly SyntaxNode[] } | null {
  const named =
    node.getChild("FunctionIdentifier")?.firstChild ?? node.getChild("AggregateOp")?.firstChild;
  if (!named) return null;
  const body = node.getChild("FunctionCallBody");
  const of: SyntaxNode[] = [];
  for (let child = body?.firstChild ?? null; child !== null; child = child.nextSibling) {
    of.push(child);
  }
  return { name: named.name.toLowerCase(), of };
}

/** The only child of parentheses, and the operand of a sign. */
function innerOf(node: SyntaxNode): SyntaxNode | null {
  return node.name === "ParenExpr" || node.name === "UnaryExpr" ? node.lastChild : null;
}

export function isScalar(node: SyntaxNode): boolean {
  if (node.name === "NumberDurationLiteral") return true;
  const inner = innerOf(node);
  if (inner !== null) return isScalar(inner);
  const operation = operationOf(node);
  if (operation !== null) return isScalar(operation.left) && isScalar(operation.right);
  return ["time", "scalar", "pi"].includes(callOf(node)?.name ?? "");
}

/** The value of a constant; null where it is none, or compares. */
function constantOf(node: SyntaxNode, text: string): number | null {
  return computed(node, text, (of) => constantOf(of, text)) ?? null;
}

/** What numbers, signs and arithmetic come to; undefined for every other node. */
function computed(
  node: SyntaxNode,
  text: string,
  valueOf: (of: SyntaxNode) => number | null | undefined,
): number | null | undefined {
  if (node.name === "NumberDurationLiteral") return numberOf(text.slice(node.from, node.to));
  if (node.name === "ParenExpr") return valueOf(node.lastChild!);
  if (node.name === "UnaryExpr") {
    const value = valueOf(node.lastChild!);
    const isMinus = text[node.from] === "-";
    return typeof value === "number" && isMinus ? -value : value;
  }
  const operation = operationOf(node);
  if (operation === null) return undefined;
  const compute = own(ARITHMETIC, operation.operator.name);
  if (compute === undefined) return undefined;
  const [left, right] = [valueOf(operation.left), valueOf(operation.right)];
  if (typeof left === "number" && typeof right === "number") return compute(left, right);
  return left === undefined || right === undefined ? undefined : null;
}

const ARITHMETIC: JsonObject<(left: number, right: number) => number> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right) => left / right,
  Mod: (left, right) => left % right,
  Pow: (left, right) => left ** right,
};
const COMPARED: JsonObject<(left: number, right: number) => boolean> = {
  Gtr: (left, right) => left > right,
  Gte: (left, right) => left >= right,
  Lss: (left, right) => left < right,
  Lte: (left, right) => left <= right,
  Eql: (left, right) => left === right,
  Neq: (left, right) => left !== right,
};

const UNIT_SECONDS: JsonObject<number> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** A number as PromQL writes it: `0x1f`, `1_000`, `.5e3`, `+Inf`, or a duration in seconds. */
function numberOf(written: string): number {
  const text = written.replaceAll("_", "").toLowerCase();
  if (/^[+-]?(inf|nan)$/.test(text)) {
    return text.endsWith("nan") ? NaN : text.startsWith("-") ? -Infinity : Infinity;
  }
  if (/^(\d+(ms|[smhdwy]))+$/.test(text)) {
    return [...text.matchAll(/(\d+)(ms|[smhdwy])/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * own(UNIT_SECONDS, unit!)!,
      0,
    );
  }
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return Number(text);
}

/**
 * What an expression answers when no selector finds a series: the value of the one result, null for
 * no result, undefined where that cannot be told here.
 */
export function answerWithoutData(node: SyntaxNode, text: string): number | null | undefined {
  const answerOf = (of: SyntaxNode): number | null | undefined => answerWithoutData(of, text);
  if (node.name === "VectorSelector" || node.name === "MatrixSelector") return null;
  if (node.name === "SubqueryExpr") return answerOf(node.firstChild!) === null ? null : undefined;
  const value = computed(node, text, answerOf);
  if (value !== undefined) return value;
  const operation = operationOf(node);
  if (operation !== null) {
    const [left, right] = [answerOf(operation.left), answerOf(operation.right)];
    const { name } = operation.operator;
    if (name === "Or") return left === null ? right : left;
    if (name === "And") return right === null ? null : right === undefined ? undefined : left;
    if (name === "Unless") return right === null ? left : right === undefined ? undefined : null;
    const compared = own(COMPARED, name);
    if (left === null || right === null) return null;
    if (compared === undefined || left === undefined || right === undefined) return undefined;
    const isTrue = compared(left, right);
    if (node.getChild("BoolModifier") !== null) return isTrue ? 1 : 0;
    return isTrue ? (isScalar(operation.left) ? right : left) : null;
  }
  const call = callOf(node);
  if (call === null) return undefined;
  if (call.name === "absent" || call.name === "absentovertime") {
    const inside = call.of[0] === undefined ? undefined : answerOf(call.of[0]);
    return inside === null ? 1 : inside === undefined ? undefined : null;
  }
  if (call.name === "scalar") return answerOf(call.of[0]!) === null ? NaN : undefined;
  if (call.name === "vector") return answerOf(call.of[0]!);
  if (call.of.some((argument) => !isScalar(argument) && answerOf(argument) === null)) return null;
  // A sum of one result is that result.
  if (["sum", "min", "max", "avg"].includes(call.name)) return answerOf(call.of[0]!);
  return undefined;
}
