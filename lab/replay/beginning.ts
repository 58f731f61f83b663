/**
 * Which deployments of a plan are decided alone and which together, and what happened to these
 * whatever a policy does: the same for policies that judge alike and watch as long.
 */

import {
  compareEvents,
  isQuietWatch,
  judgementsOf,
  type ContextTag,
  type DecisionEvent,
  type WatchJudged,
} from "../../engine/index.ts";
import { entangled } from "./passedOn.ts";
import { startsMs } from "./order.ts";
import type { Plan } from "./plan.ts";

/** By deployment of the plan. */
export type Judged = readonly WatchJudged[];

/** What policies of one replay know together: which judgements are quiet. */
export interface Quiet {
  readonly isQuiet: (judged: WatchJudged) => boolean;
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
  /** The others, by place in the plan: which of their service's deployments each is. */
  readonly others: ReadonlyMap<number, Spot>;
  /** Their places in the plan by id. */
  readonly places: ReadonlyMap<string, number>;
  /** What happened to them. */
  readonly together: readonly CaseEvents[];
}

/** A deployment's place among those of its service. */
interface Spot {
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
  return {
    beginnings: new WeakMap(),
    isQuiet: (judged) => {
      if (isQuietWatch(judged)) return true;
      let quiet = known.get(judged);
      if (quiet === undefined) {
        quiet = judged.every(({ evidence: { verdict, untagged, standing } }) => {
          const speaks = standing !== null && (standing.tagged > 0 || standing.untagged > 0);
          return verdict !== "breach" && untagged !== "breach" && !speaks;
        });
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
  const beginning = { plan, watchMs, now: partsOf(plan, judged, alone) };
  known.push(beginning);
  return beginning;
}

/** The same with some that were alone among the others. */
export function withOthers(
  plan: Plan,
  judged: Judged,
  { alone }: Parts,
  more: Iterable<number>,
): Parts {
  const fewer = alone.slice();
  for (const index of more) fewer[index] = 0;
  return partsOf(plan, judged, fewer);
}

function partsOf(plan: Plan, judged: Judged, alone: Uint8Array): Parts {
  const others = new Map<number, Spot>();
  for (const row of plan.rows) {
    for (let place = 0; place < row.length; place++) {
      if (alone[row[place]!] === 0) others.set(row[place]!, { row, place });
    }
  }
  const inOrder = [...others.keys()].sort((a, b) => a - b);
  const idAt = (index: number): string => plan.deployments.at(index)!.deployment.deploymentId;
  const places = new Map(inOrder.map((index) => [idAt(index), index]));
  return { alone, others, places, together: eventsOf(plan, judged, inOrder) };
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
  { alone, others }: Parts,
  index: number,
  lastMs: number,
  crossed: Set<number>,
): void {
  const { row, place } = others.get(index)!;
  const starts = startsMs(deployments);
  for (let next = place + 1; next < row.length; next++) {
    const later = row[next]!;
    if (starts[later]! > lastMs) break;
    if (alone[later] === 1) crossed.add(later);
  }
}

/** What happened to some deployments, whatever a policy does. */
export function eventsOf(
  plan: Plan,
  judged: Judged,
  which: Iterable<number>,
): readonly CaseEvents[] {
  const cases = new Map<string | null, DecisionEvent[]>();
  const serviceTags = new Set<ContextTag>();
  for (const index of which) {
    const { deployment, knownAtMs, caseId, tags, stages } = plan.deployments.at(index)!;
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
