/** How large and how deep a YAML text is, told from its tokens: one pass, and no tree. */

import { Lexer } from "yaml";
import type { DocumentLimits } from "./limits.ts";
import { LimitProblem } from "./problem.ts";

/** @throws Problem at the first place that is beyond a limit */
export function checkOutline(text: string, file: string, limits: DocumentLimits): void {
  if (text.length > limits.letters) {
    throw new LimitProblem(`this YAML is longer than ${limits.letters} letters`, {
      file,
      cure: "Make it shorter.",
    });
  }
  let line = 1;
  let column = 0;
  let entries = 0;
  let aliases = 0;
  let brackets = 0;
  /** The columns at which the maps and lists around this place begin. */
  const blocks: number[] = [];
  let opens = true;
  const refuse = (what: string): never => {
    const cure = "Make it smaller: no file of this kind needs as much.";
    throw new LimitProblem(what, { file, line, column: column + 1, cure });
  };
  for (const token of new Lexer().lex(text)) {
    const first = token[0]!;
    // Words of the lexer itself, which stand nowhere in the text.
    if (first === "\u0002" || first === "\u0018" || first === "\u001f") continue;
    const isBlank = first === " " || first === "\t" || first === "\r" || first === "#";
    if (first !== "\n" && !isBlank && brackets === 0 && opens) {
      while (blocks.length > 0 && blocks.at(-1)! >= column) blocks.pop();
      blocks.push(column);
    }
    const isIndicator = token === "-" || token === "?" || token === ":";
    if (!isBlank) opens = first === "\n" || isIndicator;
    // Anchors and tags cost as much as what they stand before.
    const isProperty = first === "&" || first === "!";
    if (isIndicator || isProperty || token === ",") entries++;
    if (token === "[" || token === "{") {
      brackets++;
      entries++;
    } else if ((token === "]" || token === "}") && brackets > 0) brackets--;
    else if (first === "*" && token.length > 1) aliases++;
    if (entries > limits.entries) refuse(`more than ${limits.entries} keys and items`);
    if (aliases > limits.aliases) refuse(`more than ${limits.aliases} aliases`);
    if (blocks.length + brackets > limits.depth) {
      refuse(`more than ${limits.depth} maps and lists within each other: this is nested too deep`);
    }
    const lineEnd = token.lastIndexOf("\n");
    if (lineEnd < 0) column += token.length;
    else {
      for (const letter of token) if (letter === "\n") line++;
      column = token.length - lineEnd - 1;
      opens = true;
    }
  }
}
