/**
 * GitHub's API as an App sees it: a token of an installation for an hour, got with a JWT that the
 * App's key signs, and the answer to a protection rule.
 */

import { createSign } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../contract.ts";
import { inTime } from "../../deadline.ts";
import type { GithubSettings } from "./settings.ts";

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES = 64 * 1024;
const MINUTE_MS = 60_000;
/** A comment of a protection rule has at most so many characters. */
const COMMENT_AT_MOST = 1024;

const tokenSchema = z.object({ token: z.string().min(1), expires_at: z.iso.datetime() });

export interface Review {
  readonly environment_name: string;
  /** Absent: a report of the status, while the rule waits. */
  readonly state?: "approved" | "rejected";
  readonly comment: string;
}

export type Sent =
  | { readonly status: "done" }
  /** Sending it again would not help. */
  | { readonly status: "refused"; readonly detail: string }
  | { readonly status: "unknown"; readonly detail: string };

export class GithubApi {
  readonly #tokens = new Map<number, { readonly token: string; readonly untilMs: number }>();

  constructor(
    private readonly settings: GithubSettings,
    private readonly clock: Clock,
  ) {}

  /**
   * Only a callback of this repository on this API is answered: the URL comes from outside, and a
   * token goes there.
   */
  isCallback(text: string, repository: string): boolean {
    const prefix = `${this.settings.api}/repos/${repository}/actions/runs/`;
    if (!text.startsWith(prefix)) return false;
    const isPlain = URL.parse(text)?.href === text;
    return isPlain && /^\d{1,20}\/deployment_protection_rule$/.test(text.slice(prefix.length));
  }

  async review(
    callback: string,
    installation: number,
    review: Review,
    signal: AbortSignal,
  ): Promise<Sent> {
    const comment = review.comment.slice(0, COMMENT_AT_MOST);
    try {
      const token = await this.#tokenOf(installation, signal);
      if (typeof token !== "string") return token;
      const answer = await this.#post(callback, token, { ...review, comment }, signal);
      if (answer.status === 401) this.#tokens.delete(installation);
      return sentOf(answer.status, "the protection rule");
    } catch (error) {
      const { name, message, cause } = error as Error & { cause?: { code?: string } };
      return { status: "unknown", detail: `GitHub: ${cause?.code ?? (message || name)}` };
    }
  }

  async #tokenOf(installation: number, signal: AbortSignal): Promise<string | Sent> {
    const nowMs = this.clock.wallMs();
    const kept = this.#tokens.get(installation);
    if (kept !== undefined && kept.untilMs > nowMs) return kept.token;
    const url = `${this.settings.api}/app/installations/${installation}/access_tokens`;
    const { status, text } = await this.#post(url, this.#jwt(nowMs), {}, signal);
    const sent = sentOf(status, `a token of installation ${installation}`);
    if (sent.status !== "done") return sent;
    const parsed = tokenSchema.safeParse(jsonOf(text));
    if (!parsed.success) return { status: "unknown", detail: "GitHub gave no token" };
    const { token, expires_at: expires } = parsed.data;
    this.#tokens.set(installation, { token, untilMs: Date.parse(expires) - MINUTE_MS });
    return token;
  }

  /** Begun a minute ago, so that a clock of GitHub's that is behind takes it as well. */
  #jwt(nowMs: number): string {
    const nowS = Math.floor(nowMs / 1000);
    const part = (content: object): string =>
      Buffer.from(JSON.stringify(content)).toString("base64url");
    const claims = { iat: nowS - 60, exp: nowS + 540, iss: this.settings.app };
    const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
    const signature = createSign("RSA-SHA256").update(signed).sign(this.settings.key);
    return `${signed}.${signature.toString("base64url")}`;
  }

  #post(url: string, token: string, body: object, signal: AbortSignal) {
    return inTime(TIMEOUT_MS, signal, async (given) => {
      const response = await fetch(url, {
        method: "POST",
        // A redirect would take the token elsewhere.
        redirect: "manual",
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "user-agent": "hindsight-shadow",
          "x-github-api-version": "2022-11-28",
        },
        body: JSON.stringify(body),
        signal: given,
      });
      return { status: response.status, text: await readAnswer(response) };
    });
  }
}

/** A refused token is asked for again; rate limits and faults of GitHub pass. */
function sentOf(status: number, what: string): Sent {
  if (status >= 200 && status < 300) return { status: "done" };
  const detail = `GitHub answered ${status} to ${what}`;
  const passes = status === 401 || status === 403 || status === 429 || status >= 500;
  return { status: passes ? "unknown" : "refused", detail };
}

async function readAnswer({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    parts.push(part as Uint8Array);
    bytes += (part as Uint8Array).byteLength;
    if (bytes > ANSWER_BYTES) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
