/**
 * How a deployment comes under watch, how tags and stages reach it, and how long all of that is
 * remembered. No transition out of a phase is here: those are in machine.ts.
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

/** An ended deployment is remembered this long, so that a late answer leaves a `refused` record. */
const REMEMBER_MS = 86_400_000;
/** A tag that is declared before its deployment starts is kept this long. */
const TAG_WAITS_MS = 30 * REMEMBER_MS;

/**
 * Does the deployment `by` supersede this one? Only one of the same service and environment that
 * is watched or asked about, and that did not start later: reports may come late and out of order.
 */
export function isReplacedBy({ deployment, phase }: DeploymentState, by: Deployment): boolean {
  const open = phase.name === "watching" || phase.name === "proposed";
  return open && isOfOne(deployment, by) && deployment.startedAtMs <= by.startedAtMs;
}

/**
 * The deployment that superseded this one before this one was even reported; null where none did.
 * It is the first of the same service and environment that started later. One that has ended
 * counts as well, because its harm, or its rollback, is in the samples.
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
    signals: [],
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

/** Passes the given tags of a deployment on to the services that call it (see policy/tags.ts). */
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
 * Gives a tag to the deployments it is about and to those they pass it on to. Keeps it for later
 * ones where it is about the whole service or its deployment is still to start.
 *
 * @returns the deployments that have the tag now
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
  // A deployment that has ended passes its tag on too: what it set off may still go on.
  const about = [...turn.fleet.deployments, ...turn.fleet.ended].filter(
    ({ deployment }) =>
      deployment.service === given.service &&
      (given.deploymentId === null || given.deploymentId === deployment.deploymentId),
  );
  return [...told, ...about.flatMap((state) => passOn(turn, state, [given], nowMs))];
}

/**
 * Notes that a rollout reached another share of the traffic, more or less than before.
 *
 * @returns the deployment; none where it has ended or is unknown
 */
export function reachStage(turn: Turn, event: StageReached): readonly DeploymentState[] {
  assert(event.share >= 0 && event.share <= 1, "a share of the traffic lies between 0 and 1");
  const known = findDeployment(turn.fleet, event.deploymentId);
  if (known === undefined || known.phase.name === "ended") return [];
  const state = changed(known, { stages: [...known.stages, event] });
  put(turn, state);
  return [state];
}

/**
 * Drops what is no longer needed: deployments that ended more than `REMEMBER_MS` ago, policies
 * that no remembered deployment is under, tags whose window closed as long ago, and tags whose
 * deployment did not come within `TAG_WAITS_MS`.
 */
export function forget(turn: Turn, nowMs: number): void {
  const beforeMs = nowMs - REMEMBER_MS;
  const { fleet } = turn;
  const { ended, tags } = fleet;
  fleet.ended = keptFrom(ended, (state) => !isForgotten(state, beforeMs));
  if (fleet.ended !== ended && !fleet.policies.every((policy) => isUsed(fleet, policy))) {
    fleet.policies = fleet.policies.filter((policy) => isUsed(fleet, policy));
  }
  if (fleet.quarantined !== undefined) {
    fleet.quarantined = fleet.quarantined.filter(({ atMs }) => atMs > beforeMs);
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

/** Is any remembered deployment under this policy? */
function isUsed({ deployments, ended }: FleetState, { digest }: Policy): boolean {
  return (
    deployments.some(({ policyDigest }) => policyDigest === digest) ||
    ended.some(({ policyDigest }) => policyDigest === digest)
  );
}
