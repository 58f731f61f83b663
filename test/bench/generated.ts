/**
 * What it costs to generate a history: a week of so many services at 15 s, through the
 * command's own path (logging policy, samples, tables, atomic write), beside DuckDB
 * writing the same blocks bare.
 */

import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { silent } from "../../lab/progress.ts";
import { openDuck, quoted } from "../../lab/history/duck.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { sourcePath } from "./sourcePath.ts";
import { stopwatch, type Stopped } from "./stopwatch.ts";

const QUARTER = sourcePath("datasets/worlds/quarter.yaml");
const METRICS = 7;
const WEEK_SAMPLES = (7 * 24 * 3600) / 15;

/** So many services of seven metrics have about so many samples in a week. */
export function servicesOf(samples: number): number {
  return Math.max(1, Math.min(2000, Math.round(samples / (METRICS * WEEK_SAMPLES))));
}

/** The shipped quarter's world, cut to a week of so many services, a sample every 15 s. */
function worldText(services: number): string {
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^length: .*$/m, "length: 1w"],
    [/^step: .*$/m, "step: 15s"],
    [/^ {2}count: .*$/m, `  count: ${services}`],
    [/^ {2}teams: .*$/m, `  teams: ${Math.max(1, Math.round(services / 16))}`],
  ];
  return changes.reduce(
    (text, [from, to]) => {
      if (!from.test(text)) throw new Error(`quarter.yaml has no ${from.source}`);
      return text.replace(from, to);
    },
    readFileSync(QUARTER, "utf8"),
  );
}

export async function generated(dir: string, services: number): Promise<Stopped> {
  const file = join(dir, "world.yaml");
  writeFileSync(file, worldText(services));
  const target = join(dir, "generated");
  rmSync(target, { recursive: true, force: true });
  const { world, loggingPolicy, sources } = openWorld(file, 7);
  const stop = stopwatch();
  const { samples, missingSamples, rows } = await generateHistory(world, loggingPolicy, target, {
    force: false,
    madeBy: "bench",
    sources,
    progress: silent,
  });
  const notes = { services, deployments: rows.deployments };
  return { ...stop(), samples: samples + missingSamples, notes };
}

/** Reads the blocks of that history and writes them again, with the writer's own settings. */
export async function rewritten(dir: string, samples: number): Promise<Stopped> {
  const file = join(dir, "again.parquet");
  const duck = await openDuck({ threads: 1 });
  const stop = stopwatch();
  await duck.connection.run(
    `COPY (SELECT * FROM read_parquet(${quoted(join(dir, "generated", "metrics", "*.parquet"))}))
       TO ${quoted(file)} (FORMAT parquet, PARQUET_VERSION V1, COMPRESSION uncompressed)`,
  );
  const stopped = stop();
  duck.close();
  const { size } = statSync(file);
  rmSync(file);
  return { ...stopped, samples, notes: { bytes: size } };
}
