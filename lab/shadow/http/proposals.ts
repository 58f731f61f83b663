/**
 * Reads what agents propose. An agent speaks as itself alone, of the services of its sender, and of
 * deployments that this host knows. What its word is worth is the policy's business: see
 * engine/decide/agent.ts.
 */

import type { HostInput, Standing } from "../contract.ts";
import { Refusal, type ProblemKind } from "../../server/problems.ts";
import { BODIES, INPUTS, type Body } from "./bodies.ts";
import type { Inbox } from "./inbox.ts";
import { parseBody } from "./parse.ts";
import type { From } from "./sender.ts";
import { checkService } from "./tokens.ts";

/**
 * What a proposal is remembered by, instead of by its delivery: an agent that lost the answer may
 * propose again in a new delivery. No header can hold a line break, so no delivery has this key.
 */
export function proposalKey(body: unknown): string {
  const { agent, proposalId } = parseBody(BODIES.proposals, body);
  return `\n${JSON.stringify([agent, proposalId])}`;
}

/** @throws Refusal where this sender may not propose it, or the deployment is unknown */
export async function readProposal(
  given: Pick<Inbox, "config" | "host" | "refusals">,
  { name, sender }: From,
  body: unknown,
): Promise<HostInput> {
  const parsed = parseBody(BODIES.proposals, body);
  const refused = async (kind: string, problem: ProblemKind, why: string): Promise<Refusal> => {
    await given.refusals.add({ deploymentId: null, by: name, what: "proposal", kind, why });
    return new Refusal(problem, why);
  };
  if (sender.as !== undefined && sender.as !== parsed.agent) {
    const why = `${name} speaks as ${sender.as} only, not as ${parsed.agent}`;
    throw await refused("notEntitled", "forbidden", why);
  }
  const standing = standingOf(given, parsed);
  if (standing === null) {
    throw await refused("unknownDeployment", "unprocessable", whyUnknown(parsed));
  }
  const { deploymentId, service } = standing.deployment;
  await checkService(given, name, service);
  return INPUTS.proposal(parsed, deploymentId, sender.token !== undefined);
}

function standingOf(
  { host }: Pick<Inbox, "host">,
  { deploymentId, service, environment = "production" }: Body<"proposals">,
): Standing | null {
  return host.standing((one) =>
    deploymentId === undefined
      ? one.service === service && one.environment === environment
      : one.deploymentId === deploymentId,
  );
}

function whyUnknown({ deploymentId, service, environment }: Body<"proposals">): string {
  const about =
    deploymentId === undefined
      ? `no deployment of ${service} in ${environment ?? "production"}`
      : `no deployment ${deploymentId}`;
  return (
    `this host knows ${about}, or it ended more than a day ago: announce a deployment ` +
    "(/v1/deployments) first, then send the proposal again"
  );
}
