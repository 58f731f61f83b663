/**
 * Which deployments of a plan are decided alone and which together, and what happened to these
 * whatever a policy does: the same for policies that judge alike and watch as long.
 */

import {
  assert,
  compareEvents,
  isKeptWatch,
  isQuietWatch,
  judgementsOf,
  type ContextTag,
  type DecisionEvent,
  type Policy,
  type WatchJudged,
} from "../../engine/index.ts";
import { areSilent } from "./keptJudgements.ts";
import { entangled } from "./passedOn.ts";
import { startsMs, under } from "./order.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";
import { asksOthers, mayExplain } from "./rivals.ts";

/** By deployment of the plan. */
export type Judged = readonly WatchJudged[];

/** What policies of one replay know together: which judgements are quiet. */
export interface Quiet {
  readonly isQuiet: (judged: WatchJudged) => boolean;
  /** One that is not. */
  readonly plannedAt: (plan: Plan, index: number) => PlannedDeployment;
  /** What happened to those that are not, for whoever goes through it more than once. */
  readonly kept: (cases: readonly CaseEvents[]) => readonly CaseEvents[];
  /** By judgements. */
  readonly beginnings: WeakMap<Judged, Beginning[]>;
}

/**
 * The same for all policies that judge alike, watch as long, are told the same and put breaches
 * down to the same ones.
 */
export interface Beginning {
  readonly plan: Plan;
  readonly watchMs: number;
  readonly asksOthers: boolean;
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
  /** When each of the plan started, by place. */
  readonly starts: Float64Array;
}

/** One that is decided with others. */
export interface Other {
  readonly index: number;
  /** Its place among those of its service. */
  readonly row: ArrayLike<number>;
  readonly place: number;
}

/** What happened in one case, in order; mostly made anew for whoever goes through it. */
export interface CaseEvents {
  readonly caseId: string | null;
  readonly events: Iterable<DecisionEvent>;
}

/**
 * @param isShared do several policies come back to it? Then what happened and to whom is made
 * once, and stands in memory at once; for a single one it is made as the fold gets there.
 */
export function quietMemory(isShared: boolean): Quiet {
  const known = new WeakMap<WatchJudged, boolean>();
  const planned = new WeakMap<Plan, Map<number, PlannedDeployment>>();
  return {
    beginnings: new WeakMap(),
    plannedAt: (plan, index) => {
      if (!isShared) return plan.deployments.at(index)!;
      let own = planned.get(plan);
      if (own === undefined) planned.set(plan, (own = new Map<number, PlannedDeployment>()));
      return under(own, index, () => plan.deployments.at(index)!);
    },
    kept: (cases) =>
      isShared ? cases.map(({ caseId, events }) => ({ caseId, events: [...events] })) : cases,
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

export function beginningOf(plan: Plan, policy: Policy, judged: Judged, quiet: Quiet): Beginning {
  let known = quiet.beginnings.get(judged);
  if (known === undefined) quiet.beginnings.set(judged, (known = []));
  const { watchMs } = policy;
  const asks = asksOthers(policy);
  const same = known.find(
    (one) => one.plan === plan && one.watchMs === watchMs && one.asksOthers === asks,
  );
  if (same !== undefined) return same;
  const isQuiet = (index: number): boolean => quiet.isQuiet(judged[index]!);
  const alone = aloneIn(plan, watchMs, isQuiet);
  for (const index of entangled(plan)) alone[index] = 0;
  if (asks) for (const index of mayExplain(plan, policy, isQuiet)) alone[index] = 0;
  const beginning = { plan, watchMs, asksOthers: asks, now: partsOf(plan, judged, alone, quiet) };
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
      if (alone[index] === 0) found.push({ index, row, place });
    }
  }
  found.sort((a, b) => a.index - b.index);
  const plannedAt = (index: number): PlannedDeployment => quiet.plannedAt(plan, index);
  const others = new Map<string, Other>();
  for (const other of found) others.set(plannedAt(other.index).deployment.deploymentId, other);
  const places = found.map(({ index }) => index);
  const together = quiet.kept(eventsOf(judged, places, plannedAt));
  return { alone, others, together, starts: startsMs(plan.deployments) };
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
  { alone, starts }: Parts,
  { row, place }: Other,
  lastMs: number,
  crossed: Set<number>,
): void {
  for (let next = place + 1; next < row.length; next++) {
    const later = row[next]!;
    if (starts[later]! > lastMs) break;
    if (alone[later] === 1) crossed.add(later);
  }
}

