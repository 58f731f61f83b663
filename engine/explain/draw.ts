/** An explanation as an indented text and as a Mermaid diagram. */

import type { ExplanationNode } from "./explain.ts";

/** A line for each node, with the branches of a tree before it. */
export function explanationText(tree: ExplanationNode): string {
  const lines: string[] = [];
  const draw = ({ says, children }: ExplanationNode, first: string, rest: string): void => {
    const [head, ...more] = says.split("\n");
    lines.push(first + head!);
    for (const line of more) lines.push(`${rest}${children.length > 0 ? "│  " : "   "}${line}`);
    children.forEach((child, index) => {
      const isLast = index === children.length - 1;
      draw(child, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`);
    });
  };
  draw(tree, "", "");
  return lines.join("\n");
}

/** A flowchart from left to right; GitHub and most wikis draw it. */
export function explanationMermaid(tree: ExplanationNode): string {
  const lines = ["flowchart LR"];
  let count = 0;
  const draw = ({ says, children }: ExplanationNode): string => {
    const id = `n${count++}`;
    lines.push(`  ${id}["${escaped(says)}"]`);
    for (const child of children) lines.push(`  ${id} --> ${draw(child)}`);
    return id;
  };
  draw(tree);
  return lines.join("\n");
}

/** What a quoted label of Mermaid cannot hold as it is, by its character code. */
const SPECIAL = /["#&;<>[\](){}|`\\]/g;

function escaped(text: string): string {
  return text.replace(SPECIAL, (letter) => `#${letter.charCodeAt(0)};`).replace(/\r?\n/g, "<br/>");
}
