/**
 * What an override window and an approval do, without drawing anybody: closed forms of
 * the responder model for one question (method 4). They say what the simulated people
 * say up to the error of simulation, and how much of it a window can do at all.
 *
 * Exact where skill is constant while the window runs. At night skill rises with the
 * minutes awake, so the delay's distribution is cut at the steps of `skillAfterWaking`
 * and its last, sloping stretch by the minute.
 */

import { formatDuration, type Policy } from "../../engine/index.ts";
import {
  choices,
  skillAfterWaking,
  type ResponderModel,
  type Shift,
  type ShiftModel,
} from "./model.ts";
import { upperTail } from "./fit.ts";

export interface WindowEffect {
  /** Share of proposals on good deployments that are rolled back all the same. */
  readonly wrongRollbacks: number;
  /** Share of proposals on regressions that are rolled back. */
  readonly rightRollbacks: number;
  /** Mean of the wait that a regression's rollback has from its proposal. */
  readonly addedDelayMs: number;
}

/** An override window of `windowMs` in which silence rolls back. */
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
 * What the windows and approvals of policies can do with these people at all, in words:
 * most of a window's worth at night is delay. Nothing where nobody is drawn.
 */
export function windowNotes(policies: readonly Policy[], model: ResponderModel | null): string[] {
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
      return `In ${formatDuration(windowMs)} people stop ${stopped} of wrong rollbacks ${SHIFTS}.`;
    }),
    ...[...slas].sort(byNumber).map((slaMs) => {
      const open = byShift((shift) => unansweredAfter(model[shift], slaMs));
      return `After ${formatDuration(slaMs)} ${open} of approvals are unanswered ${SHIFTS}.`;
    }),
  ];
}

const SHIFTS = "(day, evening, night)";

function byNumber(a: number, b: number): number {
  return a - b;
}

/** Share of approvals that nobody has answered after `sla` and, then, a second `sla`. */
export function unansweredAfter(model: ShiftModel, slaMs: number, secondMs = 0): number {
  const first = 1 - answered(model, slaMs);
  return secondMs === 0 ? first : first * (1 - answered(model, secondMs));
}

/** Where skill may change: by the minute up to the twelfth, then it stands. */
function stretches(windowMs: number): readonly (readonly [number, number])[] {
  const steps = Array.from({ length: 12 }, (_, index) => (index + 1) * 60_000);
  const ends = [...steps.filter((ms) => ms < windowMs), windowMs];
  return ends.map((toMs, index) => [index === 0 ? 0 : ends[index - 1]!, toMs] as const);
}

/** Share of questions answered within `ms`, should whoever looks answer. */
function answered({ medianMs, sigma, silence }: ShiftModel, ms: number): number {
  return ms <= 0 ? 0 : (1 - silence) * (1 - upperTail(Math.log(ms / medianMs) / sigma));
}

/** ∫ r dF(r) up to `ms`: e^(m + σ²/2) Φ((ln ms − m − σ²)/σ). */
function partialMean({ medianMs, sigma, silence }: ShiftModel, ms: number): number {
  if (ms <= 0) return 0;
  const whole = medianMs * Math.exp((sigma * sigma) / 2);
  return (1 - silence) * whole * (1 - upperTail(Math.log(ms / medianMs) / sigma - sigma));
}
