/**
 * What a deployment or an incident does to the metrics: a vocabulary of shapes, and
 * the recipes that put them together.
 *
 * Law: an effect is zero before its onset and after its end, whatever its shape, so
 * the truth about onset and natural end is exact. Sizes follow published change
 * studies where there are any and are assumptions otherwise (each recipe says its
 * own); severity and onset delay are independent.
 */

import type { RandomStream } from "../../lab/people/random.ts";
import type { Regression, Surprise } from "./spec.ts";
import { EFFECT_MAX_MS, MINUTE_MS } from "./world.ts";

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
export type Metric = (typeof METRICS)[number];

export interface Effect {
  /** Whose series it touches: usually the deployed service, sometimes a caller of it. */
  readonly service: string;
  readonly metric: Metric;
  /** `gap`: samples are missing while it lasts. */
  readonly shape: "step" | "ramp" | "pulse" | "decay" | "gap";
  /** Relative: the level times (1 + size). Additive: the level plus size, in the metric's unit. */
  readonly change: "relative" | "additive";
  readonly size: number;
  /** After the start of the deployment or incident. */
  readonly onsetMs: number;
  /** When it ends if nobody does anything. */
  readonly endsMs: number;
  /** Decay: half-life. Ramp: time to reach `size` (it grows on at that pace). Else 0. */
  readonly scaleMs: number;
  /** False: it would have happened anyway, and a rollback does not end it. */
  readonly byDeployment: boolean;
}

/** The effect's strength (1 is `size`) at a time after the start. */
export function strengthAt(effect: Effect, sinceStartMs: number): number {
  const since = sinceStartMs - effect.onsetMs;
  if (since < 0 || sinceStartMs > effect.endsMs) return 0;
  if (effect.shape === "ramp") return since / effect.scaleMs;
  if (effect.shape === "decay") return Math.pow(2, -since / effect.scaleMs);
  return 1;
}

/**
 * Mean strength over the sample that ends at `atMs` after the start: the first
 * sample after an onset saw it only for part of its step.
 */
export function strengthOver(effect: Effect, sinceStartMs: number, stepMs: number): number {
  const from = Math.max(sinceStartMs - stepMs, effect.onsetMs);
  const to = Math.min(sinceStartMs, effect.endsMs);
  if (to <= from) return 0;
  return (strengthAt(effect, (from + to) / 2) * (to - from)) / stepMs;
}

/** Builds one recipe's effects without repeating times and names. */
class Recipe {
  readonly effects: Effect[] = [];
  constructor(
    private readonly service: string,
    private readonly onsetMs: number,
    private readonly endsMs: number,
    private readonly byDeployment: boolean,
  ) {}

  add(metric: Metric, size: number, more: Partial<Omit<Effect, "metric" | "size">> = {}): this {
    this.effects.push({
      service: this.service,
      metric,
      shape: "step",
      change: "relative",
      size,
      onsetMs: Math.round(this.onsetMs),
      endsMs: Math.round(this.endsMs),
      scaleMs: 0,
      byDeployment: this.byDeployment,
      ...more,
    });
    return this;
  }

  /** The three latency quantiles, the body moving `body` times as much as p95. */
  latency(
    size: number,
    body = 0.9,
    tail = 1.1,
    more: Partial<Omit<Effect, "metric" | "size">> = {},
  ): this {
    return this.add("latency_p50_ms", size * body, more)
      .add("latency_p95_ms", size, more)
      .add("latency_p99_ms", size * tail, more);
  }

  errors(size: number, more: Partial<Omit<Effect, "metric" | "size">> = {}): this {
    return this.add("error_rate", size, { change: "additive", ...more });
  }
}

/** The severity of a latency regression: lognormal, median +40 %, sigma 0.7. */
function latencySize(random: RandomStream): number {
  return Math.min(4, Math.max(0.12, random.lognormal(0.4, 0.7)));
}

/** The severity of an error regression: log-uniform, +0.2 to +30 percentage points. */
function errorSize(random: RandomStream): number {
  return random.betweenLog(0.002, 0.3);
}

interface Place {
  readonly service: string;
  /** When the rollout reaches all traffic: a staged one harms from then on (see deployments.ts). */
  readonly fullAfterMs: number;
  readonly stepMs: number;
}

