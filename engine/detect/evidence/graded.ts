/**
 * What stands of a signal's evidence over its series. Levels are for `fusion: evidence`
 * only: other policies have none.
 *
 * Evidence of several series is averaged, as that of several signals is: any other
 * rule would have to know how they depend on each other (Vovk and Wang 2021).
 */

import type { BreachingSeries, StandingEvidence } from "../../event.ts";
import type { Policy } from "../../policy/policy.ts";
import { logEAt } from "./levels.ts";
import type { TrackChange, TrackState } from "../trackState.ts";

export function fusesEvidence(policy: Policy): boolean {
  return policy.fusion === "evidence";
}

/**
 * A series is there. It is judged at once, for nothing, so that the weights of the signals
 * are shared among those that have a series before there is any evidence to share.
 */
export function appear(track: TrackState, startedAtMs: number): TrackChange {
  return {
    series: track.series,
    // Before any sample that became known together with it.
    atMs: startedAtMs,
    knownAtMs: track.firstKnownAtMs,
    stale: false,
    gap: null,
    tagged: "watching",
    untagged: "watching",
    guarded: false,
    levels: 0,
    untaggedLevels: 0,
    smooth: null,
    control: null,
    statistic: null,
    tolerance: track.untaggedTolerance,
    untaggedTolerance: track.untaggedTolerance,
    tags: [],
    valid: 0,
  };
}

interface Levels {
  readonly stale: boolean;
  readonly levels: number;
  readonly untaggedLevels: number;
}

/** The mean over the series that are known; one that has not been heard of counts as 1. */
export function standingOf(
  tracks: readonly (readonly [string, TrackState])[],
  published: Readonly<Record<string, Levels>>,
): StandingEvidence {
  // In the order of their names: a sum of floats depends on its order.
  const keys = tracks.map(([key]) => key).sort();
  const mean = (levelsOf: (levels: Levels) => number): number => {
    let sum = 0;
    for (const key of keys) {
      const known = published[key];
      sum += Math.exp(known === undefined ? 0 : logEAt(levelsOf(known)));
    }
    return Math.log(sum / keys.length);
  };
  return {
    tagged: mean(({ levels }) => levels),
    untagged: mean(({ untaggedLevels }) => untaggedLevels),
    silent: keys.some((key) => published[key]?.stale === true),
  };
}

export function sameStanding(a: StandingEvidence | null, b: StandingEvidence | null): boolean {
  if (a === null || b === null) return a === b;
  return a.tagged === b.tagged && a.untagged === b.untagged && a.silent === b.silent;
}

/** The series that speak against the deployment, the first mover first. */
export function breachingOf(
  published: Readonly<Record<string, { readonly sinceMs: number | null }>>,
): readonly BreachingSeries[] {
  const found: BreachingSeries[] = [];
  for (const series in published) {
    const { sinceMs } = published[series]!;
    if (sinceMs !== null) found.push({ series, sinceMs });
  }
  if (found.length < 2) return found;
  return found.sort((a, b) => a.sinceMs - b.sinceMs || (a.series < b.series ? -1 : 1));
}
