/**
 * A world: a checked spec, a seed, and the services they give. Everything else
 * (deployments, incidents, samples) is a pure function of a world and a place in
 * it, so any service and any window can be made alone and equals the whole.
 */

import { METRICS, REQUESTS_TOTAL, type WorldMetric } from "./effects.ts";
import { drawServices, type Service } from "./services.ts";
import type { WorldSpec } from "./spec.ts";

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

/** Two deployments of one service start at least this far apart. */
export const SPACING_MS = 4 * HOUR_MS;
/**
 * No effect outlives this after its deployment's start, so with the spacing above
 * no effect reaches the next deployment's 60 min baseline. Bias: real leaks last
 * longer, so a missed regression costs at most 150 min here.
 */
export const EFFECT_MAX_MS = 150 * MINUTE_MS;

export interface World {
  readonly spec: WorldSpec;
  readonly seed: number;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
  readonly stepMs: number;
  readonly samplesPerDay: number;
  /** Sorted by name. */
  readonly services: readonly Service[];
  readonly byName: ReadonlyMap<string, Service>;
  /** Who calls whom: the services that depend on this one. */
  readonly dependants: ReadonlyMap<string, readonly string[]>;
}

export function createWorld(spec: WorldSpec, seed: number): World {
  const services = [...drawServices(spec, seed)].sort((a, b) => (a.name < b.name ? -1 : 1));
  const dependants = new Map<string, string[]>(services.map(({ name }) => [name, []]));
  for (const caller of services) {
    for (const called of caller.dependsOn) dependants.get(called)!.push(caller.name);
  }
  return {
    spec,
    seed,
    startMs: spec.start,
    endMs: spec.start + spec.length,
    stepMs: spec.step,
    samplesPerDay: DAY_MS / spec.step,
    services,
    byName: new Map(services.map((service) => [service.name, service])),
    dependants,
  };
}

/** The metrics every service of this world has, by name. */
export function metricsOf({ spec }: World): readonly WorldMetric[] {
  const counters = spec.telemetry.counters === true ? ([REQUESTS_TOTAL] as const) : [];
  return [...METRICS, ...counters].sort();
}

export function serviceOf(world: World, name: string): Service {
  const service = world.byName.get(name);
  if (service === undefined) throw new RangeError(`This world has no service "${name}".`);
  return service;
}

/**
 * Remembers a pure function of (world, key). Only a memo: the answer is the same
 * without it, and it goes when the world goes.
 */
export function remember<T>(
  make: (world: World, key: string, day: number) => T,
): (world: World, key: string, day: number) => T {
  const worlds = new WeakMap<World, Map<string, Map<number, T>>>();
  return (world, key, day) => {
    let keys = worlds.get(world);
    if (keys === undefined) worlds.set(world, (keys = new Map<string, Map<number, T>>()));
    let days = keys.get(key);
    if (days === undefined) keys.set(key, (days = new Map<number, T>()));
    let value = days.get(day);
    if (value === undefined) days.set(day, (value = make(world, key, day)));
    return value;
  };
}
