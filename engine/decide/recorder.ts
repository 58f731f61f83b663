/** Writes the record of a transition and puts the new state in its place. */

import { assert } from "../assert.ts";
import type { EngineCommand } from "../command.ts";
import type { SignalEvidence } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import type { TierDecision } from "../policy/resolve.ts";
import { isSelfIssued, tagsAt, tagText } from "../policy/tags.ts";
import {
  FLEET,
  type ConfidenceBasis,
  type DecisionKind,
  type DecisionRecord,
  type FleetPhaseName,
  type TierName,
} from "../record.ts";
import { ENGINE_VERSION } from "../version.ts";
import { confidenceOf, type Confidence } from "./confidence.ts";
import { added, NOTHING, replacedAt, withoutPlace } from "./list.ts";
import { loneWord } from "./standing.ts";
import {
  changed,
  copyOf,
  placeIn,
  policyOf,
  type Change,
  type DeploymentState,
  type FleetState,
  type Phase,
  type Writable,
} from "./state.ts";

export interface Step {
  readonly state: FleetState;
  readonly commands: readonly EngineCommand[];
  readonly records: readonly DecisionRecord[];
}

/** The step of an event that changes nothing. */
export function unchanged(state: FleetState): Step {
  return { state, commands: NOTHING, records: NOTHING };
}

/** What one call of `step` has done so far: the functions of the machine add to it. */
export interface Turn {
  readonly policy: Policy;
  /** The turn's own copy: its fields are replaced, what they hold is not. */
  readonly fleet: Writable<FleetState>;
  commands: readonly EngineCommand[];
  records: readonly DecisionRecord[];
}

/** A new turn on a copy of the fleet, with no commands or records yet. */
export function begun(policy: Policy, fleet: FleetState): Turn {
  return { policy, fleet: copyOf(fleet), commands: NOTHING, records: NOTHING };
}

/** The policy that binds a deployment in this turn. */
export function boundBy(turn: Turn, state: DeploymentState): Policy {
  return policyOf(turn.fleet, turn.policy, state);
}

/** Why, and who could decide it. */
export interface Said {
  readonly reason: string;
  readonly authority: string;
}

/** What a record says about a decision besides the state itself. `nowMs` is when it was made. */
export interface Why extends Said {
  readonly decision: DecisionKind;
  readonly nowMs: number;
  readonly tier?:
    (TierDecision & Partial<Pick<DecisionRecord, "explanations" | "learned">>) | undefined;
}

/**
 * Changes a deployment's state and adds the record that says why. Both happen here and nowhere
 * else, so no transition is without its record.
 *
 * @throws InvariantError where the policy names no owner: every action has somebody accountable
 */
export function writeRecord(
  turn: Turn,
  before: DeploymentState,
  change: Change,
  why: Why,
): DecisionRecord {
  const after = changed(before, change, before.records + 1);
  const { deployment } = after;
  const policy = boundBy(turn, after);
  const accountable = policy.owner;
  assert(accountable !== "", "an action has an accountable owner");
  const { phase } = after;
  const { tier } = why;
  const confidence =
    policy.fusion === "evidence" ? confidenceOf(policy, after.signals, "tagged") : null;
  const counting = tagsAt(policy, deployment, after.tags, why.nowMs, why.nowMs);
  const record: Writable<DecisionRecord> = {
    decisionId: `${deployment.deploymentId}#${after.records}`,
    deploymentId: deployment.deploymentId,
    service: deployment.service,
    decision: why.decision,
    atMs: why.nowMs,
    knownAtMs: why.nowMs,
    engineVersion: ENGINE_VERSION,
    policy: policy.policy,
    policyDigest: policy.digest,
    phaseBefore: before.phase.name,
    phaseAfter: phase.name,
    end: phase.name === "ended" ? phase.end : null,
    tier: tier?.tier ?? tierOf(phase) ?? tierOf(before.phase),
    tierPath: tier?.path ?? NOTHING,
    mode: tier?.mode ?? null,
    explanations: tier?.explanations ?? NOTHING,
    confidence: confidence?.value ?? null,
    basis: confidence === null ? null : basisOf(confidence),
    signals: inOrder(after.signals),
    reason: why.reason,
    authority: why.authority,
    accountable,
    tags: counting.length === 0 ? NOTHING : counting.map(tagText),
    untaggedProposedAtMs: after.untaggedProposedAtMs,
  };
  if (tier?.stage != null) record.stage = tier.stage;
  if (counting.some((tag) => isSelfIssued(tag, deployment))) {
    record.selfIssued = counting.filter((tag) => isSelfIssued(tag, deployment)).map(tagText);
  }
  if (after.silence !== undefined) record.silence = after.silence;
  if (tier?.learned !== undefined) record.learned = tier.learned;
  const isTossed = why.decision === "waited" || why.decision === "rollbackOrdered";
  if (isTossed && after.coin !== undefined) record.coin = after.coin;
  if (after.agent !== undefined) {
    record.agent = { ...after.agent, alone: loneWord(policy, after, why.nowMs) !== null };
  }
  turn.records = added(turn.records, record);
  put(turn, after);
  return record;
}

