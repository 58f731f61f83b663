/** `hindsight inspect`: what is in a history, how good it is, what it can answer. */

import { resolve } from "node:path";
import { Command } from "commander";
import { Table } from "console-table-printer";
import { DAY_MS } from "../../engine/index.ts";
import { enoughText } from "../history/enough.ts";
import { inspect } from "../history/inspect.ts";
import { listed } from "../history/import/findings.ts";
import { readManifest } from "../history/manifest.ts";
import { openHistory } from "../history/open.ts";
import { plainViewSql } from "../history/plainView.ts";
import { SHORT_SERIES } from "../history/quality.ts";
import { describeDeployments, describeLosses } from "./importReport.ts";
import { Problem } from "../problem.ts";
import { paint, print, printFitted, printJson, PROGRAM, spanText } from "./output.ts";
import { counted, countText } from "../counted.ts";

const ROWS_AT_MOST = 8;

export function inspectCommand(): Command {
  return new Command("inspect")
    .argument("[history]", "directory of a history")
    .description("Show what is in a history, how good it is, and what it can and cannot answer.")
    .option("--all", "print every row")
    .option("--json", "print one JSON document")
    .option("--sql", "print a SQL view of plain sample rows, to query with DuckDB")
    .addHelpText(
      "after",
      "\nExamples:\n  hindsight inspect ./history\n" +
        "  hindsight inspect ./history --sql | duckdb history.duckdb",
    )
    .action(
      async (dir: string | undefined, flags: { all?: true; json?: boolean; sql?: boolean }) => {
        if (dir === undefined) {
          throw new Problem("no history is named", {
            cure: "Give its directory, or write `history: DIR` into hindsight.yaml.",
          });
        }
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
          else show(dir, inspection, flags.all ?? false);
        } finally {
          history.close();
        }
      },
    );
}

type Pair = readonly [string, string];
type Inspection = Awaited<ReturnType<typeof inspect>>;

/** The answer in a sentence, then eight rows of each kind at most, or all of them. */
function show(dir: string, inspection: Inspection, all: boolean): void {
  printFitted(headline(inspection));
  printFitted(`\n${paint("bold", dir)}`);
  const kinds = Object.entries(inspection.deploymentKinds).map(
    ([kind, n]) => `${countText(n)} ${kind}`,
  );
  const { deploymentsWithSeveralIncidents: many } = inspection;
  const several =
    many === 0 ? "" : `; ${counted(many, "deployment")} with several, each taken as one`;
  const missing = inspection.quality.missingShare;
  const { labels, proposals } = inspection;
  const derived: [string, string][] = [];
  if (labels !== null) {
    const { rollbacks, given, sources } = labels;
    if (rollbacks.length > 0) {
      const ids = listed(rollbacks.map(({ deploymentId }) => deploymentId));
      const all = counted(inspection.deployments.total, "deployment");
      derived.push(["  rollbacks", `${rollbacks.length} of ${all} look like rollbacks: ${ids}`]);
    }
    const from = Object.entries(sources).map(([source, count]) => `${count} ${source}`);
    derived.push([
      "  labels",
      `${given} given, ${labels.derived} derived${from.length > 0 ? ` (${from.join(", ")})` : ""}`,
    ]);
  }
  const incidents =
    `${countText(inspection.incidents)} (` +
    `${countText(inspection.incidentsOfDeployments)} of deployments, ` +
    `${countText(inspection.incidentsResolved)} resolved)${several}`;
  const origin: Pair[] = [["made by", inspection.madeBy]];
  const identity: Pair[] = [
    ["cases", inspection.cases === 0 ? "one recording" : `${inspection.cases} separate recordings`],
    ["digest", inspection.digest],
  ];
  showPairs([
    ...(all ? origin : []),
    ["time", spanText(inspection.from, inspection.to)],
    ["samples", `${countText(inspection.samples)} in ${countText(inspection.series)} series`],
    ["services", `${inspection.services}, ${counted(inspection.teams, "team")}`],
    ["deployments", describeDeployments(inspection.deployments)],
    ...(all ? [["  by kind", kinds.join(", ") || "none"] as const, ...derived] : derived.slice(-1)),
    ["incidents", incidents],
    ["decisions", countText(inspection.decisions)],
    ...(proposals === null || !all ? [] : [["proposals", proposalsText(proposals)] as const]),
    ["tags", countText(inspection.tags)],
    ...(all ? identity : []),
  ]);
  if (inspection.metrics.length > 0) {
    printFitted("");
    const shown = all ? inspection.metrics : inspection.metrics.slice(0, ROWS_AT_MOST);
    printFitted(metricTable(shown, all));
    const more = inspection.metrics.length - shown.length;
    if (more > 0) printFitted(`  … and ${counted(more, "metric")} more (--all)`);
    if (all) printFitted(CORRECTS);
  }
  printFitted(`\n${paint("bold", "How good it is")}`);
  const { quality } = inspection;
  const { deployments } = quality;
  const rows: readonly Pair[] = [
    [
      "missing",
      missing === null
        ? "no samples"
        : `${countText(inspection.missingSamples)} (${(missing * 100).toFixed(2)} %)`,
    ],
    [
      "gaps",
      `${countText(quality.gaps)} in ${quality.seriesWithGaps.length} series, ` +
        `about ${counted(quality.gapScrapes, "scrape")}`,
    ],
    ["constant", someOf(quality.constantSeries, "series")],
    ["mostly zero", someOf(quality.mostlyZeroSeries, `series ${MOSTLY_ZERO}`)],
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
  ];
  const doubtful = rows.filter(([, text]) => !text.startsWith("0 ")).slice(0, ROWS_AT_MOST);
  showPairs(all ? rows : doubtful);
  if (!all && doubtful.length === 0) printFitted("  nothing found");
  printFitted(`\n${paint("bold", all ? "What it can answer" : "What it cannot answer")}`);
  const open = inspection.canAnswer.filter(({ answer }) => all || !answer);
  if (open.length === 0) printFitted("  nothing of what is usually asked");
  for (const { question, answer, why } of open) {
    printFitted(
      `  ${answer ? paint("green", "yes") : paint("yellow", "no ")}  ${question}\n       ${why}`,
    );
  }
  const losses = describeLosses(inspection);
  if (losses.length > 0) printFitted(`\n${paint("bold", "Left out and noted when it was made")}`);
  const told = all ? losses : losses.slice(0, ROWS_AT_MOST);
  for (const text of told) printFitted(`  ${text}`);
  if (losses.length > told.length)
    printFitted(`  … and ${losses.length - told.length} more (--all)`);
  if (!all) printFitted("\n--all has every row, and what it can answer.");
  printFitted(
    `\nDraft a policy for it: ${PROGRAM} policy suggest --history ${dir} --out suggested.yaml`,
  );
}

