/**
 * What a team configured: a Rollout's steps and its analyses, with every argument filled in.
 * The plan is plain data, as a policy file keeps it; conditions are text.
 */

import { z } from "zod";
import { isRefusal, parseCondition } from "./condition/parse.ts";

/** One metric of an AnalysisTemplate, with Argo's defaults filled in. */
export interface ArgoMetric {
  readonly name: string;
  /** The name of its query. */
  readonly query: string;
  readonly scope: "all" | "canary" | "stable";
  /** What the query gives `result`: a list of numbers, or one number. */
  readonly answer: "vector" | "scalar";
  readonly initialDelayMs: number;
  readonly intervalMs: number | null;
  readonly count: number | null;
  readonly failureLimit: number;
  readonly inconclusiveLimit: number;
  readonly consecutiveErrorLimit: number;
  /** 0 switches it off. */
  readonly consecutiveSuccessLimit: number;
  readonly successCondition: string | null;
  readonly failureCondition: string | null;
  /** It is measured, but decides nothing. */
  readonly dryRun: boolean;
}

export interface ArgoAnalysis {
  readonly metrics: readonly ArgoMetric[];
}

export type ArgoStep =
  | { readonly kind: "setWeight"; readonly weight: number }
  /** Without a duration a person must promote. */
  | { readonly kind: "pause"; readonly durationMs: number | null }
  | { readonly kind: "analysis"; readonly analysis: ArgoAnalysis };

export interface ArgoPlan {
  readonly steps: readonly ArgoStep[];
  readonly background: { readonly startingStep: number; readonly analysis: ArgoAnalysis } | null;
}

export const DEFAULT_CONSECUTIVE_ERROR_LIMIT = 4;

/** How long after a measurement that is an Error the next one comes, whatever the interval. */
export const ERROR_RETRY_MS = 10_000;

/** Why Argo refuses an analysis as it stands (utils/analysis/factory.go, helpers.go). */
export type Invalidity =
  | "noMetrics"
  | "duplicateName"
  | "countBelowFailureLimit"
  | "countBelowInconclusiveLimit"
  | "countWithoutInterval"
  | "negativeInconclusiveLimit"
  | "negativeConsecutiveErrorLimit"
  | "negativeConsecutiveSuccessLimit"
  | "noLimitApplies";

/** The first thing for which Argo refuses the analysis, and the metric; null where it runs it. */
export function invalidityOf({
  metrics,
}: ArgoAnalysis): { readonly code: Invalidity; readonly metric: number } | null {
  if (metrics.length === 0) return { code: "noMetrics", metric: -1 };
  for (const [place, metric] of metrics.entries()) {
    const isSecond = metrics.slice(0, place).some(({ name }) => name === metric.name);
    const code = isSecond ? "duplicateName" : invalidMetric(metric);
    if (code !== null) return { code, metric: place };
  }
  return null;
}

function invalidMetric(metric: ArgoMetric): Invalidity | null {
  const { failureLimit, inconclusiveLimit } = metric;
  const count = metric.count ?? 0;
  if (count > 0 && count < failureLimit) return "countBelowFailureLimit";
  if (count > 0 && count < inconclusiveLimit) return "countBelowInconclusiveLimit";
  if (count > 1 && metric.intervalMs === null) return "countWithoutInterval";
  if (inconclusiveLimit < 0) return "negativeInconclusiveLimit";
  if (metric.consecutiveErrorLimit < 0) return "negativeConsecutiveErrorLimit";
  if (metric.consecutiveSuccessLimit < 0) return "negativeConsecutiveSuccessLimit";
  return failureLimit < 0 && metric.consecutiveSuccessLimit === 0 ? "noLimitApplies" : null;
}

/** How often a metric is measured before it is done; null for as long as the run goes on. */
export function effectiveCount({
  count,
  intervalMs,
}: Pick<ArgoMetric, "count" | "intervalMs">): number | null {
  if (count !== null && count !== 0) return count;
  return intervalMs === null ? 1 : null;
}

const LONGEST_MS = 30 * 86_400_000;
const MOST_METRICS = 50;
const MOST_STEPS = 200;
const MOST_COUNT = 1_000_000;

const limit = z.int().min(-MOST_COUNT).max(MOST_COUNT);
const name = z.string().min(1).max(253);
const condition = z
  .string()
  .refine((text) => !isRefusal(parseCondition(text)), "not a condition that is emulated")
  .nullable();

const Metric = z.strictObject({
  name,
  query: name,
  scope: z.enum(["all", "canary", "stable"]),
  answer: z.enum(["vector", "scalar"]),
  initialDelayMs: z.int().min(0).max(LONGEST_MS),
  intervalMs: z.int().min(1000).max(LONGEST_MS).nullable(),
  count: z.int().min(0).max(MOST_COUNT).nullable(),
  failureLimit: limit,
  inconclusiveLimit: limit,
  consecutiveErrorLimit: limit,
  consecutiveSuccessLimit: limit,
  successCondition: condition,
  failureCondition: condition,
  dryRun: z.boolean(),
});

const Analysis = z
  .strictObject({ metrics: z.array(Metric).max(MOST_METRICS) })
  .refine((analysis) => invalidityOf(analysis) === null, "an analysis that Argo refuses");

export const ARGO_PLAN: z.ZodType<ArgoPlan> = z.strictObject({
  steps: z
    .array(
      z.discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("setWeight"), weight: z.number().min(0).max(100) }),
        z.strictObject({
          kind: z.literal("pause"),
          durationMs: z.int().min(0).max(LONGEST_MS).nullable(),
        }),
        z.strictObject({ kind: z.literal("analysis"), analysis: Analysis }),
      ]),
    )
    .max(MOST_STEPS),
  background: z
    .strictObject({ startingStep: z.int().min(0).max(MOST_STEPS), analysis: Analysis })
    .nullable(),
});
