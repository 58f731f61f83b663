/**
 * A world as the past of a replay: samples are made when they are read, and nothing is written. A
 * replay reads the same bits from it as from the same world generated into Parquet
 * (test/simulate/closedLoop.test.ts).
 */

import { createHash } from "node:crypto";
import {
  deploymentById,
  deploymentsBetween,
  FIRST_VERSION,
  generateSamples,
  knownDelaysMs,
  metricsOf,
  sampleIndexAt,
  type Interventions,
  type World,
} from "../../datasets/world/index.ts";
import { canonicalJson, ENGINE_VERSION } from "../../engine/index.ts";
import type { Block } from "../history/blocks.ts";
import type { Past } from "../history/open.ts";
import {
  SCHEMA_VERSION,
  type HistoryManifest,
  type HistoryTables,
  type SeriesRow,
} from "../history/tables.ts";
import type { FoundWindow, StoredWindow, WindowRequest } from "../history/windows.ts";

type WorldMetric = ReturnType<typeof metricsOf>[number];

/** Two blocks of the world's noise, so that no block of noise is generated twice. */
const BLOCK_SAMPLES = 960;

/** Does a deployment see its effect end with its own rollback, or as if there were none? */
export type Shown = "as it happened" | "own effects uncut";

/**
 * @param tables all tables of the history
 * @param interventions when each rollback took effect
 * @param shown `own effects uncut`: a deployment's own windows ignore its own rollback, so that a
 *   policy can decide about it afresh
 */
export function worldPast(
  world: World,
  tables: HistoryTables,
  interventions: Interventions,
  shown: Shown,
): Past {
  const series = seriesOf(world);
  const block = (index: number, from: number, to: number, ends: Interventions): Block => {
    const { service, metric, version } = series[index]!;
    const startMs = world.startMs + from * world.stepMs;
    const endMs = world.startMs + to * world.stepMs;
    return {
      series: index,
      startMs,
      stepMs: world.stepMs,
      offsetsMs: null,
      values: generateSamples(world, service, metric, startMs, endMs, ends, version),
      knownDelayMs: knownDelaysMs(world, service, startMs, endMs),
    };
  };
  /** Must the window be made without the deployment's own rollback? */
  const isUncut = ({ about, series: index, toMs }: WindowRequest): boolean => {
    if (shown === "as it happened" || about === undefined) return false;
    const endedMs = interventions(about);
    if (endedMs === null || toMs <= endedMs) return false;
    const { service, metric, version } = series[index]!;
    const { service: deployed, effects, rollbackEffects } = deploymentById(world, about)!;
    // Who serves changes with a rollback, whatever the deployment did.
    if (version !== null && service === deployed) return true;
    return [...effects, ...rollbackEffects].some(
      (effect) => effect.service === service && effect.metric === metric,
    );
  };
  function* windows(requests: readonly WindowRequest[]): Generator<readonly FoundWindow[]> {
    const waiting = [...requests].sort(
      (a, b) => a.series - b.series || a.fromMs - b.fromMs || a.toMs - b.toMs || a.id - b.id,
    );
    const blocks = new Map<number, Block>();
    let current = -1;
    for (const request of waiting) {
      const { id, series: index, fromMs, toMs, about } = request;
      // A service has no samples from before its birth.
      const { bornAtMs } = world.byName.get(series[index]!.service)!;
      const from = Math.max(0, sampleIndexAt(world, Math.max(bornAtMs, fromMs)));
      const to = sampleIndexAt(world, Math.min(world.endMs, toMs));
      if (from >= to) {
        yield [{ id, window: { slices: [], length: 0 } }];
        continue;
      }
      if (isUncut(request)) {
        const own = block(index, from, to, (other) =>
          other === about ? null : interventions(other),
        );
        const slices = [{ block: own, from: 0, to: to - from }];
        yield [{ id, window: { slices, length: to - from } }];
        continue;
      }
      if (index !== current) blocks.clear();
      current = index;
      const first = Math.floor(from / BLOCK_SAMPLES);
      for (const old of blocks.keys()) if (old < first) blocks.delete(old);
      const slices: StoredWindow["slices"][number][] = [];
      for (let at = first; at * BLOCK_SAMPLES < to; at++) {
        const begins = at * BLOCK_SAMPLES;
        let made = blocks.get(at);
        if (made === undefined) {
          made = block(index, begins, begins + BLOCK_SAMPLES, interventions);
          blocks.set(at, made);
        }
        slices.push({
          block: made,
          from: Math.max(0, from - begins),
          to: Math.min(BLOCK_SAMPLES, to - begins),
        });
      }
      yield [{ id, window: { slices, length: to - from } }];
    }
  }
  return {
    dir: `world ${world.spec.world} with seed ${world.seed}`,
    manifest: manifestOf(world, tables, series.length, interventions),
    tables,
    series,
    windows,
    stepsMs: () => Promise.resolve(new Map(series.map((row) => [row.series, world.stepMs]))),
  };
}

type WorldSeries = SeriesRow & { readonly metric: WorldMetric };

/** All series that may have a sample: of every version, whatever is rolled back. */
function seriesOf(world: World): readonly WorldSeries[] {
  const found: WorldSeries[] = [];
  for (const { name } of world.services) {
    const versions =
      world.spec.telemetry.versions === true
        ? [
            FIRST_VERSION,
            ...deploymentsBetween(world, name, world.startMs, world.endMs).map(
              ({ version }) => version,
            ),
          ].sort()
        : [null];
    for (const metric of metricsOf(world)) {
      for (const version of versions) {
        found.push({ series: found.length, service: name, metric, version });
      }
    }
  }
  return found;
}

function manifestOf(
  world: World,
  tables: HistoryTables,
  seriesCount: number,
  interventions: Interventions,
): HistoryManifest {
  const samples = Math.floor((world.endMs - world.startMs) / world.stepMs);
  const ended = tables.deployments.map(({ deploymentId }) => interventions(deploymentId));
  const content = canonicalJson({ world: world.spec, seed: world.seed, ended });
  return {
    format: "hindsight-history",
    schemaVersion: SCHEMA_VERSION,
    madeBy: `hindsight ${ENGINE_VERSION} simulate`,
    from: new Date(world.startMs).toISOString(),
    to: new Date(world.startMs + (samples - 1) * world.stepMs).toISOString(),
    samples: samples * seriesCount,
    missingSamples: 0,
    seriesCount,
    rows: Object.fromEntries(
      Object.entries(tables).map(([name, rows]) => [name, (rows as readonly unknown[]).length]),
    ) as HistoryManifest["rows"],
    sources: [],
    dropped: [],
    warnings: [],
    files: [],
    // The digest covers the samples' inputs, which is cheaper than a pass over all samples.
    digest: createHash("sha256").update(content).digest("hex"),
    loggingPolicy: null,
  };
}
