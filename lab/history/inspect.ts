/** Everything `inspect` tells about a history: what is in it, how good it is, what it answers. */

import { jsonObject, type JsonObject } from "../../engine/index.ts";
import { canAnswer } from "./answers.ts";
import { enoughIn } from "./enough.ts";
import { withSeveralIncidents } from "./incidents.ts";
import { countLabels } from "./import/importHistory.ts";
import type { History } from "./open.ts";
import { inferMetric, withRole } from "./metric/infer.ts";
import type { HistoryManifest, MetricRow } from "./tables.ts";
import { measureDeployments, measureSeries, SHORT_SERIES, type SeriesQuality } from "./quality.ts";

/** Everything `inspect` tells, as one JSON document. */
export async function inspect(history: History) {
  const { manifest, tables, series } = history;
  const measured = await measureSeries(history);
  const named = (which: (quality: SeriesQuality) => boolean): string[] =>
    measured.filter(which).map(({ series: index }) => {
      const { service, metric, version } = series[index]!;
      return `${service}/${metric}${version === null ? "" : `@${version}`}`;
    });
  const stored = manifest.samples + manifest.missingSamples;
  return {
    madeBy: manifest.madeBy,
    digest: manifest.digest,
    from: manifest.from,
    to: manifest.to,
    samples: manifest.samples,
    missingSamples: manifest.missingSamples,
    series: manifest.seriesCount,
    services: new Set([...series, ...tables.services].map(({ service }) => service)).size,
    teams: new Set(tables.services.flatMap(({ team }) => (team === null ? [] : [team]))).size,
    metrics: describeMetrics(history, measured),
    deployments: countLabels(tables),
    labels: labelsOf(history),
    deploymentKinds: countBy(tables.deployments, ({ kind }) => kind),
    incidents: tables.incidents.length,
    incidentsOfDeployments: tables.incidents.filter((row) => row.deploymentId !== null).length,
    deploymentsWithSeveralIncidents: withSeveralIncidents(tables.incidents),
    incidentsResolved: tables.incidents.filter((row) => row.resolvedAtMs !== null).length,
    decisions: tables.decisions.length,
    proposals: proposalsOf(tables),
    tags: tables.tags.length,
    cases: tables.cases.length,
    quality: {
      missingShare: stored === 0 ? null : manifest.missingSamples / stored,
      gaps: measured.reduce((sum, { gaps }) => sum + gaps, 0),
      gapScrapes: measured.reduce((sum, { gapScrapes }) => sum + gapScrapes, 0),
      seriesWithGaps: named(({ gaps }) => gaps > 0),
      constantSeries: named(({ isConstant }) => isConstant),
      mostlyZeroSeries: named(({ isMostlyZero }) => isMostlyZero),
      irregularSeries: named(({ isIrregular }) => isIrregular),
      shortSeries: named((quality) => quality.stored < SHORT_SERIES),
      deployments: measureDeployments(history, measured),
    },
    enough: enoughIn(tables),
    canAnswer: canAnswer(tables, series),
    dropped: manifest.dropped,
    warnings: [...manifest.warnings, ...withoutChecksums(manifest)],
    loggingPolicy: manifest.loggingPolicy,
  };
}

/** Of a history that was written before there were checksums. */
function withoutChecksums({ files }: HistoryManifest): readonly string[] {
  if (files.every(({ sha256, frame }) => sha256 !== undefined || frame !== undefined)) return [];
  return [
    "this history has no checksums, so a damaged byte would go unnoticed: " +
      "import or generate it again to have them",
  ];
}

/** What is known of labels beside their number; null where nothing was derived. */
function labelsOf({ storedLabels, labelling }: History) {
  if (labelling === undefined) return null;
  const derived = storedLabels.flatMap(({ deploymentId, ...row }) =>
    row.derived === undefined
      ? []
      : [
          {
            deploymentId,
            derived: row.derived,
            source: row.source ?? null,
            confidence: row.confidence ?? null,
            why: row.why ?? null,
            given: row.label === "unknown" ? null : row.label,
          },
        ],
  );
  return {
    ...labelling,
    rollbacks: derived.filter((one) => one.derived === "rollback"),
    all: derived,
  };
}

/** How many proposals each agent made; null where none is recorded. */
function proposalsOf({ proposals = [] }: History["tables"]) {
  if (proposals.length === 0) return null;
  return { total: proposals.length, byAgent: countBy(proposals, ({ agent }) => agent) };
}

function describeMetrics(history: History, measured: readonly SeriesQuality[]) {
  const catalog = new Map(history.tables.metricCatalog.map((row) => [row.metric, row]));
  const byMetric = new Map<string, SeriesQuality[]>();
  for (const quality of measured) {
    const { metric } = history.series[quality.series]!;
    byMetric.set(metric, [...(byMetric.get(metric) ?? []), quality]);
  }
  return [...byMetric]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([metric, qualities]) => ({
      metric,
      ...describeMetric(metric, catalog.get(metric) ?? null),
      series: qualities.length,
      samples: qualities.reduce((sum, { stored, missing }) => sum + stored - missing, 0),
      missing: qualities.reduce((sum, { missing }) => sum + missing, 0),
      stepMs: mostFrequent(qualities.flatMap(({ stepMs }) => (stepMs === null ? [] : [stepMs]))),
    }));
}

/**
 * What is known of a metric. A catalog that names no role is completed as a replay completes it;
 * `confidence` is null where a catalog declares the role.
 */
function describeMetric(metric: string, row: MetricRow | null) {
  const { role = "none", confidence = null } = withRole(row ?? inferMetric(metric));
  return {
    role: role === "none" ? null : role,
    confidence,
    kind: row?.kind ?? null,
    worse: row?.worse ?? null,
    unit: row?.unit ?? null,
  };
}

function mostFrequent(numbers: readonly number[]): number | null {
  const counts = Object.entries(countBy(numbers, String));
  counts.sort(([a, x], [b, y]) => y - x || Number(a) - Number(b));
  return counts[0] === undefined ? null : Number(counts[0][0]);
}

function countBy<T>(items: Iterable<T>, key: (item: T) => string): JsonObject<number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return jsonObject([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
