/**
 * The model of people: how long somebody takes to answer a proposal, and how often the answer is
 * right.
 *
 * An answer is a pure function of the question and a key. The same person answers the same question
 * alike under every policy (common random numbers by deployment, purpose, ordinal and replicate),
 * so two policies differ only by what they ask and when.
 *
 * The medians of delays are assumptions, to be replaced by a team's own audit log. Bias: nobody is
 * busy with another incident, nobody shares a page, and nobody learns to distrust the machine; real
 * answers under load are slower and worse.
 */

import { localHour } from "../localTime.ts";
import { lognormalQuantile, uniform } from "../random.ts";

export type Shift = "business" | "evening" | "night";

/** How the people of one shift answer; all but the first two are probabilities. */
export interface ShiftModel {
  /** The time to an answer is lognormal; with probability `silence` there is none at all. */
  readonly medianMs: number;
  /** Standard deviation of its logarithm. */
  readonly sigma: number;
  /** Probability that nobody answers at all. */
  readonly silence: number;
  /** Of an override where the deployment is good. */
  readonly overrideIfGood: number;
  /** Of an override where it is bad, which is the harmful kind. */
  readonly overrideIfBad: number;
  /** Of approving the rollback of a bad deployment before the window ends. */
  readonly approveIfBad: number;
}

export type ResponderModel = Readonly<Record<Shift, ShiftModel>>;

const DECISIONS = { overrideIfGood: 0.8, overrideIfBad: 0.05, approveIfBad: 0.5 };

/**
 * Defaults. Day-time values are planning assumptions; the night's worse decisions
 * follow Bruck & Pisani 1999 (decision performance after abrupt waking as low as
 * 51 % in the first three minutes, up to 20 % below normal at thirty).
 */
export const DEFAULT_RESPONDER: ResponderModel = {
  business: { medianMs: 120_000, sigma: 0.9, silence: 0.02, ...DECISIONS },
  evening: { medianMs: 240_000, sigma: 1.0, silence: 0.05, ...DECISIONS },
  night: { medianMs: 480_000, sigma: 1.0, silence: 0.1, ...DECISIONS },
};

export interface Question {
  readonly deploymentId: string;
  /** Numbers the questions about this deployment, so that each has its own luck. */
  readonly ordinal: number;
  readonly proposedAtMs: number;
  /** The responder's IANA time zone; null is UTC. */
  readonly timezone: string | null;
  /** After this an answer is too late and counts as silence. */
  readonly answerByMs: number;
  readonly answers: readonly ("override" | "approve")[];
  readonly truthIsBad: boolean;
  /**
   * What silence leads to, as the command says. Under `hold` whoever looks must say yes or no;
   * under `rollback` (the default) they may also look and let the window run out.
   */
  readonly onSilence?: "rollback" | "hold";
  /** The team whose on-call is asked; only for the name in the record. */
  readonly team?: string | null;
}

export interface Answer {
  readonly kind: "override" | "approve" | "silence";
  /** From proposal to answer; null when nobody answered. */
  readonly delayMs: number | null;
  readonly by: string | null;
  readonly justification: string | null;
}

const SILENCE: Answer = { kind: "silence", delayMs: null, by: null, justification: null };
/** Business 09-18, evening 18-23, night 23-09 local; the early morning counts as night. */
export function shiftAt(timezone: string | null, atMs: number): Shift {
  const hour = localHour(timezone, atMs);
  if (hour >= 9 && hour < 18) return "business";
  return hour >= 18 && hour < 23 ? "evening" : "night";
}

/**
 * The share of daytime skill that somebody has so long after a page at night: half in the first
 * three minutes, three quarters up to the sixth, then rising to 0.84 at the twelfth. It scales the
 * gap between right and wrong answers, not the number of answers.
 */
export function skillAfterWaking(shift: Shift, delayMs: number): number {
  if (shift !== "night") return 1;
  const minutes = delayMs / 60_000;
  if (minutes < 3) return 0.5;
  if (minutes < 6) return 0.75;
  return Math.min(0.84, 0.75 + (0.09 * (minutes - 6)) / 6);
}

/**
 * The probabilities that somebody who looks overrides or approves; the rest does neither. Whoever
 * must decide approves where they do not override.
 */
export function choices(
  { overrideIfGood, overrideIfBad, approveIfBad }: ShiftModel,
  asked: { readonly truthIsBad: boolean; readonly mustDecide: boolean; readonly skill: number },
): { overrides: number; approves: number } {
  const overrides = asked.truthIsBad
    ? overrideIfBad
    : overrideIfBad + asked.skill * (overrideIfGood - overrideIfBad);
  if (asked.mustDecide) return { overrides, approves: 1 - overrides };
  return { overrides, approves: asked.truthIsBad ? asked.skill * approveIfBad : 0 };
}

const REASONS = {
  overrideGood: [
    "expected after this change, settling already",
    "known warm-up, users are not affected",
    "not caused by this deployment",
  ],
  overrideBad: ["looks like noise to me", "we need this change live", "should recover by itself"],
  approve: ["confirmed, rolling back", "users are affected", "matches the error reports"],
} as const;

function reason(kind: keyof typeof REASONS, pick: number): string {
  return REASONS[kind][Math.floor(pick * REASONS[kind].length)]!;
}

/**
 * What a person does with a proposal, and after how long.
 *
 * Bias: delays depend on the hour alone, so a weekend counts like any other day. A person who must
 * decide overrides with the same probability as in a window, and approves otherwise; one who need
 * not may also stay silent and let it run.
 *
 * @example
 * answer({ deploymentId: "checkout-20260703-1", ordinal: 0, proposedAtMs,
 *   timezone: "Europe/Berlin", answerByMs: proposedAtMs + 120_000,
 *   answers: ["override"], truthIsBad: false }, 11, 0)
 * // { kind: "override", delayMs: 64211, by: "on-call", justification: "…" }
 */
export function answer(
  question: Question,
  seed: number,
  replicate: number,
  model: ResponderModel = DEFAULT_RESPONDER,
): Answer {
  const draw = (purpose: string): number =>
    uniform(seed, question.deploymentId, purpose, question.ordinal, replicate);
  const shift = shiftAt(question.timezone, question.proposedAtMs);
  const { medianMs, sigma, silence } = model[shift];
  if (draw("silence") < silence) return SILENCE;
  const delayMs = Math.round(lognormalQuantile(draw("delay"), medianMs, sigma));
  if (question.proposedAtMs + delayMs >= question.answerByMs) return SILENCE;

  const { overrides, approves } = choices(model[shift], {
    truthIsBad: question.truthIsBad,
    mustDecide: question.onSilence === "hold",
    skill: skillAfterWaking(shift, delayMs),
  });

  const choice = draw("choice");
  const by = question.team == null ? "on-call" : `${question.team} on-call`;
  if (choice < overrides) {
    if (!question.answers.includes("override")) return SILENCE;
    const kind = question.truthIsBad ? "overrideBad" : "overrideGood";
    return { kind: "override", delayMs, by, justification: reason(kind, draw("justification")) };
  }
  if (choice >= 1 - approves && question.answers.includes("approve")) {
    return {
      kind: "approve",
      delayMs,
      by,
      justification: reason("approve", draw("justification")),
    };
  }
  return SILENCE;
}
