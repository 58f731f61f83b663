/** Checks of the gate that rest on single deployments and not on a guard. */

import { counted } from "../counted.ts";
import type { Estimate, Scorecard } from "../score/scorecard.ts";
import type { Budget } from "./budget.ts";
import type { Check, JudgedFlip } from "./gate.ts";

/** Executed actions without an owner: none is allowed, whatever the budget says. */
export function ownerless(card: Scorecard): Check[] {
  const { value } = card["ownerlessActions"] as Estimate;
  const none = value === 0;
  return [
    {
      name: "ownerlessActions",
      verdict: none ? "pass" : "fail",
      baseline: null,
      candidate: value,
      worseBy: value,
      atMost: value,
      margin: 0,
      historyTimes: null,
      ground: "identified",
      tipping: null,
      assumed: null,
      reason: none ? "every action has an owner" : `${counted(value!, "action")} without an owner`,
    },
  ];
}

/** For small fleets: does no deployment end otherwise but those that were accepted by name? */
export function noFlips(flips: readonly JudgedFlip[]): Check {
  const unaccepted = flips.filter(({ accepted }) => accepted === null);
  const worse = unaccepted.filter(({ change }) => change === "worse").length;
  const verdict = worse > 0 ? "fail" : unaccepted.length > 0 ? "inconclusive" : "pass";
  const found = counted(unaccepted.length, "deployment");
  return {
    name: "flips",
    verdict,
    baseline: 0,
    candidate: unaccepted.length,
    worseBy: worse,
    atMost: unaccepted.length,
    margin: 0,
    historyTimes: null,
    ground: verdict === "inconclusive" ? null : "identified",
    tipping: null,
    assumed: null,
    reason:
      unaccepted.length === 0
        ? "no deployment ends otherwise but those accepted"
        : `${found} with another end and not accepted, ${worse} of them worse; accept them by ` +
          "name (--accepted-flips), or let margins decide",
  };
}

/** Deployments that end worse and were not accepted, where the budget limits them. */
export function flipCheck({ worseFlips }: Budget, flips: readonly JudgedFlip[]): Check[] {
  if (worseFlips === null) return [];
  const unaccepted = flips.filter(({ accepted }) => accepted === null);
  const worse = unaccepted.filter(({ change }) => change === "worse");
  // Of these history hid how they end: each may be worse.
  const open = unaccepted.filter(({ change }) => change === "open").length;
  const atMost = worse.length + open;
  const within = worse.length <= worseFlips;
  const verdict = !within ? "fail" : atMost <= worseFlips ? "pass" : "inconclusive";
  const more = open === 0 ? "" : `, and ${open} more that history hid may be`;
  return [
    {
      name: "worseFlips",
      verdict,
      baseline: 0,
      candidate: worse.length,
      worseBy: worse.length,
      atMost,
      margin: worseFlips,
      historyTimes: null,
      ground: verdict === "inconclusive" ? null : "identified",
      tipping: null,
      assumed: null,
      reason:
        `${counted(worse.length, "deployment")} worse off and not accepted${more}; ` +
        `${worseFlips} allowed`,
    },
  ];
}
