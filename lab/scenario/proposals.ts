/**
 * Proposals of AI agents in a scenario, as events for the engine. What a proposal is worth, the
 * policy's `agents:` say; the engine judges it as in a replay.
 */

import { formatTime, type AgentProposed, type Event } from "../../engine/index.ts";
import { nearest } from "../sweep/paths.ts";
import { clockText, timeOf } from "./clock.ts";
import type { Path } from "./expectation.ts";
import { confidenceOf, type ProposalForm, type ScenarioForm } from "./form.ts";

/** The proposal, and the answer of a person where one is written. */
export function proposalEvents(
  { answered, confidence, ...written }: ProposalForm,
  atMs: number,
  mainId: string,
  time: (text: string) => number,
): readonly Event[] {
  const { agent, rationale, deploymentId = mainId } = written;
  const { proposalId = `${agent}@${formatTime(atMs)}` } = written;
  const proposed: AgentProposed = {
    ...{ kind: "agentProposed", atMs, knownAtMs: atMs, deploymentId },
    ...{ proposalId, agent, confidence: confidenceOf(confidence)!, rationale },
  };
  if (answered === undefined) return [proposed];
  const { at, by, answer } = answered;
  const about = { atMs: time(at), knownAtMs: time(at), deploymentId, by };
  if (answer === "accepted") return [proposed, { kind: "approvalGiven", ...about }];
  const justification = `rejected what ${agent} proposed`;
  return [proposed, { kind: "overrideGiven", ...about, justification }];
}

/**
 * Proposals that no machine could have placed: about a deployment that is not in the scenario, or
 * from before it was known. The import of a history leaves such proposals out.
 */
export function misplacedProposals(form: ScenarioForm): { path: Path; message: string }[] {
  if (form.startsAt === undefined || form.deployment === undefined) return [];
  const startsAtMs = Date.parse(form.startsAt);
  const time = (text: string): number => timeOf(text, startsAtMs);
  const { events = [], deployment: main } = form;
  const known = knownFrom(form, time);
  return events.flatMap(({ at, proposal }, index) => {
    if (proposal === undefined) return [];
    const path = ["events", index, "proposal"];
    const { deploymentId = main.deploymentId, answered } = proposal;
    const issues: { path: Path; message: string }[] = [];
    const fromMs = known.get(deploymentId);
    if (fromMs === undefined) {
      const near = nearest(deploymentId, [...known.keys()]);
      const cure =
        near === null
          ? `Deployments here: ${[...known.keys()].join(", ")}.`
          : `Did you mean \`${near}\`?`;
      const message = `there is no deployment ${deploymentId} in this scenario|${cure}`;
      issues.push({ path: [...path, "deploymentId"], message });
    } else if (time(at) < fromMs) {
      const cure = `Write ${clockText(fromMs, startsAtMs)} or later.`;
      const message = `proposed before ${deploymentId} was known|${cure}`;
      issues.push({ path: ["events", index, "at"], message });
    }
    if (answered !== undefined && time(answered.at) < time(at)) {
      const message = `answered before it was proposed, ${at}|Write ${at} or later.`;
      issues.push({ path: [...path, "answered", "at"], message });
    }
    return issues;
  });
}

/** From when each deployment of a scenario is known, by its id. */
function knownFrom(
  { deployment: main, events = [] }: ScenarioForm,
  time: (text: string) => number,
): ReadonlyMap<string, number> {
  const known = new Map<string, number>();
  const add = (id: string, atMs: number, startedAtMs: number): void => {
    const fromMs = Math.max(atMs, startedAtMs);
    known.set(id, Math.min(fromMs, known.get(id) ?? Number.POSITIVE_INFINITY));
  };
  const { deploymentId, startedAt, knownAt = startedAt } = main!;
  add(deploymentId, time(knownAt), time(startedAt));
  for (const { at, deployment } of events) {
    if (deployment === undefined) continue;
    const { deploymentId: id = deploymentId, startedAt: from = at } = deployment;
    add(id, time(at), time(from));
  }
  return known;
}
