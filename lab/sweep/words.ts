/** A recommendation in words, the same on terminal, page and report. */

import { fieldWords, formatApart } from "../compare/words.ts";
import type { Check, Gate } from "../gate/gate.ts";
import { MISS_MARGIN } from "./recommend.ts";

export const MISSED_AT_MOST = formatApart("share", MISS_MARGIN, 0)[0];

/** Whether what the cost recommends is within the default budget, which guards more. */
export function budgetText({ verdict, checks }: Pick<Gate, "verdict" | "checks">): string {
  const guards = (of: Check["verdict"]): string =>
    checks
      .filter((check) => check.verdict === of)
      .map(({ name }) => fieldWords(name))
      .join("; ");
  const asked = `It is chosen by cost, with up to ${MISSED_AT_MOST} more regressions missed`;
  switch (verdict) {
    case "pass":
      return `${asked}; the default budget of the gate allows it as well.`;
    case "fail":
      return `${asked}; the default budget of the gate refuses it for ${guards("fail")}.`;
    case "inconclusive":
      return (
        `${asked}; the default budget of the gate asks for more evidence on ` +
        `${guards("inconclusive")}.`
      );
  }
}
