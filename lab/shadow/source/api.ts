/**
 * Sends one query to a Prometheus-compatible HTTP API. Every fault (down, slow, endless, not JSON,
 * rate-limited, redirected) comes back as `Trouble` in words.
 *
 * Laws: only a complete answer counts; `Retry-After` is obeyed; no message contains a secret.
 */

import { Problem } from "../../problem.ts";
import type { Clock } from "../contract.ts";
import { isFields, textIn, within, type Fields } from "../../jsonBody.ts";
import { formatDuration, own, type JsonObject } from "../../../engine/index.ts";
import { inTime, Late } from "../deadline.ts";
import type { MetricsSettings, SecretOf } from "./settings.ts";

/** Why there is no answer. */
export interface Trouble {
  /**
   * `tooLarge` and `tooSlow`: a query for less time may succeed. `passing`: a later try may
   * succeed. `lasting`: somebody must change something first.
   */
  readonly kind: "tooLarge" | "tooSlow" | "passing" | "lasting";
  /** The rest of a sentence that begins with "the metrics API". */
  readonly words: string;
}

export type Answer =
  { readonly ok: true; readonly body: Fields } | { readonly ok: false; readonly trouble: Trouble };

export interface MetricsApi {
  /** Asks `/api/v1/{path}`; the answer has `status: "success"` and `data`. */
  readonly ask: (
    path: "query" | "query_range",
    parameters: JsonObject<string>,
    signal: AbortSignal,
  ) => Promise<Answer>;
  /** How far the server's clock is from ours, in ms (above 0: it is ahead); null if unknown. */
  readonly skewMs: () => number | null;
  /** How long the server asked not to be queried (`Retry-After`), in ms from now; else 0. */
  readonly restMs: () => number;
}

/** Bytes of an answer, decompressed. 5,000 series with twenty labels each need a tenth of it. */
const BODY_LIMIT = 64 * 1024 * 1024;
const ERROR_LIMIT = 64 * 1024;
/** The longest `Retry-After` that is obeyed, so that one answer cannot silence the host. */
const REST_AT_MOST_MS = 5 * 60_000;

export function metricsApi(
  settings: MetricsSettings,
  secretOf: SecretOf,
  clock: Clock,
  bodyLimit = BODY_LIMIT,
): MetricsApi {
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let skewMs: number | null = null;

  const ask: MetricsApi["ask"] = async (path, parameters, signal) => {
    const sentAtMs = clock.wallMs();
    try {
      return await inTime(settings.timeoutMs, signal, async (given) => {
        const response = await fetch(`${settings.url}/api/v1/${path}`, {
          method: "POST",
          headers: headersOf(settings, secretOf),
          body: new URLSearchParams(parameters),
          redirect: "manual",
          signal: given,
        });
        skewMs = skewOf(response, (sentAtMs + clock.wallMs()) / 2) ?? skewMs;
        const rest = restOf(response, clock.wallMs());
        if (rest !== null) {
          restUntilMs = clock.steadyMs() + Math.min(rest, REST_AT_MOST_MS);
        }
        return await readAnswer(response, bodyLimit);
      });
    } catch (error) {
      if (error instanceof Problem) return trouble("lasting", `cannot be asked: ${error.what}`);
      if (error instanceof Late) {
        return trouble("tooSlow", `gave no answer within ${formatDuration(settings.timeoutMs)}`);
      }
      if (signal.aborted) return trouble("passing", "was not waited for: the host is ending");
      return trouble("passing", unreachable(error));
    }
  };
  return {
    ask,
    skewMs: () => skewMs,
    restMs: () => Math.max(0, restUntilMs - clock.steadyMs()),
  };
}

function trouble(kind: Trouble["kind"], words: string): Answer {
  return { ok: false, trouble: { kind, words } };
}

function headersOf({ auth, headers }: MetricsSettings, secretOf: SecretOf): Headers {
  const sent = new Headers({ accept: "application/json", "user-agent": "hindsight" });
  for (const [name, value] of Object.entries(headers)) {
    sent.set(name, /^(env|file):./.test(value) ? secretOf(value) : value);
  }
  if (auth === null) return sent;
  const credentials =
    "bearer" in auth
      ? `Bearer ${secretOf(auth.bearer)}`
      : `Basic ${Buffer.from(`${auth.username}:${secretOf(auth.password)}`).toString("base64")}`;
  sent.set("authorization", credentials);
  return sent;
}