/**
 * A regression. Onset comes exponentially after the rollout is complete (mean two
 * minutes), its natural end 45-150 min after the start, when somebody mends it.
 *
 * `callers` are the dependants it may harm; without any, `downstream` harms itself.
 */
export function regressionEffects(
  kind: Regression,
  place: Place,
  callers: readonly string[],
  random: RandomStream,
): readonly Effect[] {
  const late = kind === "delayed" ? random.between(15, 60) * MINUTE_MS : 0;
  const delay = late > 0 ? late : Math.min(random.exponential(2), 12) * MINUTE_MS;
  const onset = place.fullAfterMs + delay;
  const ends = Math.min(
    EFFECT_MAX_MS,
    Math.max(onset + 40 * MINUTE_MS, random.between(45, 150) * MINUTE_MS),
  );
  const recipe = new Recipe(place.service, onset, ends, true);
  switch (kind) {
    case "latency_step": {
      const size = latencySize(random);
      recipe.latency(size).add("conversion_rate", -Math.min(0.4, 0.15 * size));
      recipe.add("saturation", Math.min(0.2, 0.1 * size), { change: "additive" });
      break;
    }
    case "error_step": {
      const size = errorSize(random);
      recipe.errors(size).add("conversion_rate", -Math.min(0.6, 1.5 * size));
      break;
    }
    case "error_burst": {
      // A crash loop: hard, and over sooner than a step.
      const end = Math.min(ends, onset + random.between(10, 40) * MINUTE_MS);
      const size = random.betweenLog(0.05, 0.4);
      const pulse = { shape: "pulse", endsMs: Math.round(end) } as const;
      recipe.errors(size, pulse).add("throughput_rps", -size, pulse);
      recipe.add("conversion_rate", -Math.min(0.6, 1.2 * size), pulse);
      break;
    }
    case "ramp": {
      const ramp = { shape: "ramp", scaleMs: random.between(20, 90) * MINUTE_MS } as const;
      recipe.latency(1, 0.8, 1.3, ramp);
      recipe.add("saturation", random.between(0.15, 0.35), { ...ramp, change: "additive" });
      break;
    }
    case "tail_only":
      recipe
        .add("latency_p99_ms", random.between(0.6, 2))
        .add("latency_p95_ms", random.between(0.05, 0.12));
      break;
    case "partial": {
      const traffic = random.between(0.05, 0.2);
      recipe
        .latency(random.between(0.15, 0.6), 0.1, 2.5)
        .errors(traffic * random.between(0.02, 0.3));
      break;
    }
    case "throughput_drop": {
      const size = random.between(0.15, 0.6);
      recipe.add("throughput_rps", -size).add("conversion_rate", -size * random.between(0.2, 0.5));
      break;
    }
    case "cold_cache":
      recipe.latency(random.between(0.25, 0.8));
      recipe.add("saturation", random.between(0.1, 0.25), { change: "additive" });
      break;
    case "downstream": {
      const size = latencySize(random);
      const errors = errorSize(random) / 3;
      for (const service of callers.length > 0 ? callers : [place.service]) {
        recipe.latency(size, 0.9, 1.1, { service }).errors(errors, { service });
      }
      break;
    }
    case "delayed": {
      const size = latencySize(random);
      recipe
        .latency(size)
        .errors(errorSize(random) / 5)
        .add("conversion_rate", -Math.min(0.4, 0.15 * size));
      break;
    }
  }
  return recipe.effects;
}

