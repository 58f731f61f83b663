/**
 * Receives deliveries, one route for each kind. Checks in this order: who sent it, may they send
 * this kind, was it answered before, is it well formed, may the person do this. The host writes
 * every refusal into the decision log.
 */

import type { z } from "zod";
import type { Clock, Receipt, Host, HostInput } from "../contract.ts";
import {
  BY_TOKEN,
  type DeliveryKind,
  type Deed,
  type Sender,
  type ShadowFile,
} from "../config/shadowFile.ts";
import type { ServiceRow } from "../../history/tables.ts";
import { problemDocument, Refusal, type ProblemKind } from "../../server/problems.ts";
import { nearestNames } from "../../explain/nearest.ts";
import { orAttributes } from "./attributes.ts";
import { BODIES, INPUTS } from "./bodies.ts";
import type { Answer, Deliveries } from "./deliveries.ts";
import { isGiven, whyNotEntitled } from "./entitlement.ts";
import { argocdReader, githubReader, type ForeignReader } from "./foreign.ts";
import { parseBody, parseJson } from "./parse.ts";
import { proposalKey, readProposal } from "./proposals.ts";
import type { Refusals, Refused } from "./refusals.ts";
import { proveSender, type From, type Headers } from "./sender.ts";
import { contentId } from "./signature.ts";
import { checkAnnounced } from "./tokens.ts";

export interface Inbox {
  readonly host: Host;
  readonly config: Pick<
    ShadowFile,
    | "senders"
    | "groups"
    | "entitled"
    | "window"
    | "names"
    | "unknownServices"
    | "slack"
    | "platform"
  >;
  readonly services: readonly ServiceRow[];
  readonly clock: Clock;
  /** Throws while the host stands by: the file belongs to the host that holds the lease. */
  readonly deliveries: () => Deliveries;
  readonly refusals: Refusals;
}

type Receive = (headers: Headers, body: Buffer) => Promise<Answer>;

/** What a person asks for. The person needs an entitlement, besides the sender's permission. */
interface Asked {
  readonly deed: Deed;
  readonly by: string;
  /** Null: the whole fleet. */
  readonly deploymentId: string | null;
}

interface ReadBody {
  readonly inputs: readonly HostInput[];
  /** Null where no person decides anything. */
  readonly asked: Asked | null;
  /** To be called where the inputs are refused: sent again, they are news again. */
  readonly forget?: () => void;
}

interface Route {
  readonly path: string;
  readonly kind: DeliveryKind;
  /** The inputs in a body, and what a person asks for with it. */
  readonly read: (body: unknown, nowMs: number, from: From) => ReadBody | Promise<ReadBody>;
  /** What its answer is remembered by; absent: the delivery. */
  readonly keyOf?: (body: unknown) => string;
}

const REFUSED: ReadonlyMap<string, ProblemKind> = new Map([
  ["reused", "conflict"],
  ["unknownService", "unprocessable"],
]);

export function inbox(given: Inbox): readonly (readonly [string, Receive])[] {
  return routesOf(given).map((route) => [
    route.path,
    (headers, body) => receive(given, route, headers, body),
  ]);
}

function routesOf(given: Inbox): readonly Route[] {
  const { config } = given;
  const naming = { services: new Map(Object.entries(config.names)), environment: "production" };
  const plain = <Schema extends z.ZodType>(
    path: string,
    kind: DeliveryKind,
    schema: Schema,
    event: (body: z.output<Schema>) => HostInput,
    asked: (body: z.output<Schema>) => Asked | null = () => null,
  ): Route => ({
    path: `/v1/${path}`,
    kind,
    read: (body) => {
      const parsed = parseBody(schema, body);
      return { inputs: [event(parsed)], asked: asked(parsed) };
    },
  });
  const foreign = (kind: "github" | "argocd", read: ForeignReader): Route => ({
    path: `/v1/${kind}`,
    kind,
    read: (body, nowMs) => ({ ...read(body, nowMs), asked: null }),
  });
  const halt = ({ by }: { by: string }): Asked => ({ deed: "halt", by, deploymentId: null });
  return [
    plain("deployments", "deployments", orAttributes(BODIES.deployments), INPUTS.deployment),
    plain("tags", "tags", BODIES.tags, INPUTS.tag),
    plain("stages", "stages", BODIES.stages, INPUTS.stage),
    plain("rollbacks/finished", "rollbacks", BODIES.rollbacks, INPUTS.rollback),
    plain("overrides", "overrides", BODIES.overrides, INPUTS.override, (body) => ({
      deed: "override",
      ...body,
    })),
    plain("approvals", "approvals", BODIES.approvals, INPUTS.approval, (body) => ({
      deed: "approve",
      ...body,
    })),
    {
      path: "/v1/proposals",
      kind: "proposals",
      read: async (body, _nowMs, from) => {
        return { inputs: [await readProposal(given, from, body)], asked: null };
      },
      keyOf: proposalKey,
    },
    plain("halt", "halts", BODIES.halts, INPUTS.halt, halt),
    plain("halt/lift", "halts", BODIES.lifts, INPUTS.halt, halt),
    foreign("github", githubReader(naming)),
    foreign("argocd", argocdReader(naming)),
  ];
}

