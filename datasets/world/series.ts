/**
 * Samples of one series of a world, for any window.
 *
 * Law: a sample is a function of (world, series, its index, the rollbacks that took
 * effect). A window alone is bit-identical to the same window cut out of the whole.
 *
 * Model: traffic = level × day (two harmonics, local time) × weekday × AR(1) noise;
 * utilisation = traffic / capacity; latency's log median grows as -gamma log(1 -
 * utilisation), with AR(1) noise; p50, p95 and p99 are noisy like quantiles of that
 * minute's requests; errors are overdispersed counts over requests.
 *
 * A sample at time t speaks about (t - step, t]. Simplifications: the season's clock
 * change moves at the next noise block (hours late on two nights a year); effects
 * touch the metrics they name and do not work their way from traffic to latency.
 */

import { bitsAt, counter, normalAt, uniformAt, type Counter } from "../../lab/people/random.ts";
import { utcOffsetMs } from "../../lab/people/model.ts";
import { affecting } from "./deployments.ts";
import { strengthOver, type Effect, type Metric } from "./effects.ts";
import { episodesBetween } from "./incidents.ts";
import { countQuantile, fillNoise, NOISE_BLOCK } from "./noise.ts";
import type { Service, ServiceLevels } from "./services.ts";
import { DAY_MS, remember, serviceOf, type World } from "./world.ts";

/** When a rollback of this deployment took effect (the old version serves again); null: never. */
export type Interventions = (deploymentId: string) => number | null;

/** A history in which nobody ever rolls back. */
export const NO_INTERVENTIONS: Interventions = () => null;

const TRAFFIC_PHI = 0.9;
const TRAFFIC_SD = 0.05;
const SATURATION_PHI = 0.8;
const SATURATION_SD = 0.012;
const CONVERSION_PHI = 0.6;
const CONVERSION_SD = 0.02;
/** Traffic never uses more than this share of capacity: latency stays finite. */
const UTILISATION_MAX = 0.97;

/**
 * Standard normal quantile z and the factor c of a sample quantile's standard error:
 * sd(log q) = c × spread / sqrt(n), c = sqrt(q (1 - q)) / density(z) (asymptotic). At
 * p99 c is raised by half and the level by 15 % for the Pareto tail of real requests.
 */
const QUANTILE: Readonly<
  Record<"latency_p50_ms" | "latency_p95_ms" | "latency_p99_ms", LatencyQuantile>
> = {
  latency_p50_ms: { z: 0, error: 1.2533, tail: 1 },
  latency_p95_ms: { z: 1.6449, error: 2.1133, tail: 1 },
  latency_p99_ms: { z: 2.3263, error: 1.5 * 3.7333, tail: 1.15 },
};
interface LatencyQuantile {
  readonly z: number;
  readonly error: number;
  readonly tail: number;
}

/** The log season over a local day, one value a sample. */
const seasonOf = remember((world, name): Float64Array => {
  const { dayAmplitude, peakHour } = serviceOf(world, name).levels;
  return Float64Array.from({ length: world.samplesPerDay }, (_, index) => {
    const angle = (2 * Math.PI * ((24 * index) / world.samplesPerDay - peakHour)) / 24;
    return dayAmplitude * (Math.cos(angle) + 0.3 * Math.cos(2 * angle + 0.6));
  });
});

/** An effect in absolute time, and when a rollback begins to end it. */
interface ActiveEffect {
  readonly effect: Effect;
  readonly startMs: number;
  readonly clearFromMs: number;
  readonly recoveryMs: number;
}

function activeEffects(
  world: World,
  service: string,
  metric: Metric,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
): readonly ActiveEffect[] {
  const active: ActiveEffect[] = [];
  for (const deployment of affecting(world, service, fromMs, toMs, metric)) {
    const rolledBackMs = deployment.reversible ? interventions(deployment.deploymentId) : null;
    for (const effect of deployment.effects) {
      if (effect.service !== service || effect.metric !== metric) continue;
      const clearFromMs = effect.byDeployment && rolledBackMs !== null ? rolledBackMs : Infinity;
      const { startedAtMs: startMs, recoveryMs } = deployment;
      active.push({ effect, startMs, clearFromMs, recoveryMs });
    }
  }
  for (const episode of episodesBetween(world, service, fromMs - world.stepMs, toMs)) {
    for (const effect of episode.effects) {
      if (effect.metric !== metric) continue;
      active.push({ effect, startMs: episode.startMs, clearFromMs: Infinity, recoveryMs: 0 });
    }
  }
  return active;
}

