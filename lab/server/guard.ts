/**
 * Who may ask, and what a page of ours may do.
 *
 * On loopback no token is asked, so the name in `Host` must be a loopback name: otherwise a
 * page of the wide web could rebind its own name to 127.0.0.1 and read answers. Elsewhere a
 * token is asked of everybody, as `Authorization: Bearer` or as the cookie that the address
 * printed at start sets. What changes something or reads below /api must come from a page of
 * ours, or from no page at all.
 */

import type { JsonObject } from "../../engine/index.ts";
import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "./problems.ts";

export const TOKEN_COOKIE = "hindsight-token";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Nothing from outside, no script but our own; styles may be set on elements by charts. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS: JsonObject<string> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
};

/** @param token null where the server listens on loopback alone */
export function guard(app: FastifyInstance, token: string | null): void {
  app.addHook("onRequest", async (request, reply) => {
    for (const [name, value] of Object.entries(HEADERS)) void reply.header(name, value);
    if (token === null) checkLoopbackName(request);
    else if (letIn(request, reply, token)) return reply;
    checkOrigin(request);
    return undefined;
  });
}

function checkLoopbackName(request: FastifyRequest): void {
  if (LOOPBACK.test(request.headers.host ?? "")) return;
  throw new Refusal("forbidden", "This server answers to loopback names only: use 127.0.0.1.");
}

/** Is it answered already? The address with the token sets the cookie and loses the token. */
function letIn(request: FastifyRequest, reply: FastifyReply, token: string): boolean {
  const [path, search = ""] = request.url.split("?", 2) as [string, string?];
  const given = new URLSearchParams(search);
  const inAddress = given.get("token");
  if (inAddress !== null && request.method === "GET" && isSame(inAddress, token)) {
    given.delete("token");
    const rest = given.toString();
    const cookie = `${TOKEN_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000`;
    // One slash: two would be another server's address.
    const target = `/${path.replace(/^[/\\]+/, "")}${rest === "" ? "" : `?${rest}`}`;
    void reply.header("set-cookie", cookie).redirect(target, 303);
    return true;
  }
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const cookie = cookieOf(request.headers.cookie ?? "");
  if ([bearer, cookie].some((one) => one !== undefined && isSame(one, token))) return false;
  void reply.header("www-authenticate", 'Bearer realm="hindsight"');
  throw new Refusal("unauthorized", "Open the address that `hindsight serve` printed.");
}

function cookieOf(header: string): string | undefined {
  for (const part of header.split(";")) {
    const equals = part.indexOf("=");
    if (part.slice(0, equals).trim() === TOKEN_COOKIE) return part.slice(equals + 1).trim();
  }
  return undefined;
}

/** In the same time whatever they are. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function checkOrigin(request: FastifyRequest): void {
  // A page may be opened from anywhere. Of the routes below /api, reading alone starts work, too.
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead && request.routeOptions.url?.startsWith("/api/") !== true) return;
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  const foreign = site !== undefined && site !== "same-origin" && site !== "none";
  if (!foreign && (origin === undefined || hostOf(origin) === host)) return;
  throw new Refusal("forbidden", "Only a page of this server may ask this.");
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}
