/** A stand-in for a metrics API, over real HTTP: it answers what a test wants, right or wrong. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { closeServer, listen } from "./prometheus.ts";

export type Reply = (request: Asked, response: ServerResponse) => void;

export interface Asked {
  readonly path: string;
  readonly query: string;
  readonly parameters: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
}

let server: Server | null = null;
export const asked: Asked[] = [];

/** Takes the stand-in down; the next one begins with nothing asked. */
export function endServing(): void {
  if (server !== null) closeServer(server);
  server = null;
  asked.length = 0;
}

export async function serve(reply: Reply): Promise<string> {
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const parameters = new URLSearchParams(text);
      const query = parameters.get("query") ?? "";
      const one = { path: request.url ?? "", query, parameters, headers: request.headers };
      asked.push(one);
      reply(one, response);
    });
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

type Rows = readonly (readonly [service: string, pairs: readonly (readonly [number, string])[]])[];

/** An answer with these samples. */
export function matrix(rows: Rows): unknown {
  const result = rows.map(([service, pairs]) => ({
    metric: { __name__: "x", service },
    values: pairs.map(([atMs, value]) => [atMs / 1000, value]),
  }));
  return { status: "success", data: { resultType: "matrix", result } };
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export const body =
  (value: unknown, status = 200): Reply =>
  (_request, response) =>
    json(response, value, status);
