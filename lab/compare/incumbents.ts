/**
 * What an incumbent did to a team, beside what a policy would have done: why it rolled healthy
 * deployments back, and who was right, by label, where the two differ. As all lists of deployments
 * these are of the first draw.
 */

import type { IncumbentCause, IncumbentKind } from "../../engine/index.ts";
import { countText } from "../counted.ts";
import { isGood } from "../outcome/outcome.ts";
import { estimateIn } from "../score/scorecard.ts";
import type { Answer, Answered } from "./answer.ts";
import type { Flip } from "./compare.ts";
import { agreementLines, type RecordAgreement } from "./incumbentRecord.ts";

export const CAUSES: readonly IncumbentCause[] = [
  "condition",
  "conditionError",
  "noData",
  "queryFailed",
];

/** What one policy did to deployments that are labelled `benign` or `expected_change`. */
export interface WrongRollbacks {
  readonly policy: string;
  /** Null: no incumbent. */
  readonly system: IncumbentKind | null;
  /** So many there are. */
  readonly healthy: number;
  /** Those that it rolled back. */
  readonly rolledBack: readonly string[];
  /** Of an incumbent: the same ones by why it did; null of other policies. */
  readonly causes: Readonly<Record<IncumbentCause, readonly string[]>> | null;
}

/** The deployments that one of two policies rolls back and the other does not. */
export interface Disagreement {
  readonly baselinePolicy: string;
  readonly candidatePolicy: string;
  /** By label: the baseline was right, the candidate was. */
  readonly baselineRight: readonly string[];
  readonly candidateRight: readonly string[];
  /** Without a label, or of an incident that is not theirs. */
  readonly unknown: readonly string[];
  /** History rolled back first, so what one of them would have done is a model. */
  readonly open: readonly string[];
}

export interface Incumbents {
  readonly wrongRollbacks: readonly WrongRollbacks[];
  readonly disagreements: readonly Disagreement[];
  /** How each incumbent's emulation agrees with its own record in the history. */
  readonly agreements: readonly RecordAgreement[];
}

/** Null where no policy is an incumbent. */
export function incumbentsOf({
  policies,
  flips,
  agreements,
}: Pick<Answer, "policies" | "flips" | "agreements">): Incumbents | null {
  const systemOf = ({ policy }: Answered): IncumbentKind | null => policy.incumbent?.system ?? null;
  if (policies.every((one) => systemOf(one) === null)) return null;
  const [baseline, ...candidates] = policies as [Answered, ...Answered[]];
  return {
    wrongRollbacks: policies.map((one) => wrongRollbacks(one, systemOf(one))),
    disagreements: candidates
      .filter((one) => (systemOf(one) === null) !== (systemOf(baseline) === null))
      .map(({ policy: { policy } }) => {
        const own = flips.filter(({ candidatePolicy }) => candidatePolicy === policy);
        return disagreement(baseline.policy.policy, policy, own);
      }),
    agreements,
  };
}

function wrongRollbacks(
  { policy: { policy }, outcomes, scored }: Answered,
  system: IncumbentKind | null,
): WrongRollbacks {
  const wrong = outcomes.filter((one) => isGood(one) && one.rolledBack);
  const ids = (own: typeof wrong): readonly string[] => own.map(({ deploymentId }) => deploymentId);
  const by = (cause: IncumbentCause): readonly string[] =>
    ids(wrong.filter((one) => one.cause === cause));
  return {
    policy,
    system,
    healthy: estimateIn(scored.scorecard, "benign").value ?? 0,
    rolledBack: ids(wrong),
    causes:
      system === null
        ? null
        : {
            condition: by("condition"),
            conditionError: by("conditionError"),
            noData: by("noData"),
            queryFailed: by("queryFailed"),
          },
  };
}

function disagreement(
  baselinePolicy: string,
  candidatePolicy: string,
  flips: readonly Flip[],
): Disagreement {
  const differ = flips.filter(
    ({ baseline, candidate }) => baseline.rolledBack !== candidate.rolledBack,
  );
  const of = (change: Flip["change"]): readonly string[] =>
    differ.filter((flip) => flip.change === change).map(({ deploymentId }) => deploymentId);
  return {
    baselinePolicy,
    candidatePolicy,
    baselineRight: of("worse"),
    candidateRight: of("better"),
    unknown: of("neutral"),
    open: of("open"),
  };
}

const CAUSE_TEXTS: Readonly<Record<IncumbentCause, string>> = {
  condition: "on a number beyond its condition",
  conditionError: "because its condition errs on a number",
  noData: "for missing data",
  queryFailed: "because the query failed",
};

/** `argo rolled back 299 of 2,379 healthy deployments: 253 for missing data, …`. */
export function wrongRollbackText({ policy, healthy, rolledBack, causes }: WrongRollbacks): string {
  const wrong = `rolled back ${countText(rolledBack.length)} of ${countText(healthy)}`;
  const text = `${policy} ${wrong} healthy deployments`;
  if (causes === null || rolledBack.length === 0) return text;
  const parts = CAUSES.filter((cause) => causes[cause].length > 0)
    .toSorted((left, right) => causes[right].length - causes[left].length)
    .map((cause) => `${countText(causes[cause].length)} ${CAUSE_TEXTS[cause]}`);
  return `${text}: ${parts.join(", ")}`;
}

export type Side = "candidateRight" | "baselineRight" | "unknown" | "open";

export const SIDES: readonly Side[] = ["candidateRight", "baselineRight", "unknown", "open"];

/** Who was right in these deployments. */
export function sideText(side: Side, { baselinePolicy, candidatePolicy }: Disagreement): string {
  if (side === "candidateRight") return `${candidatePolicy} was right`;
  if (side === "baselineRight") return `${baselinePolicy} was right`;
  return side === "unknown"
    ? "unknown, by their label"
    : "open, as history rolled back before one of them would have";
}

/** The first deployments by name, and how many more there are. */
export function namedText(ids: readonly string[], named: number): string {
  const rest = ids.length - named;
  const more = rest > 0 ? `, and ${countText(rest)} more` : "";
  return `${ids.slice(0, named).join(", ")}${more}`;
}

function isAny(one: Disagreement): boolean {
  return SIDES.some((side) => one[side].length > 0);
}

/** For a terminal: why each rolled healthy deployments back, and who was right. */
export function incumbentLines(
  { wrongRollbacks, disagreements, agreements }: Incumbents,
  named: number,
): readonly string[] {
  return [
    ...wrongRollbacks.map((one) => `${wrongRollbackText(one)}.`),
    ...agreementLines(agreements, named),
    ...disagreements.filter(isAny).flatMap((one) => [
      `Where only one of ${one.baselinePolicy} and ${one.candidatePolicy} rolls back, by label:`,
      ...SIDES.filter((side) => one[side].length > 0).map((side) => {
        const who = `${countText(one[side].length)}: ${sideText(side, one)}`;
        return `  ${who} (${namedText(one[side], named)})`;
      }),
    ]),
  ];
}
