/**
 * What a history too small for a verdict says all the same: which deployments surely end better or
 * worse, by name, and what a verdict would need.
 */

import { belowText, countText, counted } from "../counted.ts";
import { EVIDENCE_AT_LEAST } from "../evidence.ts";
import { estimateIn } from "../score/scorecard.ts";
import type { Answer } from "./answer.ts";
import type { Flip } from "./compare.ts";
import { isEnough } from "./enough.ts";
import { surely } from "./headline.ts";

const NAMED = 3;

type Asked = Pick<Answer, "policies" | "differences" | "flips">;

/** @param weeks that were scored; null where that is unknown */
export function smallHistoryLines(answer: Asked, weeks: number | null): readonly string[] {
  const needed = neededFor(answer, weeks);
  if (needed === null) return [];
  const [, ...candidates] = answer.policies;
  const sure = candidates.map(({ policy: { policy } }) => {
    return sureOf(
      policy,
      answer.flips.filter(({ candidatePolicy }) => candidatePolicy === policy),
    );
  });
  return [...sure, needed];
}

/** `Sure, one by one, under slower: d-1, d-2 end worse; of 3 it is open, …` */
function sureOf(policy: string, flips: readonly Flip[]): string {
  const among = (change: Flip["change"]): readonly Flip[] =>
    flips.filter((flip) => flip.change === change);
  const named = (change: "better" | "worse"): string[] => {
    const found = among(change);
    if (found.length === 0) return [];
    const names = found.slice(0, NAMED).map(({ deploymentId }) => deploymentId);
    const more = found.length - names.length;
    const rest = more > 0 ? ` and ${countText(more)} more` : "";
    return [`${names.join(", ")}${rest} ${found.length === 1 ? "ends" : "end"} ${change}`];
  };
  const sure = [...named("worse"), ...named("better")];
  const open = among("open").length;
  return (
    `Sure, one by one, under ${policy}: ` +
    (sure.length === 0 ? "nothing ends better or worse" : sure.join("; ")) +
    (open === 0 ? "." : `; of ${countText(open)} it is open, most as history rolled back first.`)
  );
}

/** Null where there is enough for a verdict, or where one is told. */
export function neededFor(
  { policies, differences }: Omit<Asked, "flips">,
  weeks: number | null,
): string | null {
  const few = differences.filter(({ verdict }) => verdict === "too few to tell");
  if (few.length === 0 || surely(differences) !== null) return null;
  const { scorecard } = policies[0]!.scored;
  const of = (name: string): number => estimateIn(scorecard, name).value ?? 0;
  const parts = (
    [
      ["regressions", "regressions"],
      ["benign", "good deployments"],
    ] as const
  ).flatMap(([name, noun]) => {
    const has = of(name);
    if (has >= EVIDENCE_AT_LEAST) return [];
    return [`${EVIDENCE_AT_LEAST} ${noun} (it has ${countText(has)}${paceText(has, weeks)})`];
  });
  const services = few.filter(({ n }) => n >= EVIDENCE_AT_LEAST && n > 0);
  const effective = Math.min(...services.map(({ effectiveClusters }) => effectiveClusters));
  if (effective < EVIDENCE_AT_LEAST) {
    parts.push(
      `${EVIDENCE_AT_LEAST} effective services (it has ` +
        `${belowText(effective, EVIDENCE_AT_LEAST)}: services with unequal numbers of ` +
        "deployments count like fewer)",
    );
  }
  const differing = few.flatMap((one) => (isEnough(one) ? [one.differing ?? 0] : []));
  if (parts.length === 0 && differing.length > 0) {
    const has = Math.max(...differing);
    parts.push(
      `${EVIDENCE_AT_LEAST} deployments that only one policy treats rightly (it has ` +
        `${countText(has)}${paceText(has, weeks)})`,
    );
  }
  if (parts.length === 0) return null;
  return `A verdict would need ${parts.join(", and ")}.`;
}

/** How long the rest takes, as fast as it came so far. */
function paceText(has: number, weeks: number | null): string {
  if (weeks === null || has <= 0) return "";
  const more = Math.ceil((weeks * (EVIDENCE_AT_LEAST - has)) / has);
  return `; at this pace the rest takes ${counted(more, "week")}`;
}
