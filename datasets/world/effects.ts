/**
 * What a deployment or an incident does to the metrics: a vocabulary of shapes. Which
 * of them make up a regression or a surprise is in `recipes.ts`.
 *
 * Law: an effect is zero before its onset and after its end, whatever its shape, so
 * the truth about onset and natural end is exact.
 */

/** The metrics of every service, in the order of the catalog. */
export const METRICS = [
  "latency_p50_ms",
  "latency_p95_ms",
  "latency_p99_ms",
  "error_rate",
  "throughput_rps",
  "saturation",
  "conversion_rate",
] as const;
/** A metric that effects can change. */
export type Metric = (typeof METRICS)[number];
/** Of every service, in a world whose telemetry has counters. */
export const REQUESTS_TOTAL = "requests_total";
export type WorldMetric = Metric | typeof REQUESTS_TOTAL;

/** From `afterMs` after a deployment's start its new version serves this share of the traffic. */
export interface Exposure {
  readonly share: number;
  readonly afterMs: number;
}

export interface Effect {
  /** The service whose series changes: usually the deployed one, sometimes a caller of it. */
  readonly service: string;
  readonly metric: Metric;
  /** `gap`: samples are missing while it lasts. `oscillation`: comes and goes, see `ON_SHARE`. */
  readonly shape: "step" | "ramp" | "pulse" | "decay" | "oscillation" | "gap";
  /** Relative: the level times (1 + size). Additive: the level plus size, in the metric's unit. */
  readonly change: "relative" | "additive";
  readonly size: number;
  /** After the start of the deployment or incident. */
  readonly onsetMs: number;
  /** When it ends without a rollback, after the start. */
  readonly endsMs: number;
  /**
   * Decay: half-life. Ramp: time to reach `size` (it grows on at that pace).
   * Oscillation: its period. Else 0.
   */
  readonly scaleMs: number;
  /** False: it would have happened anyway, and a rollback does not end it. */
  readonly byDeployment: boolean;
  /**
   * In a world with `stagedHarm`: the share of traffic the rollout had reached, by which
   * the strength is multiplied. Bias: quantiles of a mixture are not the mean of its
   * parts' (a tail moves p99 of all traffic more than that).
   */
  readonly exposure?: readonly Exposure[];
  /**
   * Only series of the new version show it, never one that holds all versions: a version that is
   * silent while another serves leaves no gap in the whole.
   */
  readonly ofVersionOnly?: boolean;
}

/** An oscillation is on for this share of its period, the first one. */
export const ON_SHARE = 0.3;

/** The effect's strength (1 is `size`) at a time after the start. */
export function strengthAt(effect: Effect, sinceStartMs: number): number {
  const since = sinceStartMs - effect.onsetMs;
  if (since < 0 || sinceStartMs > effect.endsMs) return 0;
  if (effect.shape === "ramp") return since / effect.scaleMs;
  if (effect.shape === "decay") return Math.pow(2, -since / effect.scaleMs);
  if (effect.shape === "oscillation")
    return since % effect.scaleMs < ON_SHARE * effect.scaleMs ? 1 : 0;
  return 1;
}

/** The share of traffic a rollout has reached so long after its start. */
export function exposedAt(exposure: readonly Exposure[], sinceStartMs: number): number {
  let share = 0;
  for (const stage of exposure) if (stage.afterMs <= sinceStartMs) share = stage.share;
  return share;
}

/**
 * Mean strength over the sample that ends at `atMs` after the start: the first
 * sample after an onset saw it only for part of its step. Shares of traffic are taken
 * at the middle of that part; a rollout that is rolled back goes no further (`haltedMs`).
 */
export function strengthOver(
  effect: Effect,
  sinceStartMs: number,
  stepMs: number,
  haltedMs = Infinity,
): number {
  const from = Math.max(sinceStartMs - stepMs, effect.onsetMs);
  const to = Math.min(sinceStartMs, effect.endsMs);
  if (to <= from) return 0;
  const middle = (from + to) / 2;
  const strength = (strengthAt(effect, middle) * (to - from)) / stepMs;
  if (effect.exposure === undefined) return strength;
  return strength * exposedAt(effect.exposure, Math.min(middle, haltedMs));
}
