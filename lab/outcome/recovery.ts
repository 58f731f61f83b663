/**
 * How long a rollback takes, and how long a service then needs to recover.
 *
 * Two values are pooled over all services: each is the median of the history's own rollbacks where
 * there are at least five, and a default otherwise (90 s and 120 s, which are assumptions and no
 * measurements). A service with n rollbacks of its own is shrunk towards the pool: its own median
 * weighs n / (n + 10), because a few rollbacks say little. Every recovery that follows from this is
 * `modelled`, never `observed`. Rollbacks that history never tried fail as often as its own did
 * (failures.ts).
 */

import { getOrMake } from "../getOrMake.ts";
import { incidentsByDeployment } from "../history/incidents.ts";
import { servicesById } from "../history/places.ts";
import type { HistoryTables } from "../history/tables.ts";
import type { Platform } from "../replay/fold.ts";
import { failuresIn, fails, type RollbackFailures } from "./failures.ts";
import { unaidedOf, type Unaided } from "./unaided.ts";

export interface Recovery {
  /** Present where this is the truth about a simulated world: recoveries are observed then. */
  readonly isTrue?: true;
  /** The pooled time from the order until the old version is back. */
  readonly rollbackMs: number;
  /** The pooled time from then until the signals are within tolerance again. */
  readonly recoveryMs: number;
  readonly rollbackFrom: string;
  readonly recoveryFrom: string;
  /** How often rollbacks fail that history never tried; null where the world says which fail. */
  readonly failures: RollbackFailures | null;
  /**
   * What the platform does with a rollback. One that history made takes as long as it took there,
   * and fails if it failed, whichever policy orders it and whenever. This is the first draw.
   */
  readonly rollBack: Platform["rollBack"];
  /** The same in each draw: which of the rollbacks fail that history never tried. */
  readonly platformIn: (draw: number) => Platform;
  /** Did history try to roll it back? One of which no failure is recorded succeeded. */
  readonly wasTried: (deploymentId: string) => boolean;
  /**
   * The time from the old version being back until this deployment recovers: as in history, or
   * else as usual for its service. So a later rollback never recovers sooner than an earlier one.
   * It is negative where the deployment recovered while its rollback was going on.
   */
  readonly recoversAfterMs: (deploymentId: string) => number;
  /**
   * The shortest and the longest time from the order of a rollback until the deployment recovers
   * that history leaves possible, whatever the medians above say.
   */
  readonly fromOrder: (deploymentId: string) => Bounds;
  /** How long regressions last that nobody rolls back. */
  readonly unaided: Unaided;
}

/** Bounds of a time, in milliseconds. */
interface Bounds {
  readonly shortestMs: number;
  readonly longestMs: number;
}

const DEFAULT_ROLLBACK_MS = 90_000;
const DEFAULT_RECOVERY_MS = 120_000;
const ROLLBACKS_AT_LEAST = 5;
/** With so many rollbacks of its own a service's median weighs one half (method 3.3). */
const HALF_OWN = 10;

/**
 * The recovery model of a history.
 *
 * @param seed of the failures that are drawn
 */
