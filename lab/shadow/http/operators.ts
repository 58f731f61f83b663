/** Routes for operators: metrics, health, status, and the explanation of one deployment. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { formatTime } from "../../../engine/index.ts";
import type { NodeDocument } from "../../explain/document.ts";
import { Refusal } from "../../server/problems.ts";
import type { Host, HostStatus } from "../contract.ts";
import type { Refusals } from "./refusals.ts";
import { metricsText, METRICS_TYPE } from "./metricsText.ts";
import { isSame } from "./signature.ts";

export interface Operators {
  readonly host: Host;
  readonly refusals: Refusals;
  /** How many attempts to send commands there were, by `kind status`. */
  readonly commands: ReadonlyMap<string, number>;
  /** Required to read status and deployments; null: any request to a loopback name may. */
  readonly readerToken: string | null;
  /** Resolves to null where the deployment is unknown. */
  readonly explanation: (deploymentId: string) => Promise<NodeDocument | null>;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

export function addOperatorRoutes(app: FastifyInstance, given: Operators): void {
  const { host, refusals, commands, explanation } = given;
  const readers = (request: FastifyRequest): Promise<void> => {
    checkReader(given, request);
    return Promise.resolve();
  };
  // Metrics hold counts and times but no names, so they need no token.
  app.get("/metrics", (_request, reply) =>
    reply.type(METRICS_TYPE).send(metricsText(host.status(), refusals.total, commands)),
  );
  app.get("/health/live", () => ({ live: true }));
  app.get("/health/ready", (_request, reply) => {
    const { ready, holdsLease } = host.status();
    return reply.code(ready ? 200 : 503).send({ ready, holdsLease });
  });
  app.get("/v1/status", { onRequest: readers }, () => statusDocument(host.status()));
  app.get<{ Params: { id: string } }>(
    "/v1/deployments/:id",
    { onRequest: readers },
    async ({ params: { id } }) => {
      const tree = await explanation(id);
      if (tree === null) throw new Refusal("not-found", `No deployment ${id} was heard of.`);
      return { deploymentId: id, tree };
    },
  );
}

function checkReader({ readerToken }: Operators, { headers }: FastifyRequest): void {
  if (readerToken === null) {
    // Against DNS rebinding: a web page could point its own host name at this machine.
    if (LOOPBACK.test(headers.host ?? "")) return;
    throw new Refusal("forbidden", "This host answers to loopback names only: use 127.0.0.1.");
  }
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  if (given !== undefined && isSame(given, readerToken)) return;
  throw new Refusal("unauthorized", "Send the readers' token as Authorization: Bearer.");
}

const timeOf = (ms: number | null): string | null => (ms === null ? null : formatTime(ms));

function statusDocument(status: HostStatus) {
  const { ready, holdsLease, act, policy, halted, problems, open } = status;
  return {
    ready,
    holdsLease,
    act,
    policy,
    halted,
    now: formatTime(status.nowMs),
    lastPollAt: timeOf(status.lastPollAtMs),
    newestSampleAt: timeOf(status.newestSampleAtMs),
    problems,
    open: open.map(({ answerByMs, ...rest }) => ({ ...rest, answerBy: timeOf(answerByMs) })),
  };
}
