/** Draws variations by false-positive rate and minutes to recovery: lower left is better. */

import { drawing, element, type Markup } from "../markup.ts";
import type { SweepInput } from "../sweepInput.ts";
import { fromNought, px } from "./scale.ts";

const WIDTH = 680;
const HEIGHT = 300;
const LEFT = 58;
const RIGHT = WIDTH - 16;
const TOP = 12;
const GROUND = HEIGHT - 40;

interface Point {
  readonly className: string;
  readonly x: number;
  readonly y: number;
}

export function frontierChart(sweep: SweepInput, label: string): Markup {
  const points = pointsOf(sweep);
  const x = fromNought(
    points.map((point) => point.x),
    [LEFT, RIGHT],
  );
  const y = fromNought(
    points.map((point) => point.y),
    [GROUND, TOP],
  );
  const across = x.ticks(6).map((tick) => {
    const place = { class: "tick middle", x: px(x(tick)), y: GROUND + 16 };
    return element("text", place, `${px(tick * 100)} %`);
  });
  const up = y.ticks(5).map((tick) => {
    const at = px(y(tick));
    return [
      element("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: at, y2: at }),
      element("text", { class: "tick end", x: LEFT - 6, y: at + 4 }, `${px(tick)} min`),
    ];
  });
  const dots = points.map(({ className, ...point }) =>
    element("circle", {
      class: className,
      cx: px(x(point.x)),
      cy: px(y(point.y)),
      r: className === "swept" ? 3 : 5,
    }),
  );
  const axis = { class: "axis middle", x: (LEFT + RIGHT) / 2, y: HEIGHT - 4 };
  return drawing(
    "frontier",
    [WIDTH, HEIGHT],
    label,
    up,
    across,
    dots,
    element("text", axis, "share of good deployments rolled back; height: minutes to recovery"),
  );
}

/** The most important points come last, so that they are drawn on top. */
function pointsOf({ variations, incumbent, recommendation }: SweepInput): Point[] {
  const point = (className: string, scores: SweepInput["incumbent"]["scores"]): Point[] => {
    const { falsePositiveRate: wrong, recoveryMinutes: minutes } = scores;
    return wrong === null || minutes === null ? [] : [{ className, x: wrong, y: minutes }];
  };
  const front = variations.filter(({ onFrontier }) => onFrontier);
  const chosen = variations.filter(({ name }) => name === recommendation.policy);
  return [
    ...variations
      .filter(({ onFrontier }) => !onFrontier)
      .flatMap(({ scores }) => point("swept", scores)),
    ...front.flatMap(({ scores }) => point("swept front", scores)),
    ...point("swept incumbent", incumbent.scores),
    ...chosen.flatMap(({ scores }) => point("swept chosen", scores)),
  ];
}
