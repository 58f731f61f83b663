/**
 * Writes a world as a history: samples series by series, then the tables with the truth and the
 * decisions of the logging policy. Only a week of one series is in memory at a time.
 */

import {
  deploymentsBetween,
  generateSamples,
  knownDelaysMs,
  metricsOf,
  sampleIndexAt,
  seriesStretches,
  truthTables,
  type Window,
  type World,
} from "../../datasets/world/index.ts";
import type { Policy } from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import type { HistoryManifest, SourceFile } from "../history/tables.ts";
import { createHistory } from "../history/write.ts";
import { logWorld } from "./log.ts";

const WEEK_MS = 604_800_000;

export interface GenerateOptions {
  readonly force: boolean;
  readonly madeBy: string;
  readonly sources: readonly SourceFile[];
  readonly progress: Progress;
  /** Writes only this part of the world, exactly as it is in the whole; default: all of it. */
  readonly window?: Window;
}

/** @throws Problem when `dir` is taken or cannot be written */
export async function generateHistory(
  world: World,
  policy: Policy,
  dir: string,
  options: GenerateOptions,
): Promise<HistoryManifest> {
  const { progress } = options;
  const writer = await createHistory(dir, { force: options.force });
  try {
    const log = logWorld(world, policy);
    const window = options.window ?? { fromMs: world.startMs, toMs: world.endMs };
    // The first sample at or after the window's start.
    const firstMs = world.startMs + sampleIndexAt(world, window.fromMs) * world.stepMs;
    const total = world.services.length * metricsOf(world).length;
    let done = 0;
    for (const { name, bornAtMs } of world.services) {
      const kept = { fromMs: Math.max(bornAtMs, firstMs), toMs: window.toMs };
      const stretches = seriesStretches(world, name, kept, log.interventions);
      for (const metric of metricsOf(world)) {
        progress.update(done++, total, `writing ${name}`);
        for (const { version, ...stretch } of stretches) {
          const series = writer.addSeries({ service: name, metric, version }, "float");
          for (let { fromMs } = stretch; fromMs < stretch.toMs; fromMs += WEEK_MS) {
            const toMs = Math.min(stretch.toMs, fromMs + WEEK_MS);
            const { interventions } = log;
            const values = generateSamples(
              world,
              name,
              metric,
              fromMs,
              toMs,
              interventions,
              version,
            );
            const delays = knownDelaysMs(world, name, fromMs, toMs);
            if (typeof delays === "number") {
              await writer.appendRegular(series, fromMs, world.stepMs, values, delays);
            } else {
              const atMs = Float64Array.from(values, (_, i) => fromMs + i * world.stepMs);
              await writer.appendIrregular(series, atMs, values, delays);
            }
          }
        }
      }
    }
    const deployments = deploymentsBetween(world, null, window.fromMs, window.toMs);
    const decisions = deployments.flatMap((deployment) => log.decisionsOf(deployment));
    const tables = truthTables(world, decisions, log.interventions, window);
    const manifest = await writer.finish(tables, {
      madeBy: options.madeBy,
      sources: options.sources,
      dropped: [],
      warnings: [],
      loggingPolicy: { name: policy.policy, digest: policy.digest },
    });
    progress.end();
    return manifest;
  } catch (error) {
    progress.end();
    await writer.abort();
    throw error;
  }
}
