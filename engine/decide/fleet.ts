/** What concerns the fleet as a whole: the halt, its lifting, and a new policy. */

import { assert } from "../assert.ts";
import type { HaltLifted, HaltOrdered, PolicyChanged } from "../event.ts";
import { writeFleetRecord, type Turn } from "./recorder.ts";
import { notify } from "./tell.ts";

/** No machine acts from here on, until somebody lifts it. A second halt replaces the first. */
export function halt(turn: Turn, { by, reason, knownAtMs }: HaltOrdered): void {
  const before = turn.fleet.halted === null ? "running" : "halted";
  turn.fleet = { ...turn.fleet, halted: { by, reason } };
  const record = writeFleetRecord(turn, before, "halted", {
    decision: "halted",
    nowMs: knownAtMs,
    reason: `all machines were halted by ${by}: ${reason}`,
    authority: by,
  });
  notify(turn, record);
}

export function liftHalt(turn: Turn, { by, reason, knownAtMs }: HaltLifted): void {
  const halted = turn.fleet.halted !== null;
  turn.fleet = { ...turn.fleet, halted: null };
  const record = writeFleetRecord(turn, halted ? "halted" : "running", "running", {
    decision: halted ? "haltLifted" : "refused",
    nowMs: knownAtMs,
    reason: halted ? `the halt was lifted by ${by}: ${reason}` : `no halt for ${by} to lift`,
    authority: by,
  });
  if (halted) notify(turn, record);
}

/** A new policy is in force. What is watched keeps its own, with the tighter guardrails. */
export function changePolicy(turn: Turn, { policy, by, reason, knownAtMs }: PolicyChanged): void {
  assert(policy.digest === turn.policy.digest, "the host decides by the policy it reports");
  const phase = turn.fleet.halted === null ? "running" : "halted";
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
