/**
 * Detection and decision behind one function, for a host that runs in real time.
 *
 * The host's loop: report what happened through `handle`, carry out the commands, keep the
 * records, and report `clockAdvanced` no later than at `controllerDueAtMs`. A host may prepare
 * context for a deployment from past samples. It reports that before `deploymentStarted`, or at the
 * latest before the first sample after the deployment.
 *
 * A replay calls the same `takeColumns`, `advanceWatch` and `step`, on whole columns.
 */

import type { Handled } from "./audit.ts";
import type { EngineCommand } from "./command.ts";
import {
  findDeployment,
  initialFleet,
  nextDueAtMs,
  policyOf,
  type FleetState,
} from "./decide/state.ts";
import { step } from "./decide/machine.ts";
import {
  advanceWatch,
  startWatch,
  takeColumns,
  watchDueAtMs,
  withContext,
  withDeparture,
  withStage,
  withTags,
  type WatchState,
} from "./detect/watch.ts";
import {
  compareEvents,
  type DecisionEvent,
  type Deployment,
  type Event,
  type PreparedContext,
  type SampleColumn,
  type SignalJudged,
} from "./event.ts";
import { servicesOf, type Policy } from "./policy/policy.ts";
import { remember, type Recent } from "./recent.ts";
import type { DecisionRecord } from "./record.ts";

/** Everything a live host must keep between two events; see `serialise`. */
export interface ControllerState {
  readonly fleet: FleetState;
  /** The watches under way, by deployment. */
  readonly watches: ReadonlyMap<string, WatchState>;
  /** The newest samples, by series: baselines are made of them. */
  readonly recent: Recent;
  /** By deployment: context that was prepared before it started. */
  readonly prepared?: ReadonlyMap<string, PreparedContext>;
}

export interface ControllerStep {
  readonly state: ControllerState;
  readonly commands: readonly EngineCommand[];
  readonly records: readonly DecisionRecord[];
  /** The events that were decided on, in order, with judgements for samples: for the log. */
  readonly handled: readonly Handled[];
}

export const initialController: ControllerState = {
  fleet: initialFleet,
  watches: new Map(),
  recent: new Map(),
};

/**
 * Handles one event. Pure: the same policy, state and event give the same step.
 *
 * @throws InvariantError for an event that cannot happen: the host holds and pages
 */
export function handle(policy: Policy, state: ControllerState, event: Event): ControllerStep {
  const turn: Turn = { policy, state, commands: [], records: [], handled: [] };
  switch (event.kind) {
    case "samplesTaken": {
      const watched = byService(event.columns);
      eachWatch(turn, (watch, under) => takeColumns(under, watch, watched(under, watch)));
      turn.state = { ...turn.state, recent: remember(policy, state.recent, event.columns) };
      // Silences and ends of watches from before this instant come before its samples.
      decide(turn, passTime(turn, event.knownAtMs - 1, event.knownAtMs));
      break;
    }
    case "clockAdvanced":
      decide(turn, passTime(turn, event.knownAtMs));
      decide(turn, [event]);
      break;
    case "contextPrepared": {
      const { deploymentId, context } = event;
      const watch = state.watches.get(deploymentId);
      if (watch !== undefined) setWatch(turn, deploymentId, withContext(watch, context));
      else if (findDeployment(state.fleet, deploymentId) === undefined) {
        const prepared = new Map(state.prepared).set(deploymentId, context);
        turn.state = { ...state, prepared };
      }
      break;
    }
    case "haltOrdered":
    case "policyChanged":
      decide(turn, passTime(turn, event.knownAtMs - 1));
      decide(turn, [event]);
      break;
    case "deploymentTagged": {
      decide(turn, passTime(turn, event.knownAtMs - 1));
      decide(turn, [event]);
      tellTags(turn);
      break;
    }
    case "stageReached": {
      decide(turn, passTime(turn, event.knownAtMs - 1));
      const watch = turn.state.watches.get(event.deploymentId);
      if (watch !== undefined) setWatch(turn, event.deploymentId, withStage(watch, event));
      decide(turn, [event]);
      break;
    }
    case "deploymentStarted": {
      const id = event.deployment.deploymentId;
      decide(turn, passTime(turn, event.knownAtMs - 1));
      decide(turn, [event]);
      tellTags(turn);
      const prepared = takePrepared(turn, id);
      const isNew = turn.records.some((one) => one.decisionId === `${id}#1`);
      const begun = findDeployment(turn.state.fleet, id)!;
      if (isNew) leavePeers(turn, event.deployment, event.knownAtMs);
      if (!isNew || begun.phase.name === "ended") break;
      const started = startWatch(policy, event.deployment, begun.tags, event.knownAtMs);
      const fresh = prepared === undefined ? started : withContext(started, prepared);
      const past = [...turn.state.recent.values()];
      setWatch(turn, id, takeColumns(policy, fresh, past));
      break;
    }
    case "deploymentQuarantined":
      // No time passes here: it is this watch on which the engine threw.
      turn.state = without(state, event.deploymentId);
      decide(turn, [event]);
      break;
    case "overrideGiven":
    case "approvalGiven":
    case "rollbackFinished":
    case "requestRefused":
    case "faultReported":
    case "haltLifted":
      // All samples of this instant were reported before, so a series may be silent in it already.
      decide(turn, passTime(turn, event.knownAtMs));
      decide(turn, [event]);
      break;
  }
  const { commands, records, handled } = turn;
  return { state: dropConcluded(turn.state), commands, records, handled };
}

