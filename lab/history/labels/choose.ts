/**
 * Which labels scores rest on: those that people gave, those that were derived, or both. A row of a
 * stored history keeps both side by side, so the choice stays open.
 *
 * A given label wins. The one exception is a rollback that a person called good: it is set aside
 * all the same, because a rollback is no change of which one asks whether it was good. The words of
 * a title alone are too little for that.
 */

import { jsonObject, type JsonObject } from "../../../engine/index.ts";
import { counted } from "../../counted.ts";
import { Problem } from "../../problem.ts";
import type { Label, LabelRow } from "../tables.ts";
import type { DerivedLabel } from "./derive.ts";

export const LABEL_CHOICES = ["both", "given", "derived"] as const;
export type LabelChoice = (typeof LABEL_CHOICES)[number];

/** A derived label that is less sure than this is shown by `inspect` and scores nothing. */
const LEAST_SURE = 0.5;

export function isSure({ confidence = 0 }: { readonly confidence?: number }): boolean {
  return confidence >= LEAST_SURE;
}

/** What the labels in use are; only of a history that has derived ones. */
export interface Labelling {
  readonly choice: LabelChoice;
  readonly given: number;
  readonly derived: number;
  /** How many derived labels each source gave, of those in use. */
  readonly sources: JsonObject<number>;
  /** Rollbacks, which are neither good nor bad, and so count as unlabelled. */
  readonly setAside: number;
  /** Rollbacks that count as good because only given labels are in use. */
  readonly rollbacksCalledGood: number;
}

/** What was given and what was derived, in one row for each deployment. */
export function joinLabels(
  given: readonly LabelRow[],
  derived: readonly DerivedLabel[],
): readonly LabelRow[] {
  const ids = new Set(derived.map(({ deploymentId }) => deploymentId));
  const rows = new Map(
    given.map((row) => {
      // Who wrote that nothing is known gave a label: a basis tells it from one that is missing.
      const isBare = row.label === "unknown" && row.basis === null && row.labelledBy === null;
      const own = isBare && ids.has(row.deploymentId) ? { ...row, basis: "given" } : row;
      return [row.deploymentId, own];
    }),
  );
  for (const { deploymentId, ...label } of derived) {
    const row = rows.get(deploymentId) ?? { deploymentId, label: "unknown", ...NOTHING_GIVEN };
    rows.set(deploymentId, { ...row, ...label });
  }
  return [...rows.values()];
}

const NOTHING_GIVEN = { basis: null, labelledBy: null, labelledAtMs: null } as const;

/**
 * The rows as they are read: one label a deployment.
 *
 * @returns labelling null where nothing was derived, so that there is nothing to choose
 */
export function chooseLabels(
  rows: readonly LabelRow[],
  choice: LabelChoice,
): { readonly labels: readonly LabelRow[]; readonly labelling: Labelling | null } {
  if (rows.every(({ derived }) => derived === undefined)) return { labels: rows, labelling: null };
  const sources = new Map<string, number>();
  const counts = { given: 0, derived: 0, setAside: 0, rollbacksCalledGood: 0 };
  const labels = rows.flatMap((row): LabelRow[] => {
    const { deploymentId, label, basis, labelledBy, labelledAtMs, takenBackAtMs } = row;
    // That it was taken back is so whoever labelled it.
    const back = takenBackAtMs === undefined ? {} : { takenBackAtMs };
    const own: LabelRow = { deploymentId, label, basis, labelledBy, labelledAtMs, ...back };
    const isGiven = label !== "unknown" || basis !== null || labelledBy !== null;
    const { derived, source = "", confidence = 0, why = "", knownAtMs = null } = row;
    const isUsed = derived !== undefined && isSure(row);
    const isRollback = isUsed && derived === "rollback";
    const isGood = label === "benign" || label === "expected_change";
    const isCalledGood = isRollback && source !== "title" && isGood;
    if (choice === "given" && isCalledGood) counts.rollbacksCalledGood++;
    const given = isGiven && choice !== "derived" && !(choice === "both" && isCalledGood);
    if (given) {
      counts.given++;
      return [own];
    }
    if (choice === "given" || !isUsed) return [];
    if (isRollback) counts.setAside++;
    else {
      counts.derived++;
      sources.set(source, (sources.get(source) ?? 0) + 1);
    }
    const word: Label = derived === "rollback" ? "unknown" : derived;
    const said = `derived from ${source}, confidence ${confidence}: ${why}`;
    const told = { basis: said, labelledAtMs: knownAtMs };
    return [{ ...NOTHING_GIVEN, deploymentId, label: word, ...told, ...back }];
  });
  const bySource = jsonObject([...sources].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { labels, labelling: { choice, ...counts, sources: bySource } };
}

/** @throws Problem where only derived labels are asked for and there are none */
export function refuseNoDerived(
  dir: string,
  choice: LabelChoice,
  labelling: Labelling | null,
): void {
  if (choice !== "derived" || labelling !== null) return;
  throw new Problem("--labels derived: no label was derived in this history", {
    file: dir,
    cure: "Import it again: labels follow from versions, titles, change_failure and incidents.",
  });
}

/** On which labels scores rest, a sentence each. */
export function labellingNotes(labelling: Labelling | null): readonly string[] {
  if (labelling === null) return [];
  const { choice, given, derived, sources, setAside, rollbacksCalledGood } = labelling;
  const from = Object.entries(sources).map(([source, count]) => `${count} ${source}`);
  const sourced = from.length === 0 ? "" : ` (${from.join(", ")})`;
  const notes = [
    `Scores rest on ${given} given and ${counted(derived, "derived label")}${sourced}, by ` +
      `--labels ${choice}.`,
  ];
  if (setAside > 0) {
    notes.push(
      `${counted(setAside, "rollback deployment")} set aside: neither good nor bad, and counted ` +
        "as unlabelled.",
    );
  }
  if (rollbacksCalledGood > 0) {
    notes.push(
      `${counted(rollbacksCalledGood, "rollback deployment")} counted as good, because only ` +
        "given labels are in use.",
    );
  }
  return notes;
}
