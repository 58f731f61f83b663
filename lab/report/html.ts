/**
 * Renders a report as one HTML file that fetches nothing and runs no script. A Content Security
 * Policy in the page enforces this; it names the style sheet by hash, so no other style applies.
 */

import { createHash } from "node:crypto";
import { cellOf, piecesOf, type Block, type Cell, type Column, type Row } from "./blocks.ts";
import type { Section, Text } from "./blocks.ts";
import type { ReportDocument } from "./document.ts";
import { inHtml } from "./embedded.ts";
import { element, raw, type Markup, type Part } from "./markup.ts";
import { introOf, sectionsOf } from "./sections/all.ts";
import { STYLE } from "./style.ts";

export function reportHtml(document: ReportDocument): string {
  const sections = sectionsOf(document);
  const intro = introOf(document);
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const rules =
    `default-src 'none'; style-src 'sha256-${hash}'; ` + "base-uri 'none'; form-action 'none'";
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: rules }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "color-scheme", content: "light dark" }),
    element("title", {}, intro.title),
    element("style", {}, raw(STYLE)),
  );
  const { decision } = document;
  const body = element(
    "body",
    {},
    element(
      "header",
      {},
      element("p", { class: "eyebrow" }, intro.eyebrow),
      element("h1", {}, decision.title),
      element(
        "ol",
        { class: `decision ${intro.tone}` },
        decision.sentences.map((sentence, at) =>
          element(
            "li",
            {},
            element("span", { class: "what" }, intro.sentenceNames[at]!),
            " ",
            inline(sentence),
          ),
        ),
      ),
      element("p", { class: "facts" }, intro.facts),
    ),
    element(
      "nav",
      { "aria-label": "Sections" },
      element(
        "ol",
        {},
        sections.map(({ id, title }) => element("li", {}, element("a", { href: `#${id}` }, title))),
      ),
    ),
    element(
      "main",
      {},
      sections.map((section) => sectionMarkup(section)),
    ),
    element("footer", {}, intro.footer),
    raw(inHtml(document)),
  );
  return `<!doctype html>\n${element("html", { lang: "en" }, head, body).markup}\n`;
}

function sectionMarkup({ id, title, blocks }: Section): Markup {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    blocks.map((block) => blockMarkup(block)),
    raw("\n"),
  );
}

function blockMarkup(block: Block): Markup {
  switch (block.kind) {
    case "paragraph":
      return element("p", {}, inline(block.text));
    case "caution":
      return element("p", { class: "caution" }, inline(block.text));
    case "heading":
      return element("h3", {}, block.text);
    case "list":
      return element(
        "ul",
        {},
        block.items.map((item) => element("li", {}, inline(item))),
      );
    case "command":
      return element("pre", { tabindex: 0 }, element("code", {}, block.text));
    case "facts":
      return element(
        "dl",
        {},
        block.facts.map(([term, text]) => [
          element("dt", {}, term),
          element("dd", {}, inline(text)),
        ]),
      );
    case "figure":
      return element("figure", {}, block.chart, element("figcaption", {}, block.caption));
    case "table":
      return tableMarkup(block);
  }
}

function tableMarkup(table: Extract<Block, { kind: "table" }>): Markup {
  const { caption, columns, rows, groups } = table;
  const head = columns.map(({ title, align }) =>
    element("th", { scope: "col", class: align === "right" ? "right" : null }, title),
  );
  const body = rows.flatMap((row, at) => {
    const group = groups?.get(at);
    const above =
      group === undefined
        ? []
        : [
            element(
              "tr",
              { class: "group" },
              element("th", { scope: "rowgroup", colspan: columns.length }, group),
            ),
          ];
    return [...above, rowMarkup(row, columns)];
  });
  const whole = element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, body),
  );
  // `tabindex` lets the keyboard scroll a table that is wider than the screen.
  return element(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    whole,
  );
}

function rowMarkup(row: Row, columns: readonly Column[]): Markup {
  return element(
    "tr",
    {},
    row.map((given, at) => {
      const cell = cellOf(given);
      const classes = [columns[at]!.align ?? "", cell.tone ?? ""].filter((name) => name !== "");
      const attributes = { class: classes.length === 0 ? null : classes.join(" ") };
      return at === 0
        ? element("th", { scope: "row", ...attributes }, cellMarkup(cell))
        : element("td", attributes, cellMarkup(cell));
    }),
  );
}

function cellMarkup({ text, below, chart }: Cell): Part {
  return [
    chart ?? null,
    inline(text),
    below === undefined ? null : element("small", {}, inline(below)),
  ];
}

/** A number and its unit, which must not be separated by a line break. */
const NUMBER_AND_UNIT = /(\d) (%|pp\b)/g;

function inline(text: Text): Part {
  return piecesOf(text).map((piece): Part => {
    if (typeof piece === "string") return piece.replace(NUMBER_AND_UNIT, "$1\u00a0$2");
    if ("code" in piece) return element("code", {}, piece.code);
    if ("strong" in piece) return element("strong", {}, piece.strong);
    return element("a", { href: piece.href }, piece.text);
  });
}
