/**
 * What comes in, one route a kind: who sent it, may they, was it heard before, what does it
 * say. Whatever is refused here is written into the decision log by the host.
 */

import type { z } from "zod";
import type { Clock, Heard, Host, Told } from "../contract.ts";
import type { DeliveryKind, Deed, Sender, ShadowFile } from "../config/shadowFile.ts";
import type { ServiceRow } from "../../history/tables.ts";
import { problemDocument, Refusal, type ProblemKind } from "../../server/problems.ts";
import { BODIES, TOLD_BY } from "./bodies.ts";
import type { Answer, Deliveries } from "./deliveries.ts";
import { isGiven, whyNotEntitled } from "./entitlement.ts";
import { argocdReader, githubReader, type ForeignReader } from "./foreign.ts";
import type { Refusals, Refused } from "./refusals.ts";
import {
  checkGithub,
  checkSigned,
  checkToken,
  contentId,
  type Checked,
  type SignatureFault,
} from "./signature.ts";

export interface Inbox {
  readonly host: Host;
  readonly config: Pick<ShadowFile, "senders" | "groups" | "entitled" | "window" | "names">;
  readonly services: readonly ServiceRow[];
  readonly clock: Clock;
  /** Throws while the host stands by: they are the acting host's. */
  readonly deliveries: () => Deliveries;
  readonly refusals: Refusals;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;
type Receive = (headers: Headers, body: Buffer) => Promise<Answer>;

/** What is asked of people's deeds beside the sender's. */
interface Asked {
  readonly deed: Deed;
  readonly by: string;
  /** Null: of the whole fleet. */
  readonly deploymentId: string | null;
}

interface Route {
  readonly path: string;
  readonly kind: DeliveryKind;
  /** The body as events, and whose deed it is. */
  readonly read: (body: unknown, nowMs: number) => { told: readonly Told[]; asked: Asked | null };
}

const FAULTS: Readonly<Record<SignatureFault, string>> = {
  unsigned: "it is not signed",
  wrongSignature: "its signature is wrong",
  staleSignature: "its signature is stale: sign again, and check both clocks",
};

export function inbox(given: Inbox): readonly (readonly [string, Receive])[] {
  return routesOf(given).map((route) => [
    route.path,
    (headers, body) => receive(given, route, headers, body),
  ]);
}

function routesOf({ config }: Inbox): readonly Route[] {
  const told = TOLD_BY;
  const naming = { services: new Map(Object.entries(config.names)), environment: "production" };
  const plain = <Schema extends z.ZodType>(
    path: string,
    kind: DeliveryKind,
    schema: Schema,
    event: (body: z.output<Schema>) => Told,
    asked: (body: z.output<Schema>) => Asked | null = () => null,
  ): Route => ({
    path: `/v1/${path}`,
    kind,
    read: (body) => {
      const fitting = fit(schema, body);
      return { told: [event(fitting)], asked: asked(fitting) };
    },
  });
  const foreign = (kind: "github" | "argocd", read: ForeignReader): Route => ({
    path: `/v1/${kind}`,
    kind,
    read: (body, nowMs) => ({ told: read(body, nowMs), asked: null }),
  });
  const halt = ({ by }: { by: string }): Asked => ({ deed: "halt", by, deploymentId: null });
  return [
    plain("deployments", "deployments", BODIES.deployments, told.deployment),
    plain("tags", "tags", BODIES.tags, told.tag),
    plain("stages", "stages", BODIES.stages, told.stage),
    plain("rollbacks/finished", "rollbacks", BODIES.rollbacks, told.rollback),
    plain("overrides", "overrides", BODIES.overrides, told.override, (body) => ({
      deed: "override",
      ...body,
    })),
    plain("approvals", "approvals", BODIES.approvals, told.approval, (body) => ({
      deed: "approve",
      ...body,
    })),
    plain("halt", "halts", BODIES.halts, told.halt, halt),
    plain("halt/lift", "halts", BODIES.lifts, told.halt, halt),
    foreign("github", githubReader(naming)),
    foreign("argocd", argocdReader(naming)),
  ];
}

function fit<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }));
  const { path, message } = errors[0]!;
  throw new Refusal("bad-request", path === "" ? message : `${path}: ${message}`, errors);
}

