/** Renders a report as Markdown, for pull requests and wikis: the same blocks without charts. */

import { cellOf, piecesOf, type Block, type Cell, type Text } from "./blocks.ts";
import type { ReportDocument } from "./document.ts";
import { inMarkdown } from "./embedded.ts";
import { introOf, sectionsOf } from "./sections/all.ts";

export function reportMarkdown(document: ReportDocument): string {
  const intro = introOf(document);
  const { title, sentences } = document.decision;
  return [
    `# ${escaped(intro.title)}`,
    "",
    `## ${escaped(title)}`,
    "",
    ...sentences.map((one, at) => `${at + 1}. **${intro.sentenceNames[at]!}** ${escaped(one)}`),
    "",
    escaped(intro.facts),
    "",
    ...sectionsOf(document).flatMap((section) => [
      `## ${escaped(section.title)}`,
      "",
      ...section.blocks.flatMap((block) => [...blockLines(block), ""]),
    ]),
    `<sub>${escaped(intro.footer)}</sub>`,
    "",
    inMarkdown(document),
    "",
  ].join("\n");
}

function blockLines(block: Block): string[] {
  switch (block.kind) {
    case "paragraph":
      return [inline(block.text)];
    case "caution":
      return ["> [!WARNING]", `> ${inline(block.text)}`];
    case "heading":
      return [`### ${escaped(block.text)}`];
    case "list":
      return block.items.map((item) => `- ${inline(item)}`);
    case "command":
      return ["```sh", block.text, "```"];
    case "facts":
      return block.facts.map(([term, text]) => `- **${escaped(term)}** ${inline(text)}`);
    case "figure":
      return [`*${escaped(block.caption)}*`];
    case "table":
      return tableLines(block);
  }
}

function tableLines(table: Extract<Block, { kind: "table" }>): string[] {
  const shown = table.columns.flatMap(({ isChart }, at) => (isChart === true ? [] : [at]));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rows = table.rows.flatMap((row, at) => {
    const group = table.groups?.get(at);
    const above = shown.map((_, index) => (index === 0 ? `**${escaped(group ?? "")}**` : ""));
    const own = shown.map((index) => cellText(cellOf(row[index]!)));
    return [...(group === undefined ? [] : [line(above)]), line(own)];
  });
  return [
    `**${escaped(table.caption)}**`,
    "",
    line(shown.map((at) => escaped(table.columns[at]!.title))),
    line(shown.map((at) => (table.columns[at]!.align === "right" ? "---:" : "---"))),
    ...rows,
  ];
}

function cellText({ text, below }: Cell): string {
  return below === undefined ? inline(text) : `${inline(text)}<br><sub>${inline(below)}</sub>`;
}

function inline(text: Text): string {
  return piecesOf(text)
    .map((piece) => {
      if (typeof piece === "string") return escaped(piece);
      if ("code" in piece) return `\`${piece.code.replaceAll("`", "'").replaceAll("|", "\\|")}\``;
      if ("strong" in piece) return `**${escaped(piece.strong)}**`;
      return `[${escaped(piece.text)}](<${piece.href.replace(/[<>\s]/g, encodeURIComponent)}>)`;
    })
    .join("");
}

/** Escapes text from a history, so that it cannot become a table, heading, tag or emphasis. */
function escaped(text: string): string {
  return text
    .replace(/\s*\n\s*/g, " ")
    .replace(/[\\`*_|[\]#]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;");
}