/** The tier of a question or of an ordered rollback; null in every other phase. */
function tierOf(phase: Phase): TierName | null {
  return phase.name === "proposed" || phase.name === "rollingBack" ? phase.tier : null;
}

/**
 * The signals sorted by name. Every record holds this list and most have one signal or none, so
 * it is made at its exact length (see list.ts) and sorted by insertion.
 */
function inOrder(signals: DeploymentState["signals"]): readonly SignalEvidence[] {
  let ordered: SignalEvidence[] | null = null;
  for (const evidence of signals) {
    if (ordered === null) {
      ordered = [evidence];
      continue;
    }
    let at = ordered.length;
    ordered.push(evidence);
    for (; at > 0 && ordered[at - 1]!.signal > evidence.signal; at--) {
      ordered[at] = ordered[at - 1]!;
    }
    ordered[at] = evidence;
  }
  return ordered ?? NOTHING;
}

/** Adds the record of something that concerns the whole fleet and no single deployment. */
export function writeFleetRecord(
  turn: Turn,
  before: FleetPhaseName,
  after: FleetPhaseName,
  why: Omit<Why, "tier">,
): DecisionRecord {
  const { policy } = turn;
  turn.fleet.records++;
  const record: DecisionRecord = {
    decisionId: `${FLEET}#${turn.fleet.records}`,
    deploymentId: FLEET,
    service: FLEET,
    decision: why.decision,
    atMs: why.nowMs,
    knownAtMs: why.nowMs,
    engineVersion: ENGINE_VERSION,
    policy: policy.policy,
    policyDigest: policy.digest,
    phaseBefore: before,
    phaseAfter: after,
    end: null,
    tier: null,
    tierPath: [],
    mode: null,
    explanations: [],
    confidence: null,
    basis: null,
    signals: [],
    reason: why.reason,
    authority: why.authority,
    accountable: policy.owner,
    tags: [],
    untaggedProposedAtMs: null,
  };
  turn.records = added(turn.records, record);
  return record;
}

function basisOf({
  uncapped,
  logE,
  changeFailureRate,
  weights,
  caps,
  hardGuardAtLeast,
}: Confidence): ConfidenceBasis {
  const basis = { uncapped, logE, changeFailureRate, weights, caps };
  return hardGuardAtLeast === undefined ? basis : { ...basis, hardGuardAtLeast };
}

/** Replaces a deployment's state without a record, where something became known but not decided. */
export function put(turn: Turn, state: DeploymentState): void {
  const { deploymentId } = state.deployment;
  const { fleet } = turn;
  if (state.phase.name === "ended") {
    const at = placeIn(fleet.deployments, deploymentId);
    if (at >= 0) fleet.deployments = withoutPlace(fleet.deployments, at);
    fleet.ended = replaced(fleet.ended, state);
  } else {
    fleet.deployments = replaced(fleet.deployments, state);
  }
}

/** The list with this state in the place of its older one, or at the end. */
function replaced(
  states: readonly DeploymentState[],
  state: DeploymentState,
): readonly DeploymentState[] {
  const at = placeIn(states, state.deployment.deploymentId);
  return at < 0 ? added(states, state) : replacedAt(states, at, state);
}

/** Records that something was not allowed; the deployment's state stays as it is. */
export function refuse(turn: Turn, state: DeploymentState, nowMs: number, reason: string): void {
  writeRecord(
    turn,
    state,
    {},
    {
      decision: "refused",
      nowMs,
      reason,
      authority: `policy ${boundBy(turn, state).policy}`,
    },
  );
}
