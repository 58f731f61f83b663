/** One bar for each day of the quarter: its height is the share of samples; gaps are coloured. */

import type { Coverage } from "../coverage.ts";
import { drawing, element, type Markup } from "../markup.ts";
import { px } from "./scale.ts";

const WIDTH = 680;
const BAR = 34;
const HEIGHT = 56;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export function daysChart({ days }: Coverage, label: string): Markup {
  const step = WIDTH / days.length;
  const bars = days.map(({ share }, at) =>
    element("rect", {
      class: share < 0.5 ? "day hole" : "day",
      x: px(at * step),
      y: share < 0.5 ? 0 : px(BAR - share * BAR),
      width: px(step - 1),
      height: share < 0.5 ? BAR : px(share * BAR),
    }),
  );
  const names = days.flatMap(({ day }, at) =>
    day.endsWith("-01")
      ? [
          element(
            "text",
            { class: "tick", x: px(at * step), y: HEIGHT - 6 },
            MONTHS[Number(day.slice(5, 7)) - 1]!,
          ),
        ]
      : [],
  );
  const ground = { class: "rule", x1: 0, x2: WIDTH, y1: BAR + 0.5, y2: BAR + 0.5 };
  return drawing("days", [WIDTH, HEIGHT], label, bars, element("line", ground), names);
}
