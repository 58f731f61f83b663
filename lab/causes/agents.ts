/** What the agents that a policy listens to did about a regression that it missed. Pure. */

import type { Policy } from "../../engine/index.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import { heardOf } from "../replay/words.ts";
import type { Cause } from "./causes.ts";

/** What agents did about a miss: the further their word got, the earlier in this list. */
export const AGENT_CAUSES = [
  /** Its word counted; why it was missed all the same is the cause of the miss. */
  "asked",
  /** It was sure enough, and spoke when it was not watched yet or no more, or was decided. */
  "notWatched",
  /** It was sure enough, and no signal of ours spoke against the deployment as well. */
  "noEvidence",
  /** It was less sure than the policy asks of it. */
  "belowFrom",
  /** Only an agent that the policy does not name proposed it. */
  "notNamed",
  /** None had proposed it when history rolled it back. */
  "hidden",
  /** None proposed it. */
  "silent",
] as const;
export type AgentCause = (typeof AGENT_CAUSES)[number];

/** What agents did about a miss of a policy. */
export function agentsAtMiss(
  outcome: Outcome,
  policy: Policy,
  planned: PlannedDeployment,
): Cause<AgentCause> {
  const { agents = [] } = policy;
  if (outcome.agent !== null) return { cause: "asked", by: outcome.agent.name };
  const watchedToMs = outcome.startedAtMs + policy.watchMs;
  const overMs = Math.min(watchedToMs, outcome.proposedAtMs ?? Number.POSITIVE_INFINITY);
  const backMs = planned.rolledBackAtMs ?? Number.POSITIVE_INFINITY;
  const heard = new Set(heardOf(planned).filter(({ atMs }) => atMs <= overMs));
  let best: Cause<AgentCause> | null = null;
  for (const word of planned.words ?? []) {
    const rule = agents.find(({ name }) => name === word.agent);
    // Such a word is about the old version.
    if (word.atMs > backMs) continue;
    let cause: AgentCause = "noEvidence";
    if (rule === undefined) cause = "notNamed";
    else if (word.confidence < rule.from) cause = "belowFrom";
    else if (!heard.has(word) || !rule.needsEvidence) cause = "notWatched";
    if (best === null || isFurther(cause, best.cause)) best = { cause, by: word.agent };
  }
  return best ?? { cause: backMs < watchedToMs ? "hidden" : "silent", by: null };
}

function isFurther(one: AgentCause, other: AgentCause): boolean {
  return AGENT_CAUSES.indexOf(one) < AGENT_CAUSES.indexOf(other);
}
