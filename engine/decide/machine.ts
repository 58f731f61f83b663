/**
 * The decision state machine.
 *
 * Rule 1: every transition of a deployment lives in this file. Rule 2: this file does not know
 * whether it runs in production or in a replay; time arrives with the event.
 * Rule 3: what is not allowed changes nothing and leaves a `refused` record.
 *     watching ──breach──▶ proposed ──silence, approval──▶ rollingBack ──▶ ended
 *        ▲                    │
 *        └───── withdrawn ────┘        every phase may end: overridden, expired,
 *                                      held, superseded, or when the watch is over;
 *                                      a quarantine holds, in every phase
 *
 * At most one rollback for each deployment, never after an override; on silence only while a
 * breach stands and the tier still allows it. An approval needs neither, but `observe` holds.
 */

import { unreachable } from "../assert.ts";
import type {
  ApprovalGiven,
  DecisionEvent,
  Deployment,
  DeploymentQuarantined,
  HaltOrdered,
  OverrideGiven,
  RollbackFinished,
  SignalJudged,
} from "../event.ts";
import { learn } from "../learn/lessons.ts";
import type { Policy } from "../policy/policy.ts";
import { formatDuration } from "../policy/quantity.ts";
import type { TierDecision } from "../policy/resolve.ts";
import type { DecisionRecord, End } from "../record.ts";
import { unheard } from "./agent.ts";
import { begin, forget, isReplacedBy, passOn, reachStage, successorOf, tag } from "./begin.ts";
import { tossed, waitOf, waits } from "./coin.ts";
import { halt, toldFleet } from "./fleet.ts";
import { heard, heardAgent } from "./hear.ts";
import { quarantined, quarantineUnknown, refusesQuarantined, THREW } from "./quarantine.ts";
import { isFreed, onSilence, questionOf } from "./question.ts";
import { begun, boundBy, refuse, unchanged, writeRecord } from "./recorder.ts";
import type { Said, Step, Turn } from "./recorder.ts";
import { noteBreach, noteRollback, pagesFor } from "./restraint.ts";
import {
  breachReason,
  caveat,
  endOfWatch,
  obstacle,
  recovered,
  recoveryReason,
  stands,
  tierNow,
  whyObserve,
  type TierNow,
} from "./standing.ts";
import {
  dueThen,
  findDeployment,
  isOver,
  nextDueAtMs,
  type DeploymentState,
  type FleetState,
  type Proposed,
} from "./state.ts";
import { ask, notify, ON_CALL, orderRollback, page, takeBack } from "./tell.ts";

/**
 * Advances the machine by one event and says what the host must do next. Pure. Timers that fell due
 * before the event fire first, in the order they were due; what becomes known at the very instant a
 * timer is due still counts before it.
 */
export function step(policy: Policy, fleet: FleetState, event: DecisionEvent): Step {
  const before = event.kind === "clockAdvanced" ? event.knownAtMs : event.knownAtMs - 1;
  if (nextDueAtMs(fleet) > before && isOver(fleet, event)) return unchanged(fleet);
  const turn = begun(policy, fleet);
  fireTimers(turn, before);
  switch (event.kind) {
    case "clockAdvanced":
      break;
    case "deploymentStarted":
      start(turn, event.deployment, event.knownAtMs);
      break;
    case "deploymentTagged":
      reconsiderAll(turn, tag(turn, event.tag, event.knownAtMs), event.knownAtMs);
      break;
    case "stageReached":
      reconsiderAll(turn, reachStage(turn, event), event.knownAtMs);
      break;
    case "signalJudged":
      judge(turn, event);
      break;
    case "agentProposed":
      reconsiderAll(turn, heardAgent(turn, event), event.knownAtMs);
      break;
    case "overrideGiven":
      override(turn, event);
      break;
    case "approvalGiven":
      approve(turn, event);
      break;
    case "rollbackFinished":
      finish(turn, event);
      break;
    case "haltOrdered":
      halt(turn, event);
      leaveToPeople(turn, event);
      break;
    case "deploymentQuarantined":
      quarantine(turn, event);
      break;
    case "policyChanged":
    case "haltLifted":
    case "requestRefused":
    case "faultReported":
      toldFleet(turn, event);
      break;
    default:
      return unreachable(event);
  }
  const { commands, records } = turn;
  turn.fleet.learning = learn(turn.fleet.learning, { event, records });
  return { state: turn.fleet, commands, records };
}

