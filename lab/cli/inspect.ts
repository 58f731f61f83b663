/** `hindsight inspect`: what is in a history, how good it is, what it can answer. */

import { resolve } from "node:path";
import { Command } from "commander";
import { Table } from "console-table-printer";
import { canAnswer } from "../history/answers.ts";
import { countLabels } from "../history/import/importHistory.ts";
import { openHistory, readManifest, type History } from "../history/open.ts";
import { plainViewSql } from "../history/plainView.ts";
import {
  measureDeployments,
  measureSeries,
  SHORT_SERIES,
  type SeriesQuality,
} from "../history/quality.ts";
import { describeDeployments, describeLosses } from "./import.ts";
import { Problem } from "../problem.ts";
import { paint, print, printJson } from "./output.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .argument("<history>", "directory of a history")
    .description("Show what is in a history, how good it is, and what it can and cannot answer.")
    .option("--json", "print one JSON document")
    .option("--sql", "print a SQL view of plain sample rows, to query with DuckDB")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight inspect ./history\n" +
        "  hindsight inspect ./history --sql | duckdb history.duckdb",
    )
    .action(async (dir: string, flags: { json?: boolean; sql?: boolean }) => {
      if (flags.sql === true) {
        if (flags.json === true) {
          throw new Problem("--sql prints SQL and --json prints JSON", {
            cure: "Give one of them.",
          });
        }
        print(plainViewSql(resolve(dir), readManifest(dir)));
        return;
      }
      const history = await openHistory(dir);
      try {
        const inspection = await inspect(history);
        if (flags.json === true) printJson(inspection);
        else show(dir, inspection);
      } finally {
        history.close();
      }
    });
}

type Inspection = Awaited<ReturnType<typeof inspect>>;

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
    deploymentKinds: countBy(tables.deployments, ({ kind }) => kind),
    incidents: tables.incidents.length,
    incidentsOfDeployments: tables.incidents.filter((row) => row.deploymentId !== null).length,
    incidentsResolved: tables.incidents.filter((row) => row.resolvedAtMs !== null).length,
    decisions: tables.decisions.length,
    tags: tables.tags.length,
    cases: tables.cases.length,
    quality: {
      missingShare: stored === 0 ? null : manifest.missingSamples / stored,
      gaps: measured.reduce((sum, { gaps }) => sum + gaps, 0),
      gapScrapes: measured.reduce((sum, { gapScrapes }) => sum + gapScrapes, 0),
      seriesWithGaps: named(({ gaps }) => gaps > 0),
      constantSeries: named(({ isConstant }) => isConstant),
      irregularSeries: named(({ isIrregular }) => isIrregular),
      shortSeries: named((quality) => quality.stored < SHORT_SERIES),
      deployments: measureDeployments(history, measured),
    },
    canAnswer: canAnswer(tables, series),
    dropped: manifest.dropped,
    warnings: manifest.warnings,
    loggingPolicy: manifest.loggingPolicy,
  };
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
      kind: catalog.get(metric)?.kind ?? null,
      worse: catalog.get(metric)?.worse ?? null,
      unit: catalog.get(metric)?.unit ?? null,
      series: qualities.length,
      samples: qualities.reduce((sum, { stored, missing }) => sum + stored - missing, 0),
      missing: qualities.reduce((sum, { missing }) => sum + missing, 0),
      stepMs: mostFrequent(qualities.flatMap(({ stepMs }) => (stepMs === null ? [] : [stepMs]))),
    }));
}

function mostFrequent(numbers: readonly number[]): number | null {
  const counts = Object.entries(countBy(numbers, String));
  counts.sort(([a, x], [b, y]) => y - x || Number(a) - Number(b));
  return counts[0] === undefined ? null : Number(counts[0][0]);
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function show(dir: string, inspection: Inspection): void {
  print(paint("bold", dir));
  const kinds = Object.entries(inspection.deploymentKinds).map(([kind, n]) => `${n} ${kind}`);
  const missing = inspection.quality.missingShare;
  showPairs([
    ["made by", inspection.madeBy],
    ["time", `${inspection.from ?? "none"} to ${inspection.to ?? "none"}`],
    ["samples", `${inspection.samples} in ${inspection.series} series`],
    ["services", `${inspection.services}, ${inspection.teams} teams`],
    ["deployments", describeDeployments(inspection.deployments)],
    ["  by kind", kinds.join(", ") || "none"],
    [
      "incidents",
      `${inspection.incidents} (${inspection.incidentsOfDeployments} of deployments, ` +
        `${inspection.incidentsResolved} resolved)`,
    ],
    ["decisions", `${inspection.decisions}`],
    ["tags", `${inspection.tags}`],
    ["cases", inspection.cases === 0 ? "one recording" : `${inspection.cases} separate recordings`],
    ["digest", inspection.digest],
  ]);
  if (inspection.metrics.length > 0) {
    print("");
    const table = new Table({ shouldDisableColors: true });
    for (const { metric, kind, worse, unit, series, samples, stepMs } of inspection.metrics) {
      const step = stepMs === null ? "-" : `${stepMs / 1000} s`;
      table.addRow({
        metric,
        kind: kind ?? "-",
        worse: worse ?? "-",
        unit: unit ?? "-",
        series,
        samples,
        step,
      });
    }
    print(table.render());
  }
  print(`\n${paint("bold", "How good it is")}`);
  const { quality } = inspection;
  const { deployments } = quality;
  showPairs([
    [
      "missing",
      missing === null
        ? "no samples"
        : `${inspection.missingSamples} (${(missing * 100).toFixed(2)} %)`,
    ],
    [
      "gaps",
      `${quality.gaps} in ${quality.seriesWithGaps.length} series, ` +
        `about ${quality.gapScrapes} scrapes`,
    ],
    ["constant", someOf(quality.constantSeries, "series")],
    ["irregular", someOf(quality.irregularSeries, "series")],
    ["too short", someOf(quality.shortSeries, `series with fewer than ${SHORT_SERIES} samples`)],
    ["no samples", someOf(deployments.unsampledService, "deployments of services without samples")],
    ["outside", someOf(deployments.outsideSampledTime, "deployments outside the sampled time")],
    [
      "little history",
      someOf(deployments.shortHistory, "deployments with less than 60 min before them"),
    ],
    [
      "overlapping",
      someOf(deployments.overlappingWatches, "deployments within 60 min of one before"),
    ],
  ]);
  print(`\n${paint("bold", "What it can answer")}`);
  for (const { question, answer, why } of inspection.canAnswer) {
    print(
      `  ${answer ? paint("green", "yes") : paint("yellow", "no ")}  ${question}\n       ${why}`,
    );
  }
  const losses = describeLosses(inspection);
  if (losses.length > 0) print(`\n${paint("bold", "Left out and noted when it was made")}`);
  for (const text of losses) print(`  ${text}`);
}

function showPairs(pairs: readonly (readonly [string, string])[]): void {
  for (const [name, value] of pairs) print(`  ${name.padEnd(16)}${value}`);
}

function someOf(names: readonly string[], what: string): string {
  if (names.length === 0) return `0 ${what}`;
  return `${names.length} ${what}, such as ${names[0]!}`;
}
