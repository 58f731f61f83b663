/** What a judgement or an agent adds to what is known of a deployment. It decides nothing. */

import { assert } from "../assert.ts";
import type { AgentProposed, AgentWord, SignalJudged } from "../event.ts";
import { whyDeaf } from "./agent.ts";
import { boundBy, put, refuse, type Turn } from "./recorder.ts";
import { noteBreach } from "./restraint.ts";
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

/**
 * The deployment's state with the word of an agent that its policy listens to; none where nothing
 * can come of it. Under a policy that names no agent at all nothing is recorded either.
 */
export function heardAgent(turn: Turn, event: AgentProposed): readonly DeploymentState[] {
  const { deploymentId, knownAtMs: nowMs, agent, confidence } = event;
  assert(confidence >= 0 && confidence <= 1, "an agent's confidence lies between 0 and 1");
  const known = findDeployment(turn.fleet, deploymentId);
  if (known === undefined) return [];
  const policy = boundBy(turn, known);
  if (policy.agents === undefined) return [];
  const word = wordOf(event);
  const deaf = whyNotNow(known, event) ?? whyDeaf(policy, word);
  if (deaf !== null) {
    refuse(turn, known, nowMs, `proposal of ${agent}: ${deaf}`);
    return [];
  }
  const told = changed(known, { agent: word });
  const isFirst = stands(policy, told, nowMs, "untagged") && told.untaggedProposedAtMs === null;
  const state = isFirst ? changed(told, { untaggedProposedAtMs: nowMs }) : told;
  put(turn, state);
  if (stands(policy, state, nowMs, "tagged")) noteBreach(turn, state.deployment, nowMs);
  return [state];
}

function wordOf({ proposalId, agent, confidence, rationale, asksOnly }: AgentProposed): AgentWord {
  const word = { proposalId, agent, confidence, rationale };
  return asksOnly === true ? { ...word, asksOnly } : word;
}

/** Why a proposal comes too late, or once too often, under any policy; null where it does not. */
function whyNotNow(
  { phase, agent: heard, deployment }: DeploymentState,
  { proposalId, agent, atMs }: AgentProposed,
): string | null {
  // A host that crashed before it remembered its answer is told once more.
  if (heard?.proposalId === proposalId && heard.agent === agent) {
    return `proposal ${proposalId} was heard already`;
  }
  if (atMs < deployment.startedAtMs) return "it was made before this deployment started";
  return phase.name === "watching" ? null : NOT_NOW[phase.name];
}

const NOT_NOW = {
  proposed: "a question about it stands already",
  rollingBack: "it is being rolled back already",
  ended: "it has ended already",
} as const;