function fireTimers(turn: Turn, toMs: number): void {
  for (let next = nextDueAtMs(turn.fleet); next <= toMs; next = nextDueAtMs(turn.fleet)) {
    for (const state of dueThen(turn.fleet, next)) {
      if (state.phase.name === "watching") endWatch(turn, state, next);
      else if (state.phase.name === "proposed") silence(turn, state, state.phase, next);
    }
  }
}

// ── A deployment starts, and takes the place of another ──────────────────────

function start(turn: Turn, deployment: Deployment, nowMs: number): void {
  const known = findDeployment(turn.fleet, deployment.deploymentId);
  if (known !== undefined) return refuse(turn, known, nowMs, "this deployment has started already");
  forget(turn, nowMs);
  if (refusesQuarantined(turn, deployment.deploymentId, nowMs)) return;
  for (const state of turn.fleet.deployments) {
    if (isReplacedBy(state, deployment)) supersede(turn, state, deployment, nowMs);
  }
  const state = begin(turn, deployment, nowMs);
  reconsiderAll(turn, passOn(turn, state, state.tags, nowMs), nowMs);
  const successor = successorOf(turn.fleet, deployment);
  if (state.watchEndsAtMs <= nowMs) {
    end(turn, state, "undecidable", nowMs, "it became known after its watch was over");
  } else if (successor !== null) supersede(turn, state, successor, nowMs);
}

function supersede(turn: Turn, state: DeploymentState, by: Deployment, nowMs: number): void {
  const record = end(turn, state, "superseded", nowMs, `superseded by ${by.deploymentId}`);
  if (state.phase.name === "proposed") takeBack(turn, record);
}

// ── A signal's verdict changes ────────────────────────────────────────────────

function judge(turn: Turn, event: SignalJudged): void {
  const state = heard(turn, event);
  if (state === null) return;
  const nowMs = event.knownAtMs;
  const policy = boundBy(turn, state);
  const breach = stands(policy, state, nowMs, "tagged");
  if (breach) noteBreach(turn, state.deployment, nowMs);
  if (state.phase.name === "watching" && breach) propose(turn, state, nowMs);
  const { phase } = state;
  if (phase.name !== "proposed") return;
  if (breach && phase.waits && !waits(policy, state, nowMs)) silence(turn, state, phase, nowMs);
  else if (!breach && recovered(policy, state, phase)) {
    withdraw(turn, state, nowMs, recoveryReason(policy, state));
  } else if (breach && isFreed(turn, state, phase, nowMs)) propose(turn, state, nowMs);
}

/** Asks again about deployments with a new tag, stage or word of an agent: the tier may differ. */
function reconsiderAll(turn: Turn, told: readonly DeploymentState[], nowMs: number): void {
  for (const { deployment } of told) {
    const state = findDeployment(turn.fleet, deployment.deploymentId)!;
    const policy = boundBy(turn, state);
    const asks = policy.fusion === "evidence" || state.agent !== undefined;
    if (asks && state.phase.name === "watching" && stands(policy, state, nowMs, "tagged"))
      propose(turn, state, nowMs);
  }
}

function propose(turn: Turn, state: DeploymentState, nowMs: number): void {
  const policy = boundBy(turn, state);
  const decision = tierNow(turn, state, nowMs);
  const reason = breachReason(policy, state, decision);
  const proposals = state.proposals + 1;
  if (decision.tier === "observe") return observe(turn, state, decision, nowMs);
  if (decision.tier === "full") {
    const authority = `policy ${policy.policy}, tier full`;
    const why = { decision: "proposed", nowMs, reason, authority, tier: decision } as const;
    writeRecord(turn, state, { proposals }, why);
    return act(turn, findDeployment(turn.fleet, state.deployment.deploymentId)!, nowMs, decision, {
      reason: "full autonomy: rolled back at once",
      authority,
    });
  }
  const phase = questionOf(policy, state, decision, ON_CALL, nowMs);
  const authority = `${ON_CALL}, by ${decision.tier === "override" ? "override" : "approval"}`;
  const why = { decision: "proposed", nowMs, reason, authority, tier: decision } as const;
  const record = writeRecord(turn, state, { phase, proposals }, why);
  ask(turn, record, policy, phase, proposals);
}

