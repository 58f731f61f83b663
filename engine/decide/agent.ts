/**
 * What the word of an agent is worth. A proposal of an agent is an alarm of another kind: it enters
 * the machine when it is made, and how sure the agent says that it is stands in the place of our
 * detectors' evidence. Tiers, windows, guardrails, budgets and halts then count as for any other
 * breach.
 *
 * An agent is text from outside, so three laws hold. It counts only under a policy that names it.
 * Below `aloneFrom` only a person's yes acts, and silence holds. And it never takes anything away
 * from our own evidence: where that is enough by itself, it decides as if no agent had spoken, and
 * a question that only an agent asked ends no watch by silence.
 */

import type { AgentWord } from "../event.ts";
import type { AgentRule } from "../policy/agents.ts";
import type { Policy } from "../policy/policy.ts";
import { formatShare } from "../policy/quantity.ts";
import { accuses } from "./confidence.ts";
import { changed, type DeploymentState } from "./state.ts";

type Heard = Pick<DeploymentState, "signals" | "agent">;

/** Why this policy does not listen to a proposal; null where it does. */
export function whyDeaf(policy: Policy, word: AgentWord): string | null {
  const rule = ruleOf(policy, word.agent);
  if (rule === undefined) return `policy ${policy.policy} does not name ${word.agent}`;
  if (word.confidence >= rule.from) return null;
  const [said, asked] = [formatShare(word.confidence), formatShare(rule.from)];
  return `${word.agent} is ${said} sure, ${asked} asked of it`;
}

/** The agent's word that counts now; null where none does. */
export function countingWord(policy: Policy, { agent, signals }: Heard): AgentWord | null {
  if (agent === undefined || agent.unanswered === true || whyDeaf(policy, agent) !== null)
    return null;
  if (ruleOf(policy, agent.agent)!.needsEvidence && !signals.some(accuses)) return null;
  return agent;
}

/** Must a person agree to this word before anything is done? */
export function needsPerson(policy: Policy, { agent, confidence, asksOnly }: AgentWord): boolean {
  if (asksOnly === true) return true;
  const aloneFrom = ruleOf(policy, agent)?.aloneFrom ?? null;
  return aloneFrom === null || confidence < aloneFrom;
}

/**
 * The state in which the agent's word counts no more, because no answer came. It is watched on: an
 * agent that speaks early and is not believed must not end the watch of our own detectors.
 */
export function unheard(state: DeploymentState): DeploymentState {
  return changed(state, { agent: { ...state.agent!, unanswered: true } });
}

/** As a reason says it. */
export function wordText({ agent, confidence, rationale }: AgentWord): string {
  const why = rationale === null ? "" : `: ${rationale}`;
  return `${agent} is ${formatShare(confidence)} sure that it should be rolled back${why}`;
}

function ruleOf({ agents }: Policy, agent: string): AgentRule | undefined {
  return agents?.find(({ name }) => name === agent);
}
