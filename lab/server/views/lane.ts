/**
 * One deployment under one policy as a swim lane: stretches and instants, each with what it
 * rests on. Everything comes from the decision records, the judgements and the outcome; what
 * history's own rollback hid is a model from there on.
 */

import {
  formatTime,
  type DecisionRecord,
  type Policy,
  type SignalJudged,
} from "../../../engine/index.ts";
import { outcomeDocument } from "../../compare/document.ts";
import { lessonOf } from "../../explain/lesson.ts";
import type { IncidentRow } from "../../history/tables.ts";
import type { Outcome } from "../../outcome/outcome.ts";
import type { PlannedDeployment } from "../../replay/plan.ts";
import type { Costs } from "../../score/costs.ts";
import type { Judgement, Lane, Mark, Span } from "../contract/deployments.ts";
import type { Evidence } from "../contract/words.ts";

export interface Decided {
  readonly id: string;
  readonly policy: Policy;
  readonly planned: PlannedDeployment;
  readonly outcome: Outcome;
  readonly records: readonly DecisionRecord[];
  readonly judgements: readonly SignalJudged[];
  readonly costs: Costs;
  readonly incident: IncidentRow | null;
  readonly unitOf: (metric: string) => string | null;
}

export function laneOf(decided: Decided): Lane {
  const { id, policy, planned, outcome, costs } = decided;
  const { startedAtMs } = planned.deployment;
  const endsAtMs = startedAtMs + policy.watchMs;
  const hiddenFromMs = hiddenFrom(decided, endsAtMs);
  const evidenceAt = (atMs: number): Evidence =>
    hiddenFromMs !== null && atMs > hiddenFromMs ? "modelled" : "observed";
  const draw = (kind: Span["kind"], from: number, to: number, text: string): Span => ({
    kind,
    from: formatTime(from),
    to: formatTime(to),
    evidence: evidenceAt(from),
    text,
  });
  const hidden =
    hiddenFromMs === null
      ? []
      : [
          {
            ...draw(
              "hidden",
              hiddenFromMs,
              endsAtMs,
              "history rolled back here; the rest is unknown",
            ),
            evidence: outcome.evidence,
          },
        ];
  return {
    policy: id,
    name: policy.policy,
    outcome: outcomeDocument(policy.policy, outcome, costs),
    lesson: lessonOf({ ...decided, rolledBackAtMs: planned.rolledBackAtMs }),
    watch: { from: formatTime(startedAtMs), to: formatTime(endsAtMs) },
    spans: [
      ...phaseSpans(decided, endsAtMs, draw),
      ...breachSpans(decided.judgements, endsAtMs, draw),
      ...harmSpans(outcome),
      ...hidden,
    ],
    marks: marksOf(decided, evidenceAt),
    judgements: decided.judgements.map(judgementDocument),
  };
}

/** When the history stopped showing what this policy would have seen; null: it never did. */
function hiddenFrom({ planned, outcome }: Decided, endsAtMs: number): number | null {
  const { rolledBackAtMs } = planned;
  if (rolledBackAtMs === null || rolledBackAtMs >= endsAtMs) return null;
  return outcome.censoredAtMs === null ? null : rolledBackAtMs;
}

type Draw = (kind: Span["kind"], from: number, to: number, text: string) => Span;

/** Watching, asking, rolling back: what the machine was in, one after the other. */
function phaseSpans({ planned, records }: Decided, endsAtMs: number, draw: Draw): Span[] {
  const spans: Span[] = [];
  let since = planned.deployment.startedAtMs;
  let phase = "watching";
  let asked: DecisionRecord | null = null;
  const close = (untilMs: number): void => {
    if (untilMs <= since) return;
    if (phase === "watching") spans.push(draw("watching", since, untilMs, "signals are judged"));
    if (phase === "proposed") {
      const isWindow = asked?.tier !== "approve";
      const text = isWindow ? "people may object" : "waits for approval";
      spans.push(draw(isWindow ? "window" : "approval", since, untilMs, text));
    }
    if (phase === "rollingBack") spans.push(draw("rollingBack", since, untilMs, "rolling back"));
  };
  for (const record of records) {
    if (record.decision === "proposed") asked = record;
    if (record.phaseAfter === phase) continue;
    close(record.knownAtMs);
    since = record.knownAtMs;
    phase = record.phaseAfter;
  }
  if (phase !== "ended") close(endsAtMs);
  return spans;
}

