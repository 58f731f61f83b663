/**
 * How long a regression lasts when nobody rolls it back: a model from those regressions of the
 * history that ran to a recorded end without a rollback.
 *
 * A regression that history's rollback cut short, or that has no recorded end, is taken to last
 * their mean where there are at least five, and an hour otherwise. It stays `bounded`; its worst
 * case is the longest of them, an hour at least. Bias: history may have left the milder ones alone,
 * so read the bounds and not the mean only.
 */

import { incidentsByDeployment } from "../history/incidents.ts";
import type { HistoryTables } from "../history/tables.ts";
import { rollbacksOf } from "../replay/censor.ts";

/** An hour: the length that is assumed where the history has nothing to learn from. */
export const CAP_MS = 3_600_000;

export interface Unaided {
  /** From onset to end: the mean of all `n` where that is enough, an hour otherwise. */
  readonly meanMs: number;
  /** The longest of them, never less than an hour. */
  readonly longestMs: number;
  /** Regressions with a recorded end that history did not roll back, nor a later deployment. */
  readonly n: number;
  /** How long each of them lasted. */
  readonly lengthsMs: readonly number[];
}

const REGRESSIONS_AT_LEAST = 5;

/**
 * The share of regressions that, left alone for so long, ended within a stretch after that; null
 * where too few lasted so long.
 */
export function endedWithin({ lengthsMs }: Unaided, afterMs: number, forMs: number): number | null {
  const standing = lengthsMs.filter((ms) => ms > afterMs);
  if (standing.length < REGRESSIONS_AT_LEAST) return null;
  return standing.filter((ms) => ms <= afterMs + forMs).length / standing.length;
}

/** The model of a history. */
export function unaidedOf({ labels, incidents, decisions }: HistoryTables): Unaided {
  const regressions = new Set(
    labels
      .filter(({ label, takenBackAtMs }) => label === "regression" && takenBackAtMs === undefined)
      .map(({ deploymentId }) => deploymentId),
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
  return {
    meanMs: n < REGRESSIONS_AT_LEAST ? CAP_MS : Math.round(sumMs / n),
    longestMs,
    n,
    lengthsMs: [...durations.values()],
  };
}
