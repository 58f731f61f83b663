/**
 * The catalogue of regressions, surprises and incidents, each as a set of effects.
 *
 * Sizes follow published change studies where there are any and are assumptions
 * otherwise (each recipe says its own); severity and onset delay are independent.
 */

import type { RandomStream } from "../../lab/random.ts";
import { addBursts } from "./bursts.ts";
import { METRICS, type Effect, type Exposure } from "./effects.ts";
import { Recipe } from "./recipe.ts";
import type { Regression, Surprise } from "./spec.ts";
import { EFFECT_MAX_MS, MINUTE_MS } from "./world.ts";

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
  /** When the rollout reaches all traffic. */
  readonly fullAfterMs: number;
  readonly stepMs: number;
  /** Null: a staged rollout harms once it is complete, and then all traffic at once. */
  readonly exposure: readonly Exposure[] | null;
  /** The share of its first stage; 1 of a rollout without stages. */
  readonly firstShare: number;
}

/**
 * A regression. Onset comes exponentially (mean two minutes) after the rollout is
 * complete, or after its first stage where harm is staged; its natural end 45-150 min
 * after the start, when somebody mends it.
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
  const { exposure, fullAfterMs } = place;
  const onset = exposure === null ? fullAfterMs + delay : delay;
  const leastMs = 40 * MINUTE_MS + Math.max(onset, fullAfterMs);
  const ends = Math.min(EFFECT_MAX_MS, Math.max(leastMs, random.between(45, 150) * MINUTE_MS));
  const recipe = new Recipe(place.service, onset, ends, true, exposure);
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
    case "slow_leak": {
      // Never more than 9 %: below the tolerance of the shipped policies to its very end.
      const leak = { shape: "ramp", scaleMs: Math.round(ends - onset) } as const;
      recipe.latency(random.between(0.05, 0.09), 0.8, 1, leak);
      recipe.add("saturation", random.between(0.04, 0.08), { ...leak, change: "additive" });
      recipe.add("conversion_rate", -random.between(0.005, 0.015), leak);
      break;
    }
    case "silent_version": {
      // It never starts, or crashes after a few minutes: its metrics vanish, and a staged rollout
      // stays at its first stage. Where no other version serves, the whole service is silent.
      const dead = random.chance(0.6) ? 0 : random.between(3, 10) * MINUTE_MS;
      const ofVersionOnly = place.firstShare < 1;
      const gap = { shape: "gap", onsetMs: Math.round(dead), ofVersionOnly } as const;
      for (const metric of METRICS) {
        recipe.add(metric, 0, gap);
      }
      break;
    }
    case "memory_leak": {
      // Memory grows until the process is killed; nothing else shows it before that.
      const leak = { shape: "ramp", scaleMs: random.between(15, 45) * MINUTE_MS } as const;
      recipe.add("saturation", random.between(0.15, 0.4), { ...leak, change: "additive" });
      break;
    }
    case "failing_dependency": {
      // Its callers suffer too, also where that service is being deployed itself.
      const size = latencySize(random);
      const errors = Math.max(0.02, errorSize(random));
      recipe.latency(size).errors(errors);
      for (const service of callers) {
        recipe.latency(size / 2, 0.9, 1.1, { service }).errors(errors / 2, { service });
      }
      break;
    }
    case "bursts":
      addBursts(recipe, onset, ends, random);
      break;
    case "oscillation": {
      // A minute or two bad, three to six good: every breach clears before it has held.
      const wave = { shape: "oscillation", scaleMs: random.between(4, 8) * MINUTE_MS } as const;
      const size = latencySize(random);
      recipe.latency(size, 0.9, 1.1, wave).errors(errorSize(random) / 5, wave);
      recipe.add("conversion_rate", -Math.min(0.4, 0.15 * size), wave);
      break;
    }
  }
  return recipe.effects;
}

/** When processes restart, and how many of them: all at once, or stage by stage. */
function restarts(
  { exposure, fullAfterMs }: Place,
  onsetMs: number,
): readonly { atMs: number; share: number }[] {
  if (exposure === null) return [{ atMs: onsetMs, share: 1 }];
  return exposure.map(({ share, afterMs }, index) => ({
    atMs: onsetMs - fullAfterMs + afterMs,
    share: share - (exposure[index - 1]?.share ?? 0),
  }));
}

