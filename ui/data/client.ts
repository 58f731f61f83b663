/**
 * The server's routes as functions. Addresses are written down here once more because the
 * contract's table brings its schemas along; the type holds each to the contract's own.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import type { ProgressDocument } from "../../lab/server/contract/words.ts";
import type { Answer, RouteName, ROUTES, Sent } from "../../lab/server/contract/routes.ts";
import { connection } from "./connection.svelte.ts";
import { ApiProblem } from "./problem.ts";

type Address<Name extends RouteName> =
  `${(typeof ROUTES)[Name]["method"]} ${(typeof ROUTES)[Name]["path"]}`;

const ADDRESSES: { readonly [Name in RouteName]: Address<Name> } = {
  status: "GET /api/status",
  history: "GET /api/history",
  historyQuality: "GET /api/history/quality",
  scored: "GET /api/scored",
  policies: "GET /api/policies",
  policy: "GET /api/policies/:id",
  saveDraft: "POST /api/drafts",
  dropDraft: "DELETE /api/drafts/:id",
  compare: "GET /api/compare",
  verdict: "GET /api/verdict",
  limits: "GET /api/limits",
  deployments: "GET /api/deployments",
  deployment: "GET /api/deployments/:deploymentId",
  explain: "GET /api/deployments/:deploymentId/explain",
  bands: "GET /api/deployments/:deploymentId/bands",
  series: "GET /api/series/:series",
  whatIf: "POST /api/what-if",
  gate: "POST /api/gate",
  sweeps: "GET /api/sweeps",
  startSweep: "POST /api/sweeps",
  sweep: "GET /api/sweeps/:id",
  cancelSweep: "POST /api/sweeps/:id/cancel",
  restartSweep: "POST /api/sweeps/:id/restart",
  dropSweep: "DELETE /api/sweeps/:id",
  tags: "GET /api/tags",
  agents: "GET /api/agents",
  decisions: "GET /api/decisions",
  decision: "GET /api/decisions/:decisionId",
};

type Part<Name extends RouteName, Key extends "params" | "query" | "body"> = [
  Sent<Name, Key>,
] extends [undefined]
  ? object
  : Readonly<Record<Key, Sent<Name, Key>>>;

/** All that a route is asked with. */
export type Asked<Name extends RouteName> = Part<Name, "params"> &
  Part<Name, "query"> &
  Part<Name, "body">;

/** What it answers when it is ready. */
export type Ready<Name extends RouteName> = Exclude<Answer<Name>, { state: "computing" }>;

export interface Waiting {
  readonly signal?: AbortSignal;
  /** Is told how far the server is while an answer takes a while to make. */
  readonly onProgress?: (progress: ProgressDocument | null) => void;
}

/** Asks until the answer is ready. */
export async function ask<Name extends RouteName>(
  name: Name,
  asked: Asked<Name>,
  waiting: Waiting = {},
): Promise<Ready<Name>> {
  const { status, body } = await askReady(name, asked, waiting);
  if (status === 204) return null as Ready<Name>;
  return JSON.parse(await body.text()) as Ready<Name>;
}

/** The same for an answer that is bytes. */
export async function askBytes(
  name: "series" | "bands",
  asked: Asked<"series"> | Asked<"bands">,
  waiting: Waiting = {},
): Promise<Uint8Array> {
  const { body } = await askReady(name, asked, waiting);
  return new Uint8Array(await body.arrayBuffer());
}

async function askReady(
  name: RouteName,
  asked: object,
  { signal, onProgress }: Waiting,
): Promise<Whole> {
  const { params, query, body } = asked as JsonObject<object | undefined>;
  const [method, path] = ADDRESSES[name].split(" ") as [string, string];
  const url = filled(path, params) + searchOf(query);
  const init: RequestInit & { signal?: AbortSignal } = { method };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  for (let waitMs = 40; ; waitMs = Math.min(1000, waitMs * 1.5)) {
    const whole = await fetched(url, init, READS.includes(name) || method === "GET");
    if (!whole.ok) throw ApiProblem.of(whole, await whole.body.text());
    if (whole.status !== 202) return whole;
    const { progress } = JSON.parse(await whole.body.text()) as {
      progress: ProgressDocument | null;
    };
    onProgress?.(progress);
    await pause(waitMs, signal);
  }
}

const RETRY_MS = 1000;

/** An answer with all of its body: a server may also go away in the middle of one. */
interface Whole {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly body: Blob;
}

/** Asked with a body, and yet they change nothing. */
const READS: readonly RouteName[] = ["whatIf", "gate"];

/**
 * A read is repeated until the server answers. What changes something is asked once: it may have
 * arrived.
 */
async function fetched(
  url: string,
  init: RequestInit & { signal?: AbortSignal },
  isRead: boolean,
): Promise<Whole> {
  for (;;) {
    try {
      const response = await fetch(url, init);
      const body = await response.blob();
      connection.isLost = false;
      const { ok, status, statusText } = response;
      return { ok, status, statusText, body };
    } catch (error) {
      if (!(error instanceof TypeError) || init.signal?.aborted) throw error;
      connection.isLost = true;
      if (!isRead) throw error;
    }
    await pause(RETRY_MS, init.signal);
  }
}

function filled(path: string, params: object | undefined): string {
  const values = (params ?? {}) as JsonObject;
  return path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String(own(values, name))),
  );
}

function searchOf(query: object | undefined): string {
  const values = (query ?? {}) as JsonObject<string | number | undefined>;
  const entries = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries).toString()}`;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("no longer asked for", "AbortError"));
    });
  });
}
