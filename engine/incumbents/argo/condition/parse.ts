/**
 * The text of a condition → its tree, by precedence climbing with expr-lang's own table
 * (expr-lang/expr, parser/operator). What is not emulated is refused with its place.
 */

import { own, type JsonObject } from "../../../json.ts";
import { tokensOf, type Refusal, type Token } from "./tokens.ts";

export type Literal =
  boolean | string | null | { readonly int: number } | { readonly float: number };

/** Every node counts the character at which it begins, for messages. */
export type Node = { readonly at: number } & (
  | { readonly kind: "literal"; readonly value: Literal }
  /** A bare name: `result`, or one that Argo does not know. */
  | { readonly kind: "name"; readonly name: string }
  /** `#`, the element that a predicate looks at. */
  | { readonly kind: "element" }
  | { readonly kind: "list"; readonly items: readonly Node[] }
  | { readonly kind: "unary"; readonly operator: "!" | "-" | "+"; readonly operand: Node }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly kind: "index"; readonly list: Node; readonly index: Node }
  | { readonly kind: "call"; readonly name: FunctionName; readonly given: readonly Node[] }
  | {
      readonly kind: "each";
      readonly name: PredicateName;
      readonly list: Node;
      readonly predicate: Node;
    }
  | {
      readonly kind: "conditional";
      readonly test: Node;
      readonly then: Node;
      readonly otherwise: Node;
    }
);

const OPERATORS = {
  "||": 10,
  "&&": 15,
  "==": 20,
  "!=": 20,
  "<": 20,
  ">": 20,
  "<=": 20,
  ">=": 20,
  in: 20,
  "+": 30,
  "-": 30,
  "*": 60,
  "/": 60,
  "%": 60,
  "**": 100,
  "??": 500,
} as const;
export type BinaryOperator = keyof typeof OPERATORS;

const COMPARES = 20;
const POWER = 100;
const COALESCES = 500;
const NEGATES = 50;
const SIGNED = 90;

/** Other spellings of the same operator. */
const SAME: JsonObject<BinaryOperator> = { or: "||", and: "&&", "^": "**" };

/** How many arguments each takes. */
const FUNCTIONS = {
  len: 1,
  isNaN: 1,
  isInf: 1,
  isNil: 1,
  asInt: 1,
  asFloat: 1,
  default: 2,
} as const;
export type FunctionName = keyof typeof FUNCTIONS;

const PREDICATES = ["all", "any", "none", "one", "filter", "map", "count"] as const;
export type PredicateName = (typeof PREDICATES)[number];

/** Words of expr-lang that are neither names nor emulated. */
const NOT_EMULATED = new Set([
  "let",
  "matches",
  "contains",
  "startsWith",
  "endsWith",
  "if",
  "else",
]);

const DEEPEST = 40;
const MOST_PARTS = 300;

/** Where the reading is. Passed along and changed: one parse owns it. */
interface Reading {
  readonly tokens: readonly Token[];
  next: number;
  parts: number;
  inPredicate: boolean;
}

/** What a step of the reading gives: a node, or the refusal that ends it. */
type Read = Node | Refusal;

/** The tree, or why the condition is not emulated. */
export function parseCondition(text: string): Node | Refusal {
  const tokens = tokensOf(text);
  if ("code" in tokens) return tokens;
  const reading: Reading = { tokens, next: 0, parts: 0, inPredicate: false };
  const node = expression(reading, 0, 0);
  if ("code" in node) return node;
  const rest = peek(reading);
  return rest.kind === "end" ? node : refused(rest);
}

export function isRefusal(read: Node | Refusal): read is Refusal {
  return "code" in read;
}

function expression(reading: Reading, least: number, depth: number): Read {
  if (depth > DEEPEST) return { ...refused(peek(reading)), code: "tooDeep" };
  let left = unary(reading, depth + 1);
  let before: BinaryOperator | null = null;
  while (!isRefusal(left)) {
    const token = peek(reading);
    const operator = operatorOf(token);
    if (operator === null || OPERATORS[operator] < least) break;
    const rank = OPERATORS[operator];
    // Versions of expr-lang read a chain of comparisons, and `??` before another operator,
    // differently or not at all. With parentheses they agree.
    const beforeRank = before === null ? null : OPERATORS[before];
    if (beforeRank === COALESCES && operator !== "??") return refused(token);
    if (beforeRank === COMPARES && rank === COMPARES) return refused(token);
    reading.next++;
    const right = expression(reading, rank === POWER ? rank : rank + 1, depth + 1);
    if (isRefusal(right)) return right;
    left = part(reading, { kind: "binary", operator, left, right, at: token.at });
    before = operator;
  }
  if (isRefusal(left) || least > 0) return left;
  return isSign(peek(reading), "?") ? conditional(reading, left, depth) : left;
}

function conditional(reading: Reading, test: Node, depth: number): Read {
  const { at } = take(reading);
  const then = expression(reading, 0, depth + 1);
  if (isRefusal(then)) return then;
  if (!isSign(peek(reading), ":")) return refused(peek(reading));
  reading.next++;
  const otherwise = expression(reading, 0, depth + 1);
  if (isRefusal(otherwise)) return otherwise;
  return part(reading, { kind: "conditional", test, then, otherwise, at });
}

function unary(reading: Reading, depth: number): Read {
  const token = peek(reading);
  const negates = isSign(token, "!") || isWord(token, "not");
  if (!negates && !isSign(token, "-") && !isSign(token, "+")) return postfix(reading, depth);
  reading.next++;
  const operand = expression(reading, negates ? NEGATES : SIGNED, depth + 1);
  if (isRefusal(operand)) return operand;
  const operator = negates ? "!" : isSign(token, "-") ? "-" : "+";
  return part(reading, { kind: "unary", operator, operand, at: token.at });
}

