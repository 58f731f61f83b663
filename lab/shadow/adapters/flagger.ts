/**
 * Flagger: webhooks of a Canary (pkg/controller/webhook.go). Flagger reads only the status: up to
 * 202 is a yes, anything above is a no. For the `rollback` hook a yes rolls back, so every fault
 * must be a no there.
 *
 * A checksum that is tried again is another attempt. It gets a watch and an ID of its own, so that
 * the verdict of the attempt before never counts for it.
 */

import { z } from "zod";
import { own } from "../../../engine/index.ts";
import { Refusal } from "../../server/problems.ts";
import type { Standing } from "../contract.ts";
import { parseBody } from "../http/parse.ts";
import type { Answer } from "../http/deliveries.ts";
import { BODIES, INPUTS } from "../http/bodies.ts";
import {
  admit,
  announceOnce,
  answer,
  readBody,
  type Adapter,
  type AdapterParts,
} from "./adapter.ts";
import { checkEnd, checkService } from "../http/tokens.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

const KIND = "flagger";
const { service, environment, kind } = BODIES.deployments.shape;
const word = z.string().min(1).max(100);

/** Flagger adds fields of its own from version to version, and people add metadata. */
const payload = z.object({
  name: word,
  namespace: word,
  phase: word,
  checksum: word,
  metadata: z
    .object({ service: service.optional(), environment, kind })
    .prefault({})
    .nullable()
    .transform((given) => given ?? { service: undefined, environment: undefined, kind: undefined }),
});
type Payload = z.output<typeof payload>;

export const flagger: Adapter = {
  kind: KIND,
  routes: (parts) => {
    const hook = (name: string, receive: (given: Payload, by: string) => Promise<Answer>) => ({
      method: "POST" as const,
      path: `/v1/flagger/${name}`,
      receive: async (request: Parameters<typeof readBody>[1]) => {
        const by = await admit(parts, KIND, request);
        return receive(readBody(payload, request), by);
      },
    });
    return [
      hook("confirm-rollout", (given, by) => begin(parts, given, by)),
      hook("confirm-promotion", (given, by) => decide(parts, given, by, "healthy")),
      hook("rollback", (given, by) => rollBack(parts, given, by)),
      hook("post-rollout", (given, by) => end(parts, given, by)),
    ];
  },
};

/** A canary keeps its name; its checksum changes with every new revision. */
const revisionOf = ({ namespace, name, checksum }: Payload): string =>
  `${namespace}/${name}@${checksum}`;

/** The newest attempt at this revision that the host knows. */
function latest({ host }: AdapterParts, given: Payload): Standing | null {
  const revision = revisionOf(given);
  return host.standing(({ deploymentId }) => attemptOf(revision, deploymentId) !== null);
}

/** 1 is the revision itself, 2 is `revision#2`. Null: of another revision. */
function attemptOf(revision: string, deploymentId: string): number | null {
  if (deploymentId === revision) return 1;
  if (!deploymentId.startsWith(`${revision}#`)) return null;
  const rest = deploymentId.slice(revision.length + 1);
  return /^[1-9]\d{0,5}$/.test(rest) ? Number(rest) : null;
}

/** @throws Refusal where the revision is unknown: Flagger must not take that for any verdict */
function latestOf(parts: AdapterParts, given: Payload): Standing {
  const standing = latest(parts, given);
  if (standing !== null) return standing;
  throw new Refusal("not-found", `This host watches no deployment ${revisionOf(given)}.`);
}

/** Announces the deployment. Under a halt it does not begin: Flagger waits and asks again. */
async function begin(parts: AdapterParts, given: Payload, by: string): Promise<Answer> {
  if (parts.host.status().halted) throw new Refusal("conflict", "Every machine is halted.");
  const { name, namespace, metadata, checksum } = given;
  const { service = own(parts.config.names, `${namespace}/${name}`) ?? name, ...about } = metadata;
  const revision = revisionOf(given);
  const before = latest(parts, given);
  const isRetried = before?.phase.name === "ended";
  const deploymentId = isRetried
    ? `${revision}#${attemptOf(revision, before.deployment.deploymentId)! + 1}`
    : (before?.deployment.deploymentId ?? revision);
  const body = parseBody(BODIES.deployments, {
    deploymentId,
    service,
    version: checksum,
    ...about,
  });
  await announceOnce(parts, by, body);
  return answer(200, { accepted: true, deploymentId });
}

/**
 * Flagger asks nothing at the start of a revision that came during an analysis, so the first
 * `rollback` hook of it begins its watch. The answer to that hook is no.
 */
async function rollBack(parts: AdapterParts, given: Payload, by: string): Promise<Answer> {
  if (latest(parts, given) !== null) return decide(parts, given, by, "regression");
  await begin(parts, given, by);
  throw new Refusal("conflict", "undecided: its watch begins now");
}

/** 200 where the verdict is the one that this hook is a yes to; else 409 with the reason. */
async function decide(
  parts: AdapterParts,
  given: Payload,
  by: string,
  yes: Verdict["verdict"],
): Promise<Answer> {
  const { orders, host } = parts;
  const standing = latestOf(parts, given);
  const { deploymentId, service } = standing.deployment;
  await checkService(parts, by, service);
  const said = verdictOf(standing, host.status(), orders.has(deploymentId));
  if (said.verdict !== yes) throw new Refusal("conflict", `${said.verdict}: ${said.reason}`);
  if (yes === "regression") orders.tell(KIND, deploymentId);
  return answer(200, { ...said, deploymentId });
}

/** A rollout that failed is the end of a rollback, if one was ordered here. */
async function end(parts: AdapterParts, given: Payload, by: string): Promise<Answer> {
  const standing = latestOf(parts, given);
  const { deploymentId } = standing.deployment;
  const isOurs = standing.phase.name === "rollingBack" && parts.orders.has(deploymentId);
  if (given.phase !== "Failed" || !isOurs) {
    return answer(200, { accepted: false, reason: "no rollback of it is under way" });
  }
  await checkEnd(parts, by, KIND, standing);
  const detail = "Flagger rolled the canary back";
  const { accepted, reason } = await parts.host.tell(
    INPUTS.rollback({ deploymentId, succeeded: true, detail }),
  );
  return answer(200, { accepted, reason });
}
