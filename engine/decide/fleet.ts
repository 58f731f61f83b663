/**
 * What concerns the fleet as a whole: the halt, its lifting, a new policy, and what the host
 * reports of itself. Of these only a halt and a policy change anything.
 */

import { assert } from "../assert.ts";
import type {
  FaultReported,
  HaltLifted,
  HaltOrdered,
  PolicyChanged,
  RequestRefused,
} from "../event.ts";
import type { FleetPhaseName } from "../record.ts";
import { refuse, writeFleetRecord, type Turn } from "./recorder.ts";
import { findDeployment } from "./state.ts";
import { notify, ON_CALL, page } from "./tell.ts";

/** Handles the events of the fleet that change the phase of no deployment. */
export function toldFleet(
  turn: Turn,
  event: HaltLifted | PolicyChanged | RequestRefused | FaultReported,
): void {
  switch (event.kind) {
    case "haltLifted":
      return liftHalt(turn, event);
    case "policyChanged":
      return changePolicy(turn, event);
    case "requestRefused":
      return refuseRequest(turn, event);
    case "faultReported":
      return pageFault(turn, event);
  }
}

/** No machine acts from here on, until somebody lifts it. A second halt replaces the first. */
export function halt(turn: Turn, { by, reason, knownAtMs }: HaltOrdered): void {
  const before = phaseOf(turn);
  turn.fleet.halted = { by, reason };
  const record = writeFleetRecord(turn, before, "halted", {
    decision: "halted",
    nowMs: knownAtMs,
    reason: `all machines were halted by ${by}: ${reason}`,
    authority: by,
  });
  notify(turn, record);
}

function liftHalt(turn: Turn, { by, reason, knownAtMs }: HaltLifted): void {
  const halted = turn.fleet.halted !== null;
  turn.fleet.halted = null;
  const record = writeFleetRecord(turn, halted ? "halted" : "running", "running", {
    decision: halted ? "haltLifted" : "refused",
    nowMs: knownAtMs,
    reason: halted ? `the halt was lifted by ${by}: ${reason}` : `no halt for ${by} to lift`,
    authority: by,
  });
  if (halted) notify(turn, record);
}

/** A new policy is in force. What is watched keeps its own, with the tighter guardrails. */
function changePolicy(turn: Turn, { policy, by, reason, knownAtMs }: PolicyChanged): void {
  assert(policy.digest === turn.policy.digest, "the host decides by the policy it reports");
  const phase = phaseOf(turn);
  const older = turn.fleet.deployments.filter((one) => one.policyDigest !== policy.digest).length;
  const kept = older === 0 ? "" : `; watched under the policy they started with: ${older}`;
  const record = writeFleetRecord(turn, phase, phase, {
    decision: "policyChanged",
    nowMs: knownAtMs,
    reason: `${by} put ${policy.policy} in force: ${reason}${kept}`,
    authority: by,
  });
  notify(turn, record);
}

/** On record with the deployment it was about, or with the fleet where nobody knows that one. */
function refuseRequest(
  turn: Turn,
  { deploymentId, by, what, why, knownAtMs }: RequestRefused,
): void {
  const reason = `${what} by ${by ?? "somebody unknown"}: ${why}`;
  const known = deploymentId === null ? undefined : findDeployment(turn.fleet, deploymentId);
  if (known !== undefined) return refuse(turn, known, knownAtMs, reason);
  const about = deploymentId === null ? "" : `, about ${deploymentId}`;
  writeFleetRecord(turn, phaseOf(turn), phaseOf(turn), {
    decision: "refused",
    nowMs: knownAtMs,
    reason: reason + about,
    authority: `policy ${turn.policy.policy}`,
  });
}

/** Pages a person to look after the host. No deployment is affected. */
function pageFault(turn: Turn, { source, reason, knownAtMs }: FaultReported): void {
  const record = writeFleetRecord(turn, phaseOf(turn), phaseOf(turn), {
    decision: "paged",
    nowMs: knownAtMs,
    reason: `fault of ${source}: ${reason}`,
    authority: "nobody: a fault of the host",
  });
  page(turn, record, ON_CALL);
}

export function phaseOf({ fleet }: Turn): FleetPhaseName {
  return fleet.halted === null ? "running" : "halted";
}