async function receive(
  given: Inbox,
  route: Route,
  headers: Headers,
  body: Buffer,
): Promise<Answer> {
  const { refusals } = given;
  const deliveries = given.deliveries();
  const from = senderOf(given, route, headers, body);
  if (from.fault !== null) {
    const why = `the delivery is refused: ${FAULTS[from.fault]}`;
    const [by, what] = [from.name, `webhook for ${route.kind}`];
    await refusals.add({ deploymentId: null, by, what, kind: from.fault, why });
    return refusalAnswer("unauthorized", why);
  }
  const { name, sender, deliveryId } = from;
  const refuse = async (refused: Omit<Refused, "deploymentId">, about: string | null = null) => {
    await refusals.add({ deploymentId: about, ...refused });
    return refusalAnswer(refused.kind === "reused" ? "conflict" : "forbidden", refused.why);
  };
  const webhook = { by: name, what: `webhook for ${route.kind}` };
  if (!sender.may.includes(route.kind)) {
    return refuse({ ...webhook, kind: "notAllowed", why: `${name} may not send ${route.kind}` });
  }
  const digest = contentId(Buffer.concat([Buffer.from(`${route.path}\n`), body]));
  const answer = await deliveries.once(`${name}/${deliveryId}`, digest, async () => {
    const { told, asked } = route.read(parseJson(body), given.clock.wallMs());
    if (asked !== null) {
      const why = whyNot(given, sender, asked);
      if (why !== null) {
        const { by, deed, deploymentId } = asked;
        const sent = `${why} (sent by ${name})`;
        return refuse({ by, what: deed, kind: "notEntitled", why: sent }, deploymentId);
      }
    }
    let last: Heard = { accepted: true, decisionIds: [], reason: "nothing in it is for us" };
    const decisionIds: string[] = [];
    for (const one of told) {
      last = await given.host.tell(one);
      decisionIds.push(...last.decisionIds);
      if (!last.accepted) break;
    }
    return answerOf({ ...last, decisionIds });
  });
  const why = `delivery ${deliveryId} came before with other content`;
  return answer ?? refuse({ ...webhook, kind: "reused", why });
}

interface From {
  readonly name: string;
  readonly sender: Sender;
  readonly deliveryId: string;
  readonly fault: null;
}
interface NotFrom {
  /** Null where it is nobody's that we know: a stranger names no entry of the log. */
  readonly name: string | null;
  readonly fault: SignatureFault;
}

/** Who proves to be who they say. GitHub and Argo CD name nobody: whose secret fits, it is. */
function senderOf(
  { config, clock }: Inbox,
  { kind }: Route,
  headers: Headers,
  body: Buffer,
): From | NotFrom {
  const foreign = kind === "github" || kind === "argocd";
  const named = headers["hindsight-sender"];
  const candidates = Object.entries(config.senders).filter(([name, sender]) =>
    foreign && named === undefined ? sender.may.includes(kind) : name === named,
  );
  let fault: SignatureFault = "unsigned";
  for (const [name, sender] of candidates) {
    const checked = check(sender, headers, body, clock.wallMs(), config.window);
    if (checked.fault === null) return { name, sender, ...checked };
    fault = checked.fault;
  }
  return { name: candidates[0]?.[0] ?? null, fault };
}

function check(
  { secret, token, may }: Sender,
  headers: Headers,
  body: Buffer,
  nowMs: number,
  windowMs: number,
): Checked {
  if (token !== undefined) return checkToken(headers, body, token);
  if (may.includes("github")) return checkGithub(headers, body, secret!);
  return checkSigned(headers, body, secret!, nowMs, windowMs);
}

function whyNot(
  { host, config, services }: Inbox,
  sender: Sender,
  { deed, by, deploymentId }: Asked,
): string | null {
  if (sender.as !== undefined && sender.as !== by) return `the sender speaks as ${sender.as} only`;
  const { groups, entitled } = config;
  const { open } = host.status();
  const service = open.find((one) => one.deploymentId === deploymentId)?.service ?? null;
  // Whose team it was nobody knows any more: the host itself refuses what it does not watch.
  if (deploymentId !== null && service === null && isGiven({ groups, entitled }, by, deed))
    return null;
  return whyNotEntitled({ groups, entitled, services }, by, deed, service);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new Refusal("bad-request", "The body is no JSON.");
  }
}

function answerOf({ accepted, decisionIds, reason }: Heard): Answer {
  if (!accepted) return refusalAnswer("conflict", reason);
  return { status: 200, body: JSON.stringify({ accepted, decisionIds, reason }) };
}

function refusalAnswer(kind: ProblemKind, detail: string): Answer {
  const document = problemDocument(new Refusal(kind, detail));
  return { status: document.status, body: JSON.stringify(document) };
}
