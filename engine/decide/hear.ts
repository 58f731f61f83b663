/** What a judgement adds to what is known of a deployment. It decides nothing. */

import type { SignalJudged } from "../event.ts";
import { boundBy, put, type Turn } from "./recorder.ts";
import { tellSilence } from "./silence.ts";
import { accusedBy, stands } from "./standing.ts";
import { changed, findDeployment, judgedBy, type DeploymentState } from "./state.ts";

/** The deployment's state with the judgement; null where nothing is decided about it any more. */
export function heard(turn: Turn, event: SignalJudged): DeploymentState | null {
  const { deploymentId, knownAtMs: nowMs } = event;
  const known = findDeployment(turn.fleet, deploymentId);
  if (known === undefined || known.phase.name === "ended") return null;
  const judged = judgedBy(tellSilence(turn, known, event), event.evidence);
  const policy = boundBy(turn, known);
  const begins = known.untaggedProposedAtMs === null && stands(policy, judged, nowMs, "untagged");
  const state = begins ? changed(judged, { untaggedProposedAtMs: nowMs }) : judged;
  put(turn, state);
  if (state.phase.name === "proposed") {
    const accused = [...new Set([...state.phase.accused, ...accusedBy(state)])];
    put(turn, changed(state, { phase: { ...state.phase, accused } }));
  }
  return state;
}
