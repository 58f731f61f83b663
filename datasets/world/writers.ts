/**
 * How traffic, noise and effects become the samples of each metric: one fast loop a
 * metric, over one block of samples.
 */

import { normalAt, uniformAt, type Counter } from "../../lab/random.ts";
import type { Metric } from "./effects.ts";
import { countQuantile } from "./noise.ts";
import type { ServiceLevels } from "./services.ts";

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

/** One block's columns, reused from block to block. */
export interface Columns {
  readonly logTraffic: Float64Array;
  /** What a region's traffic shares, before it is added to `logTraffic`. */
  readonly shared: Float64Array;
  readonly noise: Float64Array;
  /** The share of traffic that the series is about; 1 of a series that holds all versions. */
  readonly share: Float64Array;
  /** Effects: value × factor + addend. */
  readonly factor: Float64Array;
  readonly addend: Float64Array;
  readonly missing: Uint8Array;
}

/** Everything a block's writer needs besides the block. */
export interface Writing {
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
    const { logTraffic, noise, share, factor, addend } = columns;
    const level =
      Math.log(levels.latencyMedianMs * quantile.tail) + quantile.z * levels.latencySpread;
    const error = quantile.error * levels.latencySpread;
    const { latencyGamma: gamma, capacityRps } = levels;
    for (let i = from; i < to; i++) {
      const traffic = Math.exp(logTraffic[i]!);
      const spare = 1 - Math.min(UTILISATION_MAX, traffic / capacityRps);
      const z = normalAt(draw.a, draw.b, first + i);
      const scatter = (error * z) / Math.sqrt(Math.max(1, traffic * share[i]! * stepSeconds));
      const value = Math.exp(level - gamma * Math.log(spare) + noise[i]! + scatter);
      out[at + i - from] = value * factor[i]! + addend[i]!;
    }
  };
}

const writeErrors: Writer = ({ levels, stepSeconds, columns, draw }, first, from, to, out, at) => {
  const { logTraffic, share, factor, addend } = columns;
  for (let i = from; i < to; i++) {
    const requests = Math.max(1, Math.round(Math.exp(logTraffic[i]!) * share[i]! * stepSeconds));
    const probability = Math.min(0.95, levels.errorProbability * factor[i]! + addend[i]!);
    const u = uniformAt(draw.a, draw.b, first + i);
    const count = countQuantile(u, requests * probability, levels.errorDispersion);
    out[at + i - from] = Math.min(1, count / requests);
  }
};

const writeThroughput: Writer = ({ stepSeconds, columns, draw }, first, from, to, out, at) => {
  const { logTraffic, share, factor } = columns;
  for (let i = from; i < to; i++) {
    const traffic = Math.exp(logTraffic[i]!) * share[i]! * factor[i]!;
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
  const { logTraffic, noise, share, factor } = columns;
  for (let i = from; i < to; i++) {
    const served = Math.exp(logTraffic[i]!) * share[i]!;
    const visits = Math.max(1, served * stepSeconds * levels.visitShare);
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

export function noiseOf(metric: Metric, levels: ServiceLevels): NoiseOf | null {
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

export const WRITERS: Readonly<Record<Metric, Writer>> = {
  latency_p50_ms: latencyWriter(QUANTILE.latency_p50_ms),
  latency_p95_ms: latencyWriter(QUANTILE.latency_p95_ms),
  latency_p99_ms: latencyWriter(QUANTILE.latency_p99_ms),
  error_rate: writeErrors,
  throughput_rps: writeThroughput,
  saturation: writeSaturation,
  conversion_rate: writeConversion,
};
