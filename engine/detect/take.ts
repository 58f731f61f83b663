/** One column of samples into the track of its series: its past, and what is judged. */

import { seriesKey, type ContextTag, type SampleColumn } from "../event.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { resolveTolerance } from "../policy/resolve.ts";
import { append, firstAfter, firstFrom, inOrder, knownFrom, part } from "./baseline/columns.ts";
import {
  NOTHING_BEHIND,
  reachFrom,
  requestsBehind,
  type Behind,
  type Exposures,
} from "./baseline/exposure.ts";
import { preparedFor } from "./baseline/familyScale.ts";
import {
  comparesVersions,
  controlOf,
  oldVersionOf,
  pastOfOld,
  runsOf,
  type Run,
} from "./baseline/oldVersion.ts";
import { appear, fusesEvidence } from "./evidence/graded.ts";
import { limitedSignal } from "./evidence/limit.ts";
import { notShared, type Share } from "./share.ts";
import { tolerancePath, type TolerancePath, type Tolerances } from "./tolerance.ts";
import { freezeBaseline, goStale, staleAfterMs, takeSamples } from "./track.ts";
import { cloneTrack, startTrack, type TrackChange, type TrackState } from "./trackState.ts";
import type { WatchState } from "./watch.ts";

/**
 * Takes one column into the track of its series: samples from before the deployment go to its
 * past, later ones are judged. Returns the track; null where it has none and the column holds
 * no sample that it could use.
 *
 * @param before the track so far; null where the series is new
 * @param changes gets what changed
 */
export function takeColumn(
  policy: Policy,
  signal: SignalPolicy,
  watch: WatchState,
  before: TrackState | null,
  column: SampleColumn,
  exposures: Exposures,
  shareFor: (key: string) => Share,
  changes: TrackChange[],
): TrackState | null {
  const { startedAtMs } = watch.deployment;
  const newest = before?.lastAtMs ?? Number.NEGATIVE_INFINITY;
  const ordered = share(shareFor, column, "ordered", () => inOrder(column, newest));
  const { atMs, values } = ordered;
  const knownAtMs = knownFrom(ordered.knownAtMs, startedAtMs, watch.knownAtMs);
  const from = firstFrom(atMs, reachFrom(signal, startedAtMs), 0);
  const watchFrom = firstFrom(atMs, startedAtMs, from);
  const pastEnd = Math.min(watchFrom, firstAfter(knownAtMs, startedAtMs, from));
  const watchEnd = endOf(signal, watch, before, { knownAtMs, values }, watchFrom);
  if (before === null && pastEnd === from && watchEnd === watchFrom) return null;

  // A series is known from its first sample on: it cannot have been silent before that.
  const firstKnownAtMs = Math.max(watch.knownAtMs, knownAtMs[pastEnd > from ? from : watchFrom]!);
  const untagged = resolveTolerance(policy, signal, watch.deployment, [], startedAtMs).amount;
  const track =
    before === null
      ? startTrack(column.series, signal, firstKnownAtMs, untagged, fusesEvidence(policy))
      : cloneTrack(before);
  if (before === null && fusesEvidence(policy)) changes.push(appear(track, startedAtMs));
  const { perMs, requests } =
    signal.detector.kind === "count"
      ? share(shareFor, column, `behind ${JSON.stringify(signal.exposure ?? null)}`, () =>
          requestsBehind(signal, ordered, exposures, startedAtMs),
        )
      : NOTHING_BEHIND;
  if (pastEnd > from && track.baseline === null) {
    const joined = append(track.pastBehind.requests, requests, from, pastEnd);
    track.pastBehind = { requests: joined, perMs };
    track.pastAtMs = append(track.pastAtMs, atMs, from, pastEnd);
    track.pastValues = append(track.pastValues, values, from, pastEnd);
  }
  if (track.baseline === null) borrowPast(track, signal, watch, exposures);
  if (watchFrom > from) track.lastAtMs = Math.max(track.lastAtMs, atMs[watchFrom - 1]!);
  if (watchEnd > watchFrom) {
    if (track.left !== undefined) track.left -= finiteIn(values, watchFrom, watchEnd);
    const key = seriesKey(column.series);
    const shared = shareFor(key);
    freezeBaseline(
      track,
      signal,
      watch.deployment.startedAtMs,
      preparedFor(signal, watch, column.series),
      shared,
    );
    // What became known before the deployment did is judged when the deployment became known.
    const known = part(knownAtMs, watchFrom, watchEnd);
    const late = () => knownFrom(known, startedAtMs - 1, watch.knownAtMs);
    const cut: SampleColumn = {
      series: column.series,
      atMs: part(atMs, watchFrom, watchEnd),
      knownAtMs: watch.knownAtMs > startedAtMs ? late() : known,
      values: part(values, watchFrom, watchEnd),
    };
    const { stages } = watch;
    const tolerancesAlong = ({ atMs, knownAtMs }: SampleColumn): Tolerances => {
      const along = (tags: readonly ContextTag[]): TolerancePath =>
        tolerancePath(
          policy,
          signal,
          watch.deployment,
          { tags, stages },
          column.series,
          atMs,
          knownAtMs,
        );
      const untagged = along([]);
      return { tagged: watch.tags.length === 0 ? untagged : along(watch.tags), untagged };
    };
    const control = controlOf(signal, watch, track, exposures);
    const limited = limitedSignal(signal, policy.watchMs, watch.context, key);
    const cutBehind = { requests: part(requests, watchFrom, watchEnd), perMs };
    const { stepMs } = track.baseline!;
    const { runs, pairs } = runsOf(limited, control, stepMs, cut, track.pairs ?? 0);
    const isWhole = runs.length === 1 && runs[0]!.judged;
    for (const run of runs) {
      const judged = isWhole ? cut : cutOut(cut, run);
      if (!run.judged) {
        changes.push(...hear(track, judged));
        continue;
      }
      const behind = isWhole ? cutBehind : cutOutOf(cutBehind, run);
      const tolerances = tolerancesAlong(judged);
      // Readings of a part are not those of the whole column, which other policies share.
      const sharedBy = isWhole ? shared : notShared;
      changes.push(...takeSamples(track, limited, judged, behind, control, tolerances, sharedBy));
      if (track.alone !== undefined) track.isAlone = false;
    }
    if (pairs > 0) track.pairs = pairs;
  }
  return track;
}

