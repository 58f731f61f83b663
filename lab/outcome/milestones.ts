/** What the outcome of one deployment rests on among its records, judgements and commands. */

import {
  accuses,
  type DecisionRecord,
  type EngineCommand,
  type SignalJudged,
} from "../../engine/index.ts";
import type { Outcome } from "./outcome.ts";

/** A breach this little before the recorded onset is of it: onsets are rarely more exact. */
export const EARLY_MS = 120_000;

const NONE: readonly never[] = [];

/** Those records of a deployment that its outcome rests on, and how many there were of others. */
export interface Milestones {
  /** The first proposal. */
  proposed: DecisionRecord | undefined;
  /** The first question, or page. */
  asked: DecisionRecord | undefined;
  /** The first order to roll back. */
  ordered: DecisionRecord | undefined;
  ended: DecisionRecord | undefined;
  last: DecisionRecord | undefined;
  /** What a machine was not allowed to act on: the first page or note of it, or the end. */
  restrained: DecisionRecord | undefined;
  /** The newest proposal before any order: the question that an order answers. */
  question: DecisionRecord | undefined;
  /** The newest question or page that rested on the word of an agent alone. */
  spoken: DecisionRecord | undefined;
  proposals: number;
  escalations: number;
  /** Was a rollback ordered without an accountable owner? */
  ownerless: boolean;
}

/** Finds them among the records of one deployment, in the order they were made. */
export function milestonesIn(records: readonly DecisionRecord[]): Milestones {
  const found: Milestones = {
    proposed: undefined,
    asked: undefined,
    ordered: undefined,
    ended: undefined,
    last: undefined,
    restrained: undefined,
    question: undefined,
    spoken: undefined,
    proposals: 0,
    escalations: 0,
    ownerless: false,
  };
  let paged: DecisionRecord | undefined;
  for (const record of records) {
    const { decision } = record;
    found.last = record;
    if (record.tier === "observe") found.restrained ??= record;
    const asks = decision === "proposed" || decision === "paged";
    if (asks && record.agent?.alone === true) found.spoken = record;
    if (decision === "proposed") {
      found.proposed ??= record;
      if (found.ordered === undefined) found.question = record;
      found.proposals++;
    } else if (decision === "paged") paged ??= record;
    else if (decision === "escalated") found.escalations++;
    else if (decision === "ended") found.ended = record;
    else if (decision === "rollbackOrdered") {
      found.ordered ??= record;
      if (record.accountable.trim() === "") found.ownerless = true;
    }
  }
  found.asked = found.proposed ?? paged;
  return found;
}

/** The rule that left a breach to people, as `guardrails.cooldown`; null where none did. */
export function restrainedBy({ restrained }: Milestones): string | null {
  return restrained?.tierPath.at(-1)?.rule ?? null;
}

/**
 * The agent on whose word alone the rollback was ordered or, without an order, people were asked;
 * null where our own evidence was enough for that.
 */
export function agentIn({ ordered, question, spoken, last }: Milestones): Outcome["agent"] {
  const record = ordered === undefined ? spoken : question;
  if (record?.agent?.alone !== true) return null;
  return { name: record.agent.agent, unanswered: last?.agent?.unanswered === true };
}

/** The signals that spoke against the deployment, by name. */
export function accusedIn({ signals }: DecisionRecord): readonly string[] {
  if (signals.length === 1 && accuses(signals[0]!)) return [signals[0]!.signal];
  return signals.filter(accuses).map(({ signal }) => signal);
}

/**
 * When the incident was detected, and whether there was an alarm before it. A proposal of an agent
 * that the policy acted on is an alarm as a breach is.
 */
export function breachesOf(
  judgements: readonly SignalJudged[],
  records: readonly DecisionRecord[],
  onsetAtMs: number | null,
): Pick<Outcome, "detectedAtMs" | "earlyAlarm"> {
  const onTimeMs = onsetAtMs === null ? Number.NEGATIVE_INFINITY : onsetAtMs - EARLY_MS;
  let detectedAtMs: number | null = null;
  let earlyAlarm = false;
  for (const { evidence, knownAtMs } of judgements) {
    if (evidence.verdict !== "breach") continue;
    if (knownAtMs < onTimeMs) earlyAlarm = true;
    else detectedAtMs ??= knownAtMs;
  }
  for (const { decision, agent, knownAtMs } of records) {
    if (decision !== "proposed" || agent?.alone !== true) continue;
    if (knownAtMs < onTimeMs) earlyAlarm = true;
    else detectedAtMs = Math.min(detectedAtMs ?? knownAtMs, knownAtMs);
  }
  return { detectedAtMs, earlyAlarm };
}

/** When people were paged. */
export function pagesIn(commands: readonly EngineCommand[]): readonly number[] {
  let pages: readonly number[] = NONE;
  for (const command of commands) {
    if (command.kind !== "page") continue;
    // Not pushed to: most lists have one item, and a push would reserve room for seventeen.
    pages = pages.length === 0 ? [command.askedAtMs] : [...pages, command.askedAtMs];
  }
  return pages;
}

/** How long the policy waited for people, from its first question to the end of its last. */
export function waitedMs(records: readonly DecisionRecord[], asked: DecisionRecord): number {
  const over = records.findLast(
    ({ phaseBefore, phaseAfter }) => phaseBefore === "proposed" && phaseAfter !== "proposed",
  );
  return (over ?? asked).knownAtMs - asked.knownAtMs;
}
