/**
 * The live host's HTTP server: signed deliveries, and the questions of operators. It checks who
 * sends what and passes it to the host; it decides nothing. It answers only after the host has
 * the event on disk.
 */

import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { Gate } from "../../server/limits.ts";
import {
  OWN_FAULT,
  PROBLEM_JSON,
  problemDocument,
  Refusal,
  refusalOf,
} from "../../server/problems.ts";
import type { AdapterParts } from "../adapters/adapter.ts";
import { adaptersOf } from "../adapters/registry.ts";
import type { Answer } from "./deliveries.ts";
import { addOperatorRoutes, type Operators } from "./operators.ts";
import { inbox, type Inbox } from "./inbox.ts";

/** GitHub's largest useful payloads are some 100 KB. */
const BODY_BYTES = 512 * 1024;
const FORM = "application/x-www-form-urlencoded";
/** A CloudEvent in structured mode, and a CDEvent that a CloudEvent in binary mode carries. */
const EVENTS = ["application/cloudevents+json", "application/cdevents+json"];
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface AppOptions extends Inbox, Operators, AdapterParts {
  readonly log: FastifyBaseLogger;
}

export function buildApp(options: AppOptions): FastifyInstance {
  const { log } = options;
  const app = Fastify({
    loggerInstance: log,
    // The hook below logs one line per answer instead of two per request.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: 16 * 1024 },
    routerOptions: { maxParamLength: 400 },
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const detail = `There is no ${request.method} ${pathOf(request)}.`;
    answerError(new Refusal("not-found", detail), request, reply);
  });
  // A signature covers the raw bytes, so bodies are parsed only after it was checked.
  app.removeAllContentTypeParsers();
  const types = [...new Set(["application/json", ...foreignTypes(options.config)])];
  app.addContentTypeParser(types, { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    void reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method, ip } = request;
    const ms = Math.round(reply.elapsedTime);
    const line = { method, path: pathOf(request), status: reply.statusCode, from: ip, ms };
    request.log[method === "GET" ? "debug" : "info"](line, "answered");
    done();
  });
  const gate = new Gate();
  for (const [path, receive] of inbox(options)) {
    app.post(path, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      return send(reply, await gate.run(() => receive(request.headers, body)));
    });
  }
  for (const { method, path, receive } of adaptersOf(options.config).flatMap((adapter) =>
    adapter.routes(options),
  )) {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      const { headers, query } = request;
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      return send(reply, await gate.run(() => receive({ headers, query, body })));
    };
    app.route({ method, url: path, handler });
  }
  addOperatorRoutes(app, options);
  return app;
}

/** What tools send besides JSON; a host takes it only if a sender may use the tool. */
function foreignTypes({ senders }: AppOptions["config"]): readonly string[] {
  return Object.values(senders).flatMap(({ may }) => [
    ...(may.includes("slack") ? [FORM] : []),
    ...(may.includes("cdevents") ? EVENTS : []),
  ]);
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  const type = status < 400 ? "application/json; charset=utf-8" : PROBLEM_JSON;
  return reply.code(status).type(type).send(body);
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = refusalOf(error);
  if (refusal === null) request.log.error({ err: error, path: pathOf(request) }, "our fault");
  const document = problemDocument(refusal ?? OWN_FAULT);
  if (document.status === 429 || document.status === 503) void reply.header("retry-after", "1");
  void reply.code(document.status).type(PROBLEM_JSON).send(JSON.stringify(document));
}

/** Without the query. */
function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0]!.slice(0, 200);
}
