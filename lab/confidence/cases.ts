/**
 * What a policy's detectors saw of each labelled deployment, at the moments when people have to
 * decide: at the first alarm, and some minutes later while an override window would run.
 *
 * Law: nothing from later. What was seen at a moment rests on judgements that were known then, and
 * each case says when its label was known.
 */

import {
  judgementsOf,
  NO_RATIOS,
  seenIn,
  stands,
  withJudgement,
  worstRatiosWith,
  type Ground,
  type Policy,
  type Seen,
  type SignalEvidence,
  type SignalJudged,
} from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import { incidentKnownAt } from "../history/incidents.ts";
import type { IncidentRow, Label, LabelRow } from "../history/tables.ts";
import type { Past } from "../history/open.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import type { Replay } from "../replay/replay.ts";

/** So long after the first alarm the question is asked again. */
export const DELAYS_MS = [0, 60_000, 180_000, 360_000, 600_000] as const;
/** An alarm of another service within so long before counts as one of the same time. */
const SAME_TIME_MS = 600_000;
/** A service whose alarms are frequent is noisy. */
const HABIT_MS = 14 * 86_400_000;

export interface Case {
  readonly deploymentId: string;
  readonly service: string;
  readonly ground: Ground;
  /** The first alarm, or the end of the watch. */
  readonly atMs: number;
  /** By delay; null where nothing was seen that late. Empty without an alarm. */
  readonly seen: readonly (Seen | null)[];
  readonly label: Label;
  /** The earliest moment at which anything may learn from this label. */
  readonly knownAtMs: number;
}

/** `knownAtMs` of the first judgement after which the policy would act or ask; null for none. */
export function firstAlarm(
  policy: Policy,
  { deployment, tags, stages }: Pick<PlannedDeployment, "deployment" | "tags" | "stages">,
  judgements: readonly SignalJudged[],
): number | null {
  let signals: readonly SignalEvidence[] = [];
  for (const { evidence, knownAtMs } of judgements) {
    signals = withJudgement(signals, evidence);
    if (stands(policy, { deployment, tags, stages, signals }, knownAtMs, "tagged"))
      return knownAtMs;
  }
  return null;
}

/**
 * The cases of one policy of a replay, in the order of their moments. Deployments without a label
 * are included as `unknown`: a live deployment is one of them.
 */
export function casesOf(history: Past, replay: Replay, index: number): readonly Case[] {
  const { policy, judged } = replay.policies[index]!;
  const labels = new Map(history.tables.labels.map((row) => [row.deploymentId, row]));
  const incidents = incidentsKnownAt(history.tables.incidents);
  const watched = replay.plan.deployments.map((planned, at) => {
    const judgements = judgementsOf(judged[at]!, planned.deployment);
    return { planned, judgements, alarmAtMs: firstAlarm(policy, planned, judgements) };
  });
  const alarms = alarmsOf(
    watched.flatMap(({ planned, alarmAtMs }) =>
      alarmAtMs === null ? [] : [{ service: planned.deployment.service, atMs: alarmAtMs }],
    ),
  );
  const cases = watched.map(({ planned, judgements, alarmAtMs }): Case => {
    const { deploymentId, service, startedAtMs } = planned.deployment;
    const label = labels.get(deploymentId);
    const endMs = startedAtMs + policy.watchMs;
    const isJudged = judgements.some(
      ({ cause, evidence }) => cause === "end" && evidence.verdict === "healthy",
    );
    return {
      deploymentId,
      service,
      ground: alarmAtMs !== null ? "alarm" : isJudged ? "quiet" : "unjudged",
      atMs: alarmAtMs ?? endMs,
      seen:
        alarmAtMs === null
          ? []
          : DELAYS_MS.map((delayMs) =>
              isSeen(planned, policy, alarmAtMs + delayMs)
                ? seenAt(policy, planned, judgements, alarmAtMs, alarmAtMs + delayMs, alarms)
                : null,
            ),
      label: label?.label ?? "unknown",
      knownAtMs: labelKnownAt(label, incidents.get(deploymentId), endMs),
    };
  });
  return cases.sort((a, b) => a.atMs - b.atMs || (a.deploymentId < b.deploymentId ? -1 : 1));
}