/** What a good deployment may look like, though it does no harm (or it is not its fault). */
export function surpriseEffects(
  kind: Surprise,
  place: Place,
  random: RandomStream,
): readonly Effect[] {
  const onset = place.fullAfterMs + Math.min(random.exponential(1), 6) * MINUTE_MS;
  switch (kind) {
    case "cache_transient": {
      const halfLife = random.between(1, 6) * MINUTE_MS;
      const recipe = new Recipe(place.service, onset, onset + 8 * halfLife, true);
      return recipe.latency(random.between(0.2, 1), 0.9, 1.1, { shape: "decay", scaleMs: halfLife })
        .effects;
    }
    case "restart_blip": {
      const samples = 1 + Math.floor(random.between(0, 3));
      const recipe = new Recipe(place.service, onset, onset + samples * place.stepMs, true);
      const size = random.betweenLog(0.01, 0.1);
      return recipe
        .errors(size, { shape: "pulse" })
        .add("throughput_rps", -random.between(0.1, 0.3), { shape: "pulse" }).effects;
    }
    case "traffic_surge": {
      const end = onset + random.between(30, 90) * MINUTE_MS;
      const size = random.between(0.3, 0.8);
      return new Recipe(place.service, onset, end, false)
        .add("throughput_rps", size)
        .latency(size * random.between(0.25, 0.5))
        .add("saturation", 0.25 * size, { change: "additive" }).effects;
    }
    case "coincident_incident":
    case "dependency_failure": {
      const begins = place.fullAfterMs + random.between(0, 40) * MINUTE_MS;
      const end = Math.min(EFFECT_MAX_MS, begins + random.between(15, 60) * MINUTE_MS);
      const recipe = new Recipe(place.service, begins, end, false);
      const failing = kind === "dependency_failure" || random.chance(0.4);
      if (failing) recipe.errors(random.betweenLog(0.01, 0.1));
      recipe.latency(random.between(0.2, failing ? 0.6 : 1.5));
      return recipe.effects;
    }
    case "telemetry_artefact": {
      // The new version's histogram restarts: a gap, then two wild quantiles.
      const gapEnd = onset + random.between(3, 6) * MINUTE_MS;
      const recipe = new Recipe(place.service, onset, gapEnd, true);
      for (const metric of METRICS) recipe.add(metric, 0, { shape: "gap" });
      const size = random.between(1, 2);
      const wild = {
        shape: "pulse",
        onsetMs: Math.round(gapEnd),
        endsMs: Math.round(gapEnd + 2 * place.stepMs),
      } as const;
      return recipe.add("latency_p95_ms", size, wild).add("latency_p99_ms", size, wild).effects;
    }
  }
}

/** The rise a migration is expected to cause: +10-30 % latency, 30-120 min, half in `callers`. */
export function expectedRiseEffects(
  place: Place,
  callers: readonly string[],
  random: RandomStream,
): readonly Effect[] {
  const onset = place.fullAfterMs + random.between(0, 3) * MINUTE_MS;
  const end = Math.min(EFFECT_MAX_MS, onset + random.between(30, 120) * MINUTE_MS);
  const size = random.between(0.1, 0.3);
  const recipe = new Recipe(place.service, onset, end, true).latency(size, 0.9, 1.05);
  for (const service of callers) recipe.latency(size / 2, 0.9, 1.05, { service });
  return recipe.effects;
}

/** An incident nobody deployed: latency, errors or lost traffic for 10-90 min. */
export function incidentEffects(
  service: string,
  durationMs: number,
  random: RandomStream,
): readonly Effect[] {
  const recipe = new Recipe(service, 0, durationMs, false);
  const kind = random.weighted({ latency: 0.45, errors: 0.4, traffic: 0.15 });
  if (kind === "latency") recipe.latency(latencySize(random));
  if (kind === "errors")
    recipe.errors(random.betweenLog(0.01, 0.2)).latency(random.between(0.05, 0.3));
  if (kind === "traffic") recipe.add("throughput_rps", -random.between(0.2, 0.6));
  return recipe.effects;
}

/** A shock all services of a region share, each by its own loading. */
export function shockEffects(
  service: string,
  durationMs: number,
  loading: number,
  random: RandomStream,
): readonly Effect[] {
  return new Recipe(service, 0, durationMs, false)
    .latency(random.between(0.4, 1.5) * loading)
    .errors(random.betweenLog(0.002, 0.03) * loading)
    .add("throughput_rps", -random.between(0, 0.3) * loading).effects;
}

/** A natural burst of errors: 5-50 times the usual, for one to five samples. */
export function burstEffects(
  service: string,
  durationMs: number,
  random: RandomStream,
): readonly Effect[] {
  return new Recipe(service, 0, durationMs, false).add("error_rate", random.betweenLog(5, 50) - 1, {
    shape: "pulse",
  }).effects;
}