function postfix(reading: Reading, depth: number): Read {
  let node = primary(reading, depth);
  while (!isRefusal(node) && isSign(peek(reading), "[")) {
    const { at } = take(reading);
    const index = expression(reading, 0, depth + 1);
    if (isRefusal(index)) return index;
    if (!isSign(peek(reading), "]")) return refused(peek(reading));
    reading.next++;
    node = part(reading, { kind: "index", list: node, index, at });
  }
  const after = peek(reading);
  if (isRefusal(node) || !(isSign(after, ".") || isSign(after, "?."))) return node;
  return refused(after);
}

function primary(reading: Reading, depth: number): Read {
  const token = take(reading);
  const { at } = token;
  if (token.kind === "number") return number(reading, token);
  if (token.kind === "string") return part(reading, { kind: "literal", value: token.text, at });
  if (token.kind === "word") return word(reading, token, depth);
  if (isSign(token, "#") && reading.inPredicate) return part(reading, { kind: "element", at });
  if (isSign(token, "(")) {
    const inner = expression(reading, 0, depth + 1);
    if (isRefusal(inner)) return inner;
    if (!isSign(peek(reading), ")")) return refused(peek(reading));
    reading.next++;
    return inner;
  }
  if (!isSign(token, "[")) return refused(token);
  const items = list(reading, "]", depth);
  return "code" in items ? items : part(reading, { kind: "list", items, at });
}

function number(reading: Reading, token: Token): Read {
  const plain = token.text.replaceAll("_", "");
  const value = Number(plain);
  const isInt = /^(?:\d+|0[xX][0-9a-fA-F]+)$/.test(plain);
  if (!Number.isFinite(value) || (isInt && !Number.isSafeInteger(value))) return refused(token);
  const literal = isInt ? { int: value } : { float: value };
  return part(reading, { kind: "literal", value: literal, at: token.at });
}

function word(reading: Reading, token: Token, depth: number): Read {
  const { text: name, at } = token;
  if (name === "true" || name === "false") {
    return part(reading, { kind: "literal", value: name === "true", at });
  }
  if (name === "nil") return part(reading, { kind: "literal", value: null, at });
  if (NOT_EMULATED.has(name) || operatorOf(token) !== null) return refused(token, "construct");
  if (!isSign(peek(reading), "(")) {
    if (isPredicate(name) || Object.hasOwn(FUNCTIONS, name)) return refused(token, "construct");
    return part(reading, { kind: "name", name, at });
  }
  if (isPredicate(name)) return each(reading, name, at, depth);
  if (!Object.hasOwn(FUNCTIONS, name)) return refused(token, "construct");
  reading.next++;
  const given = list(reading, ")", depth);
  if ("code" in given) return given;
  const known = name as FunctionName;
  if (given.length !== FUNCTIONS[known]) return refused(token, "construct");
  return part(reading, { kind: "call", name: known, given, at });
}

/** `all(result, {# > 1})`, with or without the braces. One inside another is refused. */
function each(reading: Reading, name: PredicateName, at: number, depth: number): Read {
  const outer = reading.tokens[reading.next - 1]!;
  if (reading.inPredicate) return refused(outer, "construct");
  reading.next++;
  const over = expression(reading, 0, depth + 1);
  if (isRefusal(over)) return over;
  if (!isSign(peek(reading), ",")) return refused(peek(reading));
  reading.next++;
  const braced = isSign(peek(reading), "{");
  if (braced) reading.next++;
  reading.inPredicate = true;
  const predicate = expression(reading, 0, depth + 1);
  reading.inPredicate = false;
  if (isRefusal(predicate)) return predicate;
  for (const sign of braced ? ["}", ")"] : [")"]) {
    if (!isSign(peek(reading), sign)) return refused(peek(reading));
    reading.next++;
  }
  return part(reading, { kind: "each", name, list: over, predicate, at });
}

/** Parts with commas between them, up to and with the closing sign. */
function list(reading: Reading, close: string, depth: number): Refusal | readonly Node[] {
  const items: Node[] = [];
  while (!isSign(peek(reading), close)) {
    if (items.length > 0) {
      if (!isSign(peek(reading), ",")) return refused(peek(reading));
      reading.next++;
    }
    const item = expression(reading, 0, depth + 1);
    if (isRefusal(item)) return item;
    items.push(item);
  }
  reading.next++;
  return items;
}

function part(reading: Reading, node: Node): Read {
  reading.parts++;
  if (reading.parts <= MOST_PARTS) return node;
  return { code: "tooManyParts", token: "", at: node.at };
}

function operatorOf(token: Token): BinaryOperator | null {
  if (token.kind !== "sign" && token.kind !== "word") return null;
  if (Object.hasOwn(SAME, token.text)) return own(SAME, token.text)!;
  return Object.hasOwn(OPERATORS, token.text) ? (token.text as BinaryOperator) : null;
}

function isPredicate(name: string): name is PredicateName {
  return (PREDICATES as readonly string[]).includes(name);
}

function isSign(token: Token, text: string): boolean {
  return token.kind === "sign" && token.text === text;
}

function isWord(token: Token, text: string): boolean {
  return token.kind === "word" && token.text === text;
}

function peek(reading: Reading): Token {
  return reading.tokens[Math.min(reading.next, reading.tokens.length - 1)]!;
}

function take(reading: Reading): Token {
  const token = peek(reading);
  reading.next++;
  return token;
}

const CONSTRUCTS = new Set(["?.", "..", "|", ".", "{", ";", "::", "?", "not"]);

function refused({ text, at }: Token, code?: Refusal["code"]): Refusal {
  return { code: code ?? (CONSTRUCTS.has(text) ? "construct" : "syntax"), token: text, at };
}
