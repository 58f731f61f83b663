/**
 * Incidents of one deployment as one. A pager that opens two for the same harm, or a fault that
 * comes back, is one time of harm here: from the earliest onset to the latest end.
 *
 * Bias: what was well between two incidents counts as harm.
 */

import type { IncidentRow } from "./tables.ts";

/**
 * By deployment: the first incident of each, until the last of them was over. Where the end of
 * one is not recorded, that of all is not.
 */
export function incidentsByDeployment(
  incidents: readonly IncidentRow[],
): ReadonlyMap<string, IncidentRow> {
  const found = new Map<string, IncidentRow>();
  for (const incident of incidents) {
    const { deploymentId } = incident;
    if (deploymentId === null) continue;
    const known = found.get(deploymentId);
    found.set(deploymentId, known === undefined ? incident : asOne(known, incident));
  }
  return found;
}

/** When it can be known what it was: when it is over, or when it began where no end is recorded. */
export function incidentKnownAt({
  onsetAtMs,
  resolvedAtMs,
}: Pick<IncidentRow, "onsetAtMs" | "resolvedAtMs">): number {
  return Math.max(onsetAtMs, resolvedAtMs ?? onsetAtMs);
}

/** How many deployments have more than one. */
export function withSeveralIncidents(incidents: readonly IncidentRow[]): number {
  const seen = new Set<string>();
  const several = new Set<string>();
  for (const { deploymentId } of incidents) {
    if (deploymentId === null) continue;
    if (seen.has(deploymentId)) several.add(deploymentId);
    seen.add(deploymentId);
  }
  return several.size;
}

function asOne(one: IncidentRow, other: IncidentRow): IncidentRow {
  const [first, second] = other.onsetAtMs < one.onsetAtMs ? [other, one] : [one, other];
  const detected = [first, second].flatMap(({ detectedAtMs }) => detectedAtMs ?? []);
  const isOpen = first.resolvedAtMs === null || second.resolvedAtMs === null;
  const last = isOpen || second.resolvedAtMs >= first.resolvedAtMs ? second : first;
  return {
    ...first,
    detectedAtMs: detected.length === 0 ? null : Math.min(...detected),
    resolvedAtMs: isOpen ? null : last.resolvedAtMs,
    resolvedBy: isOpen ? null : last.resolvedBy,
  };
}
