/** A canary config of Kayenta and the stage that runs it, as plain data. */

import { z } from "zod";
import type { JsonObject } from "../../json.ts";

export interface KayentaMetric {
  readonly name: string;
  /** The name of its query in the plan. */
  readonly query: string;
  readonly groups: readonly string[];
  /** Which way is worse. */
  readonly direction: "increase" | "decrease" | "either";
  /** What becomes of NaN: it is left out, or it becomes 0. */
  readonly nanStrategy: "remove" | "replace";
  readonly outliers: "keep" | "remove";
  readonly outlierFactor: number;
  /** A failure of it fails the canary, whatever the others say. */
  readonly critical: boolean;
  readonly mustHaveData: boolean;
  /** It is judged and decides nothing. */
  readonly muted: boolean;
  readonly effectSize: KayentaEffectSize;
}

/** How large a difference must be, beyond being significant. */
export interface KayentaEffectSize {
  /** Ratio of the means, or the share of pairs in which the canary is higher. */
  readonly measure: "meanRatio" | "cles";
  readonly allowedIncrease: number;
  readonly allowedDecrease: number;
  readonly criticalIncrease: number;
  readonly criticalDecrease: number;
}

export interface KayentaPlan {
  /** From the start of the deployment to the first moment that is judged. */
  readonly beginAfterMs: number;
  readonly lifetimeMs: number;
  /** A judgement after each; as long as the lifetime: one judgement. */
  readonly intervalMs: number;
  /** Each judgement is about so much time; 0: about all since the beginning. */
  readonly lookbackMs: number;
  /** The baseline is so much older than the canary; 0: both are of the same instants. */
  readonly baselineOffsetMs: number;
  readonly stepMs: number;
  /** A score up to it fails at any judgement. */
  readonly marginal: number;
  /** A last score below it fails. */
  readonly pass: number;
  readonly groupWeights: JsonObject<number>;
  readonly metrics: readonly KayentaMetric[];
  /** Of the noise that tells two constants apart; upstream draws it anew each time. */
  readonly seed: number;
}

/** What the judge takes where a metric says nothing. */
export const KAYENTA_DEFAULT_OUTLIER_FACTOR = 3;

/** No effect: any significant difference counts. */
export function noEffect(measure: KayentaEffectSize["measure"]): number {
  return measure === "cles" ? 0.5 : 1;
}

const MINUTE_MS = 60_000;

/** As Orca counts: whole minutes, and an interval that does not fit is the lifetime. */
export function judgementCount({
  lifetimeMs,
  intervalMs,
}: Pick<KayentaPlan, "lifetimeMs" | "intervalMs">): number {
  const minutes = (ms: number): number => Math.floor(ms / MINUTE_MS);
  return Math.floor(minutes(lifetimeMs) / minutes(effectiveIntervalMs(lifetimeMs, intervalMs)));
}

function effectiveIntervalMs(lifetimeMs: number, intervalMs: number): number {
  return intervalMs === 0 || intervalMs > lifetimeMs ? lifetimeMs : intervalMs;
}

/** The time that one judgement is about, counted from the start of the deployment. */
export interface Judged {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @param place of the judgement, from 1 */
export function judgedAt(plan: KayentaPlan, place: number): Judged {
  const { beginAfterMs, lifetimeMs, intervalMs, lookbackMs } = plan;
  const toMs = beginAfterMs + place * effectiveIntervalMs(lifetimeMs, intervalMs);
  return { fromMs: lookbackMs > 0 ? toMs - lookbackMs : beginAfterMs, toMs };
}

const LONGEST_MS = 7 * 86_400_000;
const MOST_METRICS = 100;
const MOST_JUDGEMENTS = 2_000;
/** Prometheus answers no more points. */
const MOST_POINTS = 11_000;

const name = z.string().min(1).max(500);
const duration = z.int().min(0).max(LONGEST_MS);
const score = z.number().min(0).max(100);
const size = z.number().min(0).max(1e9);

const metric = z.strictObject({
  name,
  query: name,
  groups: z.array(name).max(50),
  direction: z.enum(["increase", "decrease", "either"]),
  nanStrategy: z.enum(["remove", "replace"]),
  outliers: z.enum(["keep", "remove"]),
  outlierFactor: z.number().positive().max(1e9),
  critical: z.boolean(),
  mustHaveData: z.boolean(),
  muted: z.boolean(),
  effectSize: z.strictObject({
    measure: z.enum(["meanRatio", "cles"]),
    allowedIncrease: size,
    allowedDecrease: size,
    criticalIncrease: size,
    criticalDecrease: size,
  }),
});

export const kayentaPlan: z.ZodType<KayentaPlan> = z
  .strictObject({
    beginAfterMs: duration,
    lifetimeMs: duration.min(MINUTE_MS),
    intervalMs: z.union([z.literal(0), duration.min(MINUTE_MS)]),
    lookbackMs: duration,
    baselineOffsetMs: duration,
    stepMs: z.int().min(1000).max(86_400_000),
    marginal: score,
    pass: score,
    groupWeights: z.record(name, z.number().min(0).max(1e6)),
    metrics: z.array(metric).min(1).max(MOST_METRICS),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
  })
  .refine(
    (plan) => {
      const count = judgementCount(plan);
      // An interval below a minute is refused above.
      return !Number.isFinite(count) || count <= MOST_JUDGEMENTS;
    },
    { path: ["intervalMs"], error: `expected at most ${MOST_JUDGEMENTS} judgements` },
  )
  .refine(({ lifetimeMs, lookbackMs, stepMs }) => {
    return Math.max(lifetimeMs, lookbackMs) / stepMs <= MOST_POINTS;
  }, `expected at most ${MOST_POINTS} points a series`)
  .refine(({ metrics }) => new Set(metrics.map((one) => one.name)).size === metrics.length, {
    path: ["metrics"],
    error: "two metrics have the same name",
  });
