/** What a comparison comes to, in one sentence for each policy that was asked about. */

import { isMiss } from "../causes/causes.ts";
import { counted, countText } from "../counted.ts";
import { estimateIn } from "../score/scorecard.ts";
import type { Answer, Answered } from "./answer.ts";
import type { Difference } from "./compare.ts";
import { formatStep, IN_WORDS } from "./words.ts";

const NAMED = 3;

/** What a manager asks first. */
const FIRST = ["falsePositiveRollbacks", "missRate", "mttr", "nightPages", "pagesPerWeek", "cost"];

const TOLD: ReadonlySet<string> = new Set(["better", "worse"]);

/** What is surely better and worse under each policy than under the first, or that it is open. */
export function headlines({ policies, differences, pairs = [] }: Answer): readonly string[] {
  const [baseline, ...candidates] = policies;
  const againstFirst = candidates.map(({ policy }) => {
    const mine = differences.filter((one) => one.candidatePolicy === policy.policy);
    return headlineOf(baseline!.policy.policy, policy.policy, mine);
  });
  const others = pairs.map(({ baselinePolicy, candidatePolicy, differences: own }) =>
    headlineOf(baselinePolicy, candidatePolicy, own),
  );
  return [...againstFirst, ...others];
}

function headlineOf(from: string, to: string, differences: readonly Difference[]): string {
  return `${to} against ${from}: ${surely(differences) ?? CANNOT_TELL}.`;
}

const CANNOT_TELL = "this history cannot tell which is better";

/** What is surely better and what worse, in half a sentence; null where nothing is. */
export function surely(differences: readonly Difference[]): string | null {
  const told = [partOf(differences, "better"), partOf(differences, "worse")].filter(
    (part) => part !== null,
  );
  if (told.length === 0) return null;
  const isModelled = differences.some(
    ({ field, verdict, ground }) =>
      FIRST.includes(field) && TOLD.has(verdict) && ground === "modelled",
  );
  return `${told.join("; ")}${isModelled ? " (in part modelled)" : ""}`;
}

function partOf(differences: readonly Difference[], verdict: "better" | "worse"): string | null {
  const found = FIRST.flatMap((field) =>
    differences.filter((one) => one.field === field && one.verdict === verdict),
  );
  const named = found.slice(0, NAMED).flatMap(({ field, unit, baseline, candidate }) => {
    if (baseline === null || candidate === null) return [];
    const { from, to } = formatStep(unit, baseline, candidate);
    return [`${IN_WORDS[field]!} ${from} → ${to}`];
  });
  if (named.length === 0) return null;
  const more = found.length - named.length;
  return `${verdict} in ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** One policy: how many regressions it rolled back, and how many others. */
export function replayHeadline({ policy, scored: { scorecard } }: Answered): string {
  const of = (field: string): number => Math.round(estimateIn(scorecard, field).value ?? 0);
  const [deployments, regressions, rollbacks] = [
    of("deployments"),
    of("regressions"),
    of("rollbacks"),
  ];
  if (regressions === 0) {
    return (
      `${policy.policy} rolled back ${countText(rollbacks)} of ` +
      `${counted(deployments, "deployment")}; no label says that one is a regression.`
    );
  }
  const right = of("truePositiveRollbacks");
  return (
    `${policy.policy} rolled back ${countText(right)} of ${counted(regressions, "regression")}, ` +
    `and ${countText(rollbacks - right)} of ` +
    `${counted(deployments - regressions, "other deployment")}.`
  );
}

/** The regressions that a policy did not roll back, by name. */
export function missedLine({ policy, outcomes }: Answered, most: number): string | null {
  const missed = outcomes.filter(isMiss);
  if (missed.length === 0) return null;
  const names = missed.slice(0, most).map(({ deploymentId }) => deploymentId);
  const more = missed.length - names.length;
  return (
    `${policy.policy} missed ${names.join(", ")}` +
    `${more > 0 ? ` and ${more} more (--json has all)` : ""}.`
  );
}
