/** `hindsight import`: bring data in, whole or not at all. */

import { Command, Option } from "commander";
import type { Duck } from "../history/duck.ts";
import { readExports } from "../history/import/exports/files.ts";
import {
  findPlainFiles,
  importHistory,
  type ImportSummary,
} from "../history/import/importHistory.ts";
import { findMapped } from "../history/import/mapping.ts";
import type { Dropped } from "../history/tables.ts";
import { EXPORTS_HELP, exportFilesOf, exportOptions, type ExportFlags } from "./importExports.ts";
import { note, print, printJson } from "./output.ts";

interface Flags {
  readonly out: string;
  readonly strict?: boolean;
  readonly timestamp?: "start" | "end";
  readonly force?: boolean;
  readonly json?: boolean;
}

export function importCommand(): Command {
  const command = new Command("import").description(
    "Bring recorded metrics, deployments and incidents in as a history.",
  );
  exportOptions(withFlags(command.command("csv")))
    .argument("<dir>", "directory with metrics.csv, deployments.csv and what else there is")
    .description("Import the plain form: CSV, gzipped CSV or Parquet with the same columns.")
    .addHelpText("after", CSV_HELP)
    .action(async (dir: string, flags: Flags & ExportFlags) => {
      const files = exportFilesOf(flags);
      const find = async (duck: Duck) => findPlainFiles(dir, duck, await readExports(files, duck));
      report(await importHistory(find, options(flags)), flags);
    });
  withFlags(command.command("parquet"))
    .requiredOption("--mapping <file>", "which tables and columns of yours are which of ours")
    .description("Import other Parquet tables through a small mapping file.")
    .addHelpText("after", PARQUET_HELP)
    .action(async (flags: Flags & { mapping: string }) => {
      const find = (duck: Duck) => findMapped(flags.mapping, duck);
      report(await importHistory(find, options(flags)), flags);
    });
  return command.addHelpText(
    "after",
    "\nExample:\n  hindsight import csv ./recorded --out ./history --timestamp start",
  );
}

function withFlags(command: Command): Command {
  return command
    .requiredOption("--out <dir>", "where the history goes")
    .option("--strict", "fail when anything would be left out")
    .addOption(
      new Option("--timestamp <edge>", "what a bucketed time marks (default: start)").choices([
        "start",
        "end",
      ]),
    )
    .option("--force", "replace a history that is there already")
    .option("--json", "print one JSON document");
}

const DEPLOYMENTS_OPTIONAL = "[,environment,finished_at,version,author]";
const TAGS_OPTIONAL = "[,signal,valid_from,valid_until,known_at,given_by,approved_by]";

const CSV_HELP = `
Files (metrics and deployments are required; [optional columns] in brackets):
  metrics.csv         service,metric,ts,value[,version]     ts is ISO 8601 with a zone
  deployments.csv     deployment_id,service,deployed_at,kind${DEPLOYMENTS_OPTIONAL}
  tags.csv            tag,value,deployment_id and/or service${TAGS_OPTIONAL}
  stages.csv          deployment_id,completed_at[,share | replicas_v1,replicas_v2]
  incidents.csv       service,started_at,label[,deployment_id,resolved_at,detected_at,severity]
  labels.csv          deployment_id,label[,basis]           good, bad, or one of the five labels
  services.csv        service[,team,criticality,timezone,depends_on,revenue_per_minute]
  metric_catalog.csv  metric,unit,worse,kind
  decisions.csv       deployment_id,at,what,by[,justification,confidence]
  cases.csv           case_id,recording_starts_at,recording_ends_at
  kinds.csv           kind_source,kind
${EXPORTS_HELP}

Examples:
  hindsight import csv ./recorded --out ./history --timestamp start
  hindsight import csv ./recorded --github deployments.json --pagerduty incidents.json \\
    --service-of acme/shop-backend=shop --environment production --out ./history`;

const PARQUET_HELP = `
Mapping file (paths are relative to it):
  tables:
    metrics:
      files: "samples/*.parquet"
      columns: { service: svc, metric: name, ts: time, value: val }
      where: "env = 'prod'"              # optional, SQL
      scale: { latency_ms: 1000 }        # optional, a factor for a metric's values
    deployments:
      files: deploys.parquet
      columns: { deployment_id: id, service: app, deployed_at: at, kind: { constant: code } }
  kinds: { "helm upgrade": code }        # optional
A column is a column's name, { constant: text } or { sql: expression }.

Example:
  hindsight import parquet --mapping warehouse.yaml --out ./history`;

function options(flags: Flags): Parameters<typeof importHistory>[1] {
  return {
    out: flags.out,
    force: flags.force ?? false,
    strict: flags.strict ?? false,
    timestamp: flags.timestamp ?? null,
  };
}

function report(summary: ImportSummary, flags: Flags): void {
  const { manifest, deployments } = summary;
  if (flags.json === true) {
    printJson({
      out: flags.out,
      samples: manifest.samples,
      missingSamples: manifest.missingSamples,
      series: manifest.seriesCount,
      from: manifest.from,
      to: manifest.to,
      deployments,
      incidents: manifest.rows.incidents,
      decisions: manifest.rows.decisions,
      tags: manifest.rows.tags,
      services: manifest.rows.services,
      dropped: manifest.dropped,
      warnings: manifest.warnings,
      digest: manifest.digest,
    });
    return;
  }
  const lines: [string, string][] = [
    ["samples", `${manifest.samples}`],
    ["missing samples", `${manifest.missingSamples}`],
    ["series", `${manifest.seriesCount}`],
    ["time", `${manifest.from ?? "none"} to ${manifest.to ?? "none"}`],
    ["deployments", describeDeployments(deployments)],
    ["incidents", `${manifest.rows.incidents}`],
    ["tags", `${manifest.rows.tags}`],
    ["decisions", `${manifest.rows.decisions}`],
    ["services", `${manifest.rows.services}`],
    ["digest", manifest.digest],
  ];
  for (const [name, value] of lines) print(`${`${name}:`.padEnd(17)}${value}`);
  for (const text of describeLosses(manifest)) note(text);
  note(`written to ${flags.out}; look inside with: hindsight inspect ${flags.out}`);
}

/** `45 (14 regression, 31 benign)`. */
export function describeDeployments({ total, ...labels }: ImportSummary["deployments"]): string {
  const parts = Object.entries(labels)
    .filter(([, count]) => count > 0)
    .map(([label, count]) => `${count} ${label}`);
  return parts.length === 0 ? `${total}` : `${total} (${parts.join(", ")})`;
}

/** What was left out and what is doubtful, a line each. */
export function describeLosses(manifest: {
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
}): string[] {
  return [
    ...manifest.dropped.map(
      ({ table, reason, rows, examples }) =>
        `left out: ${table}: ${rows} rows: ${reason}` +
        (examples.length > 0 ? ` (${examples.join("; ")})` : ""),
    ),
    ...manifest.warnings.map((warning) => `note: ${warning}`),
  ];
}
