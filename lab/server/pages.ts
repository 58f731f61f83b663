/** The built UI: its files by name, its page for every other address that is no API. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { Refusal } from "./problems.ts";

const NOT_BUILT = `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Hindsight</title>
  <h1>The pages are not built</h1>
  <p>Run <code>npm run build</code>, then start <code>hindsight serve</code> again.</p>
  <p>The API is there: <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</html>
`;

/** @param directory of the built UI; it need not be there */
export function pagesIn(directory: string): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    if (!existsSync(join(directory, "index.html"))) {
      app.get("/", { schema: { hide: true } }, async (_request, reply) =>
        reply.type("text/html; charset=utf-8").send(NOT_BUILT),
      );
      return;
    }
    await app.register(fastifyStatic, {
      root: directory,
      // Only the files that are there at the start have an address: nothing is looked up.
      wildcard: false,
      index: "index.html",
      cacheControl: false,
      setHeaders: (response, path) => {
        const isHashed = path.startsWith(join(directory, "assets"));
        const keep = isHashed ? "public, max-age=31536000, immutable" : "no-cache";
        response.setHeader("cache-control", keep);
      },
    });
    // A view is an address: whoever opens it gets the page, which reads the rest of it.
    app.get("/*", { schema: { hide: true } }, async (request, reply) => {
      if (/^\/(api|assets)(\/|$|\?)/.test(request.url)) {
        throw new Refusal("not-found", "There is no such address.");
      }
      return reply.sendFile("index.html");
    });
  };
}
