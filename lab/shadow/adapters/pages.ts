/**
 * Messages to people in the formats of Slack and PagerDuty, instead of a signed webhook of our own.
 * Slack does not remember our keys, so a message that is sent again after a timeout may come twice.
 */

import { formatTime } from "../../../engine/index.ts";
import type { ShadowFile } from "../config/shadowFile.ts";
import type { Effects, Errand } from "../contract.ts";
import { postJson } from "../out/webhooks.ts";
import { textOf } from "./messageText.ts";
import { pagerduty } from "./pagerduty.ts";

const PAGERDUTY = "https://events.pagerduty.com/v2/enqueue";
/** Slack refuses a longer text of a block. */
const TEXT_AT_MOST = 3000;

export const ANSWERS = { override: "hindsight-override", approve: "hindsight-approve" } as const;

/** The channel of `page` in shadow.yaml; null where it is a webhook of our own. */
export function channelOf(page: NonNullable<ShadowFile["page"]>): Effects["carryOut"] | null {
  const { slack, pagerduty: routingKey, url, timeout } = page;
  if (slack !== undefined) {
    return (errand, signal) => postJson(slack, {}, slackMessage(errand), timeout, signal);
  }
  if (routingKey === undefined) return null;
  return pagerduty(routingKey, (event, signal) =>
    postJson(url ?? PAGERDUTY, {}, event, timeout, signal),
  );
}

/** A question has buttons; their value names it, so that an old button answers no newer one. */
function slackMessage(errand: Errand): object {
  const { command } = errand;
  const text = textOf(errand).slice(0, TEXT_AT_MOST);
  // Plain text: what stands in a reason must not become a link or a mention.
  const section = { type: "section", text: { type: "plain_text", text, emoji: false } };
  if (command.kind !== "propose") return { text: plain(text), blocks: [section] };
  const { deploymentId, ordinal, askedAtMs, answers, answerByMs, onSilence } = command;
  const until = `Until ${formatTime(answerByMs)}; without an answer: ${onSilence}.`;
  const value = JSON.stringify({ deploymentId, ordinal, askedAtMs });
  const elements = answers.map((answer) => ({
    type: "button",
    action_id: ANSWERS[answer],
    text: { type: "plain_text", text: answer === "override" ? "Override" : "Approve rollback" },
    ...(answer === "approve" ? { style: "danger" } : {}),
    value,
  }));
  const context = { type: "context", elements: [{ type: "plain_text", text: until }] };
  return { text: plain(text), blocks: [section, context, { type: "actions", elements }] };
}

/** The text of a notification is Slack's own markup, in which these three mean something. */
const plain = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
