/**
 * The evidence of a signal that stands, over all of its series, by the levels of levels.ts. Only
 * policies with `fusion: evidence` have any.
 *
 * E-values of several series are averaged, like those of several signals: any other rule would
 * have to know how they depend on each other (Vovk and Wang 2021).
 */

import type { BreachingSeries, StandingEvidence } from "../../event.ts";
import type { Policy } from "../../policy/policy.ts";
import { logEAt } from "./levels.ts";
import type { TrackChange, TrackState } from "../trackState.ts";

/** Does the policy say `fusion: evidence`? */
export function fusesEvidence(policy: Policy): boolean {
  return policy.fusion === "evidence";
}

/**
 * The change that makes a new series known, before it has any evidence. It is judged at once, so
 * that the weights are shared among the signals that have a series from the very beginning.
 */
export function appear(track: TrackState, startedAtMs: number): TrackChange {
  return {
    series: track.series,
    // So that it comes before any sample that became known at the same instant.
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

/** The mean e-value over the known series; a series without a change so far counts as 1. */
export function standingOf(
  tracks: readonly (readonly [string, TrackState])[],
  published: ReadonlyMap<string, Levels>,
): StandingEvidence {
  // Sorted by name, because a sum of floats depends on its order.
  const keys = tracks.map(([key]) => key).sort();
  const mean = (levelsOf: (levels: Levels) => number): number => {
    let sum = 0;
    for (const key of keys) {
      const known = published.get(key);
      sum += Math.exp(known === undefined ? 0 : logEAt(levelsOf(known)));
    }
    return Math.log(sum / keys.length);
  };
  return {
    tagged: mean(({ levels }) => levels),
    untagged: mean(({ untaggedLevels }) => untaggedLevels),
    silent: keys.some((key) => published.get(key)?.stale === true),
  };
}

/** Are the two equal? */
export function sameStanding(a: StandingEvidence | null, b: StandingEvidence | null): boolean {
  if (a === null || b === null) return a === b;
  return a.tagged === b.tagged && a.untagged === b.untagged && a.silent === b.silent;
}

/** The series that speak against the deployment, the one that began first before the others. */
export function breachingOf(
  published: ReadonlyMap<string, { readonly sinceMs: number | null }>,
): readonly BreachingSeries[] {
  const found: BreachingSeries[] = [];
  for (const [series, { sinceMs }] of published) {
    if (sinceMs !== null) found.push({ series, sinceMs });
  }
  if (found.length < 2) return found;
  return found.sort((a, b) => a.sinceMs - b.sinceMs || (a.series < b.series ? -1 : 1));
}