async function readAnswer(response: Response, bodyLimit: number): Promise<Answer> {
  const { status } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    const to = response.headers.get("location") ?? "nowhere";
    return trouble("lasting", `sends us to ${to}, and we do not follow: give the final address`);
  }
  const text = await readText(response, response.ok ? bodyLimit : ERROR_LIMIT);
  if (text === null && response.ok) {
    const limit = `${Math.round(bodyLimit / 1024 / 1024)} MB`;
    return trouble("tooLarge", `gave an answer of more than ${limit}`);
  }
  const body = parse(text ?? "");
  if (!response.ok) return refusal(status, body, response.headers.get("retry-after"));
  if (!isFields(body)) return trouble("passing", `gave an answer that is ${notJson(text ?? "")}`);
  if (body["status"] !== "success") return refusal(status, body, null);
  return { ok: true, body };
}

/** @returns null when it is longer than `limit` bytes; the rest is not read */
async function readText(response: Response, limit: number): Promise<string | null> {
  if (response.body === null) return "";
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += part.byteLength;
    if (length > limit) return null; // Leaving the loop cancels the rest.
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function notJson(text: string): string {
  const start = text.trimStart();
  if (start === "") return "empty";
  if (start.startsWith("<")) return "a web page, not JSON: is a login or a proxy in front of it?";
  return start.startsWith("{") ? "cut off or broken JSON" : "not JSON";
}

const TOO_MUCH = /too many samples|exceed(s|ed)? (the )?(max|limit)|maxSamples|query length/i;

function refusal(status: number, body: unknown, retryAfter: string | null): Answer {
  const said = isFields(body)
    ? (textIn(body, "error") ?? textIn(within(body, "error"), "message"))
    : null;
  const words = said === null ? "" : `: ${said.length > 200 ? `${said.slice(0, 200)}…` : said}`;
  if (status === 413 || (said !== null && TOO_MUCH.test(said))) {
    return trouble("tooLarge", `refused${words}`);
  }
  if (status === 429) {
    const wait = retryAfter === null ? "" : ` (Retry-After: ${retryAfter.slice(0, 40)})`;
    return trouble("passing", `asks us to slow down${wait}${words}`);
  }
  if (status === 401 || status === 403) {
    return trouble("lasting", `does not let us in (${status}): check auth and headers${words}`);
  }
  const code = status === 200 ? "" : ` with ${status}`;
  const isSlow = status === 504 || typeOf(body) === "timeout";
  if (isSlow) return trouble("tooSlow", `refused${code}${words}`);
  const passing = status >= 500 || status === 408 || typeOf(body) === "canceled";
  return trouble(passing ? "passing" : "lasting", `refused${code}${words}`);
}

function typeOf(body: unknown): string {
  return isFields(body) ? (textIn(body, "errorType") ?? "") : "";
}

/** `Retry-After` of 429 and 503 (seconds or a date), in ms from now; else null. */
function restOf({ status, headers }: Response, nowMs: number): number | null {
  if (status !== 429 && status !== 503) return null;
  const said = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(said)) return Number(said) * 1000;
  const untilMs = Date.parse(said);
  // Compare with the server's own Date, if it sends one: its clock may differ from ours.
  const here = Date.parse(headers.get("date") ?? "") || nowMs;
  return Number.isNaN(untilMs) ? null : Math.max(0, untilMs - here);
}

/** In ms. A Date header is truncated to whole seconds, so half a second is added. */
function skewOf({ headers }: Response, nowMs: number): number | null {
  const serverMs = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(serverMs) ? null : serverMs + 500 - nowMs;
}

const CAUSES: JsonObject<string> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name is not resolved",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  EHOSTUNREACH: "no way to the host",
  ETIMEDOUT: "no connection in time",
  UND_ERR_CONNECT_TIMEOUT: "no connection in time",
  UND_ERR_BODY_TIMEOUT: "the answer stopped",
};

function unreachable(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code = "" } = (cause ?? {}) as { readonly code?: string };
  const words = own(CAUSES, code) ?? (cause instanceof Error ? cause.message : String(cause));
  return `cannot be reached: ${words}`;
}