/** Was the deployment still running and watched then? History's own rollback ends both. */
function isSeen(planned: PlannedDeployment, policy: Policy, atMs: number): boolean {
  const { rolledBackAtMs, deployment } = planned;
  if (rolledBackAtMs !== null && atMs > rolledBackAtMs) return false;
  return atMs <= deployment.startedAtMs + policy.watchMs;
}

/**
 * A label is known when it was given, or when what it was derived from had happened. Where that is
 * not recorded, it is known when the watch is over and the deployment's incidents are known.
 */
function labelKnownAt(
  label: LabelRow | undefined,
  incidentsAtMs: number | undefined,
  watchEndMs: number,
): number {
  if (label === undefined) return Infinity;
  return label.labelledAtMs ?? Math.max(watchEndMs, incidentsAtMs ?? watchEndMs);
}

/** By deployment, when the last of its incidents is known. */
function incidentsKnownAt(incidents: readonly IncidentRow[]): ReadonlyMap<string, number> {
  const known = new Map<string, number>();
  for (const incident of incidents) {
    const { deploymentId } = incident;
    if (deploymentId === null) continue;
    const atMs = incidentKnownAt(incident);
    known.set(deploymentId, Math.max(atMs, known.get(deploymentId) ?? atMs));
  }
  return known;
}

function seenAt(
  policy: Policy,
  { deployment, tags, stages }: PlannedDeployment,
  judgements: readonly SignalJudged[],
  alarmAtMs: number,
  atMs: number,
  alarms: Alarms,
): Seen {
  let signals: readonly SignalEvidence[] = [];
  let worst = NO_RATIOS;
  for (const { evidence, knownAtMs } of judgements) {
    if (knownAtMs > atMs) break;
    signals = withJudgement(signals, evidence);
    worst = worstRatiosWith(worst, evidence);
  }
  const own = alarms.byService.get(deployment.service) ?? [];
  return seenIn({
    deployment,
    alarmAtMs,
    signals,
    worst,
    stands: stands(policy, { deployment, tags, stages, signals }, atMs, "tagged"),
    isDeclared: tags.some((tag) => tag.knownAtMs <= atMs),
    servicesElsewhere: servicesElsewhere(alarms.all, deployment.service, atMs),
    alarmsBefore: placeAfter(own, alarmAtMs - 1) - placeAfter(own, alarmAtMs - HABIT_MS),
  });
}

interface Alarm {
  readonly service: string;
  readonly atMs: number;
}

/** All in the order of their time, and those of each service. */
interface Alarms {
  readonly all: readonly Alarm[];
  readonly byService: ReadonlyMap<string, readonly Alarm[]>;
}

function alarmsOf(alarms: readonly Alarm[]): Alarms {
  const all = [...alarms].sort((a, b) => a.atMs - b.atMs);
  const byService = new Map<string, Alarm[]>();
  for (const alarm of all) getOrMake(byService, alarm.service, () => []).push(alarm);
  return { all, byService };
}

/** How many other services had an alarm in the ten minutes up to this moment. */
function servicesElsewhere(alarms: readonly Alarm[], service: string, atMs: number): number {
  const others = new Set<string>();
  for (let at = placeAfter(alarms, atMs) - 1; at >= 0; at--) {
    if (alarms[at]!.atMs <= atMs - SAME_TIME_MS) break;
    if (alarms[at]!.service !== service) others.add(alarms[at]!.service);
  }
  return others.size;
}

/** Binary search: the place of the first alarm after this moment. */
function placeAfter(alarms: readonly Alarm[], atMs: number): number {
  let low = 0;
  let high = alarms.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (alarms[middle]!.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
