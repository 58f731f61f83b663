/**
 * The watch: all signals of one deployment, from its start to the end of its watch.
 *
 * Samples go in and judgements come out: one whenever a signal's verdict changes, and a last one
 * for every signal when the watch ends. A signal may watch several series and is in breach when
 * one of them is. No evidence is never health: a series that stopped, a history that is too
 * short or too few samples end as `noData` or `inconclusive`.
 */

import {
  compareEvents,
  seriesKey,
  type ContextTag,
  type Deployment,
  type PreparedContext,
  type SampleColumn,
  type SignalJudged,
  type StageReached,
} from "../event.ts";
import { servicesOf, type Policy, type SignalPolicy } from "../policy/policy.ts";
import { watches } from "../policy/role.ts";
import { keepPeers, type Departure } from "./baseline/control.ts";
import { isOfOldVersion, keepOldVersions, type OldVersions } from "./baseline/oldVersion.ts";
import {
  advanceIncumbent,
  incumbentDueAtMs,
  startIncumbent,
  takeAnswers,
  type IncumbentWatch,
} from "../incumbents/watch.ts";
import { finalEvidence } from "./evidence/finalEvidence.ts";
import { isDone, takeColumn } from "./take.ts";
import { freezeBaseline, goStale, staleAfterMs } from "./track.ts";
import { cloneTrack, type TrackChange, type TrackState } from "./trackState.ts";
import { notShared, type Share } from "./share.ts";
import { EXPOSURE_REACH_MS, reachFrom, takeExposures } from "./baseline/exposure.ts";
import { preparedFor } from "./baseline/familyScale.ts";
import { publish, type SignalState } from "./publish.ts";
import {
  askSilence,
  hearColumns,
  silenceDueAtMs,
  startSilence,
  type SilenceState,
} from "./silence.ts";

export interface WatchState {
  readonly deployment: Deployment;
  /** When the deployment became known: no judgement is dated earlier. */
  readonly knownAtMs: number;
  readonly endsAtMs: number;
  readonly tags: readonly ContextTag[];
  /** The stages of its rollout, in the order in which they became known. */
  readonly stages: readonly StageReached[];
  readonly context: PreparedContext | null;
  readonly signals: ReadonlyMap<string, SignalState>;
  /** By series: samples of its peers since the deployment (see baseline/peers.ts). */
  readonly peers: ReadonlyMap<string, SampleColumn>;
  /** Samples of the versions before the deployed one (see baseline/versions.ts). */
  readonly oldVersions: OldVersions;
  /** Services that were deployed since, and are no peers from then on. */
  readonly departures: readonly Departure[];
  /** Absent where the policy does not ask (see silence.ts). */
  readonly silence?: SilenceState;
  /** Absent: the detectors of the signals judge. */
  readonly incumbent?: IncumbentWatch;
  readonly concluded: boolean;
}

export interface WatchStep {
  readonly watch: WatchState;
  /** In the order they became known. */
  readonly judgements: readonly SignalJudged[];
}

/** A watch that has taken no sample. `knownAtMs` is when the deployment became known. */
export function startWatch(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  knownAtMs = deployment.startedAtMs,
  stages: readonly StageReached[] = [],
): WatchState {
  const signals = new Map<string, SignalState>();
  for (const signal of policy.signals) {
    signals.set(signal.name, {
      tracks: new Map(),
      exposures: new Map(),
      published: new Map(),
      pending: [],
      verdict: "inconclusive",
      untagged: "inconclusive",
      standing: null,
      said: null,
    });
  }
  return {
    deployment,
    knownAtMs,
    endsAtMs: deployment.startedAtMs + policy.watchMs,
    tags,
    stages,
    context: null,
    signals,
    peers: new Map(),
    oldVersions: new Map(),
    departures: [],
    ...(policy.silenceMs === undefined ? {} : { silence: startSilence(knownAtMs) }),
    ...(policy.incumbent === undefined ? {} : { incumbent: startIncumbent(policy, deployment) }),
    concluded: false,
  };
}

