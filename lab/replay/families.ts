/**
 * The policies of one pass, sorted by what they have in common. Policies of a group have the same
 * judgements. Groups of a family differ only in `hold` and `clear`, so they have the same
 * judgements wherever no sample is beyond its tolerance, which a glance may prove.
 */

import {
  canonicalJson,
  glanceWith,
  holdRule,
  isQuietOnAll,
  judgementsOf,
  quietAtAGlance,
  readsSeries,
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
import type { JudgedBefore } from "./judgements.ts";
import type { PlannedDeployment } from "./plan.ts";

/** Policies that agree on everything that detection depends on. */
export interface DetectionGroup {
  /** One of them, which is judged for all. */
  readonly policy: Policy;
  /** The tags that they are told instead of history's; null: history's own. */
  readonly given: GivenTags | null;
  /** Groups with equal keys judge alike when told the same tags; null: none is told any. */
  readonly alikeIfTold: string | null;
  /** The indices of its policies. */
  readonly members: number[];
  /** The policy with only some of its signals, by which of them are quiet (see `noisyOf`). */
  readonly noisy: Map<string, Policy>;
  /** The judgements, by deployment of the plan. */
  readonly judged: WatchJudged[];
  /** Are they from an earlier pass? */
  readonly known: boolean;
  /** By draw, then by deployment: judgements of how what history hid may have gone on. */
  readonly imagined: Map<number, readonly SignalJudged[]>[];
}

/** Groups that differ only in `hold` and `clear`. */
export interface Family {
  /** By their `hold` and `clear`. */
  readonly groups: Map<string, DetectionGroup>;
  /** The glance of all of them; null where none is taken. */
  readonly glance: Glance | null;
}

/** A signal without what it says of `hold` and `clear`. */
export function unheldSignal(signal: SignalPolicy): unknown {
  return { ...signal, holdMs: 0, clearMs: 0, holdSamples: null, clearSamples: null };
}

/** Everything in a policy that detection depends on: all but tiers and their assignment. */
export function detectionKey(policy: Policy, signals: unknown = policy.signals): string {
  const { watchMs, context, modes, stages, guardrails, incumbent } = policy;
  return canonicalJson({
    incumbent,
    stages: stages?.map(({ upTo, signals: at }) => ({
      upTo,
      signals: at.map(({ name, tolerance }) => ({ name, tolerance })),
    })),
    signals,
    graded: policy.fusion === "evidence",
    watchMs,
    silenceMs: policy.silenceMs,
    context: context.map((rule) => ({ ...rule, tierAtLeast: null })),
    modes: modes.map((mode) => ({ ...mode, tier: {} })),
    toleranceAtMost: guardrails.toleranceAtMost,
  });
}

/** The policies by what they have in common (see families.ts), and which of them are judged. */
export function familiesOf(
  policies: readonly Policy[],
  given: readonly (GivenTags | null)[],
  deployments: number,
  judged: JudgedBefore | null,
  glances: boolean,
): Family[] {
  const families = new Map<string, Family>();
  policies.forEach((policy, index) => {
    const unheld = policy.signals.map(unheldSignal);
    const told = given[index] ?? null;
    const unheldKey = detectionKey(policy, unheld);
    const familyKey = told === null ? unheldKey : `${given.indexOf(told)} ${unheldKey}`;
    let family = families.get(familyKey);
    if (family === undefined) {
      family = { groups: new Map(), glance: glances ? glanceWith(policy) : null };
      families.set(familyKey, family);
    }
    const holds = JSON.stringify(policy.signals.map(holdRule));
    const group = family.groups.get(holds);
    if (group !== undefined) group.members.push(index);
    else {
      const known = judged !== null;
      const own = known ? [...judged[index]!] : new Array<WatchJudged>(deployments).fill([]);
      const alikeIfTold = given.length === 0 ? null : `${unheldKey} ${holds}`;
      const rest = { given: told, alikeIfTold, members: [index], judged: own, known };
      family.groups.set(holds, { policy, ...rest, noisy: new Map(), imagined: [] });
    }
  });
  return [...families.values()];
}

/** The signals of a policy of which only some are quiet at a glance. */
export interface Beside {
  readonly glance: Glance;
  /** For each signal of the policy: is it quiet? */
  readonly quiet: readonly boolean[];
  /** For each signal: its last judgement if it is quiet. */
  readonly ends: readonly SignalJudged[];
}

/** The families that need the whole detection; null: for all of their signals. */
type Closer = ReadonlyMap<Family, Beside | null>;

/**
 * Glances at one window as it comes. Where the signals of all families are quiet on it, it need
 * not be kept.
 *
 * @param at the index of its series among the deployment's
 * @param days its earlier days, as far as they were read
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
  // The season is not known yet where an earlier day is still to come.
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

/** Is a series of this metric the only one of every signal that watches it? */
export type Lone = (series: PlannedDeployment["series"], metric: string) => boolean;

/**
 * A function that answers `Lone`. It matters because a signal that watches several series is
 * judged on all of them if any is not quiet, so that none of their windows may be dropped.
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
    const named = series.filter(({ name }) => name.metric === metric);
    const watching = glance.policy.signals.filter((signal) =>
      named.some(({ name }) => readsSeries(signal, name)),
    );
    return watching.every(
      (signal) => series.filter(({ name }) => readsSeries(signal, name)).length === 1,
    );
  });
}

/**
 * Judges the families for which all signals are quiet at a glance.
 *
 * @returns the other families, which need the whole detection, with those signals that are quiet
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

/** Enters the judgement of a quiet watch for all groups of a family. */
function judgeQuiet({ glance, groups }: Family, index: number, again: ReadonlySet<number>): void {
  for (const group of groups.values()) {
    if (glance !== null && (!group.known || again.has(index))) group.judged[index] = glance.quiet;
  }
}

/** Enters the judgement of a quiet watch for all families, which `areQuiet` must allow. */
export function judgeAllQuiet(
  families: readonly Family[],
  index: number,
  again: ReadonlySet<number>,
): void {
  for (const family of families) judgeQuiet(family, index, again);
}

/** If each of these series is quiet, are all signals of all families? */
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

/** All families need the whole detection. */
export function lookCloser(families: readonly Family[]): Closer {
  return new Map(families.map((family) => [family, null]));
}

/** The series of a deployment that some family needs the whole detection on. */
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
  return series.filter(({ name }) => looked.some((signal) => readsSeries(signal, name)));
}

/** The policy with only those signals that are not quiet. */
export function noisyOf({ policy, noisy }: DetectionGroup, { quiet }: Beside): Policy {
  const which = quiet.join(" ");
  let known = noisy.get(which);
  if (known === undefined) {
    known = { ...policy, signals: policy.signals.filter((_, at) => !quiet[at]!) };
    noisy.set(which, known);
  }
  return known;
}

/** The judgements of all signals, from those of the signals that are not quiet. */
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
