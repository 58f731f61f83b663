/**
 * The lesson of one deployment under one policy: what was done and on which numbers, what its tags
 * covered, and how it ended. Codes with numbers of the record; the words are in lessonWords.ts.
 * Pure: nothing is estimated here.
 */

import {
  formatTime,
  type Policy,
  type SignalEvidence,
  type SignalJudged,
} from "../../engine/index.ts";
import { statedMiss, type MissCause } from "../causes/causes.ts";
import type { IncidentRow } from "../history/tables.ts";
import { isEarlyRollback, isGood, isOpen, type Outcome } from "../outcome/outcome.ts";

/** What a signal showed. */
export interface Shown {
  readonly signal: string;
  /** As the metric catalog has it. */
  readonly unit: string | null;
  /** In the metric's unit. */
  readonly expected: number;
  readonly measured: number;
  readonly tolerated: number;
}

export type LessonPoint =
  | {
      readonly code: "ended";
      readonly end: Outcome["end"];
      /** When it was rolled back, decided, proposed or noticed, whichever came last. */
      readonly at: string | null;
      /** The breach that it rests on; without one, the signal nearest to its tolerance. */
      readonly shown: Shown | null;
      readonly isBreach: boolean;
      /** What the record says; for a policy that measures nothing against a tolerance. */
      readonly reason: string;
    }
  /** The tags moved tolerances, and not those of the signals in breach. */
  | {
      readonly code: "tagsElsewhere";
      readonly tags: readonly string[];
      readonly signals: readonly string[];
    }
  /** The tags moved the tolerance of the signal in breach. */
  | {
      readonly code: "tagsRaised";
      readonly tags: readonly string[];
      readonly shown: Shown;
      /** What is tolerated without them. */
      readonly untagged: number;
    }
  /** Without its tags the policy would have asked. */
  | { readonly code: "tagsHid"; readonly at: string }
  /** A regression: how long its harm lasted, and how much of that came after the rollback. */
  | {
      readonly code: "harm";
      readonly signal: string | null;
      readonly lastedMs: number;
      readonly afterRollbackMs: number | null;
      readonly helped: boolean | null;
      readonly evidence: Outcome["evidence"];
    }
  | { readonly code: "missed"; readonly cause: MissCause }
  /**
   * The rollback came before the harm began; a good deployment was rolled back, or left alone;
   * there is no label; an incident of something else.
   */
  | { readonly code: "early" | "wrong" | "right" | "unlabelled" | "unrelated" }
  /** History's own rollback hides how it would have gone on. */
  | { readonly code: "hidden"; readonly at: string }
  /** History itself rolled it back, and what it gave as the reason. */
  | { readonly code: "recorded"; readonly at: string; readonly reason: string | null }
  /** What people had said before it began, and how many tags are not named. */
  | { readonly code: "announced"; readonly tags: readonly string[]; readonly others: number };

export interface Taught {
  readonly policy: Policy;
  readonly outcome: Outcome;
  readonly judgements: readonly SignalJudged[];
  readonly incident: IncidentRow | null;
  /** When history rolled it back. */
  readonly rolledBackAtMs: number | null;
  readonly unitOf: (metric: string) => string | null;
}

/** Two to four points, the most telling first. */
export function lessonOf(taught: Taught): readonly LessonPoint[] {
  const { outcome } = taught;
  const accused = breachBehind(taught);
  return [
    endPoint(taught, accused),
    ...tagPoint(taught, accused),
    ...truthPoints(taught, accused),
    ...(outcome.censoredAtMs === null
      ? []
      : [{ code: "hidden", at: formatTime(outcome.censoredAtMs) } as const]),
  ];
}

/** The last breach of an accused signal before the decision. */
function breachBehind({ outcome, judgements }: Taught): SignalEvidence | null {
  const { signals, decidedAtMs, proposedAtMs } = outcome;
  const byMs = decidedAtMs ?? proposedAtMs ?? Number.POSITIVE_INFINITY;
  const breaches = judgements.filter(
    ({ evidence, knownAtMs }) => evidence.verdict === "breach" && knownAtMs <= byMs,
  );
  const accused = breaches.filter(({ evidence }) => signals.includes(evidence.signal));
  return (accused.at(-1) ?? breaches[0])?.evidence ?? null;
}

function endPoint(taught: Taught, accused: SignalEvidence | null): LessonPoint {
  const { outcome, unitOf } = taught;
  const { end, rolledBack, executedAtMs, decidedAtMs, proposedAtMs, detectedAtMs } = outcome;
  const atMs = (rolledBack ? executedAtMs : null) ?? decidedAtMs ?? proposedAtMs ?? detectedAtMs;
  const shown = accused ?? nearest(taught);
  return {
    code: "ended",
    end,
    at: atMs === null ? null : formatTime(atMs),
    shown: shown === null ? null : shownBy(taught.policy, shown, unitOf),
    isBreach: accused !== null,
    reason: outcome.reason,
  };
}