/** Another service is deployed, and is no peer of this one from then on. */
export function withDeparture(watch: WatchState, departure: Departure): WatchState {
  return { ...watch, departures: [...watch.departures, departure] };
}

/** What the host prepared from past samples; it counts for baselines that are made after this. */
export function withContext(watch: WatchState, context: PreparedContext): WatchState {
  return { ...watch, context };
}

/** Replaces the tags by all that are known by now. */
export function withTags(watch: WatchState, tags: readonly ContextTag[]): WatchState {
  return watch.tags === tags ? watch : { ...watch, tags };
}

/** The rollout reached another stage: the tolerance follows from the next sample on. */
export function withStage(watch: WatchState, stage: StageReached): WatchState {
  return { ...watch, stages: [...watch.stages, stage] };
}

/**
 * Takes samples of any series and ignores those that no signal watches. They are judged by the
 * next `advanceWatch`, in order with the series that fell silent in the meantime.
 *
 * @param shareFor the `Share` of a series, by its key, so that several policies do the work on it
 *   once. It may be used for one deployment and one watch length only, and only where every
 *   policy is given the same whole columns
 */
export function takeColumns(
  policy: Policy,
  before: WatchState,
  columns: readonly SampleColumn[],
  shareFor: (key: string) => Share = () => notShared,
): WatchState {
  if (before.concluded) return before;
  if (before.incumbent !== undefined) {
    const incumbent = takeAnswers(policy, before.incumbent, before.deployment, columns);
    return { ...before, incumbent };
  }
  const kept = keepOldVersions(policy, keepPeers(policy, before, columns), columns);
  const watch = hearColumns(policy, kept, columns);
  const signals = new Map(watch.signals);
  for (const signal of policy.signals) {
    const changes: TrackChange[] = [];
    const before = signals.get(signal.name)!;
    let tracks = before.tracks;
    const services = servicesOf(signal, watch.deployment);
    const fromMs = reachFrom(signal, watch.deployment.startedAtMs) - EXPOSURE_REACH_MS;
    const known = before.exposures;
    const exposures = takeExposures(signal, services, known, columns, fromMs);
    for (const column of columns) {
      if (!services.has(column.series.service)) continue;
      if (!watches(signal, column.series)) continue;
      const isOld = isOfOldVersion(column.series, watch.deployment);
      if (isOld && signal.control === "versions") continue;
      const key = seriesKey(column.series);
      const track = takeColumn(
        policy,
        signal,
        watch,
        tracks.get(key) ?? null,
        column,
        exposures,
        shareFor,
        changes,
      );
      if (track !== null) tracks = new Map(tracks).set(key, track);
    }
    if (tracks === before.tracks && exposures === before.exposures) continue;
    const pending = [...before.pending, ...changes];
    signals.set(signal.name, { ...before, tracks, exposures, pending });
  }
  return { ...watch, signals };
}

/**
 * Has no sample of any signal gone beyond its tolerance? Then `hold` and `clear` make no
 * difference, and policies that differ only in these have the same judgements.
 */
export function isWithinTolerance(watch: WatchState): boolean {
  if (watch.incumbent !== undefined) return false;
  for (const { tracks } of watch.signals.values()) {
    for (const { beyond } of tracks.values()) if (beyond) return false;
  }
  return true;
}

/** When something next happens without a sample: a series falls silent, or the watch ends. */
export function watchDueAtMs(policy: Policy, watch: WatchState): number {
  let dueAtMs = watch.concluded ? Number.POSITIVE_INFINITY : watch.endsAtMs;
  if (watch.concluded) return dueAtMs;
  if (watch.incumbent !== undefined) {
    return Math.min(dueAtMs, incumbentDueAtMs(policy, watch.incumbent));
  }
  dueAtMs = Math.min(dueAtMs, silenceDueAtMs(policy, watch));
  for (const signal of policy.signals) {
    for (const track of watch.signals.get(signal.name)!.tracks.values()) {
      if (track.stale || track.isAlone === true) continue;
      const deadlineMs = deadlineOf(watch, signal, track);
      if (!isDone(signal, watch, track, deadlineMs)) dueAtMs = Math.min(dueAtMs, deadlineMs);
    }
  }
  return dueAtMs;
}