/** What is left of an effect after a rollback took effect: falls linearly over the recovery. */
function remainder(active: ActiveEffect, atMs: number): number {
  if (atMs <= active.clearFromMs) return 1;
  return Math.max(0, 1 - (atMs - active.clearFromMs) / active.recoveryMs);
}

/** One block's columns, reused from block to block. */
interface Columns {
  readonly logTraffic: Float64Array;
  readonly noise: Float64Array;
  /** Effects: value × factor + addend. */
  readonly factor: Float64Array;
  readonly addend: Float64Array;
  readonly missing: Uint8Array;
}

/** Adds the effects on samples [from, to) of the block that starts at sample `first`. */
function applyEffects(
  world: World,
  columns: Columns,
  active: readonly ActiveEffect[],
  first: number,
  from: number,
  to: number,
): void {
  columns.factor.fill(1);
  columns.addend.fill(0);
  const blockMs = world.startMs + first * world.stepMs;
  for (const one of active) {
    const { effect, startMs } = one;
    const begin = Math.floor((startMs + effect.onsetMs - blockMs) / world.stepMs);
    const end = Math.ceil((startMs + effect.endsMs - blockMs) / world.stepMs) + 1;
    for (let i = Math.max(from, begin); i < Math.min(to, end); i++) {
      const atMs = blockMs + i * world.stepMs;
      const strength = strengthOver(effect, atMs - startMs, world.stepMs) * remainder(one, atMs);
      if (strength === 0) continue;
      if (effect.shape === "gap") columns.missing[i] = 1;
      else if (effect.change === "relative") columns.factor[i]! *= 1 + effect.size * strength;
      else columns.addend[i]! += effect.size * strength;
    }
  }
}

/** Traffic's logarithm on samples [0, to) of a block. */
function fillTraffic(
  world: World,
  service: Service,
  key: Counter,
  columns: Columns,
  first: number,
  to: number,
): void {
  const { logTraffic } = columns;
  fillNoise(logTraffic, first, to, key, TRAFFIC_PHI, TRAFFIC_SD);
  const season = seasonOf(world, service.name, 0);
  const level = Math.log(service.levels.throughputRps);
  const blockMs = world.startMs + first * world.stepMs;
  const localMs = blockMs + utcOffsetMs(service.timezone, blockMs);
  let place = Math.floor((localMs - Math.floor(localMs / DAY_MS) * DAY_MS) / world.stepMs);
  for (let i = 0; i < to; i++) {
    logTraffic[i]! += level + season[place]!;
    if (++place === world.samplesPerDay) place = 0;
  }
  // Weekdays pass into each other between one noon and the next, without a jump at midnight.
  const noons = localMs / DAY_MS - 0.5;
  for (let day = Math.floor(noons); day <= noons + to / world.samplesPerDay; day++) {
    const before = weekdayLevel(day, service.levels.weekend);
    const rise = weekdayLevel(day + 1, service.levels.weekend) - before;
    if (before === 0 && rise === 0) continue;
    const begin = Math.max(0, Math.ceil((day - noons) * world.samplesPerDay));
    const end = Math.min(to, Math.ceil((day + 1 - noons) * world.samplesPerDay));
    for (let i = begin; i < end; i++) {
      logTraffic[i]! += before + rise * (noons + i / world.samplesPerDay - day);
    }
  }
}

/** 1970-01-01 was a Thursday, so Saturday and Sunday are days 2 and 3 of a week from it. */
function weekdayLevel(day: number, weekend: number): number {
  const place = day % 7;
  return place === 2 || place === 3 ? weekend : 0;
}

/** Everything a block's writer needs besides the block. */
interface Writing {
  readonly levels: ServiceLevels;
  readonly stepSeconds: number;
  readonly columns: Columns;
  /** Noise of single samples, without memory. */
  readonly draw: Counter;
}

