/** The SQL view that unnests packed blocks into plain rows, for anyone with a DuckDB. */

import { join } from "node:path";
import { quoted } from "./duck.ts";
import type { HistoryManifest } from "./tables.ts";

/** Offsets of a block whose samples come at even steps, and delays where all have the same. */
const EVEN_OFFSETS = 'list_transform(range(len("values")), lambda i: CAST(i * step_ms AS INTEGER))';
const EVEN_DELAYS = 'list_transform("values", lambda v: known_delay_ms)';

/**
 * `CREATE VIEW samples` over the files of a history: service, metric, version, at,
 * value (NULL for a missing scrape), known_at. FLOAT and DOUBLE parts are read
 * apart, because one reader would cast both to the type it meets first.
 */
export function plainViewSql(dir: string, manifest: HistoryManifest): string {
  const storages = (["float", "double"] as const).filter((storage) =>
    manifest.files.some(({ file }) => file.endsWith(`-${storage}.parquet`)),
  );
  const blocks = storages.map(
    (
      storage,
    ) => `    SELECT series, start_at, step_ms, offsets_ms, CAST("values" AS DOUBLE[]) AS "values",
      known_delay_ms, known_delays_ms
    FROM read_parquet(${quoted(join(dir, "metrics", `*-${storage}.parquet`))})`,
  );
  if (blocks.length === 0) {
    const head = "NULL::INTEGER AS series, NULL::TIMESTAMP AS start_at, NULL::INTEGER AS step_ms";
    blocks.push(`    SELECT ${head},
      NULL::INTEGER[] AS offsets_ms, NULL::DOUBLE[] AS "values", NULL::INTEGER AS known_delay_ms,
      NULL::INTEGER[] AS known_delays_ms WHERE false`);
  }
  return `-- One row a sample, as a plain table. Times are UTC.
CREATE OR REPLACE VIEW samples AS
WITH blocks AS (
${blocks.join("\n    UNION ALL\n")}
), rows AS (
  SELECT series, start_at,
    unnest("values") AS value,
    unnest(coalesce(offsets_ms, ${EVEN_OFFSETS})) AS offset_ms,
    unnest(coalesce(known_delays_ms, ${EVEN_DELAYS})) AS delay_ms
  FROM blocks
)
SELECT s.service, s.metric, s.version,
  r.start_at + to_milliseconds(r.offset_ms) AS at,
  CASE WHEN isnan(r.value) THEN NULL ELSE r.value END AS value,
  r.start_at + to_milliseconds(r.offset_ms) + to_milliseconds(r.delay_ms) AS known_at
FROM rows r JOIN read_parquet(${quoted(join(dir, "series.parquet"))}) s USING (series);`;
}
