/** One sentence, for terminal and browser, on what tags and modes remove together. */

import type { Factorial } from "./factorial.ts";

/**
 * The sentence says that the interval covers sampling only, because the differences between arms
 * beside it also cover what history's own rollbacks hid. An interval without width is not shown.
 */
export function removedText(
  falsePositives: Pick<Factorial, "neither" | "both" | "removedByBoth">,
): string {
  const { neither, both, removedByBoth } = falsePositives;
  const { value, low, high } = removedByBoth;
  if (value === null || neither === null || both === null) {
    return "What both remove of the false positives this history cannot say.";
  }
  const count = (rollbacks: number): string => String(Math.round(10 * rollbacks) / 10);
  const noun = neither === 1 ? "false-positive rollback" : "false-positive rollbacks";
  if (low === null || high === null || low === high) {
    return (
      `Tags and modes together take ${count(neither)} ${noun} to ${count(both)}: ` +
      "too few for an interval."
    );
  }
  const share = (fraction: number): string => `${(100 * fraction).toFixed(0)} %`;
  return (
    `Tags and modes together remove ${share(value)} [${share(low)}, ${share(high)}] of ` +
    `${count(neither)} ${noun}, by sampling alone: what history's own rollbacks ` +
    "hid is not in this interval."
  );
}
