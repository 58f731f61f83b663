/** When a regression was over: in the history, by the policy's rollback, or between bounds. */

import type { DecisionRecord, SignalJudged } from "../../engine/index.ts";
import type { IncidentRow, Label } from "../history/tables.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import type { Outcome } from "./outcome.ts";
import type { Recovery } from "./recovery.ts";

/** What is known of one deployment besides what was decided. */
interface Known {
  readonly label: Label;
  readonly incident: IncidentRow | null;
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

/** What the policy did with it, and when. */
interface Acted {
  /** The first question, or page. */
  readonly asked: DecisionRecord | undefined;
  readonly ordered: DecisionRecord | undefined;
  readonly executedAtMs: number | null;
  /** Cut short by history's own rollback before that. */
  readonly hidden: boolean;
}

const NOT_A_REGRESSION: Recovered = {
  times: { recoveredAtMs: null, recoveryMs: null, recoveryBestMs: null, recoveryWorstMs: null },
  evidence: "observed",
};

/**
 * When a regression ended, in the history or by the policy's rollback. One whose end
 * is not recorded, or was cut short by history's own rollback, counts as `Unaided` says.
 */
export function recoveryTimes(
  planned: PlannedDeployment,
  { label, incident, recovery }: Known,
  onsetAtMs: number | null,
  acted: Acted,
): Recovered {
  if (onsetAtMs === null) {
    return label === "regression" ? untimed(planned, recovery, acted) : NOT_A_REGRESSION;
  }
  const { deployment, rolledBackAtMs: historyMs } = planned;
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
  // The policy acted exactly when history did: what history shows is what happens.
  if (ordered !== undefined && ordered.knownAtMs === historyMs && resolvedAtMs !== null) {
    return known(resolvedAtMs, false);
  }
  const aloneAtMs = endedAlone(incident, historyMs);
  // Left alone it would have gone on at least until history's own rollback helped.
  const helpedAtMs =
    historyMs === null
      ? onsetAtMs
      : (resolvedAtMs ??
        historyMs + recovery.rollBack(id).durationMs + recovery.recoversAfterMs(id));
  const bestMs = Math.max(0, helpedAtMs - onsetAtMs);
  const worstMs = Math.max(bestMs, recovery.unaided.longestMs);
  if (executedAtMs !== null) {
    const byRollback = executedAtMs + recovery.recoversAfterMs(id);
    const own = aloneAtMs ?? byRollback;
    // A regression that ended by itself before the rollback was not ended by it.
    const isModel = own >= byRollback && recovery.isTrue !== true;
    const ended = known(Math.min(byRollback, own), isModel);
    if (!hidden) return ended;
    // Whether and when this policy would have acted is a model: the bounds stay.
    const recoveryMs = ended.times.recoveryMs!;
    const recoveryBestMs = Math.min(bestMs, recoveryMs);
    const recoveryWorstMs = Math.max(worstMs, recoveryMs);
    return { ...ended, times: { ...ended.times, recoveryBestMs, recoveryWorstMs } };
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

/**
 * A regression of which nobody wrote down when it began, for its price alone: it is in no
 * mean of times. Left alone it counts as long as those last that history let run. Rolled back
 * it counts from the question on, and as long as a rollback and the recovery after it take
 * at least; the time before the question is missing, so it counts too little. At worst it was
 * there from the start of the deployment.
 */
function untimed(
  { deployment }: PlannedDeployment,
  { unaided, rollBack, recoversAfterMs }: Recovery,
  { asked, ordered, executedAtMs, hidden }: Acted,
): Recovered {
  const id = deployment.deploymentId;
  const afterMs = recoversAfterMs(id);
  // A rollback that helps nobody is over when all are.
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
      // Left alone it may have been over at once.
      recoveryBestMs: executedAtMs === null && !hidden ? 0 : Math.min(soonestMs, recoveryMs),
      recoveryWorstMs: Math.max(worstMs, recoveryMs),
    },
    evidence: "bounded",
  };
}

/** When a regression was over without anybody's rollback; null where that was not seen. */
function endedAlone(incident: IncidentRow | null, historyMs: number | null): number | null {
  const resolvedAtMs = incident?.resolvedAtMs ?? null;
  if (resolvedAtMs === null || historyMs === null) return resolvedAtMs;
  return resolvedAtMs <= historyMs ? resolvedAtMs : null;
}

/** What the rollback was worth in time, as far as history or a model of it shows. */
export function sparedBy(
  { rolledBackAtMs: historyMs }: PlannedDeployment,
  { judgements, incident, recovery }: Known,
  { times }: Recovered,
  executedAtMs: number,
): number {
  if (times.recoveryMs !== null) {
    const aloneAtMs = endedAlone(incident, historyMs);
    const aloneMs = aloneAtMs === null ? recovery.unaided.meanMs : aloneAtMs - incident!.onsetAtMs;
    return Math.max(0, aloneMs - times.recoveryMs);
  }
  let breaching: readonly string[] = [];
  let sparedMs = 0;
  let sinceMs = executedAtMs;
  for (const { knownAtMs, evidence } of judgements) {
    if (breaching.length > 0 && knownAtMs > sinceMs) sparedMs += knownAtMs - sinceMs;
    sinceMs = Math.max(sinceMs, knownAtMs);
    const { signal, verdict } = evidence;
    const isKnown = breaching.includes(signal);
    if (isKnown === (verdict === "breach")) continue;
    if (isKnown) breaching = breaching.filter((name) => name !== signal);
    else breaching = breaching.length === 0 ? [signal] : [...breaching, signal];
  }
  return sparedMs;
}

/** Had somebody approved at once, or declined: the earliest and the latest end there could be. */
export function anyAnswer(
  seen: Recovered,
  { incident, recovery }: Known,
  onsetAtMs: number | null,
  proposed: DecisionRecord,
  historyMs: number | null,
): Recovered {
  const { recoveryMs, recoveryBestMs, recoveryWorstMs } = seen.times;
  if (recoveryMs === null) return seen;
  const id = proposed.deploymentId;
  const approvedAtMs =
    proposed.knownAtMs + recovery.rollBack(id).durationMs + recovery.recoversAfterMs(id);
  // Without a recorded onset there is no incident at all; the question is as early as is known.
  const sinceMs = onsetAtMs ?? proposed.knownAtMs;
  const aloneAtMs = endedAlone(incident, historyMs);
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