async function receive(
  given: Inbox,
  route: Route,
  headers: Headers,
  body: Buffer,
): Promise<Answer> {
  const { refusals } = given;
  const deliveries = given.deliveries();
  const from = await proveSender(given, route.kind, headers, body);
  const { name, sender, deliveryId } = from;
  const refuse = async (refused: Omit<Refused, "deploymentId">, about: string | null = null) => {
    await refusals.add({ deploymentId: about, ...refused });
    return refusalAnswer(REFUSED.get(refused.kind) ?? "forbidden", refused.why);
  };
  const webhook = { by: name, what: `webhook for ${route.kind}` };
  const isSignedOnly = sender.token !== undefined && !BY_TOKEN.includes(route.kind);
  if (!sender.may.includes(route.kind) || isSignedOnly) {
    return refuse({ ...webhook, kind: "notAllowed", why: `${name} may not send ${route.kind}` });
  }
  const digest = contentId(Buffer.concat([Buffer.from(`${route.path}\n`), body]));
  const key = route.keyOf?.(parseJson(body)) ?? deliveryId;
  const answer = await deliveries.once(`${name}/${key}`, digest, async () => {
    const { inputs, asked, forget } = await route.read(parseJson(body), given.clock.wallMs(), from);
    if (asked !== null) {
      const why = whyNot(given, sender, asked);
      if (why !== null) {
        const { by, deed, deploymentId } = asked;
        const whyNow = `${why} (sent by ${name})`;
        return refuse({ by, what: deed, kind: "notEntitled", why: whyNow }, deploymentId);
      }
    }
    const unknown = whyUnknownService(given, inputs);
    if (unknown !== null) {
      forget?.();
      return refuse({ ...webhook, kind: "unknownService", why: unknown });
    }
    for (const input of inputs) {
      if (input.kind !== "deploymentStarted") continue;
      await checkAnnounced(given, name, input.deployment).catch((refusal: unknown) => {
        forget?.();
        throw refusal;
      });
    }
    let last: Receipt = { accepted: true, decisionIds: [], reason: "nothing in it is for us" };
    const decisionIds: string[] = [];
    for (const input of inputs) {
      last = await given.host.tell(input);
      decisionIds.push(...last.decisionIds);
      if (!last.accepted) break;
    }
    return answerOf({ ...last, decisionIds });
  });
  const what = route.keyOf === undefined ? `delivery ${deliveryId}` : "a proposal of this id";
  const why = `${what} came before with other content`;
  return answer ?? refuse({ ...webhook, kind: "reused", why });
}

/** Why this person may not do it, through this sender; null where both may. */
export function whyNot(
  { host, config, services }: Pick<Inbox, "host" | "config" | "services">,
  sender: Sender,
  { deed, by, deploymentId }: Asked,
): string | null {
  if (sender.as !== undefined && sender.as !== by) return `the sender speaks as ${sender.as} only`;
  const { groups, entitled } = config;
  const { open } = host.status();
  const service = open.find((watch) => watch.deploymentId === deploymentId)?.service ?? null;
  // Not watched (any more), so its team is unknown: the host refuses it, with a better reason.
  if (deploymentId !== null && service === null && isGiven({ groups, entitled }, by, deed))
    return null;
  return whyNotEntitled({ groups, entitled, services }, by, deed, service);
}

/** Why an input is refused: its service is not in the catalog. A misspelt one has no samples. */
export function whyUnknownService(
  { services, config }: Pick<Inbox, "services" | "config">,
  inputs: readonly HostInput[],
): string | null {
  if (services.length === 0 || config.unknownServices === "accept") return null;
  const known = services.map(({ service }) => service);
  for (const input of inputs) {
    const about =
      input.kind === "deploymentStarted"
        ? input.deployment
        : input.kind === "deploymentTagged"
          ? input.tag
          : null;
    if (about === null || known.includes(about.service)) continue;
    // Only names of similar length are compared, so that a long one costs no time.
    const { length } = about.service;
    const similar = known.filter((name) => Math.abs(name.length - length) <= 2);
    const [near] = nearestNames(about.service, similar, 1);
    const meant = near === undefined ? "" : ` (the most similar is ${near})`;
    return (
      `service ${about.service} is not in the catalog of this host${meant}: add it to ` +
      "`services` in shadow.yaml, or set `unknownServices: accept`"
    );
  }
  return null;
}

function answerOf({ accepted, decisionIds, reason }: Receipt): Answer {
  if (!accepted) return refusalAnswer("conflict", reason);
  return { status: 200, body: JSON.stringify({ accepted, decisionIds, reason }) };
}

function refusalAnswer(kind: ProblemKind, detail: string): Answer {
  const document = problemDocument(new Refusal(kind, detail));
  return { status: document.status, body: JSON.stringify(document) };
}
