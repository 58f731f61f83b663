/**
 * From a catalog's words about a metric to the name under which the engine gets its samples. A
 * replay, a live host and a scenario all ask here, so that the same metric has the same role,
 * direction and percentage point in each.
 */

import { worseOf, type SeriesName } from "../../../engine/index.ts";
import type { HistoryTables, MetricRow, SeriesRow } from "../tables.ts";
import { inferMetric, withRole, wordsOf } from "./infer.ts";

/** What the engine knows of a metric, whichever service it is of. */
export type NamedMetric = Pick<
  SeriesName,
  "metric" | "percentagePoint" | "counter" | "role" | "worse" | "ratio"
>;

/** What one percentage point is in a metric's unit: 1 for per cent, 0.01 for ratios in [0, 1]. */
export function percentagePoint(unit: string, metric: string): number {
  if (isPercentUnit(unit)) return 1;
  return wordsOf(metric).some((word) => word === "pct" || word === "percent") ? 1 : 0.01;
}

/** @param row of a catalog, or null: then its name says all that is known */
export function namedMetric(metric: string, row: MetricRow | null): NamedMetric {
  const { unit, kind, worse, role = "none" } = withRole(row ?? inferMetric(metric));
  // An import holds a role's unit against the values, so there it says more than the name.
  const isRatio = row?.role !== undefined && isRatioUnit(unit);
  const point = isRatio ? 0.01 : percentagePoint(row === null ? "" : unit, metric);
  return {
    metric,
    percentagePoint: point,
    ...(row !== null && kind === "counter" ? { counter: true } : {}),
    ...(role === "none"
      ? {}
      : {
          role,
          ...(worse === worseOf(role) ? {} : { worse }),
          ...(isShare(unit, kind) ? { ratio: true as const } : {}),
        }),
  };
}

function isShare(unit: string, kind: MetricRow["kind"]): boolean {
  return kind === "ratio" || isRatioUnit(unit) || isPercentUnit(unit);
}

const isPercentUnit = (unit: string): boolean => /^(%|percent|pct)$/i.test(unit);
const isRatioUnit = (unit: string): boolean => /^(ratio|share)$/i.test(unit);

/** The name of every series of a history, by its index. */
export function namesOf({
  tables,
  series,
}: {
  readonly tables: Pick<HistoryTables, "metricCatalog">;
  readonly series: readonly SeriesRow[];
}): readonly SeriesName[] {
  const catalog = new Map(tables.metricCatalog.map((row) => [row.metric, row]));
  const named = new Map<string, NamedMetric>();
  return series.map(({ service, metric, version }) => {
    let about = named.get(metric);
    if (about === undefined) {
      about = namedMetric(metric, catalog.get(metric) ?? null);
      named.set(metric, about);
    }
    return { ...about, service, version };
  });
}
