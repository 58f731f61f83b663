/** Samples of a world: the same alone as in the whole, and with the truth that was planted. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deploymentsBetween,
  generateSamples,
  METRICS,
  NO_INTERVENTIONS,
  sampleIndexAt,
  type Interventions,
  type Service,
  type World,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import { countQuantile, fillNoise, NOISE_BLOCK } from "../../datasets/world/noise.ts";
import { counter, uniformAt } from "../../lab/random.ts";
import { quarter, small } from "./worlds.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const world = small();
const deployments = deploymentsBetween(world, null, world.startMs, world.endMs);

/** Rolls back every third deployment ten minutes after its start. */
const some: Interventions = (id) => {
  const at = deployments.findIndex(({ deploymentId }) => deploymentId === id);
  return at % 3 === 0 ? deployments[at]!.startedAtMs + 10 * MINUTE_MS : null;
};

function median(values: Iterable<number>): number {
  const sorted = [...values].filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function firstOf(of: World, cause: WorldDeployment["cause"], atLeast = 0): WorldDeployment {
  const found = deploymentsBetween(of, null, of.startMs, of.endMs).find(
    (one) => one.cause === cause && one.reversible && (one.effects[0]?.size ?? 0) >= atLeast,
  );
  if (found === undefined) throw new Error(`This world has no ${cause}.`);
  return found;
}

describe("random access", () => {
  it("gives any window alone as it is in the whole", () => {
    const whole = new Map<string, Float32Array>();
    const wholeOf = (service: string, metric: (typeof METRICS)[number]): Float32Array => {
      const key = `${service} ${metric}`;
      let samples = whole.get(key);
      if (samples === undefined) {
        samples = generateSamples(world, service, metric, world.startMs, world.endMs, some);
        whole.set(key, samples);
      }
      return samples;
    };
    fc.assert(
      fc.property(
        fc.constantFrom(...world.services.map(({ name }) => name)),
        fc.constantFrom(...METRICS),
        fc.integer({ min: -DAY_MS, max: 22 * DAY_MS }),
        fc.oneof(
          fc.integer({ min: 0, max: 3 * 3_600_000 }),
          fc.integer({ min: 0, max: 5 * DAY_MS }),
        ),
        (service, metric, afterMs, lengthMs) => {
          const from = world.startMs + afterMs;
          const to = from + lengthMs;
          // A world made afresh, so that no memo of the whole can help.
          const alone = generateSamples(small(), service, metric, from, to, some);
          const begin = Math.max(0, sampleIndexAt(world, from));
          const end = Math.max(begin, sampleIndexAt(world, to));
          expect(alone).toEqual(wholeOf(service, metric).slice(begin, end));
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });

  it("differs with the seed and with the service", () => {
    const to = world.startMs + DAY_MS;
    const of = (made: World, service: string): Float32Array =>
      generateSamples(made, service, "latency_p95_ms", made.startMs, to, NO_INTERVENTIONS);
    const [one, two] = world.services.map(({ name }) => name);
    expect(of(world, one!)).toEqual(of(small(7), one!));
    expect(of(world, one!)).not.toEqual(of(small(8), one!));
    expect(of(world, one!)).not.toEqual(of(world, two!));
  });

  it("refuses a service that is not there", () => {
    expect(() => generateSamples(world, "nowhere", "error_rate", 0, 1, NO_INTERVENTIONS)).toThrow(
      /no service "nowhere"/,
    );
  });
});

describe("planted truth", () => {
  const big = quarter();

  it("shows a latency step from its onset to its end, and in the median", () => {
    const one = firstOf(big, "latency_step", 0.4);
    const effect = one.effects.find(({ metric }) => metric === "latency_p95_ms")!;
    const onset = one.startedAtMs + effect.onsetMs;
    const end = one.startedAtMs + effect.endsMs;
    const read = (from: number, to: number, interventions: Interventions): Float32Array =>
      generateSamples(big, one.service, "latency_p95_ms", from, to, interventions);
    const neverHarmed: Interventions = () => 0;
    const ratios = (from: number, to: number): number[] => {
      const without = read(from, to, neverHarmed);
      return [...read(from, to, NO_INTERVENTIONS)].map((value, i) => value / without[i]!);
    };
    for (const ratio of ratios(onset - 60 * MINUTE_MS, onset)) expect(ratio || 1).toBeCloseTo(1, 6);
    for (const ratio of ratios(onset + MINUTE_MS, end)) {
      if (!Number.isNaN(ratio)) expect(ratio).toBeCloseTo(1 + effect.size, 4);
    }
    for (const ratio of ratios(end + MINUTE_MS, end + 30 * MINUTE_MS))
      expect(ratio || 1).toBeCloseTo(1, 6);
    const before = median(
      read(one.startedAtMs - 60 * MINUTE_MS, one.startedAtMs, NO_INTERVENTIONS),
    );
    const after = median(read(onset + MINUTE_MS, onset + 30 * MINUTE_MS, NO_INTERVENTIONS));
    expect(after / before / (1 + effect.size)).toBeGreaterThan(0.8);
    expect(after / before / (1 + effect.size)).toBeLessThan(1.25);
  });

  it("ends an effect within the recovery after a rollback, and changes nothing before it", () => {
    const one = firstOf(big, "error_step", 0.02);
    const rolledBack = one.onsetAtMs! + 8 * MINUTE_MS;
    const from = one.startedAtMs - 60 * MINUTE_MS;
    const read = (at: number | null): Float32Array =>
      generateSamples(big, one.service, "error_rate", from, one.naturalEndAtMs!, (id) =>
        id === one.deploymentId ? at : null,
      );
    const [held, acted, clean] = [read(null), read(rolledBack), read(0)];
    const cut = sampleIndexAt(big, rolledBack) - sampleIndexAt(big, from);
    const back = sampleIndexAt(big, rolledBack + one.recoveryMs) - sampleIndexAt(big, from);
    expect(acted.slice(0, cut)).toEqual(held.slice(0, cut));
    expect(acted.slice(back)).toEqual(clean.slice(back));
    expect(median(held.slice(cut))).toBeGreaterThan(median(acted.slice(back)) + 0.01);
  });

  it("does not end what a rollback cannot end", () => {
    const one = firstOf(big, "coincident_incident");
    const read = (at: number | null): Float32Array =>
      generateSamples(
        big,
        one.service,
        "latency_p95_ms",
        one.startedAtMs,
        one.naturalEndAtMs!,
        () => at,
      );
    expect(read(0)).toEqual(read(null));
  });
});

describe("healthy series", () => {
  /** One service alone, its latency free of load and sampling noise. */
  function bare(levels: Partial<Service["levels"]>): World {
    const spec = {
      ...world.spec,
      telemetry: { missing: 0, outagesPerWeek: 0, errorBurstsPerDay: 0 },
      incidents: { perServiceWeek: 0, regionalShocksPerWeek: 0 },
      deployments: { ...world.spec.deployments, perWorkday: 0 },
    };
    const service = { ...world.services[0]!, dependsOn: [] };
    const changed = { ...service, levels: { ...service.levels, ...levels } };
    return { ...world, spec, services: [changed], byName: new Map([[changed.name, changed]]) };
  }

  it("has the level and the AR(1) noise it claims", () => {
    const one = bare({
      latencyGamma: 0,
      latencyMedianMs: 50,
      throughputRps: 1e7,
      capacityRps: 1e9,
      noisePhi: 0.6,
      noiseSd: 0.08,
    });
    const name = one.services[0]!.name;
    const logs = [
      ...generateSamples(one, name, "latency_p50_ms", one.startMs, one.endMs, NO_INTERVENTIONS),
    ].map((value) => Math.log(value / 50));
    const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
    const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length;
    const lagged = logs
      .slice(1)
      .reduce((sum, value, i) => sum + (value - mean) * (logs[i]! - mean), 0);
    expect(logs).toHaveLength(21 * 1440);
    expect(Math.abs(mean)).toBeLessThan(0.004);
    expect(Math.sqrt(variance)).toBeCloseTo(0.08, 2);
    expect(lagged / logs.length / variance).toBeCloseTo(0.6, 1);
  });

  it("has the error rate and dispersion it claims", () => {
    const one = bare({ errorProbability: 0.004, errorDispersion: 3, dayAmplitude: 0, weekend: 0 });
    const name = one.services[0]!.name;
    const rates = [
      ...generateSamples(one, name, "error_rate", one.startMs, one.endMs, NO_INTERVENTIONS),
    ];
    const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
    expect(mean).toBeGreaterThan(0.0038);
    expect(mean).toBeLessThan(0.0042);
  });

  it("stays in its units and follows day and week", () => {
    const whole = (service: string, metric: (typeof METRICS)[number]): Float32Array =>
      generateSamples(world, service, metric, world.startMs, world.endMs, NO_INTERVENTIONS);
    for (const { name } of world.services) {
      for (const metric of METRICS) {
        const samples = whole(name, metric);
        const kept = samples.filter((value) => !Number.isNaN(value));
        const lost = 1 - kept.length / samples.length;
        expect(lost).toBeGreaterThan(0.003);
        expect(lost).toBeLessThan(0.02);
        const ratio = ["error_rate", "saturation", "conversion_rate"].includes(metric);
        const [low, high] = kept.reduce(
          ([l, h], v) => [Math.min(l, v), Math.max(h, v)],
          [Infinity, 0],
        );
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(ratio ? 1 : 1e5);
      }
      const p50 = whole(name, "latency_p50_ms");
      const p99 = whole(name, "latency_p99_ms");
      expect(median(p99)).toBeGreaterThan(2 * median(p50));
      const traffic = whole(name, "throughput_rps");
      const perHour = Array.from({ length: 24 }, (_, hour) =>
        median(traffic.filter((_, i) => Math.floor((i % 1440) / 60) === hour)),
      );
      expect(Math.max(...perHour) / Math.min(...perHour)).toBeGreaterThan(1.4);
    }
  });
});

describe("noise", () => {
  it("runs on across the edge of a block, to a millionth of its sd", () => {
    const key = counter("noise");
    const two = new Float64Array(2 * NOISE_BLOCK);
    fillNoise(two, 0, two.length, key, 0.9, 1);
    const second = new Float64Array(NOISE_BLOCK);
    fillNoise(second, NOISE_BLOCK, NOISE_BLOCK, key, 0.9, 1);
    second.forEach((value, i) =>
      expect(Math.abs(value - two[NOISE_BLOCK + i]!)).toBeLessThan(1e-5),
    );
  });

  it.each([
    [0.3, 1],
    [4, 3],
    [20, 2],
    [100, 5],
  ])("draws counts of mean %f and dispersion %f", (mean, dispersion) => {
    const { a, b } = counter("counts");
    const counts = Array.from({ length: 40_000 }, (_, i) =>
      countQuantile(uniformAt(a, b, i), mean, dispersion),
    );
    const average = counts.reduce((x, y) => x + y, 0) / counts.length;
    const variance = counts.reduce((sum, x) => sum + (x - average) ** 2, 0) / counts.length;
    expect(average / mean).toBeCloseTo(1, 1);
    expect(Math.abs(variance / average / dispersion - 1)).toBeLessThan(0.06);
  });
});
