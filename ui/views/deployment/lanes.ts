/** How stretches and instants of a swim lane look, and what they are called. */

import type { Mark, Span } from "../../../lab/server/contract/deployments.ts";

export interface SpanLook {
  readonly words: string;
  /** Rows from the top: what is judged, what is done about it, what the users feel. */
  readonly row: 0 | 1 | 2;
  readonly fill: string;
  readonly opacity: number;
}

/** A colour for each row, and none of a policy's: its samples, the machine, the users. */
export const SPANS: Readonly<Record<Span["kind"], SpanLook>> = {
  watching: { words: "watching", row: 0, fill: "var(--line-strong)", opacity: 0.28 },
  breach: { words: "in breach", row: 0, fill: "var(--tolerance)", opacity: 0.75 },
  window: { words: "override window counts down", row: 1, fill: "var(--ink)", opacity: 0.6 },
  approval: { words: "waits for approval", row: 1, fill: "var(--ink)", opacity: 0.3 },
  rollingBack: { words: "rolling back", row: 1, fill: "var(--ink)", opacity: 0.9 },
  recovering: { words: "recovering", row: 1, fill: "var(--ink)", opacity: 0.15 },
  harm: { words: "harm, from onset to recovery", row: 2, fill: "var(--worse)", opacity: 0.9 },
  hidden: { words: "unknown: history rolled back", row: 0, fill: "var(--open)", opacity: 0.2 },
};

export const ROWS = [
  { y: 16, height: 11, words: "signals" },
  { y: 30, height: 11, words: "machine" },
  { y: 44, height: 11, words: "users harmed" },
] as const;
export const LANE_HEIGHT = 58;

/** One glyph for each instant, drawn in a box of 12 around the middle. */
export const MARKS: Readonly<Record<Mark["kind"], { readonly glyph: string; words: string }>> = {
  started: { glyph: "│", words: "watch begins" },
  breach: { glyph: "!", words: "breach" },
  proposed: { glyph: "?", words: "rollback proposed" },
  paged: { glyph: "☎", words: "somebody paged" },
  escalated: { glyph: "⇑", words: "escalated" },
  withdrawn: { glyph: "↺", words: "proposal withdrawn" },
  overridden: { glyph: "✗", words: "overridden" },
  approved: { glyph: "✓", words: "approved" },
  rollbackOrdered: { glyph: "▸", words: "rollback ordered" },
  rolledBack: { glyph: "⟲", words: "rolled back" },
  rollbackFailed: { glyph: "⚠", words: "rollback failed" },
  recovered: { glyph: "♥", words: "recovered" },
  held: { glyph: "■", words: "held" },
  ended: { glyph: "●", words: "ended" },
};

export const EVIDENCE_WORDS: Readonly<Record<Span["evidence"], string>> = {
  observed: "observed: history itself shows it",
  modelled: "modelled: the decision is exact, its effect follows from a model",
  bounded: "bounded: history rolled back first, the truth lies between two bounds",
  unknown: "unknown: history has no answer of people",
};

/** How wide a mark is; one that would cover the one before steps aside. */
export const GLYPH = 13;
