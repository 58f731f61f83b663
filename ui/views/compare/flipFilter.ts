/** Which flips a reader asked for, and what a table of them shows. */

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

/** A tag is `name=value`; a filter may name it whole or by its name. */
export function filterFlips(flips: readonly FlipDocument[], by: Chosen): readonly FlipDocument[] {
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

const IMPORTANCE = { worse: 0, better: 1, open: 2, neutral: 3 } as const;

/** @param many is there more than one policy beside the baseline? */
export function flipColumns(many: boolean): readonly Column<FlipDocument>[] {
  return [
    { key: "change", title: "change", value: ({ change }) => IMPORTANCE[change] },
    { key: "deployment", title: "deployment", value: ({ deploymentId }) => deploymentId },
    { key: "started", title: "started", value: ({ startedAt }) => startedAt },
    { key: "label", title: "label", value: ({ label }) => label },
    ...(many
      ? [{ key: "policy", title: "under", value: (flip: FlipDocument) => flip.candidatePolicy }]
      : []),
    { key: "end", title: "how it ends", value: ({ candidate }) => candidate.end },
    { key: "why", title: "why", value: ({ why }) => why },
  ];
}
