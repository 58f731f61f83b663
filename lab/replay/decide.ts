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
import { foldDecisions, type Platform } from "./fold.ts";
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
  /** What `aloneIn` says, once for policies that share judgements and watch as long. */
  readonly alone: WeakMap<Judged, Map<number, Uint8Array>>;
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
  /** Decided alone: the same for every policy that judges alike and watches as long. */
  readonly isAlone: (deployment: number) => boolean;
}

/** One case in the order it was handled. */
export interface FleetReplay {
  readonly caseId: string | null;
  readonly handled: readonly Handled[];
}

export function quietMemory(): Quiet {
  const known = new WeakMap<WatchJudged, boolean>();
  return {
    alone: new WeakMap(),
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
  const fold = (which: readonly number[]): Decided =>
    foldFleet(plan, policy, judged, people, platform, which);
  let whole: Decided | null = null;
  let parts: { readonly alone: Uint8Array; readonly decided: (Decided | undefined)[] } | null =
    null;
  const split = (): NonNullable<typeof parts> => {
    if (parts !== null) return parts;
    const alone = aloneOf(plan, policy.watchMs, judged, quiet).slice();
    for (const index of entangled(plan)) alone[index] = 0;
    for (;;) {
      const together = [...alone.keys()].filter((index) => alone[index] === 0);
      const decided = byDeployment(plan, fold(together));
      if (!takeCrossed(plan, alone, decided)) return (parts = { alone, decided });
    }
  };
  let glanced: Decided | null = null;
  const of = (deployment: number): Decided => (split().decided[deployment] ??= fold([deployment]));
  const all = (): Decided => (whole ??= fold([...plan.deployments.keys()]));
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
      const everybody = [...plan.deployments.keys()];
      whole = foldFleet(plan, policy, judged, people, platform, everybody, fleets);
      return fleets;
    },
    isAlone: (deployment) => split().alone[deployment] === 1,
    standIn: (deployment) => {
      if (!isQuietWatch(judged[deployment]!) || split().alone[deployment] === 0) return null;
      return (glanced ??= of(deployment));
    },
    of,
  };
}

/** Each case is a fleet of its own: nothing carries over from one recording to the next. */
function foldFleet(
  plan: Plan,
  policy: Policy,
  judged: Judged,
  people: Responder,
  platform: Platform,
  which: readonly number[],
  fleets?: FleetReplay[],
): Decided {
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
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  for (const [caseId, events] of cases) {
    for (const tag of serviceTags) events.push(tagged(tag));
    const handled: Handled[] | undefined = fleets === undefined ? undefined : [];
    const folded = foldDecisions(policy, events, people, platform, handled);
    if (handled !== undefined) fleets!.push({ caseId, handled });
    for (const record of folded.records) records.push(record);
    for (const command of folded.commands) commands.push(command);
  }
  return { records, commands };
}

function tagged(tag: ContextTag): DecisionEvent {
  return { kind: "deploymentTagged", atMs: tag.knownAtMs, knownAtMs: tag.knownAtMs, tag };
}

function byDeployment(plan: Plan, { records, commands }: Decided): (Decided | undefined)[] {
  const places = plan.places;
  const decided = new Array<{ records: DecisionRecord[]; commands: EngineCommand[] } | undefined>(
    plan.deployments.length,
  );
  const at = (id: string): { records: DecisionRecord[]; commands: EngineCommand[] } | undefined => {
    const place = places.get(id);
    // What concerns the fleet as a whole is in the log and belongs to no deployment.
    if (place === undefined) return undefined;
    return (decided[place] ??= { records: [], commands: [] });
  };
  for (const record of records) at(record.deploymentId)?.records.push(record);
  for (const command of commands) at(command.deploymentId)?.commands.push(command);
  return decided;
}

function aloneOf(plan: Plan, watchMs: number, judged: Judged, quiet: Quiet): Uint8Array {
  let watches = quiet.alone.get(judged);
  if (watches === undefined) {
    watches = new Map<number, Uint8Array>();
    quiet.alone.set(judged, watches);
  }
  let alone = watches.get(watchMs);
  if (alone === undefined) {
    alone = aloneIn(plan, watchMs, (index) => quiet.isQuiet(judged[index]!));
    watches.set(watchMs, alone);
  }
  return alone;
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
 * Takes back those that started while another of their service still had something open:
 * the one may supersede the other. Returns whether there were any.
 */
function takeCrossed(
  plan: Plan,
  alone: Uint8Array,
  together: readonly (Decided | undefined)[],
): boolean {
  let crossed = false;
  for (const row of plan.rows) {
    let openUntilMs = Number.NEGATIVE_INFINITY;
    for (const index of row) {
      if (alone[index] === 0) {
        const last = together[index]?.records.at(-1)?.knownAtMs ?? Number.POSITIVE_INFINITY;
        openUntilMs = Math.max(openUntilMs, last);
      } else if (plan.deployments[index]!.deployment.startedAtMs <= openUntilMs) {
        alone[index] = 0;
        crossed = true;
      }
    }
  }
  return crossed;
}
