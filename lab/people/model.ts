/**
 * People as a model: how long somebody takes to answer a proposal, and how often
 * the answer is right.
 *
 * A pure function of the question and a key. The same person answers the same
 * question alike under every policy (common random numbers by deployment, purpose,
 * ordinal and replicate), so two policies differ by what they ask and when.
 *
 * The delays' medians are assumptions to be replaced by a team's own audit log.
 * Bias: nobody is busy with another incident, nobody shares a page, and nobody
 * learns to distrust the machine; real answers under load are slower and worse.
 */

import { lognormalQuantile, uniform } from "../random.ts";

export type Shift = "business" | "evening" | "night";

/** How the people of one shift answer. */
export interface ShiftModel {
  /** Time to an answer: lognormal, and with `silence` probability none at all. */
  readonly medianMs: number;
  readonly sigma: number;
  readonly silence: number;
  /** Probability of an override when the deployment is good. */
  readonly overrideIfGood: number;
  /** Probability of an override when it is bad: the harmful kind. */
  readonly overrideIfBad: number;
  /** Probability of approving a bad deployment's rollback before the window ends. */
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
  /** Which question about this deployment: 0 the first, one more each escalation or proposal. */
  readonly ordinal: number;
  readonly proposedAtMs: number;
  /** IANA name of where the responder lives; null is UTC. */
  readonly timezone: string | null;
  /** After this an answer is too late and counts as silence. */
  readonly answerByMs: number;
  readonly answers: readonly ("override" | "approve")[];
  readonly truthIsBad: boolean;
  /**
   * What silence leads to, as the command says. Under `hold` whoever answers must say
   * yes or no; under `rollback` (the default) one may also look and let the window run out.
   */
  readonly onSilence?: "rollback" | "hold";
  /** Whose on-call is asked; only for the name in the record. */
  readonly team?: string | null;
}

export interface Answer {
  readonly kind: "override" | "approve" | "silence";
  /** From the proposal to the answer; null when nobody answered. */
  readonly delayMs: number | null;
  readonly by: string | null;
  readonly justification: string | null;
}

const SILENCE: Answer = { kind: "silence", delayMs: null, by: null, justification: null };
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;

const formatters = new Map<string, Intl.DateTimeFormat>();
/** Zone → UTC day → offset, or null when the offset changes within that day. */
const dayOffsets = new Map<string, Map<number, number | null>>();
const quarterOffsets = new Map<string, Map<number, number>>();

function askIntl(timezone: string, atMs: number): number {
  let formatter = formatters.get(timezone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
    formatters.set(timezone, formatter);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(atMs)) part[type] = Number(value);
  const local = Date.UTC(
    part["year"]!,
    part["month"]! - 1,
    part["day"],
    part["hour"],
    part["minute"],
  );
  return local - Math.floor(atMs / 60_000) * 60_000;
}

/**
 * Local time minus UTC, in ms. `Intl` is slow (microseconds), so a day whose two
 * ends agree is asked once, and a day that changes over is asked by the quarter
 * hour, which is exact for every zone in use.
 */
export function utcOffsetMs(timezone: string, atMs: number): number {
  let days = dayOffsets.get(timezone);
  if (days === undefined) dayOffsets.set(timezone, (days = new Map<number, number | null>()));
  const day = Math.floor(atMs / DAY_MS);
  let offset = days.get(day);
  if (offset === undefined) {
    const first = askIntl(timezone, day * DAY_MS);
    offset = first === askIntl(timezone, (day + 1) * DAY_MS) ? first : null;
    days.set(day, offset);
  }
  if (offset !== null) return offset;
  let quarters = quarterOffsets.get(timezone);
  if (quarters === undefined) quarterOffsets.set(timezone, (quarters = new Map<number, number>()));
  const quarter = Math.floor(atMs / QUARTER_MS);
  let exact = quarters.get(quarter);
  if (exact === undefined) quarters.set(quarter, (exact = askIntl(timezone, quarter * QUARTER_MS)));
  return exact;
}

/** Hours since local midnight, with minutes as a fraction; a null zone is UTC. */
export function localHour(timezone: string | null, atMs: number): number {
  const local = atMs + (timezone === null ? 0 : utcOffsetMs(timezone, atMs));
  return (local - Math.floor(local / DAY_MS) * DAY_MS) / HOUR_MS;
}

/** Business 09-18, evening 18-23, night 23-09 local; the early morning counts as night. */
export function shiftAt(timezone: string | null, atMs: number): Shift {
  const hour = localHour(timezone, atMs);
  if (hour >= 9 && hour < 18) return "business";
  return hour >= 18 && hour < 23 ? "evening" : "night";
}

/**
 * How much of the day's skill is there so long after a page at night: half in the
 * first three minutes, three quarters to the sixth, then rising to 0.84 at the
 * twelfth. It scales the gap between right and wrong answers, not the answers.
 */
export function skillAfterWaking(shift: Shift, delayMs: number): number {
  if (shift !== "night") return 1;
  const minutes = delayMs / 60_000;
  if (minutes < 3) return 0.5;
  if (minutes < 6) return 0.75;
  return Math.min(0.84, 0.75 + (0.09 * (minutes - 6)) / 6);
}

/**
 * The odds of somebody who looks: an override, an approval, or neither. Who must decide
 * approves where they do not override.
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
 * The weekend counts like any other day: on-call delays depend on the hour alone.
 * A person who must decide overrides with the same probability as in a window and
 * approves otherwise; one who need not may also stay silent and let it run.
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
