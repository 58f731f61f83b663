/** What the machine remembers: plain data, serialisable, timers included. */

import type {
  AgentWord,
  ContextTag,
  DecisionEvent,
  Deployment,
  SignalEvidence,
  Silence,
  StageReached,
} from "../event.ts";
import { inForce } from "../policy/inForce.ts";
import { initialLearning, openOf, type LearningState } from "../learn/lessons.ts";
import type { Policy } from "../policy/policy.ts";
import type { Coin, End, TierName } from "../record.ts";
import { added, replacedAt } from "./list.ts";

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
  /** Signals that breached while the question stood: all must be healthy to take it back. */
  readonly accused: readonly string[];
  /** What was learned made its tier stricter, so a hard guard that speaks asks anew. */
  readonly learned?: true;
  /** Only an agent's word asks, so silence holds, and evidence of our own asks anew. */
  readonly agent?: true;
  /** A coin said to wait, and nobody is asked anew (see coin.ts). */
  readonly waits?: true;
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
  /** Of the policy it started under, which binds it to its end. */
  readonly policyDigest: string;
  readonly phase: Phase;
  readonly watchEndsAtMs: number;
  /** The newest judgement of every signal that has one, the first judged first. */
  readonly signals: readonly SignalEvidence[];
  readonly tags: readonly ContextTag[];
  /** The stages of its rollout, in the order in which they became known. */
  readonly stages: readonly StageReached[];
  /** Records written so far: the next one gets the number after it. */
  readonly records: number;
  readonly proposals: number;
  readonly withdrawals: number;
  /** Paged under `observe`, which never acts. */
  readonly observed: boolean;
  /** It reported nothing while others did; people were told. */
  readonly silence?: Silence;
  /** A hard guard spoke: nothing learned counts any more. */
  readonly guarded?: true;
  /** When the same policy would have proposed without any tag. */
  readonly untaggedProposedAtMs: number | null;
  /** Tossed when the machine would have acted alone; absent before, and where nothing explores. */
  readonly coin?: Coin;
  /**
   * The newest proposal of an agent that its policy listened to; absent where there is none. One
   * that was asked about and got no answer counts no more.
   */
  readonly agent?: AgentWord & { readonly unanswered?: true };
}

export interface FleetState {
  /** Deployments being watched or acted on. */
  readonly deployments: readonly DeploymentState[];
  /**
   * Deployments that ended within the last day, in the order they ended. A list of their own,
   * because a step copies the list it changes and this one is long.
   */
  readonly ended: readonly DeploymentState[];
  /** Tags declared before their deployment started, and those of whole services. */
  readonly tags: readonly ContextTag[];
  /** The policies that deployments above started under. */
  readonly policies: readonly Policy[];
  /** Records about the fleet itself so far: the next one gets the number after it. */
  readonly records: number;
  /** Who stopped every machine, and why; null while nobody has. */
  readonly halted: { readonly by: string; readonly reason: string } | null;
  /** Rollbacks ordered, the oldest first, as far back as a guardrail may look. */
  readonly rollbacks: readonly PastRollback[];
  /** The last breach of each service and environment, as far back as a storm brake may look. */
  readonly breaches: readonly PastBreach[];
  /** The environments that are in a storm now and were paged for it. */
  readonly stormPaged: readonly string[];
  /** What people's answers taught, whether or not a policy listens. */
  readonly learning: LearningState;
  /** Deployments that were quarantined before they were watched; absent where there are none. */
  readonly quarantined?: readonly { readonly deploymentId: string; readonly atMs: number }[];
}

export interface PastRollback {
  readonly deploymentId: string;
  readonly service: string;
  /** Null in a state written by an older engine, which did not keep it: it may be any. */
  readonly environment: string | null;
  readonly team: string | null;
  readonly atMs: number;
}

