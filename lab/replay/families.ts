/**
 * Policies of one pass by what they have in common: those of a group judge alike, those of a
 * family do wherever no sample is beyond, which a glance may show.
 */

import {
  isQuietOnAll,
  judgementsOf,
  quietAtAGlance,
  readsMetric,
  SEASON_DAYS,
  seasonOf,
  toGlanceAt,
  type Glance,
  type Glanced,
  type Glimpses,
  type Policy,
  type SeasonDays,
  type SignalJudged,
  type SignalPolicy,
  type WatchJudged,
} from "../../engine/index.ts";
import { evenly, type StoredWindow } from "../history/windows.ts";
import type { GivenTags } from "./given.ts";
import type { PlannedDeployment } from "./plan.ts";

/** Policies that agree on everything detection reads. */
export interface DetectionGroup {
  /** Stands for the others. */
  readonly policy: Policy;
  /** What they are told in the place of history's tags. */
  readonly given: GivenTags | null;
  /** Equal where groups judge alike whenever they are told the same; null: nobody is told. */
  readonly alikeIfTold: string | null;
  readonly members: number[];
  /** The policy with some of its signals, by which are left out. */
  readonly noisy: Map<string, Policy>;
  /** By deployment of the plan. */
  readonly judged: WatchJudged[];
  /** Were they known beforehand? */
  readonly known: boolean;
  /** By draw, then by deployment: judgements of what history hid, as it may have been. */
  readonly imagined: Map<number, readonly SignalJudged[]>[];
}

/** Groups that differ in `hold` and `clear` alone: where no sample is beyond, they judge alike. */
export interface Family {
  /** By their holds. */
  readonly groups: Map<string, DetectionGroup>;
  /** What a glance with any of them says; null where none is taken. */
  readonly glance: Glance | null;
}

/** Signals of a policy that are quiet, by their place, beside others that are not. */
export interface Beside {
  readonly glance: Glance;
  readonly quiet: readonly boolean[];
  /** The last judgement of each signal, were it quiet. */
  readonly ends: readonly SignalJudged[];
}

/** Who has to look closer; null: at all of its signals. */
type Closer = ReadonlyMap<Family, Beside | null>;

/**
 * Glances at a window of a deployment's own as it comes, while the next ones are read. Where
 * the signals of all families are quiet on it nobody needs it again.
 *
 * @param at which of the deployment's series it is of
 * @param days what there is of its earlier days
 */
export function glanceAt(
  { deployment, series }: PlannedDeployment,
  at: number,
  window: StoredWindow,
  families: readonly Family[],
  isLone: Lone,
  days: SeasonDays | undefined,
): Glanced | "quiet" | "uneven" {
  const { name, season } = series[at]!;
  const even = evenly(window);
  // A day may still be to come where the window reaches back for more than one.
  if (even === null || (season && days?.taken !== SEASON_DAYS)) return "uneven";
  const { startMs, stepMs, delayMs, values } = even;
  const column = { series: name, startMs, stepMs, delayMs, values };
  const on = toGlanceAt(column, days === undefined ? null : seasonOf(days));
  let quiet = isLone(series, name.metric);
  for (const { glance } of families) {
    if (glance !== null && !isQuietOnAll(glance, deployment, on)) quiet = false;
  }
  return quiet ? "quiet" : on;
}

/** Is a series the only one of every signal that watches it, for any deployment of the list? */
export type Lone = (series: PlannedDeployment["series"], metric: string) => boolean;

/**
 * Where a signal watches several, one of the others may be noisy, and then it is judged on all
 * of them. Deployments of a service share the list of their series.
 */
export function loneAmong(families: readonly Family[]): Lone {
  const known = new WeakMap<PlannedDeployment["series"], Map<string, boolean>>();
  return (series, metric) => {
    let lone = known.get(series);
    if (lone === undefined) known.set(series, (lone = new Map<string, boolean>()));
    let is = lone.get(metric);
    if (is === undefined) lone.set(metric, (is = isLone(series, metric, families)));
    return is;
  };
}