/** How much there is, and what a comparison on it can come to. */
function headline({ deployments, services, from, to, enough }: Inspection): string {
  const days =
    from === null || to === null ? 0 : Math.ceil((Date.parse(to) - Date.parse(from)) / DAY_MS);
  const size = `${counted(deployments.total, "deployment")} of ${counted(services, "service")}`;
  return `${size} in ${counted(days, "day")}: ${enoughText(enough)}`;
}

/** At 80 columns all of it would be turned: what a policy names is told first. */
function metricTable(metrics: Inspection["metrics"], all: boolean): string {
  const left = ["metric", "role", ...(all ? ["confidence", "kind"] : []), "worse", "unit"];
  const right = ["series", ...(all ? ["samples"] : []), "step"];
  const table = new Table({
    columns: [
      ...left.map((name) => ({ name, alignment: "left" as const })),
      ...right.map((name) => ({ name, alignment: "right" as const })),
    ],
    disabledColumns: all ? [] : ["confidence", "kind", "samples"],
    shouldDisableColors: true,
  });
  for (const about of metrics) {
    const { metric, role, confidence, kind, worse, unit, series, samples, stepMs } = about;
    table.addRow({
      metric,
      role: role ?? "-",
      confidence: confidence === null ? "declared" : `${Math.round(confidence * 100)} %`,
      kind: kind ?? "-",
      worse: worse ?? "-",
      unit: unit ?? "-",
      series: countText(series),
      samples: countText(samples),
      step: stepMs === null ? "-" : `${stepMs / 1000} s`,
    });
  }
  return table.render();
}

function proposalsText({ total, byAgent }: NonNullable<Inspection["proposals"]>): string {
  const agents = Object.entries(byAgent).map(([agent, count]) => `${agent} ${countText(count)}`);
  return `${countText(total)} of agents (${listed(agents)})`;
}

const CORRECTS =
  "  A row metric,unit,worse,kind,role in metric_catalog.csv and another import correct a role, " +
  "unit or direction (role: latency, errors, availability, saturation, throughput, business or " +
  "none; for import prometheus the `role:` of a query).";

/** What a policy has to know of series with hardly an event a sample. */
const MOSTLY_ZERO = "of which a baseline expects 0 (see `kind: count` in scenarios/policies)";

function showPairs(pairs: readonly Pair[]): void {
  for (const [name, value] of pairs) printFitted(`  ${name.padEnd(16)}${value}`);
}

function someOf(names: readonly string[], what: string): string {
  if (names.length === 0) return `0 ${what}`;
  return `${countText(names.length)} ${what}, such as ${names[0]!}`;
}
