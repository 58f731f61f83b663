/** A recommendation in words, the same on terminal, page and report. */

import { fieldWords } from "../compare/words.ts";
import type { Check, Gate, GateVerdict } from "../gate/gate.ts";

/** What the gate says of a change, as a column has room for it. */
export const LIMIT_WORDS: Readonly<Record<GateVerdict, string>> = {
  pass: "within",
  fail: "beyond",
  inconclusive: "not shown",
};

/** The choice by cost is not within the limits, and no other one is. */
export function keepText(policy: string, refused: string): string {
  return `Keep ${policy}: ${refused} is cheaper, but not within your limits`;
}

/** What is recommended, and the budget: a sweep of an earlier version may go beyond it. */
export function budgetText({ verdict, checks }: Pick<Gate, "verdict" | "checks">): string {
  const guards = (of: Check["verdict"]): string =>
    checks
      .filter((check) => check.verdict === of)
      .map(({ name }) => fieldWords(name))
      .join("; ");
  switch (verdict) {
    case "pass":
      return "It is chosen by cost, of those that the gate lets pass.";
    case "fail":
      return `It is chosen by cost; the budget of the gate refuses it for ${guards("fail")}.`;
    case "inconclusive":
      return (
        "It is chosen by cost; the budget of the gate asks for more evidence on " +
        `${guards("inconclusive")}.`
      );
  }
}