/** Tells people of a breach that the machine may not act on, once for each deployment. */
function observe(turn: Turn, state: DeploymentState, tier: TierNow, nowMs: number): void {
  if (state.observed) return;
  const policy = boundBy(turn, state);
  const pages = pagesFor(turn, tier.restraint, state.deployment);
  const held = tier.restraint === null ? "" : `; held: ${tier.restraint.reason}`;
  const why = {
    decision: pages ? "paged" : "held",
    nowMs,
    reason: breachReason(policy, state, tier) + held,
    authority: `nobody: ${tier.restraint?.rule ?? "never delegated to a machine"}`,
    tier,
  } as const;
  const record = writeRecord(turn, state, { observed: true }, why);
  if (pages) page(turn, record, ON_CALL);
}

function withdraw(turn: Turn, state: DeploymentState, nowMs: number, reason: string): void {
  const back = { phase: { name: "watching" }, withdrawals: state.withdrawals + 1 } as const;
  const record = writeRecord(turn, state, back, {
    decision: "withdrawn",
    nowMs,
    reason,
    authority: `policy ${boundBy(turn, state).policy}`,
  });
  takeBack(turn, record);
}

// ── People answer, or do not ──────────────────────────────────────────────────

function override(
  turn: Turn,
  { deploymentId, by, justification, knownAtMs: nowMs }: OverrideGiven,
): void {
  const state = findDeployment(turn.fleet, deploymentId);
  if (state === undefined) return;
  if (state.phase.name !== "proposed") {
    refuse(turn, state, nowMs, `override by ${by}: no proposal stands`);
  } else if (justification.trim() === "") {
    refuse(turn, state, nowMs, `override by ${by}: a justification is required`);
  } else {
    const reason = `overridden by ${by}: ${justification}`;
    takeBack(turn, end(turn, state, "overridden", nowMs, reason, { authority: by }));
  }
}

function approve(turn: Turn, { deploymentId, by, knownAtMs: nowMs }: ApprovalGiven): void {
  const state = findDeployment(turn.fleet, deploymentId);
  if (state === undefined) return;
  if (state.phase.name !== "proposed") {
    return refuse(turn, state, nowMs, `approval by ${by}: no proposal stands`);
  }
  const policy = boundBy(turn, state);
  const tier = tierNow(turn, state, nowMs);
  if (tier.tier === "observe") {
    const reason = `approved by ${by}, but ${whyObserve(tier)}: held`;
    page(turn, end(turn, state, "held", nowMs, reason, { tier }), by);
    return;
  }
  const reason = `approved by ${by}${caveat(policy, state, nowMs)}`;
  rollBack(turn, state, nowMs, tier, { reason, authority: by });
}

/** Nobody answered in time: the window proceeds or holds, an approval escalates or ends. */
function silence(turn: Turn, state: DeploymentState, phase: Proposed, nowMs: number): void {
  const policy = boundBy(turn, state);
  if (phase.tier === "approve" && phase.step < policy.tiers.approve.escalate.length) {
    return escalate(turn, state, phase, nowMs);
  }
  const waited = formatDuration(nowMs - phase.proposedAtMs);
  if (phase.waits !== true && onSilence(policy, phase) === "hold") {
    if (phase.agent === true && nowMs < state.watchEndsAtMs) {
      return withdraw(turn, unheard(state), nowMs, `no answer within ${waited}: watched on`);
    }
    const over: End = phase.tier === "approve" ? "expired" : "held";
    end(turn, state, over, nowMs, `no answer within ${waited}: held`);
    return;
  }
  const tier = tierNow(turn, state, nowMs);
  const why = obstacle(policy, state, phase, tier);
  if (why !== null) {
    const reason = `no answer within ${waited}, but ${why}: held`;
    const record = end(turn, state, "held", nowMs, reason, { tier });
    if (pagesFor(turn, tier.restraint, state.deployment)) page(turn, record, phase.to);
    return;
  }
  const said = phase.waits ? `the wait is over after ${waited}` : `no override within ${waited}`;
  act(turn, state, nowMs, tier, {
    reason: `${said}: proceeds${caveat(policy, state, nowMs)}`,
    authority: `policy ${policy.policy}, tier ${tier.tier}`,
  });
}