/** Effects of a good deployment that look like harm, or that it did not cause. */
export function surpriseEffects(
  kind: Surprise,
  place: Place,
  random: RandomStream,
): readonly Effect[] {
  const onset = place.fullAfterMs + Math.min(random.exponential(1), 6) * MINUTE_MS;
  switch (kind) {
    case "cache_transient": {
      const halfLife = random.between(1, 6) * MINUTE_MS;
      const size = random.between(0.2, 1);
      return restarts(place, onset).flatMap(({ atMs, share }) => {
        const recipe = new Recipe(place.service, atMs, atMs + 8 * halfLife, true);
        const cold = { shape: "decay", scaleMs: halfLife } as const;
        return recipe.latency(size * share, 0.9, 1.1, cold).effects;
      });
    }
    case "restart_blip": {
      const lengthMs = (1 + Math.floor(random.between(0, 3))) * place.stepMs;
      const size = random.betweenLog(0.01, 0.1);
      const lost = random.between(0.1, 0.3);
      return restarts(place, onset).flatMap(({ atMs, share }) => {
        const recipe = new Recipe(place.service, atMs, atMs + lengthMs, true);
        const pulse = { shape: "pulse" } as const;
        return recipe.errors(size * share, pulse).add("throughput_rps", -lost * share, pulse)
          .effects;
      });
    }
    case "pod_replacement": {
      // The old pods go before the new ones are scraped, and those start cold: slow, and with
      // little memory in use.
      const { firstShare, stepMs } = place;
      const unseen = (1 + Math.floor(random.between(0, 3))) * stepMs;
      const recipe = new Recipe(place.service, 0, unseen, true);
      const gap = { shape: "gap", ofVersionOnly: firstShare < 1 } as const;
      for (const metric of METRICS) recipe.add(metric, 0, gap);
      const halfLife = random.between(1, 3) * MINUTE_MS;
      const size = random.between(0.2, 0.8);
      const empty = random.between(0.2, 0.4);
      const warmUp = restarts(place, place.fullAfterMs).flatMap(({ atMs, share }) => {
        const { effects } = new Recipe(place.service, atMs, atMs + 8 * halfLife, true)
          .latency(size * share, 0.9, 1.1, { shape: "decay", scaleMs: halfLife })
          .add("saturation", -empty * share, { shape: "decay", scaleMs: halfLife });
        return effects;
      });
      return [...recipe.effects, ...warmUp];
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
  const { exposure, fullAfterMs } = place;
  const delay = random.between(0, 3) * MINUTE_MS;
  const onset = exposure === null ? fullAfterMs + delay : delay;
  const lengthMs = random.between(30, 120) * MINUTE_MS;
  const end = Math.min(EFFECT_MAX_MS, Math.max(onset, fullAfterMs) + lengthMs);
  const size = random.between(0.1, 0.3);
  const recipe = new Recipe(place.service, onset, end, true, exposure);
  recipe.latency(size, 0.9, 1.05);
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

/** The callers of a service in an incident: slower by a fraction, a fraction of its errors. */
export function reachedEffects(service: string, effects: readonly Effect[]): readonly Effect[] {
  return effects
    .filter(({ metric }) => metric.startsWith("latency") || metric === "error_rate")
    .map((effect) => ({ ...effect, service, size: effect.size * REACHED_SHARE }));
}
/** A caller waits for one of several services it calls, and retries what fails. */
const REACHED_SHARE = 0.4;

/**
 * Rolling back an irreversible deployment: the old version meets a schema or state that it does not
 * know. Errors and latency for 20-60 min, until somebody has repaired it.
 */
export function rollbackHarmEffects(service: string, random: RandomStream): readonly Effect[] {
  return new Recipe(service, 0, random.between(20, 60) * MINUTE_MS, true)
    .errors(random.betweenLog(0.02, 0.2))
    .latency(random.between(0.2, 0.6))
    .add("conversion_rate", -random.between(0.05, 0.3)).effects;
}

/** What any rollback costs: the old version starts cold. */
export function coldStartEffects(
  service: string,
  stepMs: number,
  random: RandomStream,
): readonly Effect[] {
  const halfLife = random.between(1, 3) * MINUTE_MS;
  return new Recipe(service, 0, 8 * halfLife, true)
    .latency(random.between(0.15, 0.5), 0.9, 1.1, { shape: "decay", scaleMs: halfLife })
    .errors(random.betweenLog(0.002, 0.02), { shape: "pulse", endsMs: stepMs }).effects;
}
