/** What the machine remembers: plain data, serialisable, timers included. */

import type {
  ContextTag,
  DecisionEvent,
  Deployment,
  SignalEvidence,
  StageReached,
} from "../event.ts";
import { inForce } from "../policy/inForce.ts";
import { initialLearning, openOf, type LearningState } from "../learn/lessons.ts";
import type { Policy } from "../policy/policy.ts";
import type { End, TierName } from "../record.ts";
import { added } from "./list.ts";

export interface Watching {
  readonly name: "watching";
}
/** A question stands; `answerByMs` is when silence becomes the answer. */
export interface Proposed {
  readonly name: "proposed";
  readonly tier: TierName;
  readonly proposedAtMs: number;
  readonly answerByMs: number;
  /** 0 for the first audience, then one for each escalation. */
  readonly step: number;
  readonly to: string;
  /** Signals that were in breach while the question stood: all must be healthy to take it back. */
  readonly accused: readonly string[];
  /** Its tier is stricter by what was learned: a hard guard that speaks asks anew. */
  readonly learned?: true;
}
export interface RollingBack {
  readonly name: "rollingBack";
  readonly orderedAtMs: number;
  readonly tier: TierName;
}
export interface Ended {
  readonly name: "ended";
  readonly end: End;
  readonly endedAtMs: number;
}
export type Phase = Watching | Proposed | RollingBack | Ended;

export interface DeploymentState {
  readonly deployment: Deployment;
  /** Of the policy it started under, which it keeps. */
  readonly policyDigest: string;
  readonly phase: Phase;
  readonly watchEndsAtMs: number;
  /** The newest judgement of every signal that has one. */
  readonly signals: Readonly<Record<string, SignalEvidence>>;
  readonly tags: readonly ContextTag[];
  /** Of its rollout, as they became known. */
  readonly stages: readonly StageReached[];
  /** Records made so far; numbers the next one. */
  readonly records: number;
  readonly proposals: number;
  readonly withdrawals: number;
  /** Paged under `observe`, which never acts. */
  readonly observed: boolean;
  /** A hard guard spoke: nothing learned counts any more. */
  readonly guarded?: true;
  /** When the same policy would have proposed without any tag. */
  readonly untaggedProposedAtMs: number | null;
}

export interface FleetState {
  /** Deployments being watched or acted on. */
  readonly deployments: readonly DeploymentState[];
  /** Those that ended in the last day, in that order: apart, as a step copies what it changes. */
  readonly ended: readonly DeploymentState[];
  /** Tags declared before their deployment started, and those of whole services. */
  readonly tags: readonly ContextTag[];
  /** The policies that deployments above started under. */
  readonly policies: readonly Policy[];
  /** Records about the fleet itself made so far; numbers the next one. */
  readonly records: number;
  /** Who stopped every machine, and why; null while nobody has. */
  readonly halted: { readonly by: string; readonly reason: string } | null;
  /** Rollbacks ordered, the oldest first, as far back as a guardrail may look. */
  readonly rollbacks: readonly PastRollback[];
  /** When a service of an environment last was in breach, the oldest first, as far as a storm. */
  readonly breaches: readonly PastBreach[];
  /** The environments whose storm is on and that were paged for it. */
  readonly stormPaged: readonly string[];
  /** What people's answers taught, whether or not a policy listens. */
  readonly learning: LearningState;
}

export interface PastRollback {
  readonly deploymentId: string;
  readonly service: string;
  /** Null: the engine that ordered it kept none. It may be any. */
  readonly environment: string | null;
  readonly team: string | null;
  readonly atMs: number;
}

export interface PastBreach {
  readonly service: string;
  /** Null: the engine that saw it kept none. It may be any. */
  readonly environment: string | null;
  readonly atMs: number;
}

export const initialFleet: FleetState = {
  deployments: [],
  ended: [],
  tags: [],
  policies: [],
  records: 0,
  halted: null,
  rollbacks: [],
  breaches: [],
  stormPaged: [],
  learning: initialLearning,
};

/** What its machine may change about a deployment. */
export type Change = Partial<
  Omit<DeploymentState, "deployment" | "policyDigest" | "watchEndsAtMs" | "records">
>;

