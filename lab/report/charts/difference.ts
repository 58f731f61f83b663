/**
 * Draws a difference and its interval against zero, to show on which side of zero the whole
 * interval lies. Right is better for the team.
 */

import type { Difference } from "../../compare/compare.ts";
import { drawing, element, type Markup } from "../markup.ts";
import { linear, px } from "./scale.ts";

const WIDTH = 170;
const HEIGHT = 20;
const MARGIN = 8;

const TONES: Readonly<Record<Difference["verdict"], string>> = {
  better: "better",
  worse: "worse",
  "not distinguishable": "open",
  "too few to tell": "open",
  "no evidence": "open",
};

export function differenceChart(
  { difference, low, high, verdict }: Difference,
  better: "lower" | "higher",
  label: string,
): Markup {
  const most = Math.max(...[difference, low, high].map((value) => Math.abs(value ?? 0))) || 1;
  const [left, right] = [MARGIN, WIDTH - MARGIN];
  const x = linear([-most, most], better === "higher" ? [left, right] : [right, left]);
  const across = { y1: HEIGHT / 2, y2: HEIGHT / 2 };
  return drawing(
    `difference ${TONES[verdict]}`,
    [WIDTH, HEIGHT],
    label,
    element("line", { class: "rule", x1: left, x2: right, ...across }),
    element("line", { class: "zero", x1: px(x(0)), x2: px(x(0)), y1: 1, y2: HEIGHT - 1 }),
    low === null || high === null
      ? null
      : element("line", { class: "band", x1: px(x(low)), x2: px(x(high)), ...across }),
    difference === null
      ? null
      : element("circle", { class: "dot", cx: px(x(difference)), cy: HEIGHT / 2, r: 4 }),
  );
}
