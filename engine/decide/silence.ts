/**
 * What is done about a deployment that reports nothing while others do (see detect/silence.ts):
 * people are paged once and the rollout is held. It is no transition, because nothing is known of
 * harm or health, and no machine ever rolls back on it.
 */

import type { SignalJudged } from "../event.ts";
import { writeRecord, type Turn } from "./recorder.ts";
import { findDeployment, type DeploymentState } from "./state.ts";
import { holdRollout, ON_CALL, page } from "./tell.ts";

/** The state after people were told, where this judgement names a silence for the first time. */
export function tellSilence(
  turn: Turn,
  state: DeploymentState,
  { evidence: { silence, reason }, knownAtMs: nowMs }: SignalJudged,
): DeploymentState {
  if (silence === undefined || state.silence !== undefined) return state;
  const authority = "nobody: no machine acts on silence";
  const why = { decision: "silent", nowMs, reason, authority } as const;
  const record = writeRecord(turn, state, { silence }, why);
  page(turn, record, ON_CALL);
  holdRollout(turn, record);
  return findDeployment(turn.fleet, state.deployment.deploymentId)!;
}
