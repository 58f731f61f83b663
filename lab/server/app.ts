/**
 * The web lab's HTTP side: every route of the contract, checked requests in, documents out.
 * It knows nothing of histories; the handlers do.
 */

import fastifySwagger from "@fastify/swagger";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { jsonSchemaTransform, validatorCompiler } from "fastify-type-provider-zod";
import { ENGINE_VERSION } from "../../engine/index.ts";
import type { Asked, Handlers } from "./answers.ts";
import { computing, problem } from "./contract/words.ts";
import { ROUTES, type Route, type RouteName } from "./contract/routes.ts";
import { ARROW } from "./contract/series.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { compressAnswers } from "./compression.ts";
import { guard } from "./guard.ts";
import { Gate } from "./limits.ts";
import { OWN_FAULT, PROBLEM_JSON, problemDocument, Refusal, refusalOf } from "./problems.ts";

const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface AppOptions {
  readonly handlers: Handlers;
  /** Asked of everybody; null where the server listens on loopback alone. */
  readonly token: string | null;
  /** Is told of faults that are our own. */
  readonly onFault: (error: unknown, request: string) => void;
  /** Adds what is no route of the contract: pages. */
  readonly pages?: (app: FastifyInstance) => Promise<void>;
}

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: SERVER_LIMITS.bodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: 16 * 1024 },
    routerOptions: { maxParamLength: 400 },
    frameworkErrors: (error, request, reply) => {
      answerError(options, error, request, reply);
    },
  });
  // A form of another site could send it without asking first.
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by the contract, and the tests hold them against its schemas.
  app.setSerializerCompiler(() => (document) => JSON.stringify(document));
  app.setErrorHandler((error, request, reply) => {
    answerError(options, error, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const detail = `There is no ${request.method} ${pathOf(request)}.`;
    answerError(options, new Refusal("not-found", detail), request, reply);
  });
  guard(app, options.token);
  compressAnswers(app);
  await app.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Hindsight web lab",
        description: "Policies side by side on one history, deployments, what-ifs and sweeps.",
        version: ENGINE_VERSION,
      },
    },
    transform: jsonSchemaTransform,
  });
  const limits = new Gate();
  for (const name of Object.keys(ROUTES) as RouteName[]) addRoute(app, options, limits, name);
  app.get("/api/openapi.json", { schema: { hide: true } }, () => app.swagger());
  await options.pages?.(app);
  return app;
}

function addRoute(
  app: FastifyInstance,
  { handlers }: AppOptions,
  limits: Gate,
  name: RouteName,
): void {
  const route: Route = ROUTES[name];
  const handler = handlers[name] as (asked: Asked<RouteName>) => unknown;
  app.route({
    method: route.method,
    url: route.path,
    schema: {
      operationId: name,
      summary: route.summary,
      tags: [route.path.split("/")[2]!],
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
      response: {
        ...(route.response === null ? {} : { 200: route.response }),
        ...(route.computed === true ? { 202: computing } : {}),
        "4xx": problem,
        "5xx": problem,
      },
    },
    handler: async (request, reply) => {
      const gone = new AbortController();
      reply.raw.once("close", () => {
        if (!reply.raw.writableFinished) gone.abort();
      });
      const { params, query, body } = request;
      const asked = { params, query, body, gone: gone.signal } as Asked<RouteName>;
      const answer = await limits.run(async () => await handler(asked));
      return send(reply, answer);
    },
  });
}

function send(reply: FastifyReply, answer: unknown): FastifyReply {
  void reply.header("cache-control", "no-store");
  if (answer === null) return reply.code(204).send();
  if (isKind(answer, "written")) {
    return reply.type("application/json; charset=utf-8").send((answer as { json: string }).json);
  }
  if (isKind(answer, "bytes")) {
    return reply.type(ARROW).send((answer as { bytes: Uint8Array }).bytes);
  }
  if ((answer as { state?: unknown }).state === "computing") {
    void reply.code(202).header("retry-after", "1");
  }
  return reply.type("application/json; charset=utf-8").send(answer);
}

function isKind(answer: unknown, kind: string): boolean {
  return (answer as { kind?: unknown }).kind === kind;
}

function answerError(
  { onFault }: AppOptions,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const refusal = refusalOf(error);
  if (refusal === null) onFault(error, `${request.method} ${pathOf(request)}`);
  const document = problemDocument(refusal ?? OWN_FAULT);
  if (document.status === 429 || document.status === 503) void reply.header("retry-after", "1");
  void reply.header("cache-control", "no-store");
  void reply.code(document.status).type(PROBLEM_JSON).send(JSON.stringify(document));
}

/** Without the query, which may hold a token. */
function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0]!.slice(0, 200);
}