/** Of the last judgement of each signal: the one that came nearest to its tolerance. */
function nearest({ judgements }: Taught): SignalEvidence | null {
  const last = new Map(judgements.map(({ evidence }) => [evidence.signal, evidence]));
  let best: SignalEvidence | null = null;
  const share = ({ effect, tolerance }: SignalEvidence): number => Math.abs(effect!) / tolerance;
  for (const one of last.values()) {
    if (one.effect === null || one.expected === null || one.tolerance <= 0) continue;
    if (best === null || share(one) > share(best)) best = one;
  }
  return best;
}

function shownBy(policy: Policy, evidence: SignalEvidence, unitOf: Taught["unitOf"]): Shown | null {
  const { signal, series, effect, expected, tolerance } = evidence;
  const kind = policy.signals.find(({ name }) => name === signal)?.tolerance.kind;
  if (kind === undefined || series === null || effect === null || expected === null) return null;
  const moved = (by: number): number => (kind === "points" ? expected + by : expected * (1 + by));
  const unit = unitOf(series.split("/").at(-1)!.split("@")[0]!);
  const tolerated = moved(Math.sign(effect) * tolerance);
  return { signal, unit, expected, measured: moved(effect), tolerated };
}

function tagPoint(taught: Taught, accused: SignalEvidence | null): readonly LessonPoint[] {
  const { outcome, judgements, policy, unitOf } = taught;
  if (accused === null || outcome.proposedAtMs === null) {
    const atMs = outcome.untaggedProposedAtMs;
    return atMs === null ? [] : [{ code: "tagsHid", at: formatTime(atMs) }];
  }
  const shown = shownBy(policy, accused, unitOf);
  if (accused.tags.length > 0) {
    if (shown === null) return [];
    const bare = shownBy(policy, { ...accused, tolerance: accused.baseTolerance }, unitOf)!;
    return [{ code: "tagsRaised", tags: accused.tags, shown, untagged: bare.tolerated }];
  }
  const covering = judgements.filter(({ evidence }) => evidence.tags.length > 0);
  if (covering.length === 0) return [];
  return [
    {
      code: "tagsElsewhere",
      tags: [...new Set(covering.flatMap(({ evidence }) => evidence.tags))],
      signals: [...new Set(covering.map(({ evidence }) => evidence.signal))],
    },
  ];
}

function truthPoints(taught: Taught, accused: SignalEvidence | null): readonly LessonPoint[] {
  const { outcome, policy } = taught;
  const { label, end, rolledBack } = outcome;
  if (isEarlyRollback(outcome)) return [{ code: "early" }];
  if (label === "regression") {
    const stated = end === "rolledBack" ? null : statedMiss(outcome, policy);
    // What the end or a tag says already is not said again.
    const isNews =
      stated !== null &&
      (end === "missed" || end === "held") &&
      stated.cause !== "hidden" &&
      stated.cause !== "tagged";
    return [
      ...(isNews ? [{ code: "missed", cause: stated.cause } as const] : []),
      ...harmPoint(taught, accused),
    ];
  }
  if (label === "unknown") return rolledBack ? [{ code: "unlabelled" }] : [];
  if (label === "unrelated_incident") return [{ code: "unrelated" }];
  if (!isGood(outcome)) return [];
  if (rolledBack) return [{ code: "wrong" }];
  return isOpen(outcome) ? [] : [{ code: "right" }];
}

function harmPoint(
  { outcome, incident, rolledBackAtMs }: Taught,
  accused: SignalEvidence | null,
): readonly LessonPoint[] {
  const { onsetAtMs, recoveryMs, executedAtMs, rolledBack, evidence, sparedMs } = outcome;
  if (onsetAtMs === null || recoveryMs === null) return [];
  const endsAtMs = outcome.recoveredAtMs ?? onsetAtMs + recoveryMs;
  const isAfter = rolledBack && executedAtMs !== null;
  const resolvedBy = incident?.resolvedBy ?? null;
  // Only the record says that a rollback was in vain: history's own ended nothing, or history let
  // it run and it was over as soon.
  const inVain =
    rolledBackAtMs === null
      ? incident?.resolvedAtMs != null && sparedMs === 0
      : resolvedBy !== null && !/roll/i.test(resolvedBy);
  const backAtMs = isAfter ? executedAtMs : null;
  const harm = harmOf({ lastedMs: recoveryMs, endsAtMs, backAtMs, inVain });
  return [{ ...harm, signal: accused?.signal ?? null, evidence }];
}

interface Harm {
  readonly lastedMs: number;
  readonly endsAtMs: number;
  /** When the old version was back; null: it was not. */
  readonly backAtMs: number | null;
  readonly inVain: boolean;
}

/** Harm that was observed, and to no signal in particular. */
export function harmOf({
  lastedMs,
  endsAtMs,
  backAtMs,
  inVain,
}: Harm): Extract<LessonPoint, { readonly code: "harm" }> {
  return {
    code: "harm",
    signal: null,
    lastedMs,
    afterRollbackMs: backAtMs === null ? null : Math.max(0, endsAtMs - backAtMs),
    helped: backAtMs === null ? null : !inVain,
    evidence: "observed",
  };
}
