/** Times as they are written on the command line. */

import { InvalidArgumentError } from "commander";
import { parseDuration } from "../../engine/index.ts";
import { readTimeMs } from "../history/import/fields.ts";

const SHAPE = "expected 2026-07-01, or 2026-07-01T08:00:00Z";

/** `2026-07-01` (UTC) or `2026-07-01T08:00:00Z` → milliseconds. */
export function instant(text: string): number {
  const atMs = instantMs(text);
  if (atMs === null) throw new InvalidArgumentError(SHAPE);
  return atMs;
}

/** An instant, or so long before an end that is not known yet. */
export type Moment = (endMs: number) => number;

/** As `instant`, or `30d`: so long before the end. */
export function moment(text: string): Moment {
  const atMs = instantMs(text);
  if (atMs !== null) return () => atMs;
  const agoMs = parseDuration(text);
  if (agoMs === null) throw new InvalidArgumentError(`${SHAPE}, or so long before the end: 30d`);
  return (endMs) => endMs - agoMs;
}

function instantMs(text: string): number | null {
  return readTimeMs(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
}
