/** When a regression was over: as history recorded it, by the policy's rollback, or in bounds. */

import type { DecisionRecord, SignalJudged } from "../../engine/index.ts";
import type { IncidentRow, Label } from "../history/tables.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import { breachSize } from "./breachSize.ts";
import type { Outcome } from "./outcome.ts";
import type { Recovery } from "./recovery.ts";

/** What is known of one deployment besides what was decided. */
interface Known {
  readonly label: Label;
  readonly incident: IncidentRow | null;
  /** When history brought the old version back, by a decision or by a later deployment. */
  readonly backAtMs: number | null;
  readonly judgements: readonly SignalJudged[];
  readonly recovery: Recovery;
}

interface Recovered {
  readonly times: Pick<
    Outcome,
    "recoveredAtMs" | "recoveryMs" | "recoveryBestMs" | "recoveryWorstMs"
  >;
  readonly evidence: Outcome["evidence"];
}

/** What the policy did with the deployment, and when. */
interface Acted {
  /** The first question, or page. */
  readonly asked: DecisionRecord | undefined;
  /** The order to roll back. */
  readonly ordered: DecisionRecord | undefined;
  readonly executedAtMs: number | null;
  /** Did history's own rollback come before what the policy did? */
  readonly hidden: boolean;
}

const NOT_A_REGRESSION: Recovered = {
  times: { recoveredAtMs: null, recoveryMs: null, recoveryBestMs: null, recoveryWorstMs: null },
  evidence: "observed",
};

/**
 * When a regression ended under the policy. Where its end is not recorded, or history's own
 * rollback cut it short, its length is that of regressions that were left alone (`Unaided`).
 */
export function recoveryTimes(
  planned: PlannedDeployment,
  { label, incident, backAtMs: historyMs, recovery }: Known,
  onsetAtMs: number | null,
  acted: Acted,
): Recovered {
  if (onsetAtMs === null) {
    return label === "regression" ? untimed(planned, recovery, acted) : NOT_A_REGRESSION;
  }
  const { deployment, rolledBackAtMs } = planned;
  const { ordered, executedAtMs, hidden } = acted;
  const id = deployment.deploymentId;
  const resolvedAtMs = incident?.resolvedAtMs ?? null;
  const known = (atMs: number, modelled: boolean): Recovered => {
    const recoveryMs = Math.max(0, atMs - onsetAtMs);
    return {
      times: {
        recoveredAtMs: Math.max(atMs, onsetAtMs),
        recoveryMs,
        recoveryBestMs: recoveryMs,
        recoveryWorstMs: recoveryMs,
      },
      evidence: modelled ? "modelled" : "observed",
    };
  };
  // The policy acted exactly when history did, so what history recorded is what happens.
  if (ordered !== undefined && ordered.knownAtMs === historyMs && resolvedAtMs !== null) {
    return known(resolvedAtMs, false);
  }
  const aloneAtMs = endedAlone(incident, historyMs);
  // Left alone it would have lasted at least until history's own rollback ended it.
  const helpedAtMs =
    historyMs === null
      ? onsetAtMs
      : (resolvedAtMs ??
        historyMs + recovery.rollBack(id).durationMs + recovery.recoversAfterMs(id));
  const bestMs = Math.max(0, helpedAtMs - onsetAtMs);
  const worstMs = Math.max(bestMs, recovery.unaided.longestMs);
  if (executedAtMs !== null) {
    const byRollback = executedAtMs + recovery.recoversAfterMs(id);
    const own = aloneAtMs ?? Number.POSITIVE_INFINITY;
    // A regression that ended by itself before the rollback was not ended by it.
    const { shortestMs, longestMs } = recovery.fromOrder(id);
    const orderedAtMs = ordered?.knownAtMs ?? executedAtMs;
    const isModel =
      recovery.isTrue !== true && own >= Math.min(byRollback, orderedAtMs + shortestMs);
    const at = known(Math.min(byRollback, own), isModel);
    // A rollback makes a regression last no longer than the longest that was left alone.
    const lastAtMs = Math.min(own, orderedAtMs + longestMs, onsetAtMs + recovery.unaided.longestMs);
    const possible = [orderedAtMs + shortestMs, lastAtMs] as const;
    const ended = isModel ? between(at, onsetAtMs, ...possible) : at;
    // What the policy saw after a later deployment took it back is of the old version.
    const isAfter = rolledBackAtMs === null && historyMs !== null && orderedAtMs > historyMs;
    const isLate = isAfter && aloneAtMs === null;
    if (!hidden && !isLate) return ended;
    // Whether and when this policy would have acted is a model: the bounds stay.
    const recoveryMs = ended.times.recoveryMs!;
    const recoveryBestMs = Math.min(bestMs, ended.times.recoveryBestMs!);
    const recoveryWorstMs = Math.max(worstMs, recoveryMs, ended.times.recoveryWorstMs!);
    const times = { ...ended.times, recoveryBestMs, recoveryWorstMs };
    return { times, evidence: isLate ? "bounded" : ended.evidence };
  }
  if (aloneAtMs !== null) return known(aloneAtMs, false);
  return {
    times: {
      recoveredAtMs: null,
      recoveryMs: Math.max(bestMs, recovery.unaided.meanMs),
      recoveryBestMs: bestMs,
      recoveryWorstMs: worstMs,
    },
    evidence: "bounded",
  };
}

