/**
 * Embeds the report's document in its pages: as an inert data block in HTML, as a comment in
 * Markdown. `--check` reads it from there.
 */

import { gunzipSync, gzipSync } from "node:zlib";

const OPENS = '<script type="application/json" id="hindsight-report">';
const CLOSES = "</script>";
const COMMENT = /<!-- hindsight-report ([A-Za-z0-9+/=]+) -->/;

/** A data block, which browsers do not run; `<` is escaped so that no text can end it early. */
export function inHtml(document: unknown): string {
  return `${OPENS}\n${JSON.stringify(document, null, 1).replaceAll("<", "\\u003c")}\n${CLOSES}`;
}

/** Compressed, because the plain JSON would be most of a pull request. */
export function inMarkdown(document: unknown): string {
  const packed = gzipSync(JSON.stringify(document), { level: 9 }).toString("base64");
  return `<!-- hindsight-report ${packed} -->`;
}

/** Splits a report's text into the document and the rest; null where there is no document. */
export function takeOut(text: string): { document: unknown; shown: string } | null {
  const from = text.indexOf(OPENS);
  const to = from < 0 ? -1 : text.indexOf(CLOSES, from);
  try {
    if (to >= 0) {
      const document = JSON.parse(text.slice(from + OPENS.length, to)) as unknown;
      return { document, shown: text.slice(0, from) + text.slice(to + CLOSES.length) };
    }
    const comment = COMMENT.exec(text);
    if (comment === null) return null;
    const packed = gunzipSync(Buffer.from(comment[1]!, "base64")).toString();
    return { document: JSON.parse(packed) as unknown, shown: text.replace(comment[0], "") };
  } catch {
    return null;
  }
}