function isLone(
  series: PlannedDeployment["series"],
  metric: string,
  families: readonly Family[],
): boolean {
  return families.every(({ glance }) => {
    if (glance === null) return false;
    const watching = glance.policy.signals.filter((signal) => readsMetric(signal, metric));
    return watching.every(
      (signal) => series.filter(({ name }) => readsMetric(signal, name.metric)).length === 1,
    );
  });
}

/**
 * Judges the families for whom all is quiet at a glance; returns the others, and which of their
 * signals are quiet all the same.
 */
export function glanceOver(
  { deployment }: PlannedDeployment,
  index: number,
  glimpses: Glimpses,
  families: readonly Family[],
  again: ReadonlySet<number>,
): Closer {
  const closer = new Map<Family, Beside | null>();
  for (const family of families) {
    const { glance } = family;
    if (glance === null) {
      closer.set(family, null);
      continue;
    }
    const quiet = quietAtAGlance(glance, deployment, glimpses);
    if (quiet.includes(false)) {
      const ends = quiet.includes(true) ? judgementsOf(glance.quiet, deployment) : null;
      closer.set(family, ends === null ? null : { glance, quiet, ends });
      continue;
    }
    judgeQuiet(family, index, again);
  }
  return closer;
}

/** What a glance knows of a quiet watch is what the policies of a family judge. */
function judgeQuiet({ glance, groups }: Family, index: number, again: ReadonlySet<number>): void {
  for (const group of groups.values()) {
    if (glance !== null && (!group.known || again.has(index))) group.judged[index] = glance.quiet;
  }
}

/** The same for all families, where `areQuiet` says so. */
export function judgeAllQuiet(
  families: readonly Family[],
  index: number,
  again: ReadonlySet<number>,
): void {
  for (const family of families) judgeQuiet(family, index, again);
}

/** Are all signals of all families quiet where each of these series is? */
export function areQuiet(
  { deployment, series }: PlannedDeployment,
  families: readonly Family[],
): boolean {
  const glimpses = { glanced: [], spared: series.map(({ name }) => name), uneven: [] };
  return families.every(
    ({ glance }) =>
      glance !== null && !quietAtAGlance(glance, deployment, glimpses).includes(false),
  );
}

export function lookCloser(families: readonly Family[]): Closer {
  return new Map(families.map((family) => [family, null]));
}

/** The series that somebody looks closer at. */
export function seriesOf(
  { series }: PlannedDeployment,
  closer: Closer,
): PlannedDeployment["series"] {
  const looked: SignalPolicy[] = [];
  for (const beside of closer.values()) {
    if (beside === null) return series;
    const { signals } = beside.glance.policy;
    looked.push(...signals.filter((_, at) => !beside.quiet[at]!));
  }
  return series.filter(({ name }) => looked.some((signal) => readsMetric(signal, name.metric)));
}

/** The policy with those signals alone that are not quiet, to be judged. */
export function noisyOf({ policy, noisy }: DetectionGroup, { quiet }: Beside): Policy {
  const which = quiet.join(" ");
  let known = noisy.get(which);
  if (known === undefined) {
    known = { ...policy, signals: policy.signals.filter((_, at) => !quiet[at]!) };
    noisy.set(which, known);
  }
  return known;
}

/** The judgements of all signals, made of those of the noisy ones. */
export function withQuiet(
  { signals }: Policy,
  { quiet, ends }: Beside,
  judged: readonly SignalJudged[],
): readonly SignalJudged[] {
  const all: SignalJudged[] = [];
  const last: SignalJudged[] = [];
  for (const judgement of judged) (judgement.cause === "end" ? last : all).push(judgement);
  // The last ones come in the order of the policy's signals.
  let next = 0;
  signals.forEach((_, at) => all.push(quiet[at]! ? ends[at]! : last[next++]!));
  return all;
}
