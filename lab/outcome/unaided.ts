/**
 * How long a regression goes on when nobody rolls it back: a model made of the
 * history's own regressions that it let run to a recorded end.
 *
 * What history's rollback cut short, or has no recorded end, counts their mean where
 * there are at least five and an hour otherwise; it stays `bounded`, and its worst is
 * the longest of them, an hour at least. Regressions that history left alone may be
 * the milder ones: read the bounds, not the mean alone.
 */

import { incidentsByDeployment } from "../history/incidents.ts";
import type { HistoryTables } from "../history/tables.ts";
import { rollbacksOf } from "../replay/censor.ts";

/** What counts where the history has nothing to learn from. */
export const CAP_MS = 3_600_000;

export interface Unaided {
  /** From onset to end: the mean of `n` where they are enough, an hour otherwise. */
  readonly meanMs: number;
  /** The longest of them, never less than an hour. */
  readonly longestMs: number;
  /** Regressions with a recorded end that history did not roll back. */
  readonly n: number;
}

const REGRESSIONS_AT_LEAST = 5;

export function unaidedOf({ labels, incidents, decisions }: HistoryTables): Unaided {
  const regressions = new Set(
    labels.filter(({ label }) => label === "regression").map(({ deploymentId }) => deploymentId),
  );
  for (const deploymentId of rollbacksOf(decisions).keys()) regressions.delete(deploymentId);
  const durations = new Map<string, number>();
  for (const [deploymentId, { onsetAtMs, resolvedAtMs }] of incidentsByDeployment(incidents)) {
    if (!regressions.has(deploymentId)) continue;
    if (resolvedAtMs === null || resolvedAtMs < onsetAtMs) continue;
    durations.set(deploymentId, resolvedAtMs - onsetAtMs);
  }
  const n = durations.size;
  let sumMs = 0;
  let longestMs = CAP_MS;
  for (const durationMs of durations.values()) {
    sumMs += durationMs;
    longestMs = Math.max(longestMs, durationMs);
  }
  return { meanMs: n < REGRESSIONS_AT_LEAST ? CAP_MS : Math.round(sumMs / n), longestMs, n };
}
