/**
 * What an adapter is: the routes of one tool, which the host has only if shadow.yaml names the
 * tool. An adapter translates. It decides nothing, and every refusal of it is a status that is not
 * 2xx, because a tool may take 2xx for a yes.
 */

import type { JsonObject } from "../../../engine/index.ts";
import type { z } from "zod";
import { Refusal } from "../../server/problems.ts";
import type { DeliveryKind } from "../config/shadowFile.ts";
import type { Standing } from "../contract.ts";
import { whyUnknownService, type Inbox } from "../http/inbox.ts";
import { parseBody, parseJson } from "../http/parse.ts";
import type { Answer } from "../http/deliveries.ts";
import { isSame } from "../http/signature.ts";
import { INPUTS, type Body } from "../http/bodies.ts";
import type { Protection } from "./github/protection.ts";
import type { Judging } from "./kayenta/pair.ts";
import type { Orders } from "./orders.ts";
import { checkAnnounced, checkService } from "../http/tokens.ts";

export interface AdapterParts extends Inbox {
  readonly orders: Orders;
  /** Throws while the host stands by, and where shadow.yaml has no `github`. */
  readonly protection: () => Protection;
  /** What a judge of pairs goes by. Throws while the host stands by. */
  readonly judging: () => Judging;
}

export interface AdapterRequest {
  readonly headers: JsonObject<string | string[] | undefined>;
  readonly query: unknown;
  readonly body: Buffer;
}

export interface AdapterRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly receive: (request: AdapterRequest) => Promise<Answer>;
}

export interface Adapter {
  /** The kind of delivery that a sender must be allowed to send. */
  readonly kind: DeliveryKind;
  readonly routes: (parts: AdapterParts) => readonly AdapterRoute[];
}

/**
 * The sender whose token a request has, as `Bearer TOKEN` or as the password of `Basic`, which is
 * what a URL with a password sends.
 *
 * @throws Refusal where no sender of this kind has the token
 */
export async function admit(
  { config, refusals }: AdapterParts,
  kind: DeliveryKind,
  { headers }: AdapterRequest,
): Promise<string> {
  const given = tokenIn(headers["authorization"]);
  const senders = Object.entries(config.senders).filter(([, { may }]) => may.includes(kind));
  if (given !== null) {
    // Every token is compared, so that the time tells nothing about which one is near.
    const [found] = senders.filter(([, { token }]) => token !== undefined && isSame(given, token));
    if (found !== undefined) return found[0];
  }
  const fault = given === null ? "unsigned" : "wrongToken";
  const why =
    given === null
      ? "the request is refused: it has no token"
      : "the request is refused: its token does not match";
  const by = senders[0]?.[0] ?? null;
  await refusals.add({ deploymentId: null, by, what: `webhook for ${kind}`, kind: fault, why });
  throw new Refusal(given === null ? "unauthorized" : "bad-token", why);
}

function tokenIn(header: string | string[] | undefined): string | null {
  if (typeof header !== "string") return null;
  const [, scheme, value] = /^(bearer|basic) +(.+)$/i.exec(header) ?? [];
  if (scheme === undefined) return null;
  if (scheme.toLowerCase() === "bearer") return value!;
  const decoded = Buffer.from(value!, "base64").toString("utf8");
  return decoded.slice(decoded.indexOf(":") + 1);
}

/** The body as its schema reads it. @throws Refusal naming the field that does not fit */
export function readBody<Schema extends z.ZodType>(
  schema: Schema,
  { body }: AdapterRequest,
): z.output<Schema> {
  return parseBody(schema, parseJson(body));
}

/** @throws Refusal where the deployment is unknown: a tool must not take that for any verdict */
export function standingOf({ host }: AdapterParts, deploymentId: string): Standing {
  const standing = host.standing((deployment) => deployment.deploymentId === deploymentId);
  if (standing !== null) return standing;
  throw new Refusal("not-found", `This host watches no deployment ${deploymentId}.`);
}

/**
 * Announces a deployment unless the host knows it already, so that a tool may do so each time it
 * asks. A verdict is about one version in one environment, so another one is refused.
 *
 * @throws Refusal where the service is unknown, the ID is another deployment's, the sender may not
 *   announce it, or the host refuses the deployment
 */
export async function announceOnce(
  parts: AdapterParts,
  by: string,
  body: Body<"deployments">,
): Promise<void> {
  const { deploymentId, service } = body;
  await checkService(parts, by, service);
  const known = parts.host.standing((deployment) => deployment.deploymentId === deploymentId);
  if (known !== null) {
    const other = (["service", "environment", "version"] as const).find(
      (field) => known.deployment[field] !== body[field],
    );
    if (other === undefined) return;
    const was = known.deployment[other] ?? "not given";
    const found = `${deploymentId} is known with another ${other}: ${was}.`;
    throw new Refusal("conflict", `${found} Give this deployment an ID of its own.`);
  }
  await checkAnnounced(parts, by, body);
  const input = INPUTS.deployment(body);
  const why = whyUnknownService(parts, [input]);
  if (why !== null) {
    const refused = { by, what: "webhook for deployments", kind: "unknownService", why };
    await parts.refusals.add({ deploymentId: null, ...refused });
    throw new Refusal("unprocessable", why);
  }
  const { accepted, reason } = await parts.host.tell(input);
  // Of two requests at the same time, the second is refused: the first one has started it.
  if (!accepted && parts.host.standing((one) => one.deploymentId === deploymentId) === null) {
    throw new Refusal("conflict", reason);
  }
}

export function answer(status: number, document: object): Answer {
  return { status, body: JSON.stringify(document) };
}
