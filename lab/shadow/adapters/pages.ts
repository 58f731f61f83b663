/**
 * Messages to people in the formats of Slack and PagerDuty, instead of a signed webhook of our own.
 * Neither remembers our keys, so a message that is sent again after a timeout may come twice; of
 * PagerDuty's, the second one adds to the same incident.
 */

import { formatTime, type EngineCommand } from "../../../engine/index.ts";
import type { ShadowFile } from "../config/shadowFile.ts";
import type { Effects, Errand } from "../contract.ts";
import { postJson } from "../out/webhooks.ts";

const PAGERDUTY = "https://events.pagerduty.com/v2/enqueue";
/** PagerDuty cuts a summary here; Slack refuses a longer text of a block. */
const SUMMARY_AT_MOST = 1024;
const TEXT_AT_MOST = 3000;

export const ANSWERS = { override: "hindsight-override", approve: "hindsight-approve" } as const;

/** The channel of `page` in shadow.yaml; null where it is a webhook of our own. */
export function channelOf(page: NonNullable<ShadowFile["page"]>): Effects["carryOut"] | null {
  const { slack, pagerduty, url, timeout } = page;
  if (slack !== undefined) {
    return (errand, signal) => postJson(slack, {}, slackMessage(errand), timeout, signal);
  }
  if (pagerduty === undefined) return null;
  return (errand, signal) => {
    const event = pagerdutyEvent(errand, pagerduty);
    // A message that is no reason to wake anybody is not sent.
    if (event === null) return Promise.resolve({ status: "done", finished: null });
    return postJson(url ?? PAGERDUTY, {}, event, timeout, signal);
  };
}

function textOf({ command, service, reason, act }: Errand): string {
  const dryRun = act ? "" : "Recorded only, nothing will be done. ";
  const about = `${command.kind} ${service} ${command.deploymentId}`;
  return `${dryRun}${about}: ${reason}`;
}

/** A question has buttons; their value names it, so that an old button answers no newer one. */
function slackMessage(errand: Errand): object {
  const { command } = errand;
  const text = textOf(errand).slice(0, TEXT_AT_MOST);
  // Plain text: what stands in a reason must not become a link or a mention.
  const section = { type: "section", text: { type: "plain_text", text, emoji: false } };
  if (command.kind !== "propose") return { text: plain(text), blocks: [section] };
  const { deploymentId, ordinal, answers, answerByMs, onSilence } = command;
  const until = `Until ${formatTime(answerByMs)}; without an answer: ${onSilence}.`;
  const value = JSON.stringify({ deploymentId, ordinal });
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

type Severity = "critical" | "warning";

const SEVERITY: Readonly<Partial<Record<EngineCommand["kind"], Severity>>> = {
  propose: "critical",
  escalate: "critical",
  page: "critical",
  holdRollout: "warning",
};

/** One incident for each deployment: it is resolved when the question no longer stands. */
function pagerdutyEvent(errand: Errand, routingKey: string): object | null {
  const { command, key, service, version, reason } = errand;
  const { kind, deploymentId, decisionId, askedAtMs } = command;
  const about = { routing_key: routingKey, dedup_key: deploymentId.slice(0, 255) };
  if (kind === "withdrawProposal") return { ...about, event_action: "resolve" };
  const severity = SEVERITY[kind];
  if (severity === undefined) return null;
  return {
    ...about,
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
