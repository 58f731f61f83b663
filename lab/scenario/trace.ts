/**
 * Prints a run so that a person can check it: a line for each decision with its reason and rule,
 * and a line for each command. Times are UTC and numbers have six significant digits, so a trace
 * changes only if a decision changes.
 */

import {
  formatNumber,
  type DecisionRecord,
  type EngineCommand,
  type Event,
} from "../../engine/index.ts";
import type { HostRun } from "./host.ts";
import { clockText } from "./clock.ts";

const INDENT = " ".repeat(10);

/** The name and purpose of a trace. */
export interface Traced {
  readonly name: string;
  readonly why: string;
  readonly policy: string;
  readonly startsAtMs: number;
}

function eventText(event: Event): string {
  switch (event.kind) {
    case "overrideGiven":
      return `overrideGiven by ${event.by}: "${event.justification}"`;
    case "approvalGiven":
      return `approvalGiven by ${event.by}`;
    case "agentProposed":
      return `agentProposed by ${event.agent}, ${formatNumber(event.confidence * 100)} % sure`;
    case "rollbackFinished":
      return `rollbackFinished ${event.succeeded ? "well" : "badly"}`;
    case "haltOrdered":
    case "haltLifted":
    case "policyChanged":
      return `${event.kind} by ${event.by}`;
    case "stageReached":
      return `stageReached ${formatNumber(event.share * 100)} %`;
    case "requestRefused":
      return `requestRefused ${event.what} by ${event.by ?? "somebody unknown"}`;
    case "faultReported":
      return `faultReported of ${event.source}`;
    case "deploymentQuarantined":
      return `deploymentQuarantined: ${event.reason}`;
    case "deploymentStarted":
    case "deploymentTagged":
    case "contextPrepared":
    case "samplesTaken":
    case "clockAdvanced":
      return event.kind;
  }
}

function commandText(command: EngineCommand, startsAtMs: number): string {
  const time = (ms: number): string => clockText(ms, startsAtMs);
  switch (command.kind) {
    case "watchUntil":
      return `watchUntil ${time(command.untilMs)}`;
    case "propose":
    case "escalate": {
      const until = `until ${time(command.answerByMs)}, silence: ${command.onSilence}`;
      const answers = command.kind === "propose" ? `, answers: ${command.answers.join(", ")}` : "";
      return `${command.kind} ${command.ordinal} to ${command.to}, ${until}${answers}`;
    }
    case "holdRollout":
    case "withdrawProposal":
      return command.kind;
    case "page":
    case "notify":
      return `${command.kind} ${command.to}`;
    case "rollBack":
      return `rollBack, authority: ${command.authority}, accountable: ${command.accountable}`;
  }
}

function recordLines(record: DecisionRecord, event: Event, startsAtMs: number): string[] {
  const path = record.tierPath.map(({ rule, tier }) => `${rule}: ${tier}`).join(", then ");
  const lines = [
    [
      clockText(record.knownAtMs, startsAtMs),
      record.deploymentId,
      eventText(event),
      `${record.phaseBefore} -> ${record.phaseAfter}`,
      record.end === null ? record.decision : `${record.decision}: ${record.end}`,
    ].join("  "),
    `${INDENT}${record.reason}`,
  ];
  if (path !== "") {
    lines.push(`${INDENT}tier ${path}${record.mode === null ? "" : ` (mode ${record.mode})`}`);
  }
  if (record.stage !== undefined) {
    const { share, name } = record.stage;
    const stage = name === null ? "no stage of the policy" : `stage ${name}`;
    lines.push(`${INDENT}${formatNumber(share * 100)} % of the traffic: ${stage}`);
  }
  const causes = record.explanations;
  if (causes.some(({ deploymentId }) => deploymentId !== record.deploymentId)) {
    const all = causes.map(({ deploymentId, why }) => `${deploymentId}: ${why}`);
    lines.push(`${INDENT}explained by ${all.join(", or ")}`);
  }
  if (record.confidence !== null) lines.push(`${INDENT}${confidenceText(record)}`);
  if (record.learned !== undefined) {
    const { says, tierWithout } = record.learned;
    const shadow = tierWithout === null ? "" : `; without it: ${tierWithout}`;
    lines.push(`${INDENT}learned ${says}${shadow}`);
  }
  if (record.tags.length > 0) lines.push(`${INDENT}tags ${record.tags.join(", ")}`);
  if (record.selfIssued !== undefined) {
    lines.push(`${INDENT}self-issued ${record.selfIssued.join(", ")}`);
  }
  if (record.phaseAfter !== "watching" || record.decision !== "watchStarted") {
    for (const one of record.signals) {
      const numbers = [
        ["effect", one.effect],
        ["expected", one.expected],
        ["scale", one.scale],
        ["statistic", one.statistic],
      ] as const;
      const shown = numbers.map(([name, value]) =>
        value === null ? "" : `, ${name} ${formatNumber(value)}`,
      );
      const shadow = one.untagged === one.verdict ? "" : ` (untagged: ${one.untaggedReason})`;
      lines.push(`${INDENT}${one.signal} ${one.verdict}${shown.join("")}${shadow}`);
    }
  }
  if (record.untaggedProposedAtMs !== null) {
    const at = clockText(record.untaggedProposedAtMs, startsAtMs);
    lines.push(`${INDENT}without tags it would have been proposed at ${at}`);
  }
  return lines;
}

function confidenceText({ confidence, basis }: DecisionRecord): string {
  const caps = basis!.caps.map(({ rule, atMost }) => `${rule} caps at ${formatNumber(atMost)}`);
  const made = [`confidence ${formatNumber(confidence!)}`, `ln E ${formatNumber(basis!.logE)}`];
  return [...made, ...caps].join(", ");
}

export function traceText(traced: Traced, run: HostRun): string {
  const lines = [`# ${traced.name}`, `# ${traced.why}`, `# policy ${traced.policy}`];
  for (const { event, records, commands } of run.steps) {
    // A word that the policy heard and did not act on leaves no record, but is part of the story.
    if (event.kind === "agentProposed" && records.length === 0) {
      const at = clockText(event.knownAtMs, traced.startsAtMs);
      lines.push("", [at, event.deploymentId, eventText(event), "nothing decided"].join("  "));
    }
    for (const record of records) {
      lines.push("", ...recordLines(record, event, traced.startsAtMs));
      for (const command of commands) {
        if (command.decisionId !== record.decisionId) continue;
        lines.push(`${INDENT}! ${commandText(command, traced.startsAtMs)}`);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}
