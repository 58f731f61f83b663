/**
 * Sends commands as signed webhooks: rollbacks to the platform, questions and messages to people.
 * An errand has the same key however often it is sent, so that a receiver which remembers keys
 * carries it out once.
 */

import { z } from "zod";
import { formatTime, type EngineCommand, type JsonObject } from "../../../engine/index.ts";
import type { Receiver } from "../config/shadowFile.ts";
import type { CarriedOut, Clock, Effects, Errand } from "../contract.ts";
import { Late, inTime } from "../deadline.ts";
import { signatureOf } from "../http/signature.ts";

/** Answers are short; a longer one is cut here, and then usually cannot be parsed. */
const ANSWER_BYTES = 64 * 1024;
/** Characters of a receiver's text that go into our log. */
const DETAIL_AT_MOST = 300;

/** Statuses that mean "try later", unlike the rest of 4xx. */
const LATER: readonly number[] = [408, 421, 423, 425, 429];

const finishedSchema = z.object({ succeeded: z.boolean(), detail: z.string().default("") });

export interface Receivers {
  /** A function: a tool that asks by itself gets the rollback as its answer. */
  readonly platform: Receiver | Effects["carryOut"] | null;
  readonly page: Receiver | Effects["carryOut"] | null;
}

export function webhookEffects({ platform, page }: Receivers, clock: Clock): Effects {
  return {
    carryOut: async (errand, signal) => {
      const { kind } = errand.command;
      // The host polls samples anyway: nobody outside has to do anything.
      if (kind === "watchUntil") return { status: "done", finished: null };
      const to = kind === "rollBack" ? platform : page;
      if (typeof to === "function") return to(errand, signal);
      if (to !== null) return send(to, message(errand), errand.key, clock, signal);
      // Without a receiver a rollback fails; a message is simply not sent.
      return kind === "rollBack"
        ? { status: "refused", detail: "shadow.yaml names no platform" }
        : { status: "done", finished: null };
    },
  };
}

/**
 * Wraps `effects` and counts the result of every attempt by `kind status`. A message for which no
 * receiver is configured counts as `nobody`, not `done`, because it reached no person.
 *
 * @param note logs, once, that messages have no receiver
 */
export function counting(
  effects: Effects,
  { platform, page }: Receivers,
  counts: Map<string, number>,
  note: (text: string) => void,
): Effects {
  let isNoted = false;
  return {
    carryOut: async (errand, signal) => {
      const result = await effects.carryOut(errand, signal);
      const { kind } = errand.command;
      const isSent = kind !== "watchUntil" && (kind === "rollBack" ? platform : page) !== null;
      const status = result.status === "done" && !isSent ? "nobody" : result.status;
      const key = `${kind} ${status}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (status === "nobody" && kind !== "watchUntil" && !isNoted) {
        isNoted = true;
        note(
          `${errand.key} has no receiver: shadow.yaml names no \`page\`, so questions and ` +
            "notices for people are in the journal alone",
        );
      }
      return result;
    },
  };
}

function send(
  { url, secret, timeout }: Receiver,
  content: object,
  key: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<CarriedOut> {
  const timestampS = Math.floor(clock.wallMs() / 1000);
  const headers = {
    "idempotency-key": key,
    "webhook-id": key,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": signatureOf(secret, key, timestampS, JSON.stringify(content)),
  };
  return postJson(url, headers, content, timeout, signal);
}

/** One attempt to send a command; what the answer means for it. */
export async function postJson(
  url: string,
  headers: JsonObject<string>,
  content: object,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<CarriedOut> {
  try {
    return await inTime(timeoutMs, signal, async (given) => {
      const response = await fetch(url, {
        method: "POST",
        redirect: "manual",
        headers: {
          "content-type": "application/json",
          "user-agent": "hindsight-shadow",
          ...headers,
        },
        body: JSON.stringify(content),
        signal: given,
      });
      return resultOf(response.status, await readAnswer(response));
    });
  } catch (error) {
    return { status: "unknown", detail: faultOf(error, timeoutMs) };
  }
}

/** 409 means that the receiver has seen this key before, so the command is done. */
function resultOf(status: number, answer: string): CarriedOut {
  if ((status >= 200 && status < 300) || status === 409) {
    const finished = finishedSchema.safeParse(jsonOf(answer));
    return { status: "done", finished: finished.success ? finished.data : null };
  }
  const said = answer.replace(/\s+/g, " ").trim().slice(0, DETAIL_AT_MOST);
  const detail = `it answered ${status}${said === "" ? "" : `: ${said}`}`;
  const isRefused = status >= 300 && status < 500 && !LATER.includes(status);
  return { status: isRefused ? "refused" : "unknown", detail };
}

function message({ key, command, service, version, reason, act }: Errand) {
  const { kind, deploymentId, decisionId, askedAtMs } = command;
  const askedAt = formatTime(askedAtMs);
  return {
    type: kind,
    key,
    deploymentId,
    service,
    version,
    decisionId,
    askedAt,
    ...detailsOf(command),
    reason: act || !SOUNDS_LIKE_ACTING.includes(kind) ? reason : `${RECORDS_ONLY}${reason}`,
    act,
  };
}

/** Readers of these messages would expect an action, so those of a dry run get a remark. */
const SOUNDS_LIKE_ACTING: readonly EngineCommand["kind"][] = ["propose", "escalate", "notify"];
const RECORDS_ONLY = "Recorded only, nothing will be done: ";

/** The fields that only this kind of command has. */
function detailsOf(command: EngineCommand): JsonObject {
  switch (command.kind) {
    case "rollBack":
      return { authority: command.authority, accountable: command.accountable };
    case "propose": {
      const { to, ordinal, answers, answerByMs, onSilence } = command;
      return { to, ordinal, answers, answerBy: formatTime(answerByMs), onSilence };
    }
    case "escalate": {
      const { to, ordinal, answerByMs, onSilence } = command;
      return { to, ordinal, answerBy: formatTime(answerByMs), onSilence };
    }
    case "page":
    case "notify":
      return { to: command.to };
    case "holdRollout":
    case "withdrawProposal":
      return {};
    case "watchUntil":
      return { until: formatTime(command.untilMs) };
  }
}

async function readAnswer({ body }: Response): Promise<string> {
  if (body === null) return "";
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part as Uint8Array);
    bytes += (part as Uint8Array).byteLength;
    if (bytes > ANSWER_BYTES) break;
  }
  return Buffer.concat(parts).toString("utf8", 0, ANSWER_BYTES);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Node says only "fetch failed"; the reason is in `cause`. An abort is our own doing. */
function faultOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Late) return `no answer within ${timeoutMs / 1000} s`;
  const { name, message, cause } = error as Error & { cause?: { code?: string } };
  return name === "AbortError" ? "given up: the host ends" : (cause?.code ?? message);
}
