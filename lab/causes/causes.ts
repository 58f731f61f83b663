/**
 * Why a policy missed a regression, and what fooled it where it rolled a good deployment back:
 * codes with parameters. Pure; the words are in words.ts, the samples come from look.ts.
 *
 * A cause is taken from the outcome where that says it, and from how the series moved else. What
 * neither of them says is `unknown`.
 */

import type { Policy, SignalPolicy } from "../../engine/index.ts";
import { isGood, isOpen, isSilent, type Outcome } from "../outcome/outcome.ts";
import { hasMoved, type Movement } from "./movement.ts";

/** Why a regression was not rolled back, in the order of a policy's work. */
export const MISS_CAUSES = [
  /** None of its signals moved: no setting of these signals could see it. */
  "invisible",
  /** A signal moved, and stayed below its tolerance. */
  "belowTolerance",
  /** A signal went beyond its tolerance, and not clearly or not for long enough. */
  "notHeld",
  /** It began when too little of the watch was left. */
  "tooLate",
  /** Too few samples to judge it by. */
  "noData",
  /** Without its tags the policy would have asked. */
  "tagged",
  /** A signal was in breach, and the fusion or its confidence asks for more. */
  "unsure",
  /** The policy asked, and the signals recovered. */
  "withdrawn",
  /** The policy asked or told people, and people or a guardrail stopped it. */
  "stopped",
  "rollbackFailed",
  /** The next deployment of the service came first. */
  "superseded",
  /** History's own rollback hid it, or the answer of people was not recorded. */
  "hidden",
  "unknown",
] as const;
export type MissCause = (typeof MISS_CAUSES)[number];

/** What fooled a policy that rolled a good deployment back. */
export const FALSE_CAUSES = [
  /** An agent proposed it, our own evidence was not enough, and a person approved. */
  "agentApproved",
  /** The same, and the policy acted without a person's yes. */
  "agentAlone",
  /** An excursion that was over before the watch was. */
  "passing",
  /** A change that was still there at the end of the watch. */
  "lasting",
  /** No more than what the series does without a deployment. */
  "noise",
  /** An incident of something else, in at least three services at once. */
  "shared",
  /** An incident of something else in a service that is watched. */
  "coincident",
  /** History's own rollback hid how it would have gone on. */
  "hidden",
  "unknown",
] as const;
export type FalseCause = (typeof FALSE_CAUSES)[number];

export interface Cause<Code> {
  readonly cause: Code;
  /** A signal or an agent; for `stopped` a rule, `overridden` or `unanswered`. */
  readonly by: string | null;
}

/** How one series that a signal watches moved. */
export interface Move {
  readonly signal: SignalPolicy;
  readonly percentagePoint: number;
  /** What is tolerated, tags and modes applied. */
  readonly tolerated: number;
  readonly movement: Movement;
}

/** Is it a regression that the scorecard counts as missed? */
export function isMiss(outcome: Outcome): boolean {
  return outcome.label === "regression" && !outcome.rolledBack && !isSilent(outcome);
}

/** Is it a rollback that the scorecard counts as a false positive? */
export function isFalseRollback(outcome: Outcome): boolean {
  return outcome.rolledBack && isGood(outcome);
}

/** Why a regression was missed, as far as its outcome says it; null where its samples must. */
export function statedMiss(outcome: Outcome, policy: Policy): Cause<MissCause> | null {
  const { end, restrainedBy, onsetAtMs, startedAtMs, proposedAtMs, detectedAtMs } = outcome;
  if (isOpen(outcome)) return { cause: "hidden", by: null };
  if (end === "rollbackFailed") return { cause: "rollbackFailed", by: null };
  if (end === "overridden") return { cause: "stopped", by: "overridden" };
  if (restrainedBy !== null) return { cause: "stopped", by: restrainedBy };
  if (end === "expired" || end === "held") return { cause: "stopped", by: "unanswered" };
  // Then it was watched on without the agent's word.
  if (outcome.agent?.unanswered === true) return { cause: "stopped", by: "unanswered" };
  if (end === "superseded") return { cause: "superseded", by: null };
  if (proposedAtMs !== null) return { cause: "withdrawn", by: outcome.signals[0] ?? null };
  if (outcome.untaggedProposedAtMs !== null) return { cause: "tagged", by: null };
  if (detectedAtMs !== null) return { cause: "unsure", by: null };
  const holdMs = Math.min(...policy.signals.map((signal) => signal.holdMs));
  const isLate = onsetAtMs !== null && onsetAtMs + holdMs >= startedAtMs + policy.watchMs;
  return isLate ? { cause: "tooLate", by: null } : null;
}

/** Why a regression was missed, by how the series moved that its signals watch. */
export function seenMiss(outcome: Outcome, moves: readonly Move[]): Cause<MissCause> {
  const moved = moves.filter(({ movement }) => hasMoved(movement));
  const nearest = furthest(moved, nearness);
  if (nearest !== null) {
    const cause = nearness(nearest) > 1 ? "notHeld" : "belowTolerance";
    return { cause, by: nearest.signal.name };
  }
  if (outcome.end === "undecidable") return { cause: "noData", by: null };
  return { cause: moves.length === 0 ? "unknown" : "invisible", by: null };
}

/** What fooled a rollback, where its outcome says it; null where incidents or samples must. */
export function statedFalse({ agent, approved }: Outcome): Cause<FalseCause> | null {
  if (agent === null) return null;
  return { cause: approved ? "agentApproved" : "agentAlone", by: agent.name };
}

/** What fooled a rollback, by the moves of the signals that accused it. */
export function seenFalse(outcome: Outcome, moves: readonly Move[]): Cause<FalseCause> {
  const first = furthest(moves, ({ movement }) => movement.times);
  if (first === null) return { cause: isOpen(outcome) ? "hidden" : "unknown", by: null };
  const { movement, signal } = first;
  const { stays } = movement;
  const by = signal.name;
  if (!hasMoved(movement)) return { cause: "noise", by };
  if (stays === null || isOpen(outcome)) return { cause: "hidden", by };
  return { cause: stays ? "lasting" : "passing", by };
}

/** How far a series went, as a multiple of what is tolerated. */
function nearness({ signal, percentagePoint, tolerated, movement }: Move): number {
  const { kind, atLeast = 0 } = signal.tolerance;
  if (kind === "points") return movement.absolute / (tolerated * 100 * percentagePoint);
  if (movement.absolute <= atLeast) return movement.absolute / atLeast;
  return movement.relative / tolerated;
}

function furthest(moves: readonly Move[], of: (move: Move) => number): Move | null {
  let best: Move | null = null;
  for (const move of moves) if (best === null || of(move) > of(best)) best = move;
  return best;
}
