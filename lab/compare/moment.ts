/** Times as people ask for them: an instant, or so long before an end. */

import { parseDuration } from "../../engine/index.ts";
import { readTimeMs } from "../history/import/times.ts";

export const INSTANT_SHAPE = "expected 2026-07-01, or 2026-07-01T08:00:00Z";
export const MOMENT_SHAPE = `${INSTANT_SHAPE}, or so long before the end: 30d`;

/** An instant, or so long before an end that is not known yet; in milliseconds. */
export type Moment = (endMs: number) => number;

/** `2026-07-01` (UTC) or `2026-07-01T08:00:00Z` → milliseconds; null for anything else. */
export function instantOf(text: string): number | null {
  return readTimeMs(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
}

/** A century: longer than any history, and every such time has a date. */
const AGO_MS_MAX = 36_525 * 86_400_000;

/** As `instantOf`, or `30d`: so long before the end; null for anything else. */
export function momentOf(text: string): Moment | null {
  const atMs = instantOf(text);
  if (atMs !== null) return () => atMs;
  const agoMs = parseDuration(text);
  return agoMs === null || agoMs > AGO_MS_MAX ? null : (endMs) => endMs - agoMs;
}
