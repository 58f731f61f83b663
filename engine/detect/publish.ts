/**
 * From changes of single series to judgements of their signal: the verdict over all of
 * its series, and one judgement whenever it moves.
 */

import {
  seriesKey,
  type Arm,
  type SignalEvidence,
  type SignalJudged,
  type StandingEvidence,
  type Verdict,
} from "../event.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { interimEvidence, supportsHealth, withHardGuard } from "./evidence/evidence.ts";
import type { Exposures } from "./baseline/exposure.ts";
import { preparedFor } from "./baseline/familyScale.ts";
import { breachingOf, fusesEvidence, sameStanding, standingOf } from "./evidence/graded.ts";
import type { HeldVerdict } from "./hold.ts";
import {
  cloneTrack,
  freezeBaseline,
  notShared,
  type TrackChange,
  type TrackState,
} from "./track.ts";
import type { WatchState } from "./watch.ts";

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
  readonly tracks: Readonly<Record<string, TrackState>>;
  readonly exposures: Exposures;
  readonly published: Readonly<Record<string, Published>>;
  /** Taken but not judged yet: a silence of another series may lie in between. */
  readonly pending: readonly TrackChange[];
  readonly verdict: Verdict;
  readonly untagged: Verdict;
  /** Null until a series is there, and for good unless evidence is fused. */
  readonly standing: StandingEvidence | null;
  /** The newest judgement; null before the first. */
  readonly said: SignalEvidence | null;
  /** The hard guard of one of its series speaks. */
  readonly guarded?: boolean;
}

/** Applies track changes in known order and emits a judgement where the signal's verdict moves. */
export function publish(
  policy: Policy,
  watch: WatchState,
  signal: SignalPolicy,
  before: SignalState,
  changes: readonly TrackChange[],
  judgements: SignalJudged[],
): SignalState {
  let { published, verdict, untagged, standing, said, guarded = false } = before;
  const ordered = [...changes].sort(byKnown);
  const all = Object.entries(before.tracks);
  for (const change of ordered) {
    const { stale } = change;
    const { levels, untaggedLevels } = change;
    const key = seriesKey(change.series);
    const sinceMs = published[key]?.sinceMs ?? null;
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
    published = { ...published, [key]: entry };
    const tracks = all.filter(([, { firstKnownAtMs }]) => firstKnownAtMs <= change.knownAtMs);
    const next = combine(tracks, published, "tagged");
    const shadow = combine(tracks, published, "untagged");
    const stands = fusesEvidence(policy) ? standingOf(tracks, published) : null;
    const guards = tracks.some(([key]) => published[key]?.guarded === true);
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
    const track = frozen(signal, watch, before.tracks[key]!);
    const breaching = breachingOf(published);
    // Which series breach may change without the verdict: what it rests on is still so.
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

/** The track with its baseline, which it has as soon as a sample came. */
function frozen(signal: SignalPolicy, watch: WatchState, known: TrackState): TrackState {
  if (known.baseline !== null) return known;
  const track = cloneTrack(known);
  const prepared = preparedFor(signal, watch, track.series);
  freezeBaseline(track, signal, watch.deployment.startedAtMs, prepared, notShared);
  return track;
}

/** Breach beats silence, silence beats "watching", and a breach that ended is health. */
function combine(
  tracks: readonly (readonly [string, TrackState])[],
  published: Readonly<Record<string, Published>>,
  arm: Arm,
): Verdict {
  let silent = 0;
  let cleared = false;
  for (const [key, track] of tracks) {
    const state = published[key];
    if (state === undefined) continue;
    if (state[arm] === "breach") return "breach";
    if (state.stale) silent++;
    else if (state[arm] === "cleared" && supportsHealth(track)) cleared = true;
  }
  if (silent > 0) return silent === tracks.length ? "noData" : "inconclusive";
  return cleared ? "healthy" : "inconclusive";
}

/** At one instant samples come before silence: one that arrives at the deadline is in time. */
function byKnown(a: TrackChange, b: TrackChange): number {
  if (a.knownAtMs !== b.knownAtMs) return a.knownAtMs - b.knownAtMs;
  if (a.stale !== b.stale) return a.stale ? 1 : -1;
  const left = seriesKey(a.series);
  const right = seriesKey(b.series);
  return left < right ? -1 : left > right ? 1 : a.atMs - b.atMs;
}