/** Of each signal, from its breach until it says something else. */
function breachSpans(judgements: readonly SignalJudged[], endsAtMs: number, draw: Draw): Span[] {
  const spans: Span[] = [];
  const open = new Map<string, SignalJudged>();
  const close = (signal: string, untilMs: number): void => {
    const began = open.get(signal);
    open.delete(signal);
    if (began === undefined || untilMs <= began.knownAtMs) return;
    spans.push(draw("breach", began.knownAtMs, untilMs, `${signal}: ${began.evidence.reason}`));
  };
  for (const judgement of judgements) {
    const { signal, verdict } = judgement.evidence;
    if (verdict !== "breach") close(signal, judgement.knownAtMs);
    else if (!open.has(signal)) open.set(signal, judgement);
  }
  for (const signal of [...open.keys()]) close(signal, endsAtMs);
  return spans;
}

/** What the incident lasted under this policy, and how much of it came after the rollback. */
function harmSpans(outcome: Outcome): Span[] {
  const { onsetAtMs, executedAtMs, recoveryMs, evidence } = outcome;
  if (onsetAtMs === null || recoveryMs === null) return [];
  const untilMs = outcome.recoveredAtMs ?? onsetAtMs + recoveryMs;
  const spans: Span[] = [];
  const draw = (kind: Span["kind"], from: number, to: number, text: string): void => {
    if (to > from) {
      spans.push({ kind, from: formatTime(from), to: formatTime(to), evidence, text });
    }
  };
  draw("harm", onsetAtMs, untilMs, "from onset to recovery");
  if (executedAtMs !== null) {
    draw("recovering", executedAtMs, untilMs, "the old version is back");
  }
  return spans;
}

function marksOf(
  { records, judgements, outcome }: Decided,
  evidenceAt: (atMs: number) => Evidence,
): Mark[] {
  const marks: { readonly atMs: number; readonly mark: Mark }[] = [];
  const add = (atMs: number, mark: Omit<Mark, "at" | "evidence">, evidence?: Evidence): void => {
    const said = evidence ?? evidenceAt(atMs);
    marks.push({ atMs, mark: { ...mark, at: formatTime(atMs), evidence: said } });
  };
  const verdicts = new Map<string, string>();
  for (const { knownAtMs, evidence } of judgements) {
    const { signal, verdict, reason } = evidence;
    if (verdict === "breach" && verdicts.get(signal) !== "breach") {
      const text = `${signal}: ${reason}`;
      add(knownAtMs, { kind: "breach", text, by: null, decisionId: null });
    }
    verdicts.set(signal, verdict);
  }
  for (const record of records) {
    const { decisionId, knownAtMs, reason, authority } = record;
    // Of a question the authority is who may answer it; only an answer is somebody's doing.
    const isAnswer = record.decision === "rollbackOrdered" || record.end === "overridden";
    const by = !isAnswer || authority.startsWith("policy ") ? null : authority;
    const approved = record.decision === "rollbackOrdered" && by !== null;
    if (approved) add(knownAtMs, { kind: "approved", text: reason, by, decisionId });
    add(knownAtMs, { kind: markOf(record), text: reason, by, decisionId });
  }
  if (outcome.recoveredAtMs !== null) {
    const mark = { kind: "recovered", text: "the harm is over", by: null, decisionId: null };
    add(outcome.recoveredAtMs, mark as Omit<Mark, "at" | "evidence">, outcome.evidence);
  }
  return marks.sort((a, b) => a.atMs - b.atMs).map(({ mark }) => mark);
}

function markOf({ decision, end }: DecisionRecord): Mark["kind"] {
  switch (decision) {
    case "watchStarted":
      return "started";
    case "ended":
      return end === "rolledBack" || end === "rollbackFailed" || end === "overridden"
        ? end
        : "ended";
    case "proposed":
    case "paged":
    case "escalated":
    case "withdrawn":
    case "rollbackOrdered":
    case "held":
      return decision;
    case "silent":
      return "paged";
    case "halted":
    case "waited":
    case "haltLifted":
    case "policyChanged":
    case "refused":
      return "held";
  }
}

function judgementDocument({ atMs, evidence }: SignalJudged): Judgement {
  return {
    at: formatTime(atMs),
    signal: evidence.signal,
    verdict: evidence.verdict,
    untagged: evidence.untagged,
    reason: evidence.reason,
    series: evidence.series,
    effect: evidence.effect,
    expected: evidence.expected,
    tolerance: evidence.tolerance,
    baseTolerance: evidence.baseTolerance,
    statistic: finite(evidence.statistic),
    limit: finite(evidence.limit),
    tags: evidence.tags,
  };
}

/** JSON has no infinity. */
function finite(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : value;
}