/**
 * Lets time pass up to and including `toMs`. Samples known by then are judged, series fall silent,
 * and at the end of the watch every signal gets its last judgement. Samples that became known
 * later stay pending, because other events may come before them.
 *
 * @param shareFor as in `takeColumns`
 * @param judgedToMs samples known up to then are judged. It is later than `toMs` only where all
 *   samples of an instant are there, but a series may still get one of a later batch of that
 *   instant and so must not fall silent in it yet
 */
export function advanceWatch(
  policy: Policy,
  watch: WatchState,
  toMs: number,
  shareFor: (key: string) => Share = () => notShared,
  judgedToMs = toMs,
): WatchStep {
  if (watch.concluded) return { watch, judgements: [] };
  if (watch.incumbent !== undefined) return stepIncumbent(policy, watch, watch.incumbent, toMs);
  const untilMs = Math.min(toMs, watch.endsAtMs);
  const isDue = ({ knownAtMs }: TrackChange): boolean =>
    toMs >= watch.endsAtMs || knownAtMs <= judgedToMs;
  const judgements: SignalJudged[] = [];
  const signals = new Map(watch.signals);
  for (const signal of policy.signals) {
    const before = signals.get(signal.name)!;
    const changes: TrackChange[] = [];
    let tracks = before.tracks;
    for (const [key, track] of before.tracks) {
      if (track.stale || track.isAlone === true || isHeardUntil(track, untilMs)) continue;
      const clone = cloneTrack(track);
      freezeBaseline(
        clone,
        signal,
        watch.deployment.startedAtMs,
        preparedFor(signal, watch, clone.series),
        shareFor(key),
      );
      const deadlineMs = clone.lastKnownAtMs + staleAfterMs(clone.baseline!);
      if (deadlineMs > untilMs || isDone(signal, watch, clone, deadlineMs)) continue;
      changes.push(goStale(clone, deadlineMs));
      tracks = new Map(tracks).set(key, clone);
    }
    const due = [...before.pending.filter(isDue), ...changes];
    if (due.length === 0) continue;
    const pending = before.pending.filter((change) => !isDue(change));
    const after = publish(policy, watch, signal, { ...before, tracks, pending }, due, judgements);
    signals.set(signal.name, after);
  }
  const { watch: advanced, judgement } = askSilence(policy, { ...watch, signals }, untilMs);
  if (judgement !== null) judgements.push(judgement);
  judgements.sort(compareEvents);
  if (toMs < watch.endsAtMs) return { watch: advanced, judgements };
  for (const signal of policy.signals) {
    judgements.push({
      kind: "signalJudged",
      atMs: watch.endsAtMs,
      knownAtMs: watch.endsAtMs,
      deploymentId: watch.deployment.deploymentId,
      evidence: finalEvidence(signal, advanced, signals.get(signal.name)!),
      cause: "end",
    });
  }
  return { watch: { ...advanced, concluded: true }, judgements };
}

function stepIncumbent(
  policy: Policy,
  watch: WatchState,
  before: IncumbentWatch,
  toMs: number,
): WatchStep {
  const { watch: incumbent, judgements } = advanceIncumbent(policy, before, watch, toMs);
  return { watch: { ...watch, incumbent, concluded: toMs >= watch.endsAtMs }, judgements };
}

/** Is it certain that the series is not silent by then? Not before its baseline is made. */
function isHeardUntil({ baseline, lastKnownAtMs }: TrackState, untilMs: number): boolean {
  return baseline !== null && lastKnownAtMs + staleAfterMs(baseline) > untilMs;
}

function deadlineOf(watch: WatchState, signal: SignalPolicy, track: TrackState): number {
  if (track.baseline !== null) return track.lastKnownAtMs + staleAfterMs(track.baseline);
  const clone = cloneTrack(track);
  const prepared = preparedFor(signal, watch, track.series);
  return (
    track.lastKnownAtMs +
    staleAfterMs(freezeBaseline(clone, signal, watch.deployment.startedAtMs, prepared, notShared))
  );
}