export interface PastBreach {
  readonly service: string;
  /** Null in a state written by an older engine, which did not keep it: it may be any. */
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

/** The fields of a deployment's state that a transition may change. */
export type Change = Partial<
  Omit<DeploymentState, "deployment" | "policyDigest" | "watchEndsAtMs" | "records">
>;

/**
 * The state with some fields replaced.
 *
 * Here and in `copyOf` every field is written out on purpose. An object made by spreading has a
 * hidden class (V8's internal shape) that depends on how it came about, and code that meets many
 * shapes is slow; written out, all states have one.
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
  if (state.silence !== undefined) next.silence = state.silence;
  if (state.coin !== undefined) next.coin = state.coin;
  if (state.agent !== undefined) next.agent = state.agent;
  return Object.assign(next, change);
}

/** The state after one more judgement. */
export function judgedBy(state: DeploymentState, evidence: SignalEvidence): DeploymentState {
  const signals = withJudgement(state.signals, evidence);
  return changed(state, evidence.hardGuard === true ? { signals, guarded: true } : { signals });
}

/** The newest judgements with one more, in the place of the signal's older one. */
export function withJudgement(
  signals: DeploymentState["signals"],
  evidence: SignalEvidence,
): DeploymentState["signals"] {
  const place = signals.findIndex(({ signal }) => signal === evidence.signal);
  return place < 0 ? added(signals, evidence) : replacedAt(signals, place, evidence);
}

export type Writable<Type> = { -readonly [Field in keyof Type]: Type[Field] };

/** A shallow copy whose fields may be replaced; the lists they hold must not be changed. */
export function copyOf(fleet: FleetState): Writable<FleetState> {
  const copy: Writable<FleetState> = {
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
  if (fleet.quarantined !== undefined) copy.quarantined = fleet.quarantined;
  return copy;
}

/** The deployment with this id, running or ended; undefined where it is not remembered. */
export function findDeployment(fleet: FleetState, id: string): DeploymentState | undefined {
  return findIn(fleet.deployments, id) ?? findIn(fleet.ended, id);
}

const BY_ID = new WeakMap<readonly DeploymentState[], ReadonlyMap<string, DeploymentState>>();

/** The same, for asking about many deployments of one fleet: indexes its lists first. */
export function deploymentOf(
  { deployments, ended }: FleetState,
  id: string,
): DeploymentState | undefined {
  return byId(deployments).get(id) ?? byId(ended).get(id);
}

function byId(states: readonly DeploymentState[]): ReadonlyMap<string, DeploymentState> {
  let index = BY_ID.get(states);
  if (index === undefined) {
    index = new Map(states.map((state) => [state.deployment.deploymentId, state]));
    BY_ID.set(states, index);
  }
  return index;
}

function findIn(states: readonly DeploymentState[], id: string): DeploymentState | undefined {
  const at = placeIn(states, id);
  return at < 0 ? undefined : states[at];
}

/** The index of the deployment with this id; -1 where it is not in the list. */
export function placeIn(states: readonly DeploymentState[], id: string): number {
  for (let at = 0; at < states.length; at++) {
    if (states[at]!.deployment.deploymentId === id) return at;
  }
  return -1;
}

/** Is this a judgement of a deployment that has ended and teaches nothing? It may be skipped. */
export function isOver({ deployments, learning }: FleetState, event: DecisionEvent): boolean {
  if (event.kind !== "signalJudged" || openOf(learning, event.deploymentId) !== undefined) {
    return false;
  }
  return findIn(deployments, event.deploymentId) === undefined;
}

/**
 * The policy that binds a deployment: the one it started under, with those guardrails of
 * `current` that are tighter (see policy/inForce.ts).
 */
export function policyOf(fleet: FleetState, current: Policy, state: DeploymentState): Policy {
  if (state.policyDigest === current.digest) return current;
  const own = fleet.policies.find(({ digest }) => digest === state.policyDigest);
  return inForce(own ?? current, current);
}

/** When this deployment's timer is due; Infinity where it waits for none. */
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

/** When the next timer of any deployment is due; Infinity where none is. */
export function nextDueAtMs(fleet: FleetState): number {
  let next = Number.POSITIVE_INFINITY;
  for (const state of fleet.deployments) next = Math.min(next, dueAtMs(state));
  return next;
}

/** The deployments whose timer is due at exactly this time, sorted by id. */
export function dueThen(fleet: FleetState, atMs: number): readonly DeploymentState[] {
  let due: readonly DeploymentState[] = [];
  for (const state of fleet.deployments) {
    if (dueAtMs(state) === atMs) due = added(due, state);
  }
  if (due.length < 2) return due;
  return [...due].sort((a, b) => (a.deployment.deploymentId < b.deployment.deploymentId ? -1 : 1));
}