/** What happened to the deployments of some places, whatever a policy does. */
export function eventsOf(
  judged: Judged,
  places: Iterable<number>,
  plannedAt: (place: number) => PlannedDeployment,
): readonly CaseEvents[] {
  const cases = new Map<string | null, Beginner[]>();
  const serviceTags = new Set<ContextTag>();
  for (const place of places) {
    const planned = plannedAt(place);
    under(cases, planned.caseId, () => []).push({ place, fromMs: knownFromMs(planned) });
    for (const tag of planned.tags) if (tag.deploymentId === null) serviceTags.add(tag);
  }
  const toService = [...serviceTags].map(tagged);
  const eventsAt = (place: number): readonly DecisionEvent[] =>
    eventsAbout(plannedAt(place), judged[place]!);
  return [...cases].map(([caseId, beginners]) => {
    beginners.sort((a, b) => a.fromMs - b.fromMs);
    return { caseId, events: { [Symbol.iterator]: () => merged(beginners, eventsAt, toService) } };
  });
}

interface Beginner {
  readonly place: number;
  /** Nothing about it is known before. */
  readonly fromMs: number;
}

function knownFromMs({ deployment, knownAtMs, tags }: PlannedDeployment): number {
  let fromMs = Math.min(deployment.startedAtMs, knownAtMs);
  for (const tag of tags) {
    if (tag.deploymentId !== null) fromMs = Math.min(fromMs, tag.knownAtMs);
  }
  return fromMs;
}

function eventsAbout(planned: PlannedDeployment, judged: WatchJudged): readonly DecisionEvent[] {
  const { deployment, knownAtMs, tags, stages } = planned;
  const { startedAtMs: atMs } = deployment;
  const events: DecisionEvent[] = [{ kind: "deploymentStarted", atMs, knownAtMs, deployment }];
  for (const tag of tags) if (tag.deploymentId !== null) events.push(tagged(tag));
  for (const stage of stages) events.push(stage);
  for (const judgement of judgementsOf(judged, deployment)) events.push(judgement);
  return events;
}

/** Of so many deployments at a time the events are made. */
const BEGUN_TOGETHER = 256;

/**
 * Events in order. Those of a deployment are made when the first of them may be next, so only
 * what is not over yet stands in memory.
 *
 * @param beginners in the order they began
 * @param more in any order
 */
function* merged(
  beginners: readonly Beginner[],
  eventsAt: (place: number) => readonly DecisionEvent[],
  more: readonly DecisionEvent[],
): Generator<DecisionEvent, void> {
  let open = [...more];
  let knownMs = Number.NEGATIVE_INFINITY;
  for (let from = 0; from < beginners.length; from += BEGUN_TOGETHER) {
    const to = Math.min(from + BEGUN_TOGETHER, beginners.length);
    for (let at = from; at < to; at++) {
      for (const event of eventsAt(beginners[at]!.place)) open.push(event);
    }
    open.sort(compareEvents);
    const untilMs = beginners[to]?.fromMs ?? Number.POSITIVE_INFINITY;
    let next = 0;
    for (; next < open.length && open[next]!.knownAtMs < untilMs; next++) {
      const event = open[next]!;
      assert(event.knownAtMs >= knownMs, "nothing is known of a deployment before it began");
      knownMs = event.knownAtMs;
      yield event;
    }
    open = open.slice(next);
  }
}

function tagged(tag: ContextTag): DecisionEvent {
  return { kind: "deploymentTagged", atMs: tag.knownAtMs, knownAtMs: tag.knownAtMs, tag };
}
