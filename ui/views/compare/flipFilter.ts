/** Which deployments a reader asked for, and what a table of them shows. */

import { flippedOf, moreImportant, type Flipped } from "../../../lab/compare/flipped.ts";
import type { FlipDocument } from "../../../lab/server/contract/compare.ts";
import type { Column } from "../../parts/column.ts";

/** Names of settings in the address. */
export const FILTERS = ["change", "under", "team", "label", "tag", "tier", "hour"] as const;
type Chosen = Readonly<Record<(typeof FILTERS)[number], string | null>>;

/** Stretches of a day by the service's own clock. */
export const HOURS: readonly string[] = ["0-6", "6-9", "9-12", "12-15", "15-18", "18-24", "office"];

/** `9-12` → "9:00 to 12:00". */
export function hourText(hours: string): string {
  if (hours === "office") return "9:00 to 18:00";
  const [from, to] = hours.split("-");
  return `${from}:00 to ${to}:00`;
}

function isIn(hour: number, hours: string): boolean {
  const [from, to] = (hours === "office" ? "9-18" : hours).split("-").map(Number);
  return hour >= from! && hour < to!;
}

export type FlippedDeployment = Flipped<FlipDocument>;

/**
 * The deployments of which a flip matches, each with all its flips. A tag is `name=value`; a filter
 * may name it whole or by its name.
 */
export function filterFlipped(
  flips: readonly FlipDocument[],
  by: Chosen,
): readonly FlippedDeployment[] {
  const found = new Set(filterFlips(flips, by).map(({ deploymentId }) => deploymentId));
  return flippedOf(flips.filter(({ deploymentId }) => found.has(deploymentId)));
}

function filterFlips(flips: readonly FlipDocument[], by: Chosen): readonly FlipDocument[] {
  return flips.filter(
    (flip) =>
      (by.change === null || flip.change === by.change) &&
      (by.under === null || flip.candidatePolicy === by.under) &&
      (by.team === null || flip.team === by.team) &&
      (by.label === null || flip.label === by.label) &&
      (by.tag === null || flip.tags.includes(by.tag)) &&
      (by.tier === null || flip.candidateTier === by.tier || flip.baselineTier === by.tier) &&
      (by.hour === null || isIn(flip.hour, by.hour)),
  );
}

/** What there is to choose from, in order. */
export function valuesOf(
  flips: readonly FlipDocument[],
  pick: (flip: FlipDocument) => readonly (string | null)[],
): readonly string[] {
  const found = new Set(flips.flatMap(pick).filter((one) => one !== null));
  return [...found].sort();
}

const KINDS = (["worse", "better", "open", "neutral"] as const).toSorted(moreImportant);

/**
 * A column for each policy, named by its place as policies may have any name.
 *
 * @param policies names, the baseline first
 */
export function flipColumns(policies: readonly string[]): readonly Column<FlippedDeployment>[] {
  const [baseline, ...candidates] = policies;
  return [
    { key: "deployment", title: "deployment", value: ({ deploymentId }) => deploymentId },
    { key: "label", title: "label", value: ({ any }) => any.label },
    { key: "end", title: baseline!, value: ({ any }) => any.baseline.end },
    ...candidates.map((name, at): Column<FlippedDeployment> => ({
      key: policyKey(at),
      title: name,
      value: ({ under }) => {
        const flip = under.get(name);
        return flip === undefined ? null : KINDS.indexOf(flip.change);
      },
    })),
    { key: "started", title: "started", value: ({ any }) => any.startedAt },
    {
      key: "change",
      title: "why",
      value: ({ change }) => KINDS.indexOf(change),
    },
  ];
}

/** The key of the column of the candidate at a place. */
function policyKey(at: number): string {
  return `policy${at + 1}`;
}

/** The policy of a column; null: it is not one of a candidate. */
export function candidateOf(key: string, policies: readonly string[]): string | null {
  const at = /^policy(\d+)$/.exec(key)?.[1];
  return at === undefined ? null : (policies[Number(at)] ?? null);
}
