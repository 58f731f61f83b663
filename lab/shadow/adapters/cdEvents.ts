/**
 * CDEvents (cdevents.dev) about services: what was deployed or upgraded begins a watch, and what
 * was rolled back ends a rollback that was ordered here. As a CloudEvent in binary mode the event
 * is the body, in structured mode it is the body's `data`.
 */

import { z } from "zod";
import { own } from "../../../engine/index.ts";
import { isFields } from "../../jsonBody.ts";
import { Refusal } from "../../server/problems.ts";
import { BODIES, INPUTS } from "../http/bodies.ts";
import { parseBody, parseJson } from "../http/parse.ts";
import type { Answer } from "../http/deliveries.ts";
import { contentId } from "../http/signature.ts";
import {
  admit,
  announceOnce,
  answer,
  type Adapter,
  type AdapterParts,
  type AdapterRequest,
} from "./adapter.ts";
import { checkEnd } from "../http/tokens.ts";

/** The version of CDEvents that we send, and its event of a rollback. */
export const SPEC = "0.5.0";
export const ROLLED_BACK = "dev.cdevents.service.rolledback.0.3.0";

const KIND = "cdevents";
const word = z.string().min(1).max(200);
/** Together they are the name of a deployment, which has at most 200 characters everywhere. */
const part = z.string().min(1).max(90);
const eventSchema = z.object({
  context: z.object({ id: part, source: part, type: word, timestamp: BODIES.stages.shape.at }),
  subject: z.object({
    id: word,
    content: z.object({
      environment: z.object({ id: word }),
      artifactId: word.nullable().default(null),
    }),
  }),
});
type CdEvent = z.output<typeof eventSchema>;

export const cdEvents: Adapter = {
  kind: KIND,
  routes: (parts) => [
    { method: "POST", path: "/v1/cdevents", receive: (request) => receive(parts, request) },
  ],
};

async function receive(parts: AdapterParts, request: AdapterRequest): Promise<Answer> {
  const deliveries = parts.deliveries();
  const by = await admit(parts, KIND, request);
  const body = parseJson(request.body);
  const event = isFields(body) && isFields(body["data"]) ? body["data"] : body;
  const type = isFields(event) && isFields(event["context"]) ? event["context"]["type"] : null;
  const predicate = typeOf(type);
  if (predicate === null) {
    return answer(200, { accepted: false, reason: "only events of services are for us" });
  }
  const read = parseBody(eventSchema, event);
  const { source, id } = read.context;
  // Source and ID name an event; another one under the same name is refused.
  const given = await deliveries.once(
    `${by}/${JSON.stringify([source, id])}`,
    contentId(request.body),
    () => (predicate === "rolledback" ? ended(parts, read, by) : begun(parts, read, by)),
  );
  if (given !== null) return given;
  throw new Refusal("conflict", `event ${id} of ${source} came before with other content`);
}

/** `dev.cdevents.service.deployed.0.2.0` → `deployed`. */
function typeOf(type: unknown): "deployed" | "upgraded" | "rolledback" | null {
  if (typeof type !== "string") return null;
  const [, predicate] =
    /^dev\.cdevents\.service\.(deployed|upgraded|rolledback)\./.exec(type) ?? [];
  return (predicate ?? null) as ReturnType<typeof typeOf>;
}

/** Of `/namespace/shop` the last part, unless `names` says which service it is. */
const serviceOf = ({ config }: AdapterParts, { subject: { id } }: CdEvent): string =>
  own(config.names, id) ?? (id.slice(id.lastIndexOf("/") + 1) || id);

async function begun(parts: AdapterParts, event: CdEvent, by: string): Promise<Answer> {
  const { context, subject } = event;
  const { environment, artifactId } = subject.content;
  const deploymentId = `cdevents/${context.source}/${context.id}`;
  const body = {
    ...{ deploymentId, service: serviceOf(parts, event), environment: environment.id },
    ...{ kind: "code" as const, startedAt: context.timestamp, version: artifactId, author: null },
  };
  await announceOnce(parts, by, body);
  return answer(200, { accepted: true, deploymentId });
}

async function ended(parts: AdapterParts, event: CdEvent, by: string): Promise<Answer> {
  const service = serviceOf(parts, event);
  const environment = event.subject.content.environment.id;
  const { open } = parts.host.status();
  const underWay = open.filter(({ phase }) => phase === "rollingBack");
  // Not the newest deployment: the rollback itself may have been announced as one.
  const standing = parts.host.standing(
    (one) =>
      one.service === service &&
      one.environment === environment &&
      parts.orders.has(one.deploymentId) &&
      underWay.some(({ deploymentId }) => deploymentId === one.deploymentId),
  );
  if (standing === null) {
    return answer(200, { accepted: false, reason: "no rollback of it is under way" });
  }
  await checkEnd(parts, by, KIND, standing);
  const { deploymentId } = standing.deployment;
  const detail = `${event.context.source} rolled it back`;
  const input = INPUTS.rollback({ deploymentId, succeeded: true, detail });
  const { accepted, reason } = await parts.host.tell(input);
  return answer(200, { accepted, reason });
}
