/**
 * How a deployment comes under watch, what is declared about it, and how long any of
 * that is remembered. Nothing here is a way out of a phase: those are in machine.ts.
 */

import { assert } from "../assert.ts";
import type { ContextTag, Deployment, StageReached } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { formatDuration } from "../policy/quantity.ts";
import { ownFirst, passedOn } from "../policy/tags.ts";
import { added, keptFrom } from "./list.ts";
import { boundBy, put, writeRecord, type Turn } from "./recorder.ts";
import { changed, findDeployment, type DeploymentState, type FleetState } from "./state.ts";
import { watch } from "./tell.ts";

/** An ended deployment is remembered this long, so that a late answer is refused and not lost. */
const REMEMBER_MS = 86_400_000;
/** A tag waits this long for its deployment. */
const TAG_WAITS_MS = 30 * REMEMBER_MS;

/**
 * Does this deployment take the place of what is being watched or asked about? Not of what started
 * after it, however late it is told.
 */
export function isReplacedBy({ deployment, phase }: DeploymentState, by: Deployment): boolean {
  const open = phase.name === "watching" || phase.name === "proposed";
  return open && isOfOne(deployment, by) && deployment.startedAtMs <= by.startedAtMs;
}

/**
 * Of what started after a deployment and was known before it, the first: that took its place
 * already. One that has ended counts as well, as its harm, or its rollback, is in the samples.
 */
export function successorOf(
  { deployments, ended }: FleetState,
  deployment: Deployment,
): Deployment | null {
  let first: Deployment | null = null;
  for (const states of [deployments, ended]) {
    for (const { deployment: other } of states) {
      if (other.startedAtMs <= deployment.startedAtMs || !isOfOne(other, deployment)) continue;
      if (first === null || comesBefore(other, first)) first = other;
    }
  }
  return first;
}

function isOfOne(one: Deployment, other: Deployment): boolean {
  return one.service === other.service && one.environment === other.environment;
}

function comesBefore(one: Deployment, other: Deployment): boolean {
  if (one.startedAtMs !== other.startedAtMs) return one.startedAtMs < other.startedAtMs;
  return one.deploymentId < other.deploymentId;
}

/** Puts a deployment under watch, with the tags that were waiting for it. */
export function begin(turn: Turn, deployment: Deployment, nowMs: number): DeploymentState {
  const { deploymentId } = deployment;
  const { fleet, policy } = turn;
  const { tags } = fleet;
  const isMine = (one: ContextTag): boolean =>
    one.service === deployment.service &&
    (one.deploymentId === null || one.deploymentId === deploymentId);
  const state: DeploymentState = {
    deployment,
    policyDigest: policy.digest,
    phase: { name: "watching" },
    watchEndsAtMs: deployment.startedAtMs + policy.watchMs,
    signals: {},
    tags: tags.length === 0 ? tags : ownFirst(tags.filter(isMine)),
    stages: [],
    records: 0,
    proposals: 0,
    withdrawals: 0,
    observed: false,
    untaggedProposedAtMs: null,
  };
  if (tags.length > 0) fleet.tags = tags.filter((one) => one.deploymentId !== deploymentId);
  if (!fleet.policies.includes(policy)) {
    const others = fleet.policies.filter(({ digest }) => digest !== policy.digest);
    fleet.policies = added(others, policy);
  }
  const record = writeRecord(
    turn,
    state,
    {},
    {
      decision: "watchStarted",
      nowMs,
      reason: `watched for ${formatDuration(policy.watchMs)}`,
      authority: `policy ${policy.policy}`,
    },
  );
  watch(turn, record, state.watchEndsAtMs);
  return findDeployment(turn.fleet, deploymentId)!;
}

/** Passes on what was declared about a deployment that has just begun, to whoever calls it. */
export function passOn(
  turn: Turn,
  state: DeploymentState,
  given: readonly ContextTag[],
  nowMs: number,
): readonly DeploymentState[] {
  if (given.length === 0) return [];
  const { deployment } = state;
  const source = { deployment, knownAtMs: nowMs, tags: given };
  return passedOn(boundBy(turn, state), source).flatMap((one) => tag(turn, one, nowMs));
}

/**
 * Gives a tag to the deployments it is about and those they pass it on to, or keeps it for
 * those that will start. Returns those it was given to.
 */
export function tag(turn: Turn, given: ContextTag, nowMs: number): readonly DeploymentState[] {
  const targets = turn.fleet.deployments.filter(
    ({ deployment, phase }) =>
      phase.name !== "ended" &&
      deployment.service === given.service &&
      (given.deploymentId === null || given.deploymentId === deployment.deploymentId),
  );
  const told = targets.map((state) => changed(state, { tags: ownFirst([...state.tags, given]) }));
  for (const state of told) put(turn, state);
  if (given.deploymentId === null || targets.length === 0) {
    turn.fleet.tags = [...turn.fleet.tags, given];
  }
  if (given.from !== undefined) return told;
  // Also by one that is over: what it set off may go on.
  const about = [...turn.fleet.deployments, ...turn.fleet.ended].filter(
    ({ deployment }) =>
      deployment.service === given.service &&
      (given.deploymentId === null || given.deploymentId === deployment.deploymentId),
  );
  return [...told, ...about.flatMap((state) => passOn(turn, state, [given], nowMs))];
}

/** A rollout went on, or back; nothing where its deployment is over. */
export function reachStage(turn: Turn, event: StageReached): readonly DeploymentState[] {
  assert(event.share >= 0 && event.share <= 1, "a share of the traffic lies between 0 and 1");
  const known = findDeployment(turn.fleet, event.deploymentId);
  if (known === undefined || known.phase.name === "ended") return [];
  const state = changed(known, { stages: [...known.stages, event] });
  put(turn, state);
  return [state];
}

/**
 * Lets go of what ended so long ago that no answer to it is waited for, of the policies
 * that only such deployments were under, of tags whose
 * window closed as long ago, and of those whose deployment never came.
 */
export function forget(turn: Turn, nowMs: number): void {
  const beforeMs = nowMs - REMEMBER_MS;
  const { fleet } = turn;
  const { ended, tags } = fleet;
  fleet.ended = keptFrom(ended, (state) => !isForgotten(state, beforeMs));
  if (fleet.ended !== ended && !fleet.policies.every((policy) => isUsed(fleet, policy))) {
    fleet.policies = fleet.policies.filter((policy) => isUsed(fleet, policy));
  }
  if (tags.length === 0) return;
  const waiting = tags.filter(
    ({ deploymentId, knownAtMs, validUntilMs }) =>
      (validUntilMs === null || validUntilMs > beforeMs) &&
      (deploymentId === null || knownAtMs > nowMs - TAG_WAITS_MS),
  );
  if (waiting.length < tags.length) fleet.tags = waiting;
}

function isForgotten({ phase }: DeploymentState, beforeMs: number): boolean {
  return phase.name === "ended" && phase.endedAtMs <= beforeMs;
}

/** Is a deployment that is remembered under this policy? */
function isUsed({ deployments, ended }: FleetState, { digest }: Policy): boolean {
  return (
    deployments.some(({ policyDigest }) => policyDigest === digest) ||
    ended.some(({ policyDigest }) => policyDigest === digest)
  );
}
