/**
 * What every route of the web lab has in common. The contract is zod schemas and the types
 * that follow from them; a browser imports the types alone.
 *
 * Times are ISO 8601 in UTC, durations are seconds, absent values are null.
 */

import { z } from "zod";

/** A list that nobody changes. */
export const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly();

export const time = z.iso.datetime();

/** How an error is told: RFC 9457, `application/problem+json`. */
export const problem = z.object({
  /** A relative address that names the kind: `/problems/not-found`. */
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  /** What is wrong, where, and the cure. */
  detail: z.string(),
  /** Of a request that does not fit its schema: which part, and why. */
  errors: list(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type ProblemDocument = z.infer<typeof problem>;

export const progress = z.object({
  /** In words: "judging deployments". */
  what: z.string(),
  done: z.number(),
  total: z.number(),
});
export type ProgressDocument = z.infer<typeof progress>;

/** Status 202: ask again. `progress` is null while it waits for its turn. */
export const computing = z.object({
  state: z.literal("computing"),
  progress: progress.nullable(),
});
/** A result that takes a while to make, or the word that it is being made. */
export type Computed<Ready> = Ready | z.infer<typeof computing>;

/** A policy given on the command line or shipped: its name. A draft: `draft-` and digits. */
export const policyId = z.string().min(1).max(200);
export const deploymentId = z.string().min(1).max(300);

export const label = z.enum([
  "regression",
  "benign",
  "expected_change",
  "unrelated_incident",
  "unknown",
]);
export const tier = z.enum(["full", "override", "approve", "observe"]);
export const verdict = z.enum(["healthy", "breach", "inconclusive", "noData"]);
export const evidence = z.enum(["observed", "modelled", "bounded", "unknown"]);
export const end = z.enum([
  "healthy",
  "rolledBack",
  "overridden",
  "withdrawn",
  "expired",
  "held",
  "superseded",
  "rollbackFailed",
  "missed",
  "undecidable",
]);
export const criticality = z.enum(["low", "medium", "high", "critical"]);
export const kind = z.enum(["code", "config", "migration", "infrastructure", "feature_flag"]);
export type Evidence = z.infer<typeof evidence>;
export type End = z.infer<typeof end>;
