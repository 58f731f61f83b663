/** Words and quantities of the policy language, each with the error that names its cure. */

import { z } from "zod";
import { SAMPLES_AT_MOST, WAIT_AT_MOST_MS } from "../limits.ts";
import {
  formatDuration,
  formatSamples,
  parseDuration,
  parseSamples,
  parseShare,
  parseTolerance,
} from "../quantity.ts";

/** For editors; `parseDuration` decides. */
export const DURATION_PATTERN = "^([0-9]+([.][0-9]+)?(ms|s|m|h|d|w))+$";
const SHARE_PATTERN = "^[+-]?[0-9]+([.][0-9]+)?%?$";
const TOLERANCE_PATTERN = "^[+]?[0-9]+([.][0-9]+)?(%| *pp)$";

export const duration = z
  .string({ error: "expected a duration such as 90s, 2m or 1h30m" })
  .meta({ pattern: DURATION_PATTERN, examples: ["90s", "2m", "1h30m"] })
  .refine((text) => parseDuration(text) !== null, "expected a duration such as 90s, 2m or 1h30m")
  .transform((text) => parseDuration(text)!);
/** A wait of nothing leaves nobody the time to see or to answer. */
export const properDuration = duration.refine((ms) => ms > 0, "expected a duration above 0s");
/** The JSON Schema says it in words: no pattern can compare `30d` with `721h`. */
export const atMost = (given: typeof properDuration, ms: number) =>
  given
    .refine((value) => value <= ms, `expected at most ${formatDuration(ms)}`)
    .meta({ atMost: formatDuration(ms) });
/** Of what happens during a watch; see limits.ts. */
export const properWait = atMost(properDuration, WAIT_AT_MOST_MS);
/** For editors; `parseDuration` and `parseSamples` decide. */
export const STRETCH_PATTERN = "^(([0-9]+([.][0-9]+)?(ms|s|m|h|d|w))+|[1-9][0-9]* samples?)$";
const A_STRETCH = "expected a duration such as 2m, or samples such as 3 samples";
/** A stretch of a series: a duration, or how many of its samples. */
export const stretch = z
  .string({ error: A_STRETCH })
  .meta({
    pattern: STRETCH_PATTERN,
    examples: ["2m", "3 samples"],
    atMost: formatDuration(WAIT_AT_MOST_MS),
  })
  .refine((text) => parseDuration(text) !== null || parseSamples(text) !== null, A_STRETCH)
  .refine(
    (text) => (parseDuration(text) ?? 0) <= WAIT_AT_MOST_MS,
    `expected at most ${formatDuration(WAIT_AT_MOST_MS)}`,
  )
  .refine(
    (text) => (parseSamples(text) ?? 0) <= SAMPLES_AT_MOST,
    `expected at most ${formatSamples(SAMPLES_AT_MOST)}`,
  )
  .transform((text): Stretch => parseDuration(text) ?? { samples: parseSamples(text)! });
/** In milliseconds, or as samples. */
export type Stretch = number | { readonly samples: number };

export const share = z
  .string({ error: "expected a share such as 15%" })
  .meta({ pattern: SHARE_PATTERN, examples: ["15%"] })
  .refine((text) => parseShare(text) !== null, "expected a share such as 15%")
  .transform((text) => parseShare(text)!);
/** Neither nothing nor everything. */
export const properShare = share.refine(
  (value) => value > 0 && value < 1,
  "expected a share above 0% and below 100%",
);
export const tolerance = z
  .string({ error: "expected a tolerance such as 10% or 1pp" })
  .meta({ pattern: TOLERANCE_PATTERN, examples: ["10%", "1pp"] })
  .refine((text) => parseTolerance(text) !== null, "expected a tolerance such as 10% or 1pp")
  .transform((text) => parseTolerance(text)!);
/** A relative change, and a change in the metric's unit that is acceptable at any level. */
const tolerances = z
  .strictObject({
    change: tolerance,
    atLeast: z.number({ error: "expected a number above 0, in the metric's unit" }).positive(),
  })
  .refine(({ change }) => change.kind === "relative", {
    message: "`atLeast` goes with a relative change, such as 10%; points are absolute already",
    path: ["atLeast"],
  })
  .transform(({ change, atLeast }) => ({ ...change, atLeast }));
/** In short where nothing is acceptable at any level: `10%`. */
export const toleranceOrFloor = z.union([tolerance, tolerances], {
  error: "expected a tolerance such as 10%, 1pp or { change: 10%, atLeast: 20 }",
});
/** A share of a ratio, or a plain number in the metric's own unit. */
export const absoluteLimit = z.union([
  share.transform((amount) => ({ kind: "share" as const, amount })),
  z
    .number({ error: "expected a share such as 5% or a number in the metric's unit" })
    .transform((amount) => ({ kind: "unit" as const, amount })),
]);
export const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, {
    error: `expected ${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`,
  });
export const tier = oneOf(["full", "override", "approve", "observe"]);

export const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.union([item.transform((one) => [one]), z.array(item).min(1)]);

export const condition = z.strictObject({
  environment: oneOrMore(z.string()).optional(),
  kind: oneOrMore(
    oneOf(["code", "config", "migration", "infrastructure", "feature_flag"]),
  ).optional(),
  criticality: oneOrMore(oneOf(["low", "medium", "high", "critical"])).optional(),
  service: oneOrMore(z.string()).optional(),
  team: oneOrMore(z.string()).optional(),
  tags: z
    .record(
      z.string(),
      z
        .union([z.string(), z.boolean()], { error: "expected text, true or false" })
        .transform(String),
    )
    .optional(),
});
