/** Incidents of something else that were going on while a deployment was watched. */

import type { IncidentRow } from "../history/tables.ts";
import type { Cause, FalseCause } from "./causes.ts";

/** Where its end was not recorded, an incident is taken to have lasted so long. */
const OPEN_MS = 3_600_000;
/** Incidents that begin within this time of each other may have one cause. */
const TOGETHER_MS = 600_000;
/** In so many services at once it is not of one service. */
const SHARED_BY = 3;

/**
 * The incident that a rollback may be due to, by its kind; null without any.
 *
 * @param services those whose series the signals read
 * @param fromMs of the watch
 * @param toMs when the rollback was decided
 */
export function coincidentIncident(
  incidents: readonly IncidentRow[],
  deploymentId: string,
  services: ReadonlySet<string>,
  fromMs: number,
  toMs: number,
): Cause<FalseCause> | null {
  const own = incidents.find(
    (incident) =>
      incident.deploymentId !== deploymentId &&
      services.has(incident.service) &&
      incident.onsetAtMs <= toMs &&
      (incident.resolvedAtMs ?? incident.onsetAtMs + OPEN_MS) >= fromMs,
  );
  if (own === undefined) return null;
  const together = incidents.filter(
    ({ onsetAtMs }) => Math.abs(onsetAtMs - own.onsetAtMs) <= TOGETHER_MS,
  );
  const isShared = new Set(together.map(({ service }) => service)).size >= SHARED_BY;
  return { cause: isShared ? "shared" : "coincident", by: null };
}