/**
 * The state with some fields replaced. Here and in `copyOf` every field is written down: a
 * spread of what was spread before has a hidden class of its own, and each is slow to read.
 */
export function changed(
  state: DeploymentState,
  change: Change,
  records = state.records,
): DeploymentState {
  const next: Writable<DeploymentState> = {
    deployment: state.deployment,
    policyDigest: state.policyDigest,
    phase: state.phase,
    watchEndsAtMs: state.watchEndsAtMs,
    signals: state.signals,
    tags: state.tags,
    stages: state.stages,
    records,
    proposals: state.proposals,
    withdrawals: state.withdrawals,
    observed: state.observed,
    untaggedProposedAtMs: state.untaggedProposedAtMs,
  };
  if (state.guarded === true) next.guarded = true;
  return Object.assign(next, change);
}

/**
 * The newest judgements with one more. Key by key: a spread with a key more has a hidden class
 * of its own each time.
 */
export function withJudgement(
  signals: DeploymentState["signals"],
  evidence: SignalEvidence,
): DeploymentState["signals"] {
  const newest: Record<string, SignalEvidence> = {};
  for (const name in signals) newest[name] = signals[name]!;
  newest[evidence.signal] = evidence;
  return newest;
}

export type Writable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

/** A fleet whose fields may be replaced; what they hold stays as it is. */
export function copyOf(fleet: FleetState): Writable<FleetState> {
  return {
    deployments: fleet.deployments,
    ended: fleet.ended,
    tags: fleet.tags,
    policies: fleet.policies,
    records: fleet.records,
    halted: fleet.halted,
    rollbacks: fleet.rollbacks,
    breaches: fleet.breaches,
    stormPaged: fleet.stormPaged,
    learning: fleet.learning,
  };
}

/** A deployment that is remembered, whatever its phase. */
export function findDeployment(fleet: FleetState, id: string): DeploymentState | undefined {
  return findIn(fleet.deployments, id) ?? findIn(fleet.ended, id);
}

function findIn(states: readonly DeploymentState[], id: string): DeploymentState | undefined {
  const at = placeIn(states, id);
  return at < 0 ? undefined : states[at];
}

/** Where it stands in the list; -1 where it does not. */
export function placeIn(states: readonly DeploymentState[], id: string): number {
  for (let at = 0; at < states.length; at++) {
    if (states[at]!.deployment.deploymentId === id) return at;
  }
  return -1;
}

/** Is it a judgement of what is no longer watched or followed up? Nothing can come of it. */
export function isOver({ deployments, learning }: FleetState, event: DecisionEvent): boolean {
  if (event.kind !== "signalJudged" || openOf(learning, event.deploymentId) !== undefined) {
    return false;
  }
  return findIn(deployments, event.deploymentId) === undefined;
}

/** The policy that binds a deployment while `current` is the newest one. */
export function policyOf(fleet: FleetState, current: Policy, state: DeploymentState): Policy {
  if (state.policyDigest === current.digest) return current;
  const own = fleet.policies.find(({ digest }) => digest === state.policyDigest);
  return inForce(own ?? current, current);
}

/** When this deployment next wants to hear the clock; Infinity when it does not. */
export function dueAtMs(state: DeploymentState): number {
  switch (state.phase.name) {
    case "watching":
      return state.watchEndsAtMs;
    case "proposed":
      return state.phase.answerByMs;
    case "rollingBack":
    case "ended":
      return Number.POSITIVE_INFINITY;
  }
}

/** When the fleet next wants to hear the clock. */
export function nextDueAtMs(fleet: FleetState): number {
  let next = Number.POSITIVE_INFINITY;
  for (const state of fleet.deployments) next = Math.min(next, dueAtMs(state));
  return next;
}

/** Those that want to hear it then, by id. */
export function dueThen(fleet: FleetState, atMs: number): readonly DeploymentState[] {
  let due: readonly DeploymentState[] = [];
  for (const state of fleet.deployments) {
    if (dueAtMs(state) === atMs) due = added(due, state);
  }
  if (due.length < 2) return due;
  return [...due].sort((a, b) => (a.deployment.deploymentId < b.deployment.deploymentId ? -1 : 1));
}
