/**
 * Decisions of one policy over the deployments of a plan.
 *
 * Most deployments are quiet: no signal ever breaches or has evidence that stands. Such a
 * one asks nobody and does nothing, so no other deployment can tell whether it is there,
 * except one of its own service that it supersedes or that supersedes it. It is therefore
 * decided alone, and only when somebody asks; all others go through one fold, because
 * budgets, brakes and people are shared by a fleet. The whole fleet in one fold is the
 * reference, made when its log is wanted; test/sweep/sharing.test.ts holds that both say the same.
 */

import {
  compareEvents,
  isQuietWatch,
  judgementsOf,
  type ContextTag,
  type DecisionEvent,
  type DecisionRecord,
  type EngineCommand,
  type Handled,
  type Policy,
  type WatchJudged,
} from "../../engine/index.ts";
import type { Responder } from "../people/recorded.ts";
import { foldInOrder, type Platform } from "./fold.ts";
import { entangled } from "./passedOn.ts";
import type { Plan } from "./plan.ts";

export interface Decided {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

/** By deployment of the plan. */
type Judged = readonly WatchJudged[];

/** What policies of one replay know together: which judgements are quiet. */
export interface Quiet {
  readonly isQuiet: (judged: WatchJudged) => boolean;
  /** By judgements. */
  readonly beginnings: WeakMap<Judged, Beginning[]>;
}

/** The same for all policies that judge alike, watch as long and are told the same. */
interface Beginning {
  readonly plan: Plan;
  readonly watchMs: number;
  /** As far as is known from what was decided under the policies before. */
  now: Parts;
}

interface Parts {
  /** 1 where one is decided alone. */
  readonly alone: Uint8Array;
  readonly others: readonly Spot[];
  /** What happened to them. */
  readonly together: readonly CaseEvents[];
}

/** A deployment's place among those of its service. */
interface Spot {
  readonly row: readonly number[];
  readonly place: number;
}

/** What happened in one case, in order. */
interface CaseEvents {
  readonly caseId: string | null;
  readonly events: readonly DecisionEvent[];
}

/** One policy over a history. Nothing is decided before it is asked for. */
export interface PolicyReplay extends Decided {
  readonly policy: Policy;
  readonly judged: Judged;
  /** The whole fleet event by event, by case, for a log. */
  readonly fleets: () => readonly FleetReplay[];
  /** What was decided about one deployment, by its place in the plan. */
  readonly of: (deployment: number) => Decided;
  /**
   * The same but for names and times, where another one stands for it: it is decided alone
   * and was only glanced over, as that one was. Null where none does.
   */
  readonly standIn: (deployment: number) => Decided | null;
  /**
   * 1 where a deployment is decided alone: the same for every policy that judges alike and
   * watches as long. It is one array for all policies of whom the same ones are.
   */
  readonly alone: () => Uint8Array;
}

/** One case in the order it was handled. */
export interface FleetReplay {
  readonly caseId: string | null;
  readonly handled: readonly Handled[];
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

export function decisionsOf(
  plan: Plan,
  policy: Policy,
  judged: Judged,
  people: Responder,
  platform: Platform,
  quiet: Quiet,
): PolicyReplay {
  const fold = (cases: readonly CaseEvents[], fleets?: FleetReplay[]): Decided =>
    foldCases(policy, cases, people, platform, fleets);
  const everybody = (): readonly CaseEvents[] => eventsOf(plan, judged, plan.deployments.keys());
  let whole: Decided | null = null;
  let parts: { readonly alone: Uint8Array; readonly decided: Map<number, Decided> } | null = null;
  const split = (): NonNullable<typeof parts> => {
    if (parts !== null) return parts;
    const beginning = beginningOf(plan, policy.watchMs, judged, quiet);
    for (;;) {
      const { alone, others, together } = beginning.now;
      const decided = byDeployment(plan, fold(together));
      const crossed = crossing(plan, alone, others, decided);
      if (crossed.size === 0) return (parts = { alone, decided });
      const fewer = alone.slice();
      for (const index of crossed) fewer[index] = 0;
      // Whoever is decided with the others though it need not be ends just as it would alone:
      // the next policy begins with what this one found.
      beginning.now = partsOf(plan, judged, fewer);
    }
  };
  let glanced: Decided | null = null;
  const of = (deployment: number): Decided => {
    const { decided } = split();
    let one = decided.get(deployment);
    if (one === undefined)
      decided.set(deployment, (one = fold(eventsOf(plan, judged, [deployment]))));
    return one;
  };
  const all = (): Decided => (whole ??= fold(everybody()));
  return {
    policy,
    judged,
    get records() {
      return all().records;
    },
    get commands() {
      return all().commands;
    },
    fleets: () => {
      const fleets: FleetReplay[] = [];
      whole = fold(everybody(), fleets);
      return fleets;
    },
    alone: () => split().alone,
    standIn: (deployment) => {
      if (!isQuietWatch(judged[deployment]!) || split().alone[deployment] === 0) return null;
      return (glanced ??= of(deployment));
    },
    of,
  };
}

/** What happened to some deployments, whatever a policy does. */
function eventsOf(plan: Plan, judged: Judged, which: Iterable<number>): readonly CaseEvents[] {
  const cases = new Map<string | null, DecisionEvent[]>();
  const serviceTags = new Set<ContextTag>();
  for (const index of which) {
    const { deployment, knownAtMs, caseId, tags, stages } = plan.deployments[index]!;
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

/** Each case is a fleet of its own: nothing carries over from one recording to the next. */
function foldCases(
  policy: Policy,
  cases: readonly CaseEvents[],
  people: Responder,
  platform: Platform,
  fleets?: FleetReplay[],
): Decided {
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  for (const { caseId, events } of cases) {
    const handled: Handled[] | undefined = fleets === undefined ? undefined : [];
    const folded = foldInOrder(policy, events, people, platform, handled);
    if (handled !== undefined) fleets!.push({ caseId, handled });
    for (const record of folded.records) records.push(record);
    for (const command of folded.commands) commands.push(command);
  }
  return { records, commands };
}

function tagged(tag: ContextTag): DecisionEvent {
  return { kind: "deploymentTagged", atMs: tag.knownAtMs, knownAtMs: tag.knownAtMs, tag };
}

function byDeployment({ places }: Plan, { records, commands }: Decided): Map<number, Decided> {
  const decided = new Map<number, { records: DecisionRecord[]; commands: EngineCommand[] }>();
  for (const record of records) {
    const place = places.get(record.deploymentId);
    // What concerns the fleet as a whole is in the log and belongs to no deployment.
    if (place === undefined) continue;
    const one = decided.get(place);
    if (one === undefined) decided.set(place, { records: [record], commands: [] });
    else one.records.push(record);
  }
  // Whatever is asked has a record that says why.
  for (const command of commands) {
    const place = places.get(command.deploymentId);
    if (place !== undefined) decided.get(place)!.commands.push(command);
  }
  return decided;
}

function beginningOf(plan: Plan, watchMs: number, judged: Judged, quiet: Quiet): Beginning {
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

function partsOf(plan: Plan, judged: Judged, alone: Uint8Array): Parts {
  const others = othersThan(plan, alone);
  return { alone, others, together: eventsOf(plan, judged, placesOf(others)) };
}

function othersThan({ rows }: Plan, alone: Uint8Array): readonly Spot[] {
  const others: Spot[] = [];
  for (const row of rows) {
    for (let place = 0; place < row.length; place++) {
      if (alone[row[place]!] === 0) others.push({ row, place });
    }
  }
  return others;
}

/** In the order of the plan. */
function placesOf(spots: readonly Spot[]): readonly number[] {
  return spots.map(({ row, place }) => row[place]!).sort((a, b) => a - b);
}

/** Quiet ones that no later deployment of their service supersedes. */
function aloneIn(plan: Plan, watchMs: number, isQuiet: (index: number) => boolean): Uint8Array {
  const alone = new Uint8Array(plan.deployments.length);
  for (const row of plan.rows) {
    for (let place = 0; place < row.length; place++) {
      const index = row[place]!;
      const next = row[place + 1];
      const endsAtMs = plan.deployments[index]!.deployment.startedAtMs + watchMs;
      const superseded =
        next !== undefined && plan.deployments[next]!.deployment.startedAtMs <= endsAtMs;
      if (!superseded && isQuiet(index)) alone[index] = 1;
    }
  }
  return alone;
}

/**
 * Those alone that started while another of their service still had something open: the one
 * may supersede the other.
 */
function crossing(
  { deployments }: Plan,
  alone: Uint8Array,
  others: readonly Spot[],
  decided: ReadonlyMap<number, Decided>,
): ReadonlySet<number> {
  const crossed = new Set<number>();
  for (const { row, place } of others) {
    const last = decided.get(row[place]!)?.records.at(-1)?.knownAtMs ?? Number.POSITIVE_INFINITY;
    for (let next = place + 1; next < row.length; next++) {
      const index = row[next]!;
      if (deployments[index]!.deployment.startedAtMs > last) break;
      if (alone[index] === 1) crossed.add(index);
    }
  }
  return crossed;
}
