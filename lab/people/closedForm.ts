/**
 * What an override window and an approval achieve, computed from the responder model in closed
 * form (method 4), without simulating anybody. It agrees with simulated people up to the error of
 * simulation.
 *
 * It is exact where skill is constant while the window runs. At night skill rises with the minutes
 * awake, so the distribution of delays is cut at the steps of `skillAfterWaking`, and minute by
 * minute where skill rises gradually.
 */

import { formatDuration, type Policy } from "../../engine/index.ts";
import { normalTail } from "../random.ts";
import {
  choices,
  skillAfterWaking,
  type ResponderModel,
  type Shift,
  type ShiftModel,
} from "./model.ts";

export interface WindowEffect {
  /** The share of proposals on good deployments that end in a rollback. */
  readonly wrongRollbacks: number;
  /** The share of proposals on regressions that end in a rollback. */
  readonly rightRollbacks: number;
  /** The mean time from the proposal to the rollback of a regression. */
  readonly addedDelayMs: number;
}

/** The effect of an override window of this length in which silence rolls back. */
export function windowEffect(model: ShiftModel, shift: Shift, windowMs: number): WindowEffect {
  let overriddenIfGood = 0;
  let overriddenIfBad = 0;
  let approved = 0;
  let approvedDelayMs = 0;
  for (const [fromMs, toMs] of stretches(windowMs)) {
    const skill = skillAfterWaking(shift, (fromMs + toMs) / 2);
    const answer = answered(model, toMs) - answered(model, fromMs);
    const asked = { mustDecide: false, skill };
    overriddenIfGood += answer * choices(model, { ...asked, truthIsBad: false }).overrides;
    const bad = choices(model, { ...asked, truthIsBad: true });
    overriddenIfBad += answer * bad.overrides;
    approved += answer * bad.approves;
    approvedDelayMs += bad.approves * (partialMean(model, toMs) - partialMean(model, fromMs));
  }
  const right = 1 - overriddenIfBad;
  return {
    wrongRollbacks: 1 - overriddenIfGood,
    rightRollbacks: right,
    addedDelayMs: (approvedDelayMs + (right - approved) * windowMs) / right,
  };
}

/**
 * The share of wrong rollbacks that a longer window than history's stops, whatever comes after the
 * longest wait: nothing more, or an answer of everybody else, as right as by day.
 */
export function stoppedBeyond(
  model: ShiftModel,
  shift: Shift,
  seenUntilMs: number,
): { readonly low: number; readonly high: number } {
  const low = seenUntilMs === 0 ? 0 : 1 - windowEffect(model, shift, seenUntilMs).wrongRollbacks;
  return { low, high: low + (1 - answered(model, seenUntilMs)) * model.overrideIfGood };
}

/**
 * What the windows and approvals of policies can achieve with these people, in words; nothing where
 * people are not modelled.
 */
export function windowNotes(
  policies: readonly Policy[],
  model: ResponderModel | null,
  seenUntilMs: number | null,
): string[] {
  if (model === null) return [];
  const byShift = (share: (shift: Shift) => number): string =>
    (["business", "evening", "night"] as const)
      .map((shift) => `${Math.round(100 * share(shift))} %`)
      .join(", ");
  const windows = new Set<number>();
  const slas = new Set<number>();
  for (const { tiers } of policies) {
    if (tiers.override.onTimeout === "rollback") windows.add(tiers.override.windowMs);
    slas.add(tiers.approve.slaMs);
  }
  return [
    ...[...windows].sort(byNumber).map((windowMs) => {
      const stopped = byShift(
        (shift) => 1 - windowEffect(model[shift], shift, windowMs).wrongRollbacks,
      );
      const window = formatDuration(windowMs);
      const says = `In ${window} people stop ${stopped} of wrong rollbacks ${SHIFTS}`;
      if (seenUntilMs === null || windowMs <= seenUntilMs) return `${says}.`;
      const [low, high] = (["low", "high"] as const).map((end) =>
        byShift((shift) => stoppedBeyond(model[shift], shift, seenUntilMs)[end]),
      );
      return (
        `${says}. History waited ${formatDuration(seenUntilMs)} at most: it is at least ${low!} ` +
        `if no later answer comes, and at most ${high!} if all do.`
      );
    }),
    ...[...slas].sort(byNumber).map((slaMs) => {
      const open = byShift((shift) => unansweredAfter(model[shift], slaMs));
      return `After ${formatDuration(slaMs)} ${open} of approvals are unanswered ${SHIFTS}.`;
    }),
  ];
}

/**
 * Where nobody answers and somebody is asked: that a window then only delays, and that no
 * approval comes, is what was assumed and no finding.
 */
export function silenceNotes(policies: readonly Policy[], choice: string): string[] {
  if (choice !== "absent" || !policies.some(asksSomebody)) return [];
  return [
    "People are not simulated (--people absent): every window times out and every approval " +
      "expires, so longer windows look worse. Use --people modelled, recorded, perfect or a file.",
  ];
}

function asksSomebody({ assign, modes, stages }: Policy): boolean {
  const tiers = [
    ...assign.map(({ tier }) => tier),
    ...[...modes, ...(stages ?? [])].flatMap(({ tier }) => Object.values(tier)),
  ];
  return tiers.some((tier) => tier === "override" || tier === "approve");
}

const SHIFTS = "(day, evening, night)";

function byNumber(a: number, b: number): number {
  return a - b;
}

/** The share of approvals that are unanswered after one time limit, or after two in a row. */
export function unansweredAfter(model: ShiftModel, slaMs: number, secondMs = 0): number {
  const first = 1 - answered(model, slaMs);
  return secondMs === 0 ? first : first * (1 - answered(model, secondMs));
}

/** The window, cut where skill may change: every minute up to the twelfth. */
function stretches(windowMs: number): readonly (readonly [number, number])[] {
  const steps = Array.from({ length: 12 }, (_, index) => (index + 1) * 60_000);
  const ends = [...steps.filter((ms) => ms < windowMs), windowMs];
  return ends.map((toMs, index) => [index === 0 ? 0 : ends[index - 1]!, toMs] as const);
}

/** The share of questions that somebody has looked at within `ms`. */
function answered({ medianMs, sigma, silence }: ShiftModel, ms: number): number {
  return ms <= 0 ? 0 : (1 - silence) * (1 - normalTail(Math.log(ms / medianMs) / sigma));
}

/**
 * The integral of the delay over its distribution up to `ms`: e^(m + σ²/2) Φ((ln ms − m − σ²)/σ)
 * times the share that answers at all, with m the logarithm of the median.
 */
function partialMean({ medianMs, sigma, silence }: ShiftModel, ms: number): number {
  if (ms <= 0) return 0;
  const whole = medianMs * Math.exp((sigma * sigma) / 2);
  return (1 - silence) * whole * (1 - normalTail(Math.log(ms / medianMs) / sigma - sigma));
}
