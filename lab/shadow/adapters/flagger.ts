/**
 * Flagger: webhooks of a Canary (pkg/controller/webhook.go). Flagger reads only the status: up to
 * 202 is a yes, anything above is a no. For the `rollback` hook a yes rolls back, so every fault
 * must be a no there.
 */

import { z } from "zod";
import { own } from "../../../engine/index.ts";
import { Refusal } from "../../server/problems.ts";
import type { Answer } from "../http/deliveries.ts";
import { BODIES, INPUTS } from "../http/bodies.ts";
import {
  admit,
  announceOnce,
  answer,
  readBody,
  standingOf,
  type Adapter,
  type AdapterParts,
} from "./adapter.ts";
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
      hook("confirm-promotion", (given) => Promise.resolve(decide(parts, given, "healthy"))),
      hook("rollback", (given) => Promise.resolve(decide(parts, given, "regression"))),
      hook("post-rollout", (given) => end(parts, given)),
    ];
  },
};

/** A canary keeps its name; its checksum changes with every new revision. */
const idOf = ({ namespace, name, checksum }: Payload): string => `${namespace}/${name}@${checksum}`;

/** Announces the deployment. Under a halt it does not begin: Flagger waits and asks again. */
async function begin(parts: AdapterParts, given: Payload, by: string): Promise<Answer> {
  if (parts.host.status().halted) throw new Refusal("conflict", "Every machine is halted.");
  const { name, namespace, metadata, checksum } = given;
  const { service = own(parts.config.names, `${namespace}/${name}`) ?? name, ...about } = metadata;
  const deploymentId = idOf(given);
  const body = BODIES.deployments.parse({ deploymentId, service, version: checksum, ...about });
  await announceOnce(parts, by, body);
  return answer(200, { accepted: true, deploymentId });
}

/** 200 where the verdict is the one that this hook is a yes to; else 409 with the reason. */
function decide(parts: AdapterParts, given: Payload, yes: Verdict["verdict"]): Answer {
  const deploymentId = idOf(given);
  const { orders, host } = parts;
  const standing = standingOf(parts, deploymentId);
  const said = verdictOf(standing, host.status(), orders.has(deploymentId));
  if (said.verdict !== yes) throw new Refusal("conflict", `${said.verdict}: ${said.reason}`);
  if (yes === "regression") orders.tell(KIND, deploymentId);
  return answer(200, { ...said, deploymentId });
}

/** A rollout that failed is the end of a rollback, if one was ordered here. */
async function end(parts: AdapterParts, given: Payload): Promise<Answer> {
  const deploymentId = idOf(given);
  const { phase } = standingOf(parts, deploymentId);
  const isOurs = phase.name === "rollingBack" && parts.orders.has(deploymentId);
  if (given.phase !== "Failed" || !isOurs) {
    return answer(200, { accepted: false, reason: "no rollback of it is under way" });
  }
  const detail = "Flagger rolled the canary back";
  const { accepted, reason } = await parts.host.tell(
    INPUTS.rollback({ deploymentId, succeeded: true, detail }),
  );
  return answer(200, { accepted, reason });
}
