/**
 * When samples become known, and how often they are delivered. One scrape brings all
 * metrics of a service, so all of them are late together.
 */

import { counter, uniformAt } from "../../lab/random.ts";
import type { Interventions } from "./active.ts";
import type { WorldMetric } from "./effects.ts";
import { generateSamples, sampleIndexAt } from "./series.ts";
import { MINUTE_MS, type World } from "./world.ts";

/** How long after a scrape its samples are known, as a rule. */
export const KNOWN_DELAY_MS = 15_000;

/**
 * How long after each sample in [fromMs, toMs) it is known, in ms: one number where no
 * sample of this world is late, else one a sample, as `generateSamples` returns them.
 */
export function knownDelaysMs(
  world: World,
  service: string,
  fromMs: number,
  toMs: number,
): number | Int32Array {
  const { late = 0 } = world.spec.telemetry;
  if (late === 0) return KNOWN_DELAY_MS;
  const isLate = counter(world.seed, "late", service);
  const by = counter(world.seed, "lateBy", service);
  const start = Math.max(0, sampleIndexAt(world, fromMs));
  const end = Math.max(start, sampleIndexAt(world, Math.min(toMs, world.endMs)));
  return Int32Array.from({ length: end - start }, (_, i) => {
    if (uniformAt(isLate.a, isLate.b, start + i) >= late) return KNOWN_DELAY_MS;
    return Math.round((1 + 9 * uniformAt(by.a, by.b, start + i)) * MINUTE_MS);
  });
}

/** One sample as it came in. */
export interface Delivery {
  readonly atMs: number;
  readonly knownAtMs: number;
  readonly value: number;
}

/**
 * The samples of one series in [fromMs, toMs) as a collector hands them on: in the order
 * in which they arrive, late ones behind younger ones, `telemetry.duplicates` of them a
 * second time within a minute. A missing scrape is not delivered. A history holds the
 * same samples once each.
 */
export function deliveriesOf(
  world: World,
  service: string,
  metric: WorldMetric,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
): readonly Delivery[] {
  const { duplicates = 0 } = world.spec.telemetry;
  const values = generateSamples(world, service, metric, fromMs, toMs, interventions);
  const delays = knownDelaysMs(world, service, fromMs, toMs);
  const start = Math.max(0, sampleIndexAt(world, fromMs));
  const twice = counter(world.seed, "twice", service);
  const after = counter(world.seed, "twiceAfter", service);
  const arrived: Delivery[] = [];
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const atMs = world.startMs + (start + i) * world.stepMs;
    const knownAtMs = atMs + (typeof delays === "number" ? delays : delays[i]!);
    arrived.push({ atMs, knownAtMs, value });
    if (uniformAt(twice.a, twice.b, start + i) >= duplicates) return;
    const againMs = knownAtMs + Math.ceil(uniformAt(after.a, after.b, start + i) * MINUTE_MS);
    arrived.push({ atMs, knownAtMs: againMs, value });
  });
  return arrived.sort((a, b) => a.knownAtMs - b.knownAtMs || a.atMs - b.atMs);
}