/** When a signal is judged no more, though its deployment may still be watched for others. */
export function judgedUntilMs({ watchMs }: SignalPolicy, watch: WatchState): number {
  const { endsAtMs, deployment } = watch;
  return watchMs === undefined ? endsAtMs : Math.min(endsAtMs, deployment.startedAtMs + watchMs);
}

/** The index of the first sample of a column, from `from` on, that a signal is not judged on. */
function endOf(
  signal: SignalPolicy,
  watch: WatchState,
  track: TrackState | null,
  { knownAtMs, values }: Pick<SampleColumn, "knownAtMs" | "values">,
  from: number,
): number {
  const end = firstAfter(knownAtMs, judgedUntilMs(signal, watch), from);
  let left = track?.left ?? signal.watchSamples;
  if (left === undefined) return end;
  let index = from;
  for (; index < end && left > 0; index++) if (Number.isFinite(values[index]!)) left--;
  return index;
}

function finiteIn(values: ArrayLike<number>, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) if (Number.isFinite(values[index]!)) count++;
  return count;
}

/** Are all samples judged that the signal is judged on? Then silence says nothing. */
export function isDone(
  signal: SignalPolicy,
  watch: WatchState,
  track: TrackState,
  byMs: number,
): boolean {
  return track.left === 0 || byMs > judgedUntilMs(signal, watch);
}

function cutOut(
  { series, atMs, knownAtMs, values }: SampleColumn,
  { from, to }: Run,
): SampleColumn {
  return {
    series,
    atMs: part(atMs, from, to),
    knownAtMs: part(knownAtMs, from, to),
    values: part(values, from, to),
  };
}

function cutOutOf({ requests, perMs }: Behind, { from, to }: Run): Behind {
  return { requests: requests.length === 0 ? requests : part(requests, from, to), perMs };
}

/**
 * Hears samples that are not judged, because the old version is gone: the series is not silent.
 *
 * @returns its silence, where it was silent before the first of them
 */
function hear(track: TrackState, { knownAtMs, values }: SampleColumn): readonly TrackChange[] {
  const changes: TrackChange[] = [];
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index]!)) continue;
    const deadlineMs = track.lastKnownAtMs + staleAfterMs(track.baseline!);
    const isLate = knownAtMs[index]! > deadlineMs;
    if (isLate && !track.stale && track.isAlone !== true) changes.push(goStale(track, deadlineMs));
    track.alone = (track.alone ?? 0) + 1;
    track.isAlone = true;
    track.lastKnownAtMs = knownAtMs[index]!;
  }
  return changes;
}

/** A new version has no past: it takes that of the version before it. */
function borrowPast(
  track: TrackState,
  signal: SignalPolicy,
  watch: WatchState,
  exposures: Exposures,
): void {
  if (!comparesVersions(signal)) return;
  const hasPast = Array.prototype.some.call(track.pastValues, Number.isFinite);
  if (track.borrowed === true || (hasPast && signal.control !== "versions")) return;
  const old = oldVersionOf(watch, track.series);
  if (old === null) return;
  const { atMs, values, behind } = pastOfOld(signal, old, exposures, watch.deployment.startedAtMs);
  track.borrowed = true;
  track.pastAtMs = atMs;
  track.pastValues = values;
  track.pastBehind = behind;
}

function share<Value>(
  shareFor: (key: string) => Share,
  column: SampleColumn,
  what: string,
  make: () => Value,
): Value {
  return shareFor(seriesKey(column.series)).once(what, make);
}