/** Writes samples [from, to) of a block to `out` from `at`; one for each metric: fast loops. */
type Writer = (
  writing: Writing,
  first: number,
  from: number,
  to: number,
  out: Float32Array,
  at: number,
) => void;

function latencyWriter(quantile: LatencyQuantile): Writer {
  return ({ levels, stepSeconds, columns, draw }, first, from, to, out, at) => {
    const { logTraffic, noise, factor, addend } = columns;
    const level =
      Math.log(levels.latencyMedianMs * quantile.tail) + quantile.z * levels.latencySpread;
    const error = quantile.error * levels.latencySpread;
    const { latencyGamma: gamma, capacityRps } = levels;
    for (let i = from; i < to; i++) {
      const traffic = Math.exp(logTraffic[i]!);
      const spare = 1 - Math.min(UTILISATION_MAX, traffic / capacityRps);
      const z = normalAt(draw.a, draw.b, first + i);
      const scatter = (error * z) / Math.sqrt(Math.max(1, traffic * stepSeconds));
      const value = Math.exp(level - gamma * Math.log(spare) + noise[i]! + scatter);
      out[at + i - from] = value * factor[i]! + addend[i]!;
    }
  };
}

const writeErrors: Writer = ({ levels, stepSeconds, columns, draw }, first, from, to, out, at) => {
  const { logTraffic, factor, addend } = columns;
  for (let i = from; i < to; i++) {
    const requests = Math.max(1, Math.round(Math.exp(logTraffic[i]!) * stepSeconds));
    const probability = Math.min(0.95, levels.errorProbability * factor[i]! + addend[i]!);
    const u = uniformAt(draw.a, draw.b, first + i);
    const count = countQuantile(u, requests * probability, levels.errorDispersion);
    out[at + i - from] = Math.min(1, count / requests);
  }
};

const writeThroughput: Writer = ({ stepSeconds, columns, draw }, first, from, to, out, at) => {
  const { logTraffic, factor } = columns;
  for (let i = from; i < to; i++) {
    const traffic = Math.exp(logTraffic[i]!) * factor[i]!;
    const z = normalAt(draw.a, draw.b, first + i);
    const counted = traffic * stepSeconds + z * Math.sqrt(traffic * stepSeconds);
    out[at + i - from] = Math.max(0, counted / stepSeconds);
  }
};

const writeSaturation: Writer = ({ levels, columns }, _first, from, to, out, at) => {
  const { logTraffic, noise, factor, addend } = columns;
  for (let i = from; i < to; i++) {
    const used = Math.min(1, Math.exp(logTraffic[i]!) / levels.capacityRps);
    const value = levels.saturationBase + levels.saturationSlope * used + noise[i]!;
    out[at + i - from] = Math.min(1, Math.max(0, value * factor[i]! + addend[i]!));
  }
};

const writeConversion: Writer = (
  { levels, stepSeconds, columns, draw },
  first,
  from,
  to,
  out,
  at,
) => {
  const { logTraffic, noise, factor } = columns;
  for (let i = from; i < to; i++) {
    const visits = Math.max(1, Math.exp(logTraffic[i]!) * stepSeconds * levels.visitShare);
    const rate = Math.min(1, levels.conversionRate * (1 + noise[i]!) * factor[i]!);
    const z = normalAt(draw.a, draw.b, first + i);
    const value = rate + z * Math.sqrt((rate * (1 - rate)) / visits);
    out[at + i - from] = Math.min(1, Math.max(0, value));
  }
};

interface NoiseOf {
  /** Metrics of one family share their noise: a slow minute is slow at p50 and at p99. */
  readonly family: string;
  readonly phi: number;
  readonly sd: number;
}

function noiseOf(metric: Metric, levels: ServiceLevels): NoiseOf | null {
  switch (metric) {
    case "latency_p50_ms":
    case "latency_p95_ms":
    case "latency_p99_ms":
      return { family: "latency", phi: levels.noisePhi, sd: levels.noiseSd };
    case "saturation":
      return { family: "saturation", phi: SATURATION_PHI, sd: SATURATION_SD };
    case "conversion_rate":
      return { family: "conversion", phi: CONVERSION_PHI, sd: CONVERSION_SD };
    case "error_rate":
    case "throughput_rps":
      return null;
  }
}

