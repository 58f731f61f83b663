/** The quarantine of a deployment on which the engine threw; its transition is in machine.ts. */

import type { DeploymentQuarantined } from "../event.ts";
import { phaseOf } from "./fleet.ts";
import { writeFleetRecord, type Turn } from "./recorder.ts";
import { changed, type DeploymentState } from "./state.ts";
import { ON_CALL, page } from "./tell.ts";

/** In whose name a deployment is quarantined. */
export const THREW = "nobody: the engine threw";

/**
 * A deployment without its evidence, tags and stages: the engine may throw on any of them when it
 * writes the record. And the reason of that record.
 */
export function quarantined(
  known: DeploymentState,
  { reason }: DeploymentQuarantined,
): { readonly state: DeploymentState; readonly reason: string } {
  const state = changed(known, { signals: [], tags: [], stages: [] });
  const isOrdered = state.phase.name === "rollingBack";
  const ordered = isOrdered ? "; its rollback was ordered and may have been carried out" : "";
  return { state, reason: `quarantined: ${reason}${ordered}` };
}

/**
 * Quarantines a deployment on whose start the engine threw. It is not watched, so the fleet has the
 * record, and remembers it: a second start is refused.
 */
export function quarantineUnknown(
  turn: Turn,
  { deploymentId, reason, knownAtMs: nowMs }: DeploymentQuarantined,
): void {
  if (refusesQuarantined(turn, deploymentId, nowMs)) return;
  turn.fleet.quarantined = [...(turn.fleet.quarantined ?? []), { deploymentId, atMs: nowMs }];
  const record = writeFleetRecord(turn, phaseOf(turn), phaseOf(turn), {
    decision: "paged",
    nowMs,
    reason: `${deploymentId} was quarantined and is not watched: ${reason}`,
    authority: THREW,
  });
  page(turn, record, ON_CALL);
}

/** Refuses what concerns a deployment that was quarantined before. @returns whether it was */
export function refusesQuarantined(turn: Turn, deploymentId: string, nowMs: number): boolean {
  const { quarantined = [] } = turn.fleet;
  if (!quarantined.some((one) => one.deploymentId === deploymentId)) return false;
  writeFleetRecord(turn, phaseOf(turn), phaseOf(turn), {
    decision: "refused",
    nowMs,
    reason: `${deploymentId} is quarantined and stays so`,
    authority: `policy ${turn.policy.policy}`,
  });
  return true;
}
