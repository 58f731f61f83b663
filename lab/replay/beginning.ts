/**
 * How deciding begins: which deployments of a plan can be decided alone and which must be decided
 * together, and the events of the latter that do not depend on what a policy does. Policies that
 * judge alike and watch as long share it.
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
import { getOrMake } from "../getOrMake.ts";
import { areSilent } from "./keptJudgements.ts";
import { entangled } from "./passedOn.ts";
import { startsMs } from "./order.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";
import { asksOthers, mayExplain } from "./rivals.ts";
import { heardOf } from "./words.ts";

/** The judgements of one policy, by deployment of the plan. */
export type Judged = readonly WatchJudged[];

/** What the policies of one replay share while they decide. */
export interface Quiet {
  /** Does nothing in these judgements concern anybody else? (See `areSilent`.) */
  readonly isQuiet: (judged: WatchJudged) => boolean;
  /** A deployment that is not quiet, which several policies will ask for. */
  readonly plannedAt: (plan: Plan, index: number) => PlannedDeployment;
  /** The events, in a form that can be gone through by several policies. */
  readonly kept: (cases: readonly CaseEvents[]) => readonly CaseEvents[];
  /** The beginnings that were made so far, by the judgements they are for. */
  readonly beginnings: WeakMap<Judged, Beginning[]>;
}

/**
 * The same for all policies that judge alike, watch as long, are told the same tags, look for other
 * causes of a breach among the same deployments, and listen to agents or not.
 */
export interface Beginning {
  readonly plan: Plan;
  readonly watchMs: number;
  readonly asksOthers: boolean;
  readonly listens: boolean;
  /** Replaced as policies decide: what crosses others is found only then (see `withOthers`). */
  now: Parts;
}

/** The deployments of a plan, parted. */
export interface Parts {
  /** By place: 1 where a deployment is decided alone. */
  readonly alone: Uint8Array;
  /** Those that are decided together, by id. */
  readonly others: ReadonlyMap<string, Other>;
  /** The events of these. */
  readonly together: readonly CaseEvents[];
  /** When each deployment of the plan started, by place. */
  readonly starts: Float64Array;
}

/** A deployment that is decided together with others. */
export interface Other {
  /** Its place in the plan. */
  readonly index: number;
  /** The row of its service (see `Plan.rows`), and its index in it. */
  readonly row: ArrayLike<number>;
  readonly place: number;
}

/** The events of one case, in order. They may be made as they are gone through. */
export interface CaseEvents {
  readonly caseId: string | null;
  readonly events: Iterable<DecisionEvent>;
}

/**
 * What the policies of a new replay share.
 *
 * @param isShared are there several policies? Then deployments and events are made once and held
 *   in memory; for a single policy they are made as they are needed, and dropped
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
      return getOrMake(own, index, () => plan.deployments.at(index)!);
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

/** The beginning for one policy, made once for all policies that can share it. */
export function beginningOf(plan: Plan, policy: Policy, judged: Judged, quiet: Quiet): Beginning {
  let known = quiet.beginnings.get(judged);
  if (known === undefined) quiet.beginnings.set(judged, (known = []));
  const { watchMs } = policy;
  const asks = asksOthers(policy);
  const listens = policy.agents !== undefined;
  const same = known.find(
    (one) =>
      one.plan === plan &&
      one.watchMs === watchMs &&
      one.asksOthers === asks &&
      one.listens === listens,
  );
  if (same !== undefined) return same;
  // A deployment that an agent spoke of is quiet only under a policy that does not listen.
  const spokenOf = listens ? plan.spokenOf : NOBODY;
  const isQuiet = (index: number): boolean => !spokenOf.has(index) && quiet.isQuiet(judged[index]!);
  const alone = aloneIn(plan, watchMs, isQuiet);
  for (const index of entangled(plan)) alone[index] = 0;
  if (asks) for (const index of mayExplain(plan, policy, isQuiet)) alone[index] = 0;
  const now = partsOf(plan, judged, alone, quiet);
  const beginning = { plan, watchMs, asksOthers: asks, listens, now };
  known.push(beginning);
  return beginning;
}

const NOBODY: ReadonlySet<number> = new Set();

/** The parts with some more deployments, by place, decided together and no longer alone. */
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

/** By place: 1 for quiet deployments that no later one of their service supersedes. */
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
 * Adds to `crossed` every deployment that is decided alone although it started while one of the
 * others, of the same service, was not over yet: it may supersede that one.
 *
 * @param lastMs when something was last decided about the other one
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

/** The events of the deployments at these places that do not depend on what a policy does. */
export function eventsOf(
  judged: Judged,
  places: Iterable<number>,
  plannedAt: (place: number) => PlannedDeployment,
): readonly CaseEvents[] {
  const cases = new Map<string | null, Beginner[]>();
  const serviceTags = new Set<ContextTag>();
  for (const place of places) {
    const planned = plannedAt(place);
    getOrMake(cases, planned.caseId, () => []).push({ place, fromMs: knownFromMs(planned) });
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
  /** When anything about it is first known. */
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
  for (const word of heardOf(planned)) events.push(word);
  for (const judgement of judgementsOf(judged, deployment)) events.push(judgement);
  return events;
}

/** For how many deployments at a time the events are made. */
const BEGUN_TOGETHER = 256;

/**
 * The events of all deployments in one order. Those of a deployment are made when the first of
 * them may be the next, so that only events of deployments under way are in memory.
 *
 * @param beginners in the order of `fromMs`
 * @param more events that belong to no deployment, in any order
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