export function recoveryOf(tables: HistoryTables, seed: number): Recovery {
  const startedAt = new Map<string, number>();
  const finishedAt = new Map<string, number>();
  const failedAt = new Map<string, number>();
  for (const { deploymentId, what, atMs } of tables.decisions) {
    if (what === "rollbackStarted") startedAt.set(deploymentId, atMs);
    if (what === "rollbackFinished") finishedAt.set(deploymentId, atMs);
    if (what === "rollbackFailed") failedAt.set(deploymentId, atMs);
  }
  const took = (id: string, ended: number | undefined): number | null => {
    const started = startedAt.get(id);
    return started === undefined || ended === undefined || ended < started ? null : ended - started;
  };
  const rollbacks = new Map<string, number>();
  for (const [id, finished] of finishedAt) {
    const durationMs = took(id, finished);
    if (durationMs !== null) rollbacks.set(id, durationMs);
  }
  const recoveries = new Map<string, number>();
  for (const [deploymentId, { resolvedAtMs }] of incidentsByDeployment(tables.incidents)) {
    const finished = finishedAt.get(deploymentId);
    if (finished === undefined) continue;
    // An incident that ended before its rollback began was not ended by it.
    const started = startedAt.get(deploymentId) ?? finished;
    if (resolvedAtMs !== null && resolvedAtMs >= Math.min(started, finished)) {
      recoveries.set(deploymentId, resolvedAtMs - finished);
    }
  }
  const afterwards = new Map([...recoveries].filter(([, durationMs]) => durationMs >= 0));
  const pick = (own: readonly number[], fallback: number): [number, string] =>
    own.length >= ROLLBACKS_AT_LEAST
      ? [middle(own), `median of ${own.length} rollbacks in this history`]
      : [fallback, `default (${own.length} rollbacks in this history)`];
  const [rollbackMs, rollbackFrom] = pick([...rollbacks.values()], DEFAULT_ROLLBACK_MS);
  const [recoveryMs, recoveryFrom] = pick([...afterwards.values()], DEFAULT_RECOVERY_MS);
  const serviceOf = servicesById(tables.deployments);
  const rollbackIn = drawnToPool(rollbacks, serviceOf, rollbackMs);
  const recoveryIn = drawnToPool(afterwards, serviceOf, recoveryMs);
  const failures = failuresIn(tables.decisions);
  const wasTried = (id: string): boolean =>
    startedAt.has(id) || finishedAt.has(id) || failedAt.has(id);
  const hasWorked = (id: string): boolean => finishedAt.has(id) || !failedAt.has(id);
  const platformIn = (draw: number): Platform => ({
    rollBack: (id) => {
      const durationMs =
        took(id, finishedAt.get(id)) ?? took(id, failedAt.get(id)) ?? rollbackIn(id);
      const succeeds = wasTried(id) ? hasWorked(id) : !fails(failures, id, seed, draw);
      return { durationMs, succeeds };
    },
  });
  const unaided = unaidedOf(tables);
  // Too few rollbacks bound nothing: at once, or as late as if there had been none.
  const anyTime = { shortestMs: 0, longestMs: unaided.longestMs };
  const rollbackBounds = boundsOf(rollbacks) ?? anyTime;
  const recoveryBounds = boundsOf(recoveries) ?? anyTime;
  return {
    failures,
    platformIn,
    wasTried,
    rollbackMs,
    recoveryMs,
    rollbackFrom,
    recoveryFrom,
    ...platformIn(0),
    recoversAfterMs: (id) => recoveries.get(id) ?? recoveryIn(id),
    fromOrder: (id) => {
      const backMs = took(id, finishedAt.get(id));
      const ownMs = recoveries.get(id);
      return {
        shortestMs: Math.max(
          0,
          (backMs ?? rollbackBounds.shortestMs) + (ownMs ?? recoveryBounds.shortestMs),
        ),
        longestMs: (backMs ?? rollbackBounds.longestMs) + (ownMs ?? recoveryBounds.longestMs),
      };
    },
    unaided,
  };
}

/** A function of a deployment: the median of its service, shrunk towards the pool. */
function drawnToPool(
  known: ReadonlyMap<string, number>,
  serviceOf: (deploymentId: string) => string | undefined,
  poolMs: number,
): (deploymentId: string) => number {
  const own = new Map<string, number[]>();
  for (const [id, durationMs] of known) {
    const service = serviceOf(id);
    if (service === undefined) continue;
    getOrMake(own, service, () => []).push(durationMs);
  }
  const drawn = new Map(
    [...own].map(([service, durations]) => {
      const weight = durations.length / (durations.length + HALF_OWN);
      return [service, Math.round(weight * middle(durations) + (1 - weight) * poolMs)];
    }),
  );
  return (id) => (drawn.size === 0 ? poolMs : (drawn.get(serviceOf(id) ?? "") ?? poolMs));
}

/** The same model with every recovery after a rollback so many times as long. */
export function stretched(recovery: Recovery, times: number): Recovery {
  return {
    ...recovery,
    recoveryMs: recovery.recoveryMs * times,
    recoversAfterMs: (id) => {
      const afterMs = recovery.recoversAfterMs(id);
      return afterMs > 0 ? afterMs * times : afterMs;
    },
  };
}

/** The least and the most of what history shows; null where it shows too little. */
function boundsOf(known: ReadonlyMap<string, number>): Bounds | null {
  if (known.size < ROLLBACKS_AT_LEAST) return null;
  const sorted = [...known.values()].sort((a, b) => a - b);
  return { shortestMs: sorted[0]!, longestMs: sorted.at(-1)! };
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[sorted.length >> 1]!);
}