function escalate(turn: Turn, state: DeploymentState, phase: Proposed, nowMs: number): void {
  const policy = boundBy(turn, state);
  const { to, slaMs } = policy.tiers.approve.escalate[phase.step]!;
  const asked: Proposed = { ...phase, step: phase.step + 1, to, answerByMs: nowMs + slaMs };
  const why = {
    decision: "escalated",
    nowMs,
    reason: `no answer from ${phase.to} within ${formatDuration(nowMs - phase.proposedAtMs)}`,
    authority: `${to}, by approval`,
  } as const;
  const record = writeRecord(turn, state, { phase: asked }, why);
  ask(turn, record, policy, asked, state.proposals);
}

/** All machines were halted: questions that stand end, and are left to people. */
function leaveToPeople(turn: Turn, { by, reason, knownAtMs: nowMs }: HaltOrdered): void {
  for (const state of turn.fleet.deployments) {
    if (state.phase.name !== "proposed") continue;
    const halted = `all machines were halted by ${by}: ${reason}`;
    const record = end(turn, state, "held", nowMs, halted, { authority: by });
    takeBack(turn, record);
    page(turn, record, state.phase.to);
  }
}

// ── The engine threw, and the host holds ──────────────────────────────────────

/** Holds one deployment for good. The rest of the fleet goes on. */
function quarantine(turn: Turn, event: DeploymentQuarantined): void {
  const known = findDeployment(turn.fleet, event.deploymentId);
  if (known === undefined) return quarantineUnknown(turn, event);
  const { state, reason } = quarantined(known, event);
  const nowMs = event.knownAtMs;
  if (state.phase.name === "ended") return refuse(turn, state, nowMs, reason);
  const record = end(turn, state, "held", nowMs, reason, { authority: THREW });
  if (state.phase.name === "proposed") takeBack(turn, record);
  page(turn, record, ON_CALL);
}

// ── Acting, and ending ────────────────────────────────────────────────────────

/** Rolls back on the machine's own authority, unless a coin says to wait (see coin.ts). */
function act(turn: Turn, given: DeploymentState, nowMs: number, tier: TierDecision, why: Said) {
  const policy = boundBy(turn, given);
  const state = tossed(policy, given, nowMs);
  if (!waits(policy, state, nowMs)) return rollBack(turn, state, nowMs, tier, why);
  const { phase, reason } = waitOf(policy, state, tier.tier, nowMs);
  writeRecord(turn, state, { phase }, { ...why, decision: "waited", nowMs, reason, tier });
}

function rollBack(
  turn: Turn,
  state: DeploymentState,
  nowMs: number,
  tier: TierDecision,
  said: Said,
): void {
  const phase = { name: "rollingBack", orderedAtMs: nowMs, tier: tier.tier } as const;
  noteRollback(turn, state.deployment, nowMs);
  const why = { ...said, decision: "rollbackOrdered", nowMs, tier } as const;
  const record = writeRecord(turn, state, { phase }, why);
  orderRollback(turn, record);
  notify(turn, record);
}

function finish(
  turn: Turn,
  { deploymentId, succeeded, detail, knownAtMs: nowMs }: RollbackFinished,
): void {
  const state = findDeployment(turn.fleet, deploymentId);
  if (state === undefined) return;
  if (state.phase.name !== "rollingBack") {
    refuse(turn, state, nowMs, "a rollback finished that this policy did not order");
  } else if (succeeded) {
    end(turn, state, "rolledBack", nowMs, detail === "" ? "rolled back" : detail);
  } else {
    const record = end(turn, state, "rollbackFailed", nowMs, `the rollback failed: ${detail}`);
    page(turn, record, ON_CALL);
  }
}

/** Ends a watch during which nothing was left open, by what the signals say at its end. */
function endWatch(turn: Turn, state: DeploymentState, nowMs: number): void {
  const policy = boundBy(turn, state);
  const { how, reason } = endOfWatch(policy, state);
  end(turn, state, how, nowMs, reason);
}

function end(
  turn: Turn,
  state: DeploymentState,
  how: End,
  nowMs: number,
  reason: string,
  more: { readonly authority?: string; readonly tier?: TierDecision } = {},
): DecisionRecord {
  const authority = more.authority ?? `policy ${boundBy(turn, state).policy}`;
  const phase = { name: "ended", end: how, endedAtMs: nowMs } as const;
  const why = { decision: "ended", nowMs, reason, authority, tier: more.tier } as const;
  return writeRecord(turn, state, { phase }, why);
}
