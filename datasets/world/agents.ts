/**
 * An agent that watches deployments and proposes rollbacks, with a precision, a recall and an
 * overconfidence that are known because they were put in.
 *
 * How likely a proposal is to be right is drawn evenly over a range around the precision, and
 * whether it is right follows that: so the agent would be calibrated. What it says is more: it
 * leaves out a share of its own doubt.
 *
 * Law: proposals are drawn from the truth, never the other way round; dropping them all leaves
 * every sample as it was. Biases: the agent speaks once of a deployment and never changes its
 * mind, and neither it nor the people who answer learn anything.
 */

import type { ProposalRow } from "../../lab/history/tables.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import type { WorldDeployment } from "./deployments.ts";
import { MINUTE_MS, type World } from "./world.ts";

/** The proposals about these deployments; none in a world without an agent. */
export function proposalsOf(
  world: World,
  deployments: readonly WorldDeployment[],
): readonly ProposalRow[] {
  return deployments.flatMap((one) => proposalOf(world, one) ?? []);
}

function proposalOf(world: World, deployment: WorldDeployment): ProposalRow | null {
  const { agent, deployments } = world.spec;
  if (agent === undefined) return null;
  const { deploymentId, startedAtMs, onsetAtMs, label } = deployment;
  const random = randomStream(world.seed, "agent", deploymentId);
  const isRight = label === "regression";
  const { failureRate } = deployments;
  const { precision, recall } = agent;
  // Of n deployments n·rate·recall are found, and these are to be the precision of all proposals.
  const wrongly = (failureRate * recall * (1 - precision)) / (precision * (1 - failureRate));
  if (!random.chance(isRight ? recall : Math.min(1, wrongly))) return null;
  const fromMs = isRight && onsetAtMs !== null ? onsetAtMs : startedAtMs;
  const lateMs = random.between(1, isRight ? 6 : 40) * MINUTE_MS;
  const proposedAtMs = Math.round((fromMs + lateMs) / 1000) * 1000;
  const likely = drawLikelihood(agent, isRight, random.next());
  const said = likely + agent.overconfidence * (1 - likely);
  const accepts = random.chance(isRight ? agent.acceptsRight : agent.acceptsWrong);
  return {
    proposalId: `${agent.name}-${deploymentId}`,
    deploymentId,
    agent: agent.name,
    action: "rollback",
    confidence: Math.round(Math.min(0.999, said) * 1000) / 1000,
    rationale: rationaleOf(random),
    proposedAtMs,
    answeredBy: "on-call",
    answer: accepts ? "accepted" : "rejected",
    answeredAtMs: proposedAtMs + Math.round(random.betweenLog(0.5, 8) * 60) * 1000,
  };
}

/**
 * How likely the proposal is to be right, given whether it is. Drawn evenly before that is known,
 * it has a density in proportion to itself among the right ones, and to its complement among the
 * rest.
 */
function drawLikelihood(
  { precision, spread }: NonNullable<World["spec"]["agent"]>,
  isRight: boolean,
  uniform: number,
): number {
  const half = spread * Math.min(precision, 1 - precision);
  const [low, high] = [precision - half, precision + half];
  if (isRight) return Math.sqrt(low ** 2 + uniform * (high ** 2 - low ** 2));
  return 1 - Math.sqrt((1 - low) ** 2 - uniform * ((1 - low) ** 2 - (1 - high) ** 2));
}

const RATIONALES = [
  "errors rose soon after the rollout began",
  "latency left its usual range after the change",
  "the logs show new exceptions in the changed module",
];

function rationaleOf(random: RandomStream): string {
  return random.pick(RATIONALES);
}
