/**
 * What the sender of a token may do. A token stands in manifests and URLs that many people read, so
 * a token starts watches and asks for verdicts, of its services alone. It answers no question of
 * people, ends no rollback of another tool, and gives no evidence on which GitHub approves.
 */

import { own } from "../../../engine/index.ts";
import { Refusal, type ProblemKind } from "../../server/problems.ts";
import type { DeliveryKind } from "../config/shadowFile.ts";
import type { Standing } from "../contract.ts";
import type { Body } from "./bodies.ts";
import type { Inbox } from "./inbox.ts";

/** As GitHub's own webhooks name a deployment: `github/OWNER/REPOSITORY/NUMBER`. */
export function isOfGithub(deploymentId: string): boolean {
  return /^github\/[\w.-]+\/[\w.-]+\/\d+$/.test(deploymentId);
}

type Announced = Pick<Body<"deployments">, "deploymentId" | "service" | "environment">;
type Rights = Pick<Inbox, "config" | "host" | "refusals">;

/** @throws Refusal where this sender may not announce the deployment, or not now; it is recorded */
export async function checkAnnounced(
  given: Rights,
  by: string,
  { deploymentId, service, environment }: Announced,
): Promise<void> {
  await checkService(given, by, service);
  if (own(given.config.senders, by)?.token === undefined) return;
  if (isOfGithub(deploymentId)) {
    const why = `${deploymentId} is an ID of GitHub's: only a sender that signs may announce it`;
    throw await refused(given, by, "notAllowed", "forbidden", why);
  }
  const { open } = given.host.status();
  const asked = open.filter(({ phase }) => phase === "proposed");
  // A new deployment ends the question about the one before it, which only people may do.
  const question = given.host.standing(
    (one) =>
      one.service === service &&
      one.environment === environment &&
      one.deploymentId !== deploymentId &&
      asked.some((watch) => watch.deploymentId === one.deploymentId),
  );
  if (question === null) return;
  const about = question.deployment.deploymentId;
  const why = `people are asked about ${about}: announce ${deploymentId} again after the answer`;
  throw await refused(given, by, "questionOpen", "conflict", why);
}

/** @throws Refusal where `services` of this sender does not have the service; it is recorded */
export async function checkService(given: Rights, by: string, service: string): Promise<void> {
  const services = own(given.config.senders, by)?.services;
  if (services === undefined || services.includes(service)) return;
  const why = `${service} is not in senders.${by}.services of shadow.yaml`;
  throw await refused(given, by, "notAllowed", "forbidden", why);
}

/**
 * The end of a rollback counts only from the tool that rolls back, or with `may: [rollbacks]`.
 *
 * @throws Refusal where this sender may not report it; it is recorded
 */
export async function checkEnd(
  given: Rights,
  by: string,
  tool: DeliveryKind,
  { deployment: { service } }: Standing,
): Promise<void> {
  await checkService(given, by, service);
  const { platform, senders } = given.config;
  if (platform?.askedBy === tool || own(senders, by)?.may.includes("rollbacks") === true) return;
  const why =
    `${by} may not report the end of a rollback: give it \`rollbacks\` in \`may\`, or set ` +
    "`platform.askedBy` to the tool that rolls back";
  throw await refused(given, by, "notAllowed", "forbidden", why);
}

async function refused(
  { refusals }: Rights,
  by: string,
  kind: string,
  problem: ProblemKind,
  why: string,
): Promise<Refusal> {
  await refusals.add({ deploymentId: null, by, what: "webhook with a token", kind, why });
  return new Refusal(problem, why);
}
