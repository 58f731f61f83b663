/**
 * Which deployments of a plan are decided alone and which together, and what happened to these
 * whatever a policy does: the same for policies that judge alike and watch as long.
 */

import {
  compareEvents,
  isKeptWatch,
  isQuietWatch,
  judgementsOf,
  type ContextTag,
  type DecisionEvent,
  type WatchJudged,
} from "../../engine/index.ts";
import { areSilent } from "./keptJudgements.ts";
import { entangled } from "./passedOn.ts";
import { startsMs, under } from "./order.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/** By deployment of the plan. */
export type Judged = readonly WatchJudged[];

/** What policies of one replay know together: which judgements are quiet. */
export interface Quiet {
  readonly isQuiet: (judged: WatchJudged) => boolean;
  /** One that is not: every policy comes back to it. */
  readonly plannedAt: (plan: Plan, index: number) => PlannedDeployment;
  /** By judgements. */
  readonly beginnings: WeakMap<Judged, Beginning[]>;
}

/** The same for all policies that judge alike, watch as long and are told the same. */
export interface Beginning {
  readonly plan: Plan;
  readonly watchMs: number;
  /** As far as is known from what was decided under the policies before. */
  now: Parts;
}

export interface Parts {
  /** 1 where one is decided alone. */
  readonly alone: Uint8Array;
  /** The others, by id. */
  readonly others: ReadonlyMap<string, Other>;
  /** What happened to them. */
  readonly together: readonly CaseEvents[];
}

/** One that is decided with others. */
export interface Other {
  readonly index: number;
  readonly planned: PlannedDeployment;
  /** Its place among those of its service. */
  readonly row: ArrayLike<number>;
  readonly place: number;
}

/** What happened in one case, in order. */
export interface CaseEvents {
  readonly caseId: string | null;
  readonly events: readonly DecisionEvent[];
}

export function quietMemory(): Quiet {
  const known = new WeakMap<WatchJudged, boolean>();
  const planned = new WeakMap<Plan, Map<number, PlannedDeployment>>();
  return {
    beginnings: new WeakMap(),
    plannedAt: (plan, index) => {
      let own = planned.get(plan);
      if (own === undefined) planned.set(plan, (own = new Map<number, PlannedDeployment>()));
      return under(own, index, () => plan.deployments.at(index)!);
    },
    isQuiet: (judged) => {
      if (isQuietWatch(judged)) return true;
      if (isKeptWatch(judged)) return judged.isSilent;
      let quiet = known.get(judged);
      if (quiet === undefined) {
        quiet = areSilent(judged);
        known.set(judged, quiet);
      }
      return quiet;
    },
  };
}

export function beginningOf(plan: Plan, watchMs: number, judged: Judged, quiet: Quiet): Beginning {
  let known = quiet.beginnings.get(judged);
  if (known === undefined) quiet.beginnings.set(judged, (known = []));
  const same = known.find((one) => one.plan === plan && one.watchMs === watchMs);
  if (same !== undefined) return same;
  const alone = aloneIn(plan, watchMs, (index) => quiet.isQuiet(judged[index]!));
  for (const index of entangled(plan)) alone[index] = 0;
  const beginning = { plan, watchMs, now: partsOf(plan, judged, alone, quiet) };
  known.push(beginning);
  return beginning;
}

/** The same with some that were alone among the others. */
export function withOthers(
  plan: Plan,
  judged: Judged,
  { alone }: Parts,
  more: Iterable<number>,
  quiet: Quiet,
): Parts {
  const fewer = alone.slice();
  for (const index of more) fewer[index] = 0;
  return partsOf(plan, judged, fewer, quiet);
}

function partsOf(plan: Plan, judged: Judged, alone: Uint8Array, quiet: Quiet): Parts {
  const found: Other[] = [];
  for (const row of plan.rows) {
    for (let place = 0; place < row.length; place++) {
      const index = row[place]!;
      if (alone[index] === 1) continue;
      found.push({ index, planned: quiet.plannedAt(plan, index), row, place });
    }
  }
  found.sort((a, b) => a.index - b.index);
  const others = new Map<string, Other>();
  for (const other of found) others.set(other.planned.deployment.deploymentId, other);
  return { alone, others, together: eventsOf(judged, found) };
}

/** Quiet ones that no later deployment of their service supersedes. */
function aloneIn(plan: Plan, watchMs: number, isQuiet: (index: number) => boolean): Uint8Array {
  const alone = new Uint8Array(plan.deployments.length);
  const starts = startsMs(plan.deployments);
  for (const row of plan.rows) {
    for (let place = 0; place < row.length; place++) {
      const index = row[place]!;
      const next = row[place + 1];
      const endsAtMs = starts[index]! + watchMs;
      const superseded = next !== undefined && starts[next]! <= endsAtMs;
      if (!superseded && isQuiet(index)) alone[index] = 1;
    }
  }
  return alone;
}

/**
 * Adds those alone that started while one of the others, of the same service, still had
 * something open: the one may supersede the other.
 *
 * @param lastMs when something was last decided about it
 */
export function addCrossing(
  { deployments }: Plan,
  { alone }: Parts,
  { row, place }: Other,
  lastMs: number,
  crossed: Set<number>,
): void {
  const starts = startsMs(deployments);
  for (let next = place + 1; next < row.length; next++) {
    const later = row[next]!;
    if (starts[later]! > lastMs) break;
    if (alone[later] === 1) crossed.add(later);
  }
}

/** What happened to some deployments, whatever a policy does. */
export function eventsOf(
  judged: Judged,
  which: Iterable<Pick<Other, "index" | "planned">>,
): readonly CaseEvents[] {
  const cases = new Map<string | null, DecisionEvent[]>();
  const serviceTags = new Set<ContextTag>();
  for (const { index, planned } of which) {
    const { deployment, knownAtMs, caseId, tags, stages } = planned;
    let events = cases.get(caseId);
    if (events === undefined) cases.set(caseId, (events = []));
    const { startedAtMs: atMs } = deployment;
    events.push({ kind: "deploymentStarted", atMs, knownAtMs, deployment });
    for (const tag of tags) {
      if (tag.deploymentId === null) serviceTags.add(tag);
      else events.push(tagged(tag));
    }
    for (const stage of stages) events.push(stage);
    for (const judgement of judgementsOf(judged[index]!, deployment)) events.push(judgement);
  }
  return [...cases].map(([caseId, events]) => {
    for (const tag of serviceTags) events.push(tagged(tag));
    return { caseId, events: events.sort(compareEvents) };
  });
}

function tagged(tag: ContextTag): DecisionEvent {
  return { kind: "deploymentTagged", atMs: tag.knownAtMs, knownAtMs: tag.knownAtMs, tag };
}
