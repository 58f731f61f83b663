/**
 * What a group may be watched with: for each kind of harm a ladder of settings, the most sensitive
 * first. Sustained harm is a CUSUM's, short and large harm an outlier test's.
 */

import type { JsonObject } from "../../engine/index.ts";
import type { Group } from "./look.ts";

export type HarmKind = "shift" | "excursion";

/** One setting of one ladder. */
export interface Rung {
  /** As a policy has it. */
  readonly tolerance: string;
  readonly limit: number;
  /** A breach must last so many samples. */
  readonly hold: number;
}

export interface Ladder {
  readonly group: Group;
  readonly harm: HarmKind;
  /** Its signal's name: the group's, and for excursions what they are. */
  readonly name: string;
  readonly rungs: readonly Rung[];
}

/** A share of the level, a limit and a hold. */
type Step = readonly [share: number, limit: number, hold: number];

/** From what most teams would call harm to what all would; a transient heals within a hold. */
const SHIFTS: readonly Step[] = [
  [0.1, 5, 0],
  [0.1, 8, 0],
  [0.1, 8, 4],
  [0.1, 8, 8],
  [0.2, 8, 8],
  [0.2, 8, 12],
  [0.2, 14, 16],
  [0.35, 14, 16],
  [0.6, 14, 16],
  [1, 20, 20],
];
const EXCURSIONS: readonly Step[] = [
  [0.1, 8, 0],
  [0.2, 8, 0],
  [0.2, 12, 0],
  [0.35, 12, 0],
  [0.6, 12, 0],
  [1, 16, 0],
  [2, 20, 0],
  [4, 30, 0],
];
/** No more of a watch is spent on waiting whether a breach lasts. */
const HOLD_AT_MOST = 1 / 3;
/** Percentage points for 10 % of a level. */
const POINTS_FOR_SHARE = 10;

const FLOOR_SHARE = 0.05;

/** So many samples make a baseline, and so many a watch. */
export const BASELINE_SAMPLES = 60;
export const WATCH_SAMPLES = 12;
/** As many as a policy may ask for (engine/policy/limits.ts). */
const SAMPLES_AT_MOST = 1440;
const CLEAR_MS = 120_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function laddersOf(groups: readonly Group[]): readonly Ladder[] {
  return groups.flatMap((group): Ladder[] => {
    const most = Math.floor((HOLD_AT_MOST * watchMsOf([group])) / group.stepMs);
    const rungs = (steps: readonly Step[]): Rung[] =>
      steps.flatMap(([share, limit, hold]) => {
        // No more than all can be lost.
        if (group.worse === "down" && share >= 1) return [];
        return [{ tolerance: toleranceText(share, group), limit, hold: Math.min(hold, most) }];
      });
    return [
      { group, harm: "shift", name: group.name, rungs: rungs(SHIFTS) },
      { group, harm: "excursion", name: `${group.name}_excursion`, rungs: rungs(EXCURSIONS) },
    ];
  });
}

function toleranceText(share: number, { isRatio }: Group): string {
  return isRatio ? `${share * POINTS_FOR_SHARE}pp` : `${share * 100}%`;
}

/** So many samples before a deployment are a group's baseline: an hour of them, or sixty. */
export function baselineSamplesOf({ stepMs }: Group): number {
  return samplesIn(HOUR_MS, stepMs, BASELINE_SAMPLES);
}

export function baselineMsOf(group: Group): number {
  return baselineSamplesOf(group) * group.stepMs;
}

/** So many samples of a group are judged: an hour of them, or twelve. */
export function watchSamplesOf({ stepMs }: Group): number {
  return samplesIn(HOUR_MS, stepMs, WATCH_SAMPLES);
}

/** At most as many as a policy may ask for. */
function samplesIn(ms: number, stepMs: number, atLeast: number): number {
  return Math.min(SAMPLES_AT_MOST, Math.max(atLeast, Math.round(ms / stepMs)));
}

const samplesText = (count: number): string => (count === 1 ? "1 sample" : `${count} samples`);

/** How long the slowest group is watched. */
export function watchMsOf(groups: readonly Group[]): number {
  const wanted = groups.map(({ stepMs }) => Math.max(HOUR_MS, WATCH_SAMPLES * stepMs));
  return Math.min(DAY_MS, Math.max(HOUR_MS, ...wanted));
}

/** A value of a signal, as it is written. */
export type Written = string | number | JsonObject<string | number>;

/** One rung as a signal of a policy, before it is written out with its reasons. */
export function signalOf(
  { group, harm }: Ladder,
  { tolerance, limit, hold }: Rung,
): JsonObject<Written> {
  const { role, metrics, byRole, isGuess, worse } = group;
  const floor = floorOf(group);
  const named = metrics.join(" | ");
  const selects = byRole ? { role } : isGuess ? { metric: named } : { role, metric: named };
  const baseline = samplesText(baselineSamplesOf(group));
  const detector =
    harm === "shift"
      ? { kind: "cusum", clip: Math.min(4, limit - 1), limit, baseline }
      : { kind: "outlier", limit, baseline };
  // Load that falls to nothing is no better than load that rises: large changes count both ways.
  const isLoad = role === "saturation" || role === "throughput";
  return {
    ...selects,
    worse: isLoad && harm === "excursion" ? "both" : worse,
    tolerance: floor === null ? tolerance : { change: tolerance, atLeast: floor },
    detector,
    watch: samplesText(watchSamplesOf(group)),
    hold: samplesText(hold + 1),
    clear: samplesText(samplesIn(CLEAR_MS, group.stepMs, 2)),
  };
}

/** A change that is small for the usual service is tolerated in the quickest one as well. */
export function floorOf({ isRatio, level }: Group): number | null {
  return isRatio || level === 0 ? null : Number((FLOOR_SHARE * level).toPrecision(1));
}

/** Whole seconds are exact; no step is shorter. */
export function durationText(ms: number): string {
  const minutes = ms / 60_000;
  return Number.isInteger(minutes) ? `${minutes}m` : `${Math.max(1, Math.round(ms / 1000))}s`;
}
