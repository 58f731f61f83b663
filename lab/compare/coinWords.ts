/** What a coin says about a difference, and what would tell it, as people read it. */

import { formatShare } from "../../engine/index.ts";
import { counted } from "../counted.ts";
import type { Difference } from "./compare.ts";
import type { WouldTell } from "./weighted.ts";
import { formatEnds } from "./words.ts";

/** One line below the sentence of a difference; null where no coin says anything about it. */
export function coinLine({ unit, weighted }: Pick<Difference, "unit" | "weighted">): string | null {
  if (weighted === undefined) return null;
  const { verdict, tossed, waited, unsupported, wouldTell } = weighted;
  const ends = formatEnds({ unit, ...weighted });
  const interval = ends === null ? "" : ` (95 %: ${ends.join(" to ")})`;
  const rest =
    unsupported === 0
      ? "identified by design"
      : `${counted(unsupported, "deployment")} without a toss still modelled`;
  const more = wouldTell === null ? "" : `; ${tellText(wouldTell)}`;
  return `By the coin, ${waited} of ${tossed} waited: ${verdict}${interval}, ${rest}${more}.`;
}

function tellText({ moreWeeks, probability }: WouldTell): string {
  const weeks = `${counted(moreWeeks, "more week")} of this coin would tell so large a difference`;
  return probability === null
    ? weeks
    : `${weeks}, and so would a coin of ${formatShare(probability)} in as long a history`;
}
