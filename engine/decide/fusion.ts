/**
 * Several signals, one question: is there a breach to act on? This is the fusion by counting
 * breaches (`any`, `all`, `atLeast`, or by `weight`); `fusion: evidence` is in confidence.ts.
 */

import type { Arm, SignalEvidence, Verdict } from "../event.ts";
import { own } from "../json.ts";
import type { Fusion, Policy } from "../policy/policy.ts";
import { formatShare } from "../policy/quantity.ts";
import { confidenceOf, WITHDRAWN_BELOW } from "./confidence.ts";

/**
 * Do enough signals breach? A signal that was not judged yet does not breach. `all` means every
 * signal that has a series: a service without the metric has nothing that could breach. That a
 * series is missing is only known when the watch ends.
 */
export function fuses(
  fusion: Exclude<Fusion, "evidence">,
  policy: Pick<Policy, "signals" | "evidence">,
  signals: readonly SignalEvidence[],
  arm: Arm,
): boolean {
  let breaches = 0;
  let absent = 0;
  for (const evidence of signals) {
    if (evidence.series === null) absent++;
    else if (verdictIn(evidence, arm) === "breach") breaches++;
  }
  if (fusion === "any") return breaches >= 1;
  if (fusion === "all") return breaches > 0 && breaches === policy.signals.length - absent;
  if ("atLeast" in fusion) return breaches >= fusion.atLeast;
  let weight = 0;
  for (const evidence of signals) {
    if (evidence.series === null || verdictIn(evidence, arm) !== "breach") continue;
    weight += own(policy.evidence.weights, evidence.signal) ?? 0;
  }
  return weight >= fusion.weight;
}

/** What the signal says in this arm. */
export function verdictIn({ verdict, untagged }: SignalEvidence, arm: Arm): Verdict {
  return arm === "tagged" ? verdict : untagged;
}

/**
 * The deployment's verdict at the end of its watch. A signal that matches no series of the
 * service does not prevent `healthy`, but at least one signal must have been judged healthy, and
 * none that has a series may be in doubt.
 */
export function concludes(
  policy: Policy,
  signals: readonly SignalEvidence[],
): { verdict: Verdict; reason: string } {
  const watched = signals.filter((evidence) => evidence.series !== null);
  if (watched.length === 0) {
    return { verdict: "noData", reason: signals.map((one) => one.reason).join("; ") };
  }
  const doubt = watched.filter((evidence) => evidence.verdict !== "healthy");
  const named = doubt.length === 0 ? watched : doubt;
  const reason = [...new Set(named.map((evidence) => evidence.reason))].join("; ");
  if (doubt.length === 0) {
    const confidence =
      policy.fusion === "evidence" ? confidenceOf(policy, signals, "tagged") : null;
    if (confidence === null || confidence.value < WITHDRAWN_BELOW) {
      return { verdict: "healthy", reason };
    }
    const sure = formatShare(confidence.value);
    return { verdict: "inconclusive", reason: `confidence ${sure} at the end: ${reason}` };
  }
  if (doubt.some(({ verdict }) => verdict === "breach")) return { verdict: "breach", reason };
  const silent = doubt.every(({ verdict }) => verdict === "noData");
  return { verdict: silent ? "noData" : "inconclusive", reason };
}
