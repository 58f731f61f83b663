/** `hindsight import`: bring data in, whole or not at all. */

import { Command } from "commander";
import type { Duck } from "../history/duck.ts";
import { readExports } from "../history/import/exports/files.ts";
import { findPlainFiles, importHistory } from "../history/import/importHistory.ts";
import { importJournal } from "../shadow/journal/history.ts";
import { findMapped } from "../history/import/mapping.ts";
import { EXPORTS_HELP, exportFilesOf, exportOptions, type ExportFlags } from "./importExports.ts";
import { prometheusCommand } from "./importPrometheus.ts";
import {
  importOptions,
  importOptionsOf,
  report,
  timestampOption,
  timezoneOption,
  type ImportFlags,
} from "./importReport.ts";
import { progressBar } from "./output.ts";

export function importCommand(): Command {
  const command = new Command("import").description(
    "Bring recorded metrics, deployments and incidents in as a history.",
  );
  exportOptions(importOptions(command.command("csv")))
    .addOption(timestampOption())
    .addOption(timezoneOption())
    .argument("<dir>", "directory with metrics.csv, deployments.csv and what else there is")
    .description(
      "Import the plain form: CSV, JSON Lines or Parquet with the same columns, also gzipped.",
    )
    .addHelpText("after", CSV_HELP)
    .action(async (dir: string, flags: ImportFlags & ExportFlags) => {
      const files = exportFilesOf(flags);
      const zone = flags.timezone ?? null;
      const find = async (duck: Duck) =>
        findPlainFiles(dir, duck, await readExports(files, duck), zone);
      report(await importHistory(find, importOptionsOf(flags)), flags);
    });
  importOptions(command.command("parquet"))
    .addOption(timestampOption())
    .addOption(timezoneOption())
    .requiredOption("--mapping <file>", "which tables and columns of yours are which of ours")
    .alias("mapped")
    .description("Import other tables (Parquet, CSV, JSON) through a small mapping file.")
    .addHelpText("after", PARQUET_HELP)
    .action(async (flags: ImportFlags & { mapping: string }) => {
      const find = (duck: Duck) => findMapped(flags.mapping, duck, flags.timezone ?? null);
      report(await importHistory(find, importOptionsOf(flags)), flags);
    });
  importOptions(command.command("shadow"))
    .argument("<dir>", "the directory a live host writes its journal into")
    .description("Import the journal of a live host: production becomes the next replay.")
    .addHelpText("after", SHADOW_HELP)
    .action(async (dir: string, flags: ImportFlags) => {
      const bar = progressBar();
      report(await importJournal(dir, { out: flags.out, force: flags.force ?? false }, bar), flags);
    });
  command.addCommand(prometheusCommand());
  return command.addHelpText(
    "after",
    "\nExample:\n  hindsight import csv ./recorded --out ./history --timestamp start",
  );
}

const DEPLOYMENTS_OPTIONAL = "[,environment,finished_at,version,author]";
const TAGS_OPTIONAL = "[,signal,valid_from,valid_until,known_at,given_by,approved_by]";

const CSV_HELP = `
Files (metrics and deployments are required; [optional columns] in brackets):
  metrics.csv         service,metric,ts,value[,version]     ts: ISO 8601 with a zone (or --timezone)
  deployments.csv     deployment_id,service,deployed_at,kind${DEPLOYMENTS_OPTIONAL}
                      [,title,description,event,change_failure]   rollbacks are found by these
  tags.csv            tag,value,deployment_id and/or service${TAGS_OPTIONAL}
  stages.csv          deployment_id,completed_at[,share | replicas_v1,replicas_v2]
  incidents.csv       service,started_at,label[,deployment_id,resolved_at,detected_at,severity]
  labels.csv          deployment_id,label[,basis]           good, bad, or one of the five labels
  services.csv        service[,team,criticality,timezone,depends_on,revenue_per_minute]
  metric_catalog.csv  metric[,unit,worse,kind,role]         corrects what is inferred
  decisions.csv       deployment_id,at,what,by[,justification,confidence]
  proposals.csv       agent,action,confidence,proposed_at,deployment_id | service
                      [,proposal_id,environment,rationale,answered_by,answer,answered_at]
                      what AI agents proposed; action is rollback, answer is accepted or rejected
  cases.csv           case_id,recording_starts_at,recording_ends_at
  kinds.csv           kind_source,kind
Every table but metrics may be JSON Lines as well, such as proposals.jsonl: one object a line, its
keys are these columns. .gz will do.
${EXPORTS_HELP}

Examples:
  hindsight import csv ./recorded --out ./history --timestamp start
  hindsight import csv ./recorded --github deployments.json --pagerduty incidents.json \\
    --service-of acme/shop-backend=shop --environment production --out ./history`;

const SHADOW_HELP = `
A journal has samples, deployments, tags, stages and what was decided; it has no labels and
no incidents. A rollback that the host was not allowed to send is no rollback of the history.

Example:
  hindsight import shadow ./journal --out ./history`;

const PARQUET_HELP = `
Mapping file (paths are relative to it):
  tables:
    metrics:
      files: "samples/*.parquet"
      columns: { service: svc, metric: name, ts: time, value: val }
      where: "env = 'prod'"              # optional, SQL
      rows: [series, series.pointlist]   # optional: these lists become rows, one after the other;
                                         # [[Timestamps, Values]]: side by side
      scale: { latency_ms: 1000 }        # optional, a factor for a metric's values
    deployments:
      files: deploys.parquet
      columns: { deployment_id: id, service: app, deployed_at: at, kind: { constant: code } }
  kinds: { "helm upgrade": code }        # optional
Files are Parquet, CSV or JSON (also JSON lines) by their names or by \`format:\`; a glob or a list
of them. CSV may have a \`delimiter:\`. A column is a path (service, metric.labels.app,
pointlist[1]), { constant: text }, { sql: expression } or { of: path, is: UNIT }. A unit is epoch_s,
epoch_ms, epoch_us or epoch_ns of a time, and decimal_comma of a value. Times in ISO 8601 need none,
and those without a zone --timezone. Worked examples of five exports lie in datasets/exports.

Example:
  hindsight import parquet --mapping warehouse.yaml --out ./history`;