/** A recovery that is modelled, with the first and the last time at which it may have been. */
function between(
  { times, evidence }: Recovered,
  onsetAtMs: number,
  firstAtMs: number,
  lastAtMs: number,
): Recovered {
  const recoveryMs = times.recoveryMs!;
  const recoveryBestMs = Math.min(recoveryMs, Math.max(0, firstAtMs - onsetAtMs));
  const recoveryWorstMs = Math.max(recoveryMs, lastAtMs - onsetAtMs);
  return { times: { ...times, recoveryBestMs, recoveryWorstMs }, evidence };
}

/**
 * A regression without a recorded onset. It is in no mean of times, but it has a cost, for which
 * this is its length. Left alone it lasts as long as those that history let run. Rolled back it
 * counts from the question to the recovery, and at least for a rollback and a recovery. Bias: the
 * time before the question is missing, so that is too short. At worst it began with the
 * deployment.
 */
function untimed(
  { deployment }: PlannedDeployment,
  { unaided, rollBack, recoversAfterMs }: Recovery,
  { asked, ordered, executedAtMs, hidden }: Acted,
): Recovered {
  const id = deployment.deploymentId;
  const afterMs = recoversAfterMs(id);
  // It lasts no longer than the longest regression that was left alone.
  const atMost = (ms: number): number => Math.min(unaided.longestMs, Math.max(0, ms));
  const soonestMs = atMost(rollBack(id).durationMs + afterMs);
  const recoveryMs =
    executedAtMs === null
      ? unaided.meanMs
      : Math.max(
          soonestMs,
          atMost(executedAtMs + afterMs - ((asked ?? ordered)?.knownAtMs ?? executedAtMs)),
        );
  const isCertain = executedAtMs !== null && !hidden;
  const worstMs = isCertain
    ? atMost(executedAtMs + afterMs - deployment.startedAtMs)
    : unaided.longestMs;
  return {
    times: {
      recoveredAtMs: null,
      recoveryMs,
      // Nobody saw its end: it may have been over at once.
      recoveryBestMs: executedAtMs === null && !hidden ? 0 : Math.min(soonestMs, recoveryMs),
      recoveryWorstMs: Math.max(worstMs, recoveryMs),
    },
    evidence: "bounded",
  };
}

/** When a regression ended without a rollback; null where that was not recorded. */
function endedAlone(incident: IncidentRow | null, historyMs: number | null): number | null {
  const resolvedAtMs = incident?.resolvedAtMs ?? null;
  if (resolvedAtMs === null || historyMs === null) return resolvedAtMs;
  return resolvedAtMs <= historyMs ? resolvedAtMs : null;
}

/** The largest size that a spike is priced by: beyond it more is not known to be worse. */
const SPIKE_AT_MOST = 10;

/**
 * How much longer the harm would have lasted without the policy's rollback, in milliseconds, and
 * how large it was. Of a regression, up to its end, and no size; of any other deployment, as long
 * as some signal was in breach, by the largest of those.
 */
export function sparedBy(
  { judgements, incident, backAtMs, recovery }: Known,
  { times }: Recovered,
  executedAtMs: number,
): { readonly ms: number; readonly size: number | null } {
  if (times.recoveryMs !== null) {
    const aloneAtMs = endedAlone(incident, backAtMs);
    const aloneMs = aloneAtMs === null ? recovery.unaided.meanMs : aloneAtMs - incident!.onsetAtMs;
    return { ms: Math.max(0, aloneMs - times.recoveryMs), size: null };
  }
  const breaching = new Map<string, number>();
  let ms = 0;
  let sized = 0;
  let sinceMs = executedAtMs;
  for (const { knownAtMs, evidence } of judgements) {
    if (breaching.size > 0 && knownAtMs > sinceMs) {
      ms += knownAtMs - sinceMs;
      sized += (knownAtMs - sinceMs) * Math.max(...breaching.values());
    }
    sinceMs = Math.max(sinceMs, knownAtMs);
    const { signal, verdict } = evidence;
    if (verdict !== "breach") breaching.delete(signal);
    else {
      // A breach is beyond its tolerance, whatever the last sample alone says.
      breaching.set(signal, Math.min(SPIKE_AT_MOST, Math.max(1, breachSize(evidence))));
    }
  }
  return { ms, size: ms === 0 ? null : Number((sized / ms).toPrecision(9)) };
}

/**
 * Where it is unknown what people would have answered: bounds that hold whether somebody approved
 * at once or declined.
 */
export function anyAnswer(
  seen: Recovered,
  { incident, backAtMs, recovery }: Known,
  onsetAtMs: number | null,
  proposed: DecisionRecord,
): Recovered {
  const { recoveryMs, recoveryBestMs, recoveryWorstMs } = seen.times;
  if (recoveryMs === null) return seen;
  const id = proposed.deploymentId;
  const approvedAtMs =
    proposed.knownAtMs + recovery.rollBack(id).durationMs + recovery.recoversAfterMs(id);
  // Without a recorded onset the length is counted from the question (see `untimed`).
  const sinceMs = onsetAtMs ?? proposed.knownAtMs;
  const aloneAtMs = endedAlone(incident, backAtMs);
  const declinedMs = aloneAtMs === null ? recovery.unaided.longestMs : aloneAtMs - sinceMs;
  return {
    ...seen,
    times: {
      ...seen.times,
      recoveryBestMs: Math.min(recoveryBestMs!, Math.max(0, approvedAtMs - sinceMs)),
      recoveryWorstMs: Math.max(recoveryWorstMs!, declinedMs),
    },
  };
}