const WRITERS: Readonly<Record<Metric, Writer>> = {
  latency_p50_ms: latencyWriter(QUANTILE.latency_p50_ms),
  latency_p95_ms: latencyWriter(QUANTILE.latency_p95_ms),
  latency_p99_ms: latencyWriter(QUANTILE.latency_p99_ms),
  error_rate: writeErrors,
  throughput_rps: writeThroughput,
  saturation: writeSaturation,
  conversion_rate: writeConversion,
};

/** Index of the first sample at or after a time; sample 0 is at the world's start. */
export function sampleIndexAt(world: World, atMs: number): number {
  return Math.ceil((atMs - world.startMs) / world.stepMs);
}

/**
 * Samples of one series in [fromMs, toMs), at the world's step, as a history stores
 * them (32-bit floats, NaN for a missing scrape). The first is at
 * `startMs + sampleIndexAt(fromMs) * stepMs`; times outside the world are cut off.
 *
 * Latencies in ms, ratios and saturation in [0, 1], throughput in requests a second.
 *
 * @example
 * generateSamples(world, "checkout", "latency_p95_ms", fromMs, toMs, NO_INTERVENTIONS)
 */
export function generateSamples(
  world: World,
  serviceName: string,
  metric: Metric,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
): Float32Array {
  const service = serviceOf(world, serviceName);
  const start = Math.max(0, sampleIndexAt(world, fromMs));
  const end = Math.max(start, sampleIndexAt(world, Math.min(toMs, world.endMs)));
  const out = new Float32Array(end - start);
  if (out.length === 0) return out;

  const firstMs = world.startMs + start * world.stepMs;
  const lastMs = world.startMs + end * world.stepMs;
  const active = activeEffects(world, serviceName, metric, firstMs, lastMs, interventions);
  const outages = episodesBetween(world, serviceName, firstMs, lastMs).filter(
    ({ kind }) => kind === "outage",
  );
  const columns: Columns = {
    logTraffic: new Float64Array(NOISE_BLOCK),
    noise: new Float64Array(NOISE_BLOCK),
    factor: new Float64Array(NOISE_BLOCK),
    addend: new Float64Array(NOISE_BLOCK),
    missing: new Uint8Array(NOISE_BLOCK),
  };
  const noise = noiseOf(metric, service.levels);
  const trafficKey = counter(world.seed, "noise", serviceName, "traffic");
  const noiseKey = counter(world.seed, "noise", serviceName, noise?.family ?? "");
  const scrapeKey = counter(world.seed, "scrape", serviceName);
  const draw = counter(world.seed, "sample", serviceName, metric);
  const writing: Writing = {
    levels: service.levels,
    stepSeconds: world.stepMs / 1000,
    columns,
    draw,
  };
  const write = WRITERS[metric];

  for (
    let first = Math.floor(start / NOISE_BLOCK) * NOISE_BLOCK;
    first < end;
    first += NOISE_BLOCK
  ) {
    const from = Math.max(0, start - first);
    const to = Math.min(NOISE_BLOCK, end - first);
    const at = first + from - start;
    columns.missing.fill(0);
    fillTraffic(world, service, trafficKey, columns, first, to);
    if (noise !== null) fillNoise(columns.noise, first, to, noiseKey, noise.phi, noise.sd);
    applyEffects(world, columns, active, first, from, to);
    write(writing, first, from, to, out, at);
    // One scrape brings all metrics of a service, so they are missing together.
    const { missing } = columns;
    const lostBelow = world.spec.telemetry.missing * 4294967296;
    for (let i = from; i < to; i++) {
      const lost = bitsAt(scrapeKey.a, scrapeKey.b, first + i) < lostBelow;
      if (lost || missing[i] === 1) out[at + i - from] = Number.NaN;
    }
  }
  for (const { startMs, endMs } of outages) {
    const outEnd = Math.min(end, sampleIndexAt(world, endMs));
    for (let i = Math.max(start, sampleIndexAt(world, startMs)); i < outEnd; i++)
      out[i - start] = Number.NaN;
  }
  return out;
}