/** When the host must report `clockAdvanced` at the latest; Infinity where nothing is watched. */
export function controllerDueAtMs(policy: Policy, state: ControllerState): number {
  let dueAtMs = nextDueAtMs(state.fleet);
  for (const [id, watch] of state.watches) {
    dueAtMs = Math.min(dueAtMs, watchDueAtMs(policyFor(policy, state, id), watch));
  }
  return dueAtMs;
}

/** The policy of a deployment's watch: the one that it started under (see `policyOf`). */
function policyFor(current: Policy, { fleet }: ControllerState, id: string): Policy {
  const state = findDeployment(fleet, id);
  return state === undefined ? current : policyOf(fleet, current, state);
}

/** What one call of `handle` has done so far. */
interface Turn {
  readonly policy: Policy;
  state: ControllerState;
  readonly commands: EngineCommand[];
  readonly records: DecisionRecord[];
  readonly handled: Handled[];
}

/**
 * A function that picks, out of thousands of columns, those that a watch may use, in their order.
 * A watch would ignore the others anyway; this saves asking it about each.
 */
function byService(
  columns: readonly SampleColumn[],
): (policy: Policy, watch: WatchState) => readonly SampleColumn[] {
  const places = new Map<string, number[]>();
  columns.forEach(({ series: { service } }, at) => {
    const list = places.get(service);
    if (list === undefined) places.set(service, [at]);
    else list.push(at);
  });
  return (policy, watch) => {
    // Peers may be series of any service.
    if (watch.context?.controls !== undefined) return columns;
    const services = policy.signals.flatMap((one) => [...servicesOf(one, watch.deployment)]);
    const found = [...new Set(services)].flatMap((service) => places.get(service) ?? []);
    return found.sort((a, b) => a - b).map((at) => columns[at]!);
  };
}

function setWatch(turn: Turn, id: string, watch: WatchState): void {
  turn.state = { ...turn.state, watches: new Map(turn.state.watches).set(id, watch) };
}

/** Replaces every watch by its next state, each under the policy its deployment started under. */
function eachWatch(turn: Turn, next: (watch: WatchState, under: Policy) => WatchState): void {
  const watches = new Map<string, WatchState>();
  for (const [id, watch] of turn.state.watches) {
    watches.set(id, next(watch, policyFor(turn.policy, turn.state, id)));
  }
  turn.state = { ...turn.state, watches };
}

/** The context that was prepared for a deployment, which is not kept any longer. */
function takePrepared(turn: Turn, id: string): PreparedContext | undefined {
  const { prepared, ...state } = turn.state;
  const found = prepared?.get(id);
  if (found === undefined) return undefined;
  const rest = new Map(prepared);
  rest.delete(id);
  turn.state = rest.size === 0 ? state : { ...state, prepared: rest };
  return found;
}

/** The state without the watch and the prepared context of a deployment. */
function without({ prepared, ...state }: ControllerState, id: string): ControllerState {
  const watches = new Map(state.watches);
  watches.delete(id);
  const rest = new Map(prepared);
  rest.delete(id);
  return rest.size === 0 ? { ...state, watches } : { ...state, watches, prepared: rest };
}

/** Tells the watches of all tags that their deployments have by now. */
function tellTags(turn: Turn): void {
  const watches = new Map(turn.state.watches);
  for (const [id, watch] of watches) {
    const state = findDeployment(turn.state.fleet, id);
    if (state !== undefined) watches.set(id, withTags(watch, state.tags));
  }
  turn.state = { ...turn.state, watches };
}

/** Tells the other watches that this service was deployed and is no longer a peer. */
function leavePeers(turn: Turn, { service, startedAtMs }: Deployment, knownAtMs: number): void {
  const watches = new Map(turn.state.watches);
  for (const [id, watch] of watches) {
    if (watch.deployment.service === service) continue;
    watches.set(id, withDeparture(watch, { service, atMs: startedAtMs, knownAtMs }));
  }
  turn.state = { ...turn.state, watches };
}

/** Lets time pass for every watch and returns the judgements, which are not decided on yet. */
function passTime(turn: Turn, toMs: number, judgedToMs = toMs): SignalJudged[] {
  const judgements: SignalJudged[] = [];
  eachWatch(turn, (watch, under) => {
    const advanced = advanceWatch(under, watch, toMs, undefined, judgedToMs);
    judgements.push(...advanced.judgements);
    return advanced.watch;
  });
  return judgements;
}

/** Runs events through the machine in the one order of events. */
function decide(turn: Turn, events: readonly DecisionEvent[]): void {
  for (const event of [...events].sort(compareEvents)) {
    const next = step(turn.policy, turn.state.fleet, event);
    turn.state = { ...turn.state, fleet: next.state };
    turn.commands.push(...next.commands);
    turn.records.push(...next.records);
    turn.handled.push({ event, records: next.records });
  }
}

/** The state without watches that are over. */
function dropConcluded(state: ControllerState): ControllerState {
  const watches = [...state.watches].filter(([, watch]) => !watch.concluded);
  if (watches.length === state.watches.size) return state;
  return { ...state, watches: new Map(watches) };
}
