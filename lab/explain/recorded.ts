/**
 * The lesson of what history itself did with a deployment that it rolled back: on which grounds,
 * what people had announced before, and how it ended. From the record alone: nothing is replayed.
 */

import { formatTime, type ContextTag } from "../../engine/index.ts";
import type { DecisionRow, IncidentRow, Label } from "../history/tables.ts";
import { harmOf, type LessonPoint } from "./lesson.ts";

export interface Recorded {
  readonly startedAtMs: number;
  /** When it began to roll it back; null: it did not. */
  readonly rolledBackAtMs: number | null;
  /** Of this deployment, in any order. */
  readonly decisions: readonly DecisionRow[];
  readonly label: Label;
  readonly incident: IncidentRow | null;
  /** About it; those of its whole service announce nothing. */
  readonly tags: readonly ContextTag[];
}

/** What people wrote may be long, and a lesson is a sentence. */
const REASON_CHARACTERS = 160;
/** More tags than these no sentence names. */
const TAGS_NAMED = 4;

/** Empty where history did not roll it back. */
export function recordedLesson(recorded: Recorded): readonly LessonPoint[] {
  const { rolledBackAtMs, startedAtMs, tags } = recorded;
  if (rolledBackAtMs === null) return [];
  const announced = tags.filter(
    ({ deploymentId, knownAtMs }) => deploymentId !== null && knownAtMs < startedAtMs,
  );
  return [
    { code: "recorded", at: formatTime(rolledBackAtMs), reason: reasonOf(recorded) },
    ...(announced.length === 0 ? [] : [announcedPoint(announced)]),
    ...truth(recorded, rolledBackAtMs),
  ];
}

/** Why it says it was rolled back; what was said last before. */
function reasonOf({ decisions, rolledBackAtMs }: Recorded): string | null {
  const said = decisions
    .filter(({ what }) => what === "proposed" || what === "rollbackStarted")
    .filter(({ atMs, justification }) => justification !== null && atMs <= rolledBackAtMs!)
    .sort((a, b) => a.atMs - b.atMs)
    .at(-1)?.justification;
  if (said == null) return null;
  return said.length > REASON_CHARACTERS ? `${said.slice(0, REASON_CHARACTERS)}…` : said;
}

function announcedPoint(tags: Recorded["tags"]): LessonPoint {
  const texts = [...new Set(tags.map(({ tag, value }) => `${tag}=${value}`))];
  const [named, others] = [texts.slice(0, TAGS_NAMED), texts.length - TAGS_NAMED];
  return { code: "announced", tags: named, others: Math.max(0, others) };
}

function truth(
  { label, incident, decisions }: Recorded,
  rolledBackAtMs: number,
): readonly LessonPoint[] {
  switch (label) {
    case "benign":
    case "expected_change":
      return [{ code: "wrong" }];
    case "unknown":
      return [{ code: "unlabelled" }];
    case "unrelated_incident":
      return [{ code: "unrelated" }];
    case "regression": {
      if (incident === null) return [];
      const { onsetAtMs, resolvedAtMs, resolvedBy } = incident;
      if (onsetAtMs > rolledBackAtMs) return [{ code: "early" }];
      if (resolvedAtMs === null) return [];
      const back = decisions.find(
        ({ what, atMs }) => what === "rollbackFinished" && atMs >= rolledBackAtMs,
      );
      const backAtMs = back?.atMs ?? rolledBackAtMs;
      const inVain = resolvedBy !== null && !/roll/i.test(resolvedBy);
      const lastedMs = resolvedAtMs - onsetAtMs;
      return [harmOf({ lastedMs, endsAtMs: resolvedAtMs, backAtMs, inVain })];
    }
  }
}
