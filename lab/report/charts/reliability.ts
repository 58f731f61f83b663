/** Draws stated confidence against the observed share of regressions; the diagonal is perfect. */

import type { Reliability } from "../../score/calibration.ts";
import { drawing, element, type Markup } from "../markup.ts";
import { linear, px } from "./scale.ts";

const SIZE = 240;
const LEFT = 46;
const TOP = 10;
const WIDTH = 560;
const HEIGHT = TOP + SIZE + 36;

export interface PolicyCurve {
  readonly name: string;
  /** Gives the policy its colour. */
  readonly className: string;
  readonly curve: Reliability["curve"];
}

export function reliabilityChart(policies: readonly PolicyCurve[], label: string): Markup {
  const x = linear([0, 1], [LEFT, LEFT + SIZE]);
  const y = linear([0, 1], [TOP + SIZE, TOP]);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = px(y(share));
    const text = `${share * 100} %`;
    return [
      element("line", { class: "grid", x1: LEFT, x2: LEFT + SIZE, y1: at, y2: at }),
      element("text", { class: "tick end", x: LEFT - 6, y: at + 4 }, text),
      element("text", { class: "tick middle", x: px(x(share)), y: TOP + SIZE + 16 }, text),
    ];
  });
  const most = Math.max(1, ...policies.flatMap(({ curve }) => curve.map(({ n }) => n)));
  const drawn = policies.map(({ className, curve }) => {
    const points = curve.map(({ mean, observed, n }) => {
      return { cx: px(x(mean)), cy: px(y(observed)), r: px(3 + 5 * Math.sqrt(n / most)) };
    });
    const line = points.map(({ cx, cy }) => `${cx},${cy}`).join(" ");
    const dots = points.map((point) => element("circle", point));
    return element("g", { class: className }, element("polyline", { points: line }), dots);
  });
  const legend = policies.map(({ name, className }, at) => {
    const y0 = TOP + 10 + at * 20;
    const dot = element("circle", { cx: LEFT + SIZE + 30, cy: y0, r: 5 });
    return [
      element("g", { class: className }, dot),
      element("text", { class: "name", x: LEFT + SIZE + 42, y: y0 + 4 }, name),
    ];
  });
  const diagonal = { x1: LEFT, y1: TOP + SIZE, x2: LEFT + SIZE, y2: TOP };
  return drawing(
    "reliability",
    [WIDTH, HEIGHT],
    label,
    ticks,
    element("line", { class: "diagonal", ...diagonal }),
    drawn,
    legend,
    element(
      "text",
      { class: "axis middle", x: LEFT + SIZE / 2, y: HEIGHT - 4 },
      "evidence; height: how often it was a regression",
    ),
  );
}
