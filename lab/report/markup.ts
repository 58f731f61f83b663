/** Builds HTML and SVG as text; everything put into an element is escaped unless it is `Markup`. */

import type { JsonObject } from "../../engine/index.ts";

export interface Markup {
  readonly markup: string;
}

export type Part = string | number | Markup | null | readonly Part[];
type Attributes = JsonObject<string | number | null>;

/** Elements without content. */
const EMPTY = new Set(["br", "meta", "circle", "line", "polyline", "rect"]);

/**
 * @param attributes null values are omitted
 * @example
 * element("p", { title: '"' }, "<b>").markup // <p title="&quot;">&lt;b&gt;</p>
 */
export function element(name: string, attributes: Attributes, ...inside: readonly Part[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join("");
  if (EMPTY.has(name)) return { markup: `<${name}${written}/>` };
  return { markup: `<${name}${written}>${textOf(inside)}</${name}>` };
}

/** An SVG drawing. @param label what it shows, for readers who cannot see it */
export function drawing(
  className: string,
  [width, height]: readonly [number, number],
  label: string,
  ...inside: readonly Part[]
): Markup {
  const viewBox = `0 0 ${width} ${height}`;
  const shape = { class: className, viewBox, width, height };
  return element("svg", { ...shape, role: "img", "aria-label": label }, ...inside);
}

function textOf(part: Part): string {
  if (part === null) return "";
  if (typeof part === "string") return escaped(part);
  if (typeof part === "number") return String(part);
  if ("markup" in part) return part.markup;
  return part.map(textOf).join("");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Text that is markup already and must not be escaped. */
export function raw(markup: string): Markup {
  return { markup };
}
