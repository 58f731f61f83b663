/**
 * The content of a report as blocks, without its looks. HTML and Markdown are two renderings of
 * the same blocks, so they always say the same.
 */

import type { Markup } from "./markup.ts";

export type Piece =
  | string
  | { readonly code: string }
  | { readonly strong: string }
  | { readonly href: string; readonly text: string };

export type Text = string | readonly Piece[];

/** A colour. Words beside it always say the same, so that no colour carries meaning alone. */
export type Tone = "better" | "worse" | "open" | "plain";

export interface Cell {
  readonly text: Text;
  /** In small type below the text: an interval, a reason. */
  readonly below?: Text;
  /** HTML only. */
  readonly chart?: Markup;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** The column has charts only, so Markdown omits it. */
  readonly isChart?: boolean;
}

export type Row = readonly (Text | Cell)[];

export type Block =
  | { readonly kind: "paragraph"; readonly text: Text }
  /** A limit or doubt that a reader must not overlook. */
  | { readonly kind: "caution"; readonly text: Text }
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly Text[] }
  | { readonly kind: "command"; readonly text: string }
  | { readonly kind: "facts"; readonly facts: readonly (readonly [string, Text])[] }
  | { readonly kind: "figure"; readonly chart: Markup; readonly caption: string }
  | {
      readonly kind: "table";
      readonly caption: string;
      readonly columns: readonly Column[];
      readonly rows: readonly Row[];
      /** Bold titles of groups of rows, by the index of the first row below each. */
      readonly groups?: ReadonlyMap<number, string>;
    };

export interface Section {
  /** The anchor in the page. */
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export const paragraph = (text: Text): Block => ({ kind: "paragraph", text });
export const caution = (text: Text): Block => ({ kind: "caution", text });
export const heading = (text: string): Block => ({ kind: "heading", text });
export const list = (items: readonly Text[]): Block => ({ kind: "list", items });

/** Turns text between backticks into code. */
export function withCode(text: string): Text {
  return text.split("`").map((part, at) => (at % 2 === 0 ? part : { code: part }));
}

export function cellOf(cell: Text | Cell): Cell {
  return typeof cell === "string" || Array.isArray(cell) ? { text: cell as Text } : (cell as Cell);
}

export function piecesOf(text: Text): readonly Piece[] {
  return typeof text === "string" ? [text] : text;
}
