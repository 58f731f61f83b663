/** The same of a world: its quiet hours, and the course of its regressions. */

import {
  createWorld,
  deploymentsBetween,
  generateSamples,
  NO_INTERVENTIONS,
  type Metric,
  type World,
} from "../../datasets/world/index.ts";
import type { WorldSpec } from "../../datasets/world/spec.ts";
import type { Bad, Quiet } from "./recordings.ts";
import type { Series } from "./statistics.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function read(world: World, service: string, metric: Metric, fromMs: number, toMs: number): Series {
  return [...generateSamples(world, service, metric, fromMs, toMs, NO_INTERVENTIONS)];
}

/** Some days in which nothing happens but noise and the season. */
export function quietOf(spec: WorldSpec, seed: number, days: number): Quiet {
  const none = Object.fromEntries(Object.keys(spec.surprises).map((kind) => [kind, 0]));
  const world = createWorld(
    {
      ...spec,
      deployments: { ...spec.deployments, failureRate: 0 },
      surprises: none as unknown as WorldSpec["surprises"],
      migrations: { ...spec.migrations, expectedRise: 0 },
      incidents: { perServiceWeek: 0, regionalShocksPerWeek: 0 },
      telemetry: { ...spec.telemetry, outagesPerWeek: 0, errorBurstsPerDay: 0 },
    },
    seed,
  );
  const toMs = world.startMs + days * 24 * HOUR_MS;
  const metrics = ["latency_p95_ms", "throughput_rps", "conversion_rate"] as const;
  const services = world.services.map(({ name }) => {
    const of = metrics.map(
      (metric) => [metric, read(world, name, metric, world.startMs, toMs)] as const,
    );
    return [name, new Map<string, Series>(of)] as const;
  });
  const calls = world.services.flatMap(({ name, dependsOn }) =>
    dependsOn.map((called) => `${name} ${called}`),
  );
  return {
    stepMinutes: world.stepMs / MINUTE_MS,
    services: new Map(services),
    calls: new Set(calls),
  };
}

/** An hour of each regression that slows its own service, with the three hours before. */
export function slowedOf(world: World): readonly (Bad & { readonly cause: string })[] {
  const metric = "latency_p95_ms";
  return deploymentsBetween(world, null, world.startMs, world.endMs)
    .filter(({ label }) => label === "regression")
    .flatMap(({ service, cause, startedAtMs, effects }) => {
      const onsets = effects
        .filter((effect) => effect.metric === metric && effect.service === service)
        .map(({ onsetMs }) => startedAtMs + onsetMs);
      if (onsets.length === 0) return [];
      const onsetMs = Math.min(...onsets);
      const before = read(world, service, metric, onsetMs - 3 * HOUR_MS, onsetMs);
      const after = read(world, service, metric, onsetMs, onsetMs + HOUR_MS);
      return [{ cause, metric, before, after }];
    });
}
