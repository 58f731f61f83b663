/**
 * What other systems tell about deployments and incidents, in the shape they all share. The
 * readers beside this file are pure: a parsed body in, rows or problems out, so that an export
 * of last year and a webhook of this minute are read by the same code.
 */

import { isFields, textIn, type Fields } from "../../../jsonBody.ts";
import type { DecisionWhat } from "../../tables.ts";
import { readTimeMs } from "../times.ts";

/** A deployment as another system tells of it. */
export interface ForeignDeployment {
  /** Stable: the same deployment has it in an export and in every webhook about it. */
  readonly deploymentId: string;
  readonly service: string;
  readonly environment: string;
  /** The word that says its kind, as in deployments.csv; empty when nothing does. */
  readonly kind: string;
  readonly startedAtMs: number;
  /** When it had succeeded; null when it has not (yet), or nobody says. */
  readonly finishedAtMs: number | null;
  /** When it had failed, where that is told. */
  readonly failedAtMs?: number;
  /** `waiting` has touched nothing yet; `failed` may have. */
  readonly state: "waiting" | "running" | "succeeded" | "failed";
  /** Nothing says when it began to run: `startedAtMs` is when it was created. */
  readonly startIsCreation?: true;
  readonly version: string | null;
  readonly author: string | null;
  /** Words and the type of task that may say it is a rollback; see history/labels/said.ts. */
  readonly title?: string | null;
  readonly event?: string | null;
}

/** An incident as another system tells of it. */
export interface ForeignIncident {
  readonly incidentId: string;
  readonly service: string;
  /** Only where the export links one. */
  readonly deploymentId: string | null;
  /** Its title: free text, which labels nothing by itself. */
  readonly label: string;
  readonly startedAtMs: number;
  readonly resolvedAtMs: number | null;
  readonly resolvedBy: string | null;
  readonly severity: string | null;
}

/** What a machine or a person decided about a deployment, as another system tells of it. */
export interface ForeignDecision {
  readonly deploymentId: string;
  readonly atMs: number;
  readonly what: DecisionWhat;
  /** Null: it does not name the person. */
  readonly by: string | null;
  readonly justification: string | null;
}

export interface Reading<Row> {
  readonly rows: readonly Row[];
  /** What could not be read, a sentence each: where it stood and why. */
  readonly problems: readonly string[];
}

/** How names of other systems become services. */
export interface Naming {
  /**
   * Of a repository (`owner/name`), an application or a PagerDuty service. A name that is not
   * in it stands for itself, a repository without its owner.
   */
  readonly services: ReadonlyMap<string, string>;
  /** For what does not say in which environment it runs. */
  readonly environment: string;
}

export const PLAIN_NAMING: Naming = { services: new Map(), environment: "production" };

/** A time in ISO 8601 with a zone; null when it is absent or none. */
export function timeIn(value: Fields, key: string): number | null {
  const text = textIn(value, key);
  return text === null ? null : readTimeMs(text);
}

/** Why an element cannot be used; `readEach` turns it into a problem with its place. */
export class Unusable extends Error {}

/** A required field's value, or a reason. */
export function needed<Value>(value: Value | null, what: string): Value {
  if (value === null) throw new Unusable(`it has no ${what}`);
  return value;
}

/** Reads every element of an export; what cannot be used becomes a problem with its number. */
export function readEach<Row>(
  elements: readonly unknown[],
  read: (element: Fields) => readonly Row[],
): Reading<Row> {
  const problems: string[] = [];
  const rows = elements.flatMap((element, index) => {
    try {
      if (!isFields(element)) throw new Unusable("it is no object");
      return read(element);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      problems.push(`element ${index + 1}: ${error.message}`);
      return [];
    }
  });
  return { rows, problems };
}
