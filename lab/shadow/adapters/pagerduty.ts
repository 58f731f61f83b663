/**
 * Messages to people as events of PagerDuty (Events API v2). PagerDuty adds an event to the open
 * incident of the same `dedup_key` and wakes no person for it. So each question, escalation and
 * page has a key of its own; a message that is sent again has the key that it had.
 */

import { createHash } from "node:crypto";
import { formatTime, type EngineCommand } from "../../../engine/index.ts";
import type { CarriedOut, Effects, Errand } from "../contract.ts";
import { textOf } from "./messageText.ts";

/** PagerDuty cuts a summary here, and refuses a longer key. */
const SUMMARY_AT_MOST = 1024;
const KEY_AT_MOST = 255;
/** Deployments whose questions are open at the same time; there are fewer. */
const REMEMBERED = 10_000;

type Severity = "critical" | "warning";

const SEVERITY: Readonly<Partial<Record<EngineCommand["kind"], Severity>>> = {
  propose: "critical",
  escalate: "critical",
  page: "critical",
  holdRollout: "warning",
};

type Post = (event: object, signal: AbortSignal) => Promise<CarriedOut>;

/** Triggers incidents, and resolves those of a question that no longer stands. */
export function pagerduty(routingKey: string, post: Post): Effects["carryOut"] {
  const questions = new Questions();
  return async (errand, signal) => {
    const { kind, deploymentId } = errand.command;
    if (kind === "withdrawProposal") {
      let last: CarriedOut = { status: "done", finished: null };
      for (const key of questions.keysOf(deploymentId)) {
        const event = { routing_key: routingKey, dedup_key: key, event_action: "resolve" };
        const result = await post(event, signal);
        // The keys that are left are resolved when the withdrawal is sent again.
        if (result.status === "unknown") return result;
        if (result.status === "refused") last = result;
        questions.close(deploymentId, key);
      }
      return last;
    }
    const severity = SEVERITY[kind];
    // A message that is no reason to wake a person is not sent.
    if (severity === undefined) return { status: "done", finished: null };
    return post(triggerOf(errand, routingKey, questions.keyOf(errand), severity), signal);
  };
}

/** The keys of open questions. A restart forgets them, except for that of the first question. */
class Questions {
  /** By deployment: the keys by the decision that asked. */
  readonly #open = new Map<string, Map<string, string>>();

  keyOf({ key, command }: Errand): string {
    const { deploymentId, decisionId } = command;
    const open = this.#open.get(deploymentId);
    // A question comes with a page of the same decision: that is one incident.
    if (command.kind === "page") return open?.get(decisionId) ?? keyFrom(key);
    if (command.kind !== "propose" && command.kind !== "escalate") return keyFrom(key);
    const isFirst = command.kind === "propose" && command.ordinal === 1;
    const own = keyFrom(isFirst ? deploymentId : key);
    this.#open.set(deploymentId, new Map([...(open ?? []), [decisionId, own]]));
    if (this.#open.size > REMEMBERED) this.#open.delete(this.#open.keys().next().value!);
    return own;
  }

  keysOf(deploymentId: string): ReadonlySet<string> {
    const open = this.#open.get(deploymentId)?.values() ?? [];
    return new Set([keyFrom(deploymentId), ...open]);
  }

  close(deploymentId: string, key: string): void {
    const open = this.#open.get(deploymentId);
    if (open === undefined) return;
    for (const [decisionId, one] of open) if (one === key) open.delete(decisionId);
    if (open.size === 0) this.#open.delete(deploymentId);
  }
}

const keyFrom = (text: string): string =>
  text.length <= KEY_AT_MOST ? text : `sha256:${createHash("sha256").update(text).digest("hex")}`;

function triggerOf(
  errand: Errand,
  routingKey: string,
  dedupKey: string,
  severity: Severity,
): object {
  const { command, key, service, version, reason } = errand;
  const { kind, deploymentId, decisionId, askedAtMs } = command;
  return {
    routing_key: routingKey,
    dedup_key: dedupKey,
    event_action: "trigger",
    client: "Hindsight",
    payload: {
      summary: textOf(errand).slice(0, SUMMARY_AT_MOST),
      source: service,
      severity,
      timestamp: formatTime(askedAtMs),
      component: service,
      class: kind,
      custom_details: { key, decisionId, deploymentId, version, reason },
    },
  };
}
