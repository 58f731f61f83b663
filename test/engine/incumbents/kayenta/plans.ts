/** Metrics, results and plans for tests of Kayenta's judge. */

import type {
  KayentaEffectSize,
  KayentaMetric,
  KayentaPlan,
} from "../../../../engine/incumbents/kayenta/plan.ts";
import type { MetricResult } from "../../../../engine/incumbents/kayenta/score.ts";

export function metric(given: Partial<KayentaMetric> = {}): KayentaMetric {
  return {
    name: "latency",
    query: "latency",
    groups: ["a"],
    direction: "either",
    nanStrategy: "remove",
    outliers: "keep",
    outlierFactor: 3,
    critical: false,
    mustHaveData: false,
    muted: false,
    ...effects(),
    ...given,
  };
}

type Decreasing = readonly [decrease: number, increase: number];

/** Upstream's pairs: the decrease first. */
export function effects(
  allowed?: Decreasing,
  critical?: Decreasing,
  measure: KayentaEffectSize["measure"] = "meanRatio",
): { readonly effectSize: KayentaEffectSize } {
  const none = measure === "cles" ? 0.5 : 1;
  const [allowedDecrease, allowedIncrease] = allowed ?? [none, none];
  const [criticalDecrease, criticalIncrease] = critical ?? [none, none];
  return {
    effectSize: { measure, allowedIncrease, allowedDecrease, criticalIncrease, criticalDecrease },
  };
}

export function result(label: MetricResult["label"]) {
  return (group = "a", critical = false): MetricResult => ({
    ...{ name: label, query: label, groups: [group], muted: false, label, critical },
    ...{ deviation: 1, values: { canary: 1, baseline: 1 } },
  });
}

export const MINUTE_MS = 60_000;

/** One judgement after an hour, a value a minute. */
export function plan(given: Partial<KayentaPlan> = {}): KayentaPlan {
  return {
    beginAfterMs: 0,
    lifetimeMs: 60 * MINUTE_MS,
    intervalMs: 60 * MINUTE_MS,
    lookbackMs: 0,
    baselineOffsetMs: 0,
    stepMs: MINUTE_MS,
    marginal: 50,
    pass: 75,
    groupWeights: { a: 100 },
    metrics: [metric()],
    seed: 1,
    ...given,
  };
}
