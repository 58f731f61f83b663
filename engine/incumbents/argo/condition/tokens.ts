/** The words of a condition: expr-lang as Argo Rollouts writes it, as far as it is emulated. */

export type Token =
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "word"; readonly text: string; readonly at: number }
  | { readonly kind: "sign"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: ""; readonly at: number };

/** Why a condition is not emulated. `at` counts characters from 0. */
export interface Refusal {
  readonly code: "tooLong" | "tooDeep" | "tooManyParts" | "syntax" | "construct";
  /** The word or sign that is refused, as written; empty where the text ends too early. */
  readonly token: string;
  readonly at: number;
}

/** The longest condition that is read; the longest in public use has some 300 characters. */
const LONGEST = 2000;

/** Longer signs first: `>=` is one sign. */
const SIGNS = [
  ..."?. ?? ** .. == != <= >= && || ::".split(" "),
  ..."< > = ! + - * / % ^ ( ) [ ] { } , # ? : | . ;".split(" "),
];

const NUMBER = /0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][A-Za-z0-9_]*/y;
const SPACE = /\s+/y;

/** The tokens, ended by one of kind `end`; or why the text is not read. */
export function tokensOf(text: string): readonly Token[] | Refusal {
  if (text.length > LONGEST) return { code: "tooLong", token: "", at: LONGEST };
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const space = matchAt(SPACE, text, at);
    if (space !== null) {
      at += space.length;
      continue;
    }
    const token = tokenAt(text, at);
    if (token === null) return { code: "syntax", token: text[at]!, at };
    if ("code" in token) return token;
    tokens.push(token);
    at += token.kind === "string" ? token.text.length + 2 : token.text.length;
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

function tokenAt(text: string, at: number): Token | Refusal | null {
  const first = text[at]!;
  if (first === '"' || first === "'") return stringAt(text, at, first);
  if (/[0-9]/.test(first) || (first === "." && /[0-9]/.test(text[at + 1] ?? ""))) {
    const number = matchAt(NUMBER, text, at);
    return number === null ? null : { kind: "number", text: number, at };
  }
  const word = matchAt(WORD, text, at);
  if (word !== null) return { kind: "word", text: word, at };
  const sign = SIGNS.find((one) => text.startsWith(one, at));
  return sign === undefined ? null : { kind: "sign", text: sign, at };
}

/** A string without escapes. With them it is refused: no series of numbers needs one. */
function stringAt(text: string, at: number, quote: string): Token | Refusal {
  const end = text.indexOf(quote, at + 1);
  const inner = end < 0 ? null : text.slice(at + 1, end);
  if (inner === null || /[\\\n]/.test(inner)) return { code: "syntax", token: quote, at };
  return { kind: "string", text: inner, at };
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  // A copy: a sticky pattern keeps its place, and a module keeps no state.
  const sticky = new RegExp(pattern.source, "y");
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0] ?? null;
}
