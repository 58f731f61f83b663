/**
 * From changes of single series to judgements of their signal. A signal has one verdict over all
 * of its series, and each time that verdict moves one judgement is published.
 */

import {
  seriesKey,
  type Arm,
  type SeriesName,
  type SignalEvidence,
  type SignalJudged,
  type StandingEvidence,
  type Verdict,
} from "../event.ts";
import { isOfOldVersion } from "./baseline/oldVersion.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { interimEvidence, supportsHealth, withHardGuard } from "./evidence/evidence.ts";
import type { Exposures } from "./baseline/exposure.ts";
import { preparedFor } from "./baseline/familyScale.ts";
import { breachingOf, fusesEvidence, sameStanding, standingOf } from "./evidence/graded.ts";
import type { HeldVerdict } from "./hold.ts";
import { freezeBaseline } from "./track.ts";
import { cloneTrack, type TrackChange, type TrackState } from "./trackState.ts";
import { notShared } from "./share.ts";
import type { WatchState } from "./watch.ts";

/** What was last published of one series. */
interface Published {
  readonly stale: boolean;
  readonly tagged: HeldVerdict;
  readonly untagged: HeldVerdict;
  readonly guarded: boolean;
  readonly levels: number;
  readonly untaggedLevels: number;
  /** Since when the series speaks against the deployment; null while it does not. */
  readonly sinceMs: number | null;
}

export interface SignalState {
  readonly tracks: ReadonlyMap<string, TrackState>;
  readonly exposures: Exposures;
  readonly published: ReadonlyMap<string, Published>;
  /** Changes taken but not judged yet: another series may fall silent before them. */
  readonly pending: readonly TrackChange[];
  readonly verdict: Verdict;
  readonly untagged: Verdict;
  /** Null until a series is there, and always null unless the policy says `fusion: evidence`. */
  readonly standing: StandingEvidence | null;
  /** The newest judgement; null before the first. */
  readonly said: SignalEvidence | null;
  /** Does the hard guard of any of its series speak? Absent in a state without guards. */
  readonly guarded?: boolean;
}

/**
 * Applies changes of series in the order they became known.
 *
 * @param judgements gets one more wherever the signal's verdict moves
 * @returns the state of the signal after them
 */
export function publish(
  policy: Policy,
  watch: WatchState,
  signal: SignalPolicy,
  before: SignalState,
  changes: readonly TrackChange[],
  judgements: SignalJudged[],
): SignalState {
  let { verdict, untagged, standing, said, guarded = false } = before;
  const published = new Map(before.published);
  const ordered = [...changes].sort(byKnown);
  const all = [...before.tracks];
  for (const change of ordered) {
    const { stale } = change;
    const { levels, untaggedLevels } = change;
    const key = seriesKey(change.series);
    const sinceMs = published.get(key)?.sinceMs ?? null;
    const accuses = fusesEvidence(policy) ? levels > 0 : change.tagged === "breach";
    const entry = {
      stale,
      tagged: change.tagged,
      untagged: change.untagged,
      guarded: change.guarded,
      levels,
      untaggedLevels,
      sinceMs: accuses ? (sinceMs ?? change.atMs) : null,
    };
    published.set(key, entry);
    const tracks = all.filter(
      ([, { firstKnownAtMs, series }]) =>
        firstKnownAtMs <= change.knownAtMs && !isReplaced(series, watch, all),
    );
    const next = combine(tracks, published, "tagged");
    const shadow = combine(tracks, published, "untagged");
    const stands = fusesEvidence(policy) ? standingOf(tracks, published) : null;
    const guards = tracks.some(([key]) => published.get(key)?.guarded === true);
    const same =
      next === verdict &&
      shadow === untagged &&
      guards === guarded &&
      sameStanding(stands, standing);
    const joined = accuses !== (sinceMs !== null);
    if (same && (!joined || said === null)) continue;
    verdict = next;
    untagged = shadow;
    standing = stands;
    guarded = guards;
    const track = frozen(signal, watch, before.tracks.get(key)!);
    const breaching = breachingOf(judgedOf(published, tracks));
    // Another series joined or left the breach, but the verdict is the same: its evidence stays,
    // and only the list of breaching series is new.
    const told = same
      ? { ...said!, breaching, standing }
      : interimEvidence(signal, watch, track, change, { verdict, untagged }, breaching, standing);
    const evidence = guarded ? withHardGuard(told) : told;
    said = evidence;
    judgements.push({
      kind: "signalJudged",
      atMs: change.atMs,
      knownAtMs: change.knownAtMs,
      deploymentId: watch.deployment.deploymentId,
      evidence,
      cause: change.stale ? "silence" : "sample",
    });
  }
  const after = { ...before, published, verdict, untagged, standing, said };
  return guarded === (before.guarded ?? false) ? after : { ...after, guarded };
}

/** What was published of these tracks; the same map where that is all of it. */
export function judgedOf(
  published: ReadonlyMap<string, Published>,
  tracks: readonly (readonly [string, TrackState])[],
): ReadonlyMap<string, Published> {
  const keys = new Set(tracks.map(([key]) => key));
  const isAll = [...published.keys()].every((key) => keys.has(key));
  return isAll ? published : new Map([...published].filter(([key]) => keys.has(key)));
}

/** The track with its baseline, made now if no sample after the deployment has made it yet. */
function frozen(signal: SignalPolicy, watch: WatchState, known: TrackState): TrackState {
  if (known.baseline !== null) return known;
  const track = cloneTrack(known);
  const prepared = preparedFor(signal, watch, track.series);
  freezeBaseline(track, signal, watch.deployment.startedAtMs, prepared, notShared);
  return track;
}

/**
 * Is it a series of an old version, with which the new one is compared? Then it is not judged by
 * itself any more: it loses its traffic, and may end.
 */
export function isReplaced(
  series: SeriesName,
  { deployment }: Pick<WatchState, "deployment">,
  tracks: Iterable<readonly [string, TrackState]>,
): boolean {
  if (!isOfOldVersion(series, deployment)) return false;
  for (const [, { series: other, valid, borrowed }] of tracks) {
    const isNew = other.version === deployment.version && other.service === series.service;
    if (isNew && borrowed === true && valid > 0 && other.metric === series.metric) return true;
  }
  return false;
}

/**
 * The verdict over all series: a breach of one is a breach; else silence of one is inconclusive,
 * and of all `noData`; else a breach that ended is health; else it is inconclusive still.
 */
function combine(
  tracks: readonly (readonly [string, TrackState])[],
  published: ReadonlyMap<string, Published>,
  arm: Arm,
): Verdict {
  let silent = 0;
  let cleared = false;
  for (const [key, track] of tracks) {
    const state = published.get(key);
    if (state === undefined) continue;
    if (state[arm] === "breach") return "breach";
    if (state.stale) silent++;
    else if (state[arm] === "cleared" && supportsHealth(track)) cleared = true;
  }
  if (silent > 0) return silent === tracks.length ? "noData" : "inconclusive";
  return cleared ? "healthy" : "inconclusive";
}

/** By known time; at one instant samples before silence, so one at the deadline is in time. */
function byKnown(a: TrackChange, b: TrackChange): number {
  if (a.knownAtMs !== b.knownAtMs) return a.knownAtMs - b.knownAtMs;
  if (a.stale !== b.stale) return a.stale ? 1 : -1;
  const left = seriesKey(a.series);
  const right = seriesKey(b.series);
  return left < right ? -1 : left > right ? 1 : a.atMs - b.atMs;
}
