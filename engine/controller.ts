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
import { deploymentOf, findDeployment, initialFleet, type FleetState } from "./decide/state.ts";
import { step } from "./decide/machine.ts";
import { asksForPeers } from "./detect/baseline/control.ts";
import {
  advanceWatch,
  startWatch,
  takeColumns,
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
  type SignalJudged,
} from "./event.ts";
import type { Policy } from "./policy/policy.ts";
import { remember, type Recent } from "./recent.ts";
import type { DecisionRecord } from "./record.ts";
import { byService, policiesFor, recentByService, staysAsItIs, type PolicyFor } from "./watches.ts";

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
  const turn: Turn = {
    ...{ policy, state, commands: [], records: [], handled: [] },
    policyFor: policiesFor(policy, state.fleet),
  };
  switch (event.kind) {
    case "samplesTaken": {
      const watched = byService(event.columns);
      eachWatch(turn, (watch, under) => {
        const columns = watched(under, watch);
        return columns.length === 0 ? watch : takeColumns(under, watch, columns);
      });
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
      const past = recentByService(turn.state.recent)(policy, fresh);
      setWatch(turn, id, takeColumns(policy, fresh, past));
      break;
    }
    case "deploymentQuarantined":
      // No time passes here: it is this watch on which the engine threw.
      turn.state = without(state, event.deploymentId);
      decide(turn, [event]);
      break;
    case "agentProposed":
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

/** What one call of `handle` has done so far. */
interface Turn {
  readonly policy: Policy;
  readonly policyFor: PolicyFor;
  state: ControllerState;
  readonly commands: EngineCommand[];
  readonly records: DecisionRecord[];
  readonly handled: Handled[];
}

function setWatch(turn: Turn, id: string, watch: WatchState): void {
  turn.state = { ...turn.state, watches: new Map(turn.state.watches).set(id, watch) };
}

/**
 * Replaces each watch by its next state, under the policy its deployment started under. Those that
 * `next` returns as they were stay the same objects.
 */
function eachWatch(turn: Turn, next: (watch: WatchState, under: Policy) => WatchState): void {
  let watches: Map<string, WatchState> | null = null;
  for (const [id, watch] of turn.state.watches) {
    const after = next(watch, turn.policyFor(id));
    if (after !== watch) (watches ??= new Map(turn.state.watches)).set(id, after);
  }
  if (watches !== null) turn.state = { ...turn.state, watches };
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
  const { fleet } = turn.state;
  eachWatch(turn, (watch) => {
    const state = deploymentOf(fleet, watch.deployment.deploymentId);
    return state === undefined ? watch : withTags(watch, state.tags);
  });
}

/**
 * Tells the other watches that this service was deployed and is no longer a peer. Those whose
 * policy asks for no peers need not know: a day of deployments would add up in each of them.
 */
function leavePeers(turn: Turn, { service, startedAtMs }: Deployment, knownAtMs: number): void {
  if (![turn.policy, ...turn.state.fleet.policies].some(asksForPeers)) return;
  const departure = { service, atMs: startedAtMs, knownAtMs };
  eachWatch(turn, (watch, under) => {
    if (watch.deployment.service === service || !asksForPeers(under)) return watch;
    return withDeparture(watch, departure);
  });
}

/** Lets time pass for every watch and returns the judgements, which are not decided on yet. */
function passTime(turn: Turn, toMs: number, judgedToMs = toMs): SignalJudged[] {
  const judgements: SignalJudged[] = [];
  eachWatch(turn, (watch, under) => {
    if (staysAsItIs(under, watch, toMs, judgedToMs)) return watch;
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
