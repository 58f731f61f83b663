/**
 * Who answers where nobody says: the one rule of all commands and of the web lab.
 *
 * `absent` makes longer windows look worse than they are, so people are modelled where a history
 * has enough answers to fit them to: as many as weigh as much as the assumptions they are held
 * near (fit.ts). An answer counts where the label of its deployment is known: without a label a
 * modelled answer would be unknown too.
 */

import { counted } from "../counted.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import { readManifest } from "../history/manifest.ts";
import type { DecisionRow, LabelRow } from "../history/tables.ts";
import { PSEUDO_OBSERVATIONS, questionsIn } from "./fit.ts";

export interface DefaultPeople {
  readonly people: "absent" | "modelled";
  /** Answers that people could be fitted to. */
  readonly answers: number;
}

/** @param tables with the labels that count */
export function defaultPeople(tables: {
  readonly decisions: readonly DecisionRow[];
  readonly labels: readonly Pick<LabelRow, "deploymentId" | "label">[];
}): DefaultPeople {
  const known = new Set(
    tables.labels.flatMap(({ deploymentId, label }) => (label === "unknown" ? [] : [deploymentId])),
  );
  const answers = questionsIn(tables.decisions).filter(
    ({ deploymentId, answer }) => answer !== undefined && known.has(deploymentId),
  ).length;
  return { people: answers < PSEUDO_OBSERVATIONS ? "absent" : "modelled", answers };
}

/**
 * The same of a history on disk; reads no more of it than that takes.
 *
 * @throws Problem when it is no history, or one of these tables cannot be read
 */
export async function defaultPeopleIn(
  dir: string,
  labels: LabelChoice | undefined,
): Promise<DefaultPeople> {
  const { rows } = readManifest(dir);
  if (rows.decisions === 0) return { people: "absent", answers: 0 };
  // What reads a table takes a tenth of a second to load.
  const { readTables } = await import("../history/someTables.ts");
  return defaultPeople(await readTables(dir, ["decisions", "labels"], labels));
}

/** The choice in a line; null where a history without answers leaves none. */
export function defaultPeopleNote({ people, answers }: DefaultPeople): string | null {
  if (people === "modelled") {
    const has = counted(answers, "answer");
    return `People: modelled, as this history has ${has} of people; --people says otherwise.`;
  }
  if (answers === 0) return null;
  return (
    `People: absent, as this history has ${counted(answers, "answer")} of people and a model ` +
    `takes ${PSEUDO_OBSERVATIONS}; --people says otherwise.`
  );
}
