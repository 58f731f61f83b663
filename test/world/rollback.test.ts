/** What stages reach, and what a rollback ends, does not end, and breaks. */

import { describe, expect, it } from "vitest";
import {
  deploymentsBetween,
  EFFECT_MAX_MS,
  generateSamples,
  harmOf,
  NO_INTERVENTIONS,
  rollbackHarmOf,
  sampleIndexAt,
  truthTables,
  type Interventions,
  type Metric,
  type World,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import { small } from "./worlds.ts";

const MINUTE_MS = 60_000;

function everyDeployment(world: World): readonly WorldDeployment[] {
  return deploymentsBetween(world, null, world.startMs, world.endMs);
}

/** How much larger a series is than it would be had this deployment never touched it. */
function ratios(world: World, one: WorldDeployment, metric: Metric, acts: Interventions): number[] {
  const [from, to] = [one.startedAtMs, one.startedAtMs + EFFECT_MAX_MS];
  const read = (interventions: Interventions): Float32Array =>
    generateSamples(world, one.service, metric, from, to, interventions);
  // A rollback long before the start ends everything: what is left is the healthy series.
  const healthy = read(() => 0);
  return [...read(acts)].map((value, i) => value / healthy[i]!);
}

describe("a world with stagedHarm", () => {
  const world = small(
    7,
    ["failureRate: 5.5%", "failureRate: 60%\n  stagedHarm: true\n  canaryFor: 30m"],
    ["irreversible: 10%", "irreversible: 0%"],
  );
  const steps = everyDeployment(world).filter(({ cause }) => cause === "latency_step");
  const canary = steps.find(
    ({ stages, startedAtMs, onsetAtMs }) =>
      stages[0]!.share === 0.05 && onsetAtMs! - startedAtMs < 8 * MINUTE_MS,
  )!;
  const { size } = canary.effects.find(({ metric }) => metric === "latency_p95_ms")!;

  it("harms by the share of traffic each stage has reached", () => {
    const at = ratios(world, canary, "latency_p95_ms", NO_INTERVENTIONS);
    const seen = (minute: number): number => (at[minute]! - 1) / size;
    expect(canary.finishedAtMs - canary.startedAtMs).toBe(30 * MINUTE_MS);
    expect(seen(12)).toBeCloseTo(0.05, 3);
    expect(seen(25)).toBeCloseTo(0.25, 3);
    expect(seen(40)).toBeCloseTo(1, 3);
  });

  it("goes no further than the stage in which it was rolled back", () => {
    const rolledBackMs = canary.startedAtMs + 14 * MINUTE_MS;
    const at = ratios(world, canary, "latency_p95_ms", (id) =>
      id === canary.deploymentId ? rolledBackMs : null,
    );
    expect(Math.max(...at.filter((ratio) => !Number.isNaN(ratio)))).toBeLessThan(1 + 0.06 * size);
    const caught = harmOf(canary, rolledBackMs)!;
    const left = harmOf(canary, null)!;
    const hurt = caught.resolvedAtMs - caught.onsetAtMs;
    expect(caught.fullTrafficMs).toBeCloseTo(0.05 * hurt, 3);
    expect(left.fullTrafficMs).toBeGreaterThan(20 * caught.fullTrafficMs);
    expect(left.fullTrafficMs).toBeLessThan(left.resolvedAtMs - left.onsetAtMs);
  });

  it("restarts a rolling deployment's processes batch by batch", () => {
    const cold = everyDeployment(world).find(
      ({ cause, stages }) => cause === "cache_transient" && stages.length === 4,
    )!;
    const onsets = new Set(cold.effects.map(({ onsetMs }) => onsetMs));
    expect(onsets.size).toBe(4);
  });
});

describe("a rollback in a world where it has consequences", () => {
  const world = small(
    7,
    ["irreversible: 10%", "irreversible: 100%\n  harmsIrreversible: 100%\n  restarts: true"],
    ["migration: 5%", "migration: 30%"],
    ["code: 55%", "code: 30%"],
  );
  const all = everyDeployment(world);
  const irreversible = all.find(({ reversible, label }) => !reversible && label === "benign")!;
  const reversible = all.find(({ cause, kind }) => cause === "clean" && kind === "code")!;
  const rolledBack = (one: WorldDeployment): Interventions => {
    const atMs = one.startedAtMs + 20 * MINUTE_MS;
    return (id) => (id === one.deploymentId ? atMs : null);
  };
  const read = (one: WorldDeployment, metric: Metric, acts: Interventions): Float32Array =>
    generateSamples(
      world,
      one.service,
      metric,
      one.startedAtMs,
      one.startedAtMs + 3 * EFFECT_MAX_MS,
      acts,
    );

  it("hurts what cannot be rolled back, good as it was, and for no longer than 150 min", () => {
    const acts = rolledBack(irreversible);
    const [held, acted] = [
      read(irreversible, "error_rate", NO_INTERVENTIONS),
      read(irreversible, "error_rate", acts),
    ];
    expect(acted.slice(0, 20)).toEqual(held.slice(0, 20));
    const harm = rollbackHarmOf(irreversible, acts(irreversible.deploymentId))!;
    const minutes = (harm.resolvedAtMs - harm.onsetAtMs) / MINUTE_MS;
    const mean = (from: Float32Array): number =>
      from.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : value), 0) / from.length;
    expect(mean(acted.slice(21, 20 + minutes))).toBeGreaterThan(
      mean(held.slice(21, 20 + minutes)) + 0.015,
    );
    const over = sampleIndexAt(world, EFFECT_MAX_MS + world.startMs) + 1;
    expect(acted.slice(over)).toEqual(held.slice(over));
    const incidents = truthTables(world, [], acts).incidents.filter(({ incidentId }) =>
      incidentId.startsWith("rollback-"),
    );
    expect(incidents).toMatchObject([{ deploymentId: null, service: irreversible.service }]);
  });

  it("costs a cold start even where nothing was wrong", () => {
    const acts = rolledBack(reversible);
    const [held, acted] = [
      read(reversible, "latency_p95_ms", NO_INTERVENTIONS),
      read(reversible, "latency_p95_ms", acts),
    ];
    expect(acted[21]! / held[21]!).toBeGreaterThan(1.08);
    expect(acted[60]! / held[60]!).toBeCloseTo(1, 2);
    expect(rollbackHarmOf(reversible, acts(reversible.deploymentId))).toBeNull();
  });

  it("changes nothing in a world that does not ask for it", () => {
    const quiet = everyDeployment(small());
    expect(quiet.every(({ rollbackEffects }) => rollbackEffects.length === 0)).toBe(true);
    expect(quiet.some(({ rollbackHarms }) => rollbackHarms)).toBe(false);
  });
});
