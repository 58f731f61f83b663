/**
 * Policies of one pass by what they have in common: those of a group judge alike, those of a
 * family do wherever no sample is beyond, which a glance may show.
 */

import {
  lookAhead,
  quietAtAGlance,
  readsMetric,
  toGlanceAt,
  type Deployment,
  type Glance,
  type Glanced,
  type Policy,
  type SignalJudged,
  type SignalPolicy,
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
  readonly judgements: (readonly SignalJudged[])[];
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
}

/** Who has to look closer; null: at all of its signals. */
export type Closer = ReadonlyMap<Family, Beside | null>;

/**
 * Glances at a window as it comes, while the next ones are read; null where its samples are not
 * evenly spaced.
 */
export function glimpseOf(
  { deployment, series }: PlannedDeployment,
  index: number,
  window: StoredWindow,
  families: readonly Family[],
): Glanced | null {
  const even = evenly(window);
  const planned = series.find((one) => one.index === index);
  if (even === null || planned === undefined) return null;
  const { startMs, stepMs, delayMs, values } = even;
  const glanced = toGlanceAt({ series: planned.name, startMs, stepMs, delayMs, values });
  for (const { glance } of families) {
    if (glance !== null) lookAhead(glance, deployment, glanced);
  }
  return glanced;
}

/**
 * Judges the families for whom all is quiet at a glance; returns the others, and which of their
 * signals are quiet all the same.
 */
export function glanceOver(
  { deployment, knownAtMs }: PlannedDeployment,
  index: number,
  glanced: readonly (Glanced | null)[],
  families: readonly Family[],
  again: ReadonlySet<number>,
): Closer {
  // A glance takes it that all was known from the start.
  const isLate = knownAtMs > deployment.startedAtMs;
  if (isLate || !glanced.every((one) => one !== null)) return lookCloser(families);
  const closer = new Map<Family, Beside | null>();
  for (const family of families) {
    const { glance, groups } = family;
    if (glance === null) {
      closer.set(family, null);
      continue;
    }
    const quiet = quietAtAGlance(glance, deployment, glanced);
    if (quiet.includes(false)) {
      closer.set(family, quiet.includes(true) ? { glance, quiet } : null);
      continue;
    }
    const judgements = quietJudgements(glance, deployment);
    for (const group of groups.values()) {
      if (!group.known || again.has(index)) group.judgements[index] = judgements;
    }
  }
  return closer;
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

function quietJudgements(
  glance: Glance,
  { deploymentId, startedAtMs }: Deployment,
): SignalJudged[] {
  const atMs = startedAtMs + glance.policy.watchMs;
  return glance.evidence.map((evidence): SignalJudged => {
    return { kind: "signalJudged", atMs, knownAtMs: atMs, deploymentId, evidence, cause: "end" };
  });
}

/**
 * The policy with those signals alone that are not quiet, to be judged; and the judgements of
 * all of them, made of those.
 */
export function besideQuiet(
  policy: Policy,
  { glance, quiet }: Beside,
  deployment: Deployment,
): { readonly noisy: Policy; readonly all: (of: readonly SignalJudged[]) => SignalJudged[] } {
  const noisy = { ...policy, signals: policy.signals.filter((_, at) => !quiet[at]!) };
  const all = (judged: readonly SignalJudged[]): SignalJudged[] => {
    // The last ones come in the order of the policy's signals.
    const last = new Map(
      [...quietJudgements(glance, deployment), ...judged]
        .filter(({ cause }) => cause === "end")
        .map((judgement) => [judgement.evidence.signal, judgement]),
    );
    const before = judged.filter(({ cause }) => cause !== "end");
    return [...before, ...policy.signals.map(({ name }) => last.get(name)!)];
  };
  return { noisy, all };
}
