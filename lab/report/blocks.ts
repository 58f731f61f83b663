/**
 * A report as blocks: what it says, before anybody decides how it looks. HTML and Markdown
 * are two renderings of the same blocks, so neither can say what the other does not.
 */

import type { Markup } from "./markup.ts";

export type Piece =
  | string
  | { readonly code: string }
  | { readonly strong: string }
  | { readonly href: string; readonly text: string };

export type Text = string | readonly Piece[];

/** What a mark says in words stands beside it: no colour says anything alone. */
export type Tone = "better" | "worse" | "open" | "plain";

export interface Cell {
  readonly text: Text;
  /** Smaller, below: an interval, a reason. */
  readonly below?: Text;
  /** Only where there is a page to draw on. */
  readonly chart?: Markup;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Nothing but charts: Markdown leaves it out. */
  readonly isChart?: boolean;
}

export type Row = readonly (Text | Cell)[];

export type Block =
  | { readonly kind: "paragraph"; readonly text: Text }
  /** What a reader must not overlook: a limit, a doubt. */
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
      /** A first cell in bold that stands above the rows from this one on. */
      readonly groups?: ReadonlyMap<number, string>;
    };

export interface Section {
  /** Its anchor. */
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export const paragraph = (text: Text): Block => ({ kind: "paragraph", text });
export const caution = (text: Text): Block => ({ kind: "caution", text });
export const heading = (text: string): Block => ({ kind: "heading", text });
export const list = (items: readonly Text[]): Block => ({ kind: "list", items });

/** What stands between backticks in a sentence of the lab is code. */
export function withCode(text: string): Text {
  return text.split("`").map((part, at) => (at % 2 === 0 ? part : { code: part }));
}

export function cellOf(cell: Text | Cell): Cell {
  return typeof cell === "string" || Array.isArray(cell) ? { text: cell as Text } : (cell as Cell);
}

export function piecesOf(text: Text): readonly Piece[] {
  return typeof text === "string" ? [text] : text;
}
