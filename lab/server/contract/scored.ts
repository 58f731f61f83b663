/**
 * Which deployments are scored, where not all of the history's are: `--from` and `--to` of the
 * command line, by the same rules. Everything else of the history happens all the same.
 */

import { z } from "zod";
import { MOMENT_SHAPE, momentOf } from "../../compare/moment.ts";
import { time } from "./words.ts";

const moment = z
  .string()
  .max(64)
  .refine((text) => momentOf(text) !== null, MOMENT_SHAPE);

/** What starts from `from` on and before `to`; without both, everything. */
export const stretchQuery = z.object({
  /** `2026-07-01` (UTC), `2026-07-01T08:00:00Z`, or so long before the history's end: `28d`. */
  from: moment.optional(),
  to: moment.optional(),
});
export type StretchAsked = z.infer<typeof stretchQuery>;

/** What is scored; a stretch in which nothing starts is refused instead (422). */
export const scored = z.object({
  /** Null where it is open. */
  from: time.nullable(),
  to: time.nullable(),
  /** Those that start in it, of how many. */
  deployments: z.number(),
  of: z.number(),
  /** The same as a sentence. */
  words: z.string(),
});
export type Scored = z.infer<typeof scored>;
