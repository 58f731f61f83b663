/** `hindsight import prometheus`: a stretch of the past out of a metrics API, as a history. */

import { dirname, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { ENGINE_VERSION } from "../../engine/index.ts";
import type { Moment } from "../compare/moment.ts";
import { readDocument } from "../documentFile.ts";
import type { Duck } from "../history/duck.ts";
import { readExports } from "../history/import/exports/files.ts";
import {
  addExports,
  fileRelation,
  importHistory,
  type Sources,
} from "../history/import/importHistory.ts";
import { tableRelation, type Relation } from "../history/import/relation.ts";
import type { SmallTable } from "../history/import/tableRows.ts";
import { queriesOfFiles } from "../policy/import/templateQueries.ts";
import { Problem } from "../problem.ts";
import { readPast, type PastRequest } from "../shadow/source/intoHistory.ts";
import { inlineServices, readServices } from "../shadow/config/services.ts";
import { secretsOf } from "../shadow/source/secrets.ts";
import { METRICS, METRICS_API } from "../shadow/source/settings.ts";
import type { Templates } from "../shadow/source/templates.ts";
import { getOrMake } from "../getOrMake.ts";
import { systemClock } from "../shadow/systemClock.ts";
import { EXPORTS_HELP, exportFilesOf, exportOptions, type ExportFlags } from "./importExports.ts";
import {
  importOptions,
  importOptionsOf,
  report,
  timezoneOption,
  type ImportFlags,
} from "./importReport.ts";
import { moment } from "./moment.ts";
import { duration } from "./options.ts";
import { progressBar } from "./output.ts";

/** Tables that come from files beside the metrics. */
const TABLES = ["deployments", "incidents", "labels", "tags", "services"] as const;

type Flags = ImportFlags &
  ExportFlags &
  Partial<Readonly<Record<(typeof TABLES)[number], string>>> & {
    readonly config: string;
    readonly from: Moment;
    readonly to: Moment;
    readonly step?: number;
    readonly fromTemplates?: readonly string[];
    readonly arg?: ReadonlyMap<string, string>;
    readonly versionLabel?: string;
  };

export function prometheusCommand(): Command {
  const command = importOptions(new Command("prometheus"))
    .description("Import the past of a Prometheus-compatible API: the queries of a live host.")
    .requiredOption("--config <file>", "a file with metrics: as in shadow.yaml")
    .requiredOption(
      "--from <time>",
      "2026-07-01, 2026-07-01T08:00:00Z, or so long ago: 30d",
      moment,
    )
    .addOption(
      new Option("--to <time>", "as --from").argParser(moment).default(moment("0s"), "now"),
    )
    .option(
      "--step <duration>",
      "spacing of what expressions give (default: as configured)",
      duration,
    );
  command
    .option(
      "--from-templates <files...>",
      "ask the queries of AnalysisTemplates and rule files too, and keep what they answer apart",
    )
    .option(
      "--arg <name=value>",
      "the value of an argument of their queries; {service} in it is the service, and {version}\n" +
        "each version of its deployments",
      oneMoreArgument,
    )
    .option(
      "--version-label <name>",
      "the label of their results that names the version, to tell old from new in a rollout",
    );
  for (const table of TABLES) {
    command.option(`--${table} <file>`, `${table}.csv as import csv takes it, or Parquet`);
  }
  return exportOptions(command.addOption(timezoneOption()))
    .addHelpText("after", HELP)
    .action(async (flags: Flags) => {
      const bar = progressBar();
      try {
        const find = (duck: Duck, scratch: string): Promise<Sources> =>
          findPast(flags, duck, scratch, (done, total, metric) => bar.update(done, total, metric));
        // A sample of Prometheus bears the time it was taken at, not the start of a bucket.
        const options = importOptionsOf({ ...flags, timestamp: "end" });
        const summary = await importHistory(find, options);
        bar.end();
        report(summary, flags);
      } finally {
        bar.end();
      }
    });
}

const HELP = `
The config file is a shadow.yaml (its services and names count too), or its metrics part alone:
  metrics:
    url: http://prometheus:9090
    auth: { bearer: env:PROMETHEUS_TOKEN }    # optional
    service: service                          # the label that names the service
    queries:
      latency_p95_ms: 1000 * histogram_quantile(0.95, sum by (service, le) (rate(took_bucket[1m])))
      requests_total: requests_total          # a selector is read as it was scraped
With --from-templates each query of the files is asked as it is written, at its own interval.
Kayenta compares versions: give its scope as --arg scope={version}, or --version-label where a
query keeps that label.
${EXPORTS_HELP}

Example:
  hindsight import prometheus --config shadow.yaml --from 90d --github deployments.json \\
    --pagerduty incidents.json --environment production --out ./quarter`;

async function findPast(
  flags: Flags,
  duck: Duck,
  scratch: string,
  onProgress: PastRequest["onProgress"],
): Promise<Sources> {
  const nowMs = systemClock.wallMs();
  const [fromMs, toMs] = [flags.from(nowMs), flags.to(nowMs)];
  if (fromMs >= toMs) {
    throw new Problem("--from is not before --to", { cure: "Give the earlier time first." });
  }
  const schema = flags.fromTemplates === undefined ? CONFIG : CONFIG_WITHOUT_QUERIES;
  const config = readDocument(flags.config, schema, "a file with metrics:, as shadow.yaml");
  const { metrics } = config;
  const settings = { ...metrics, stepMs: flags.step ?? metrics.stepMs };
  const files = exportFilesOf(flags, { fromMs, toMs });
  const services = new Map([...Object.entries(config.names), ...files.naming.services]);
  const exports = await readExports({ ...files, naming: { ...files.naming, services } }, duck);
  const zone = flags.timezone ?? null;
  const small = new Map<SmallTable, Relation>();
  for (const table of TABLES) {
    const file = flags[table];
    if (file !== undefined) small.set(table, await fileRelation(file, file, duck, zone));
  }
  addExports(small, exports, flags.config);
  const catalog = await servicesRelation(flags.config, config.services, duck);
  if (catalog !== null && !small.has("services")) small.set("services", catalog);
  if (!small.has("deployments")) {
    const given = flags.github ?? flags.argocd;
    throw given === undefined
      ? new Problem("no deployments are given", {
          cure: "Add --deployments FILE, --github FILE or --argocd FILE: a history needs them.",
        })
      : new Problem("no deployment is in it, or none of this time and environment", {
          file: [given].flat().join(", "),
          cure: "Check what was exported, --from, --to and --environment.",
        });
  }
  const args = flags.arg ?? new Map<string, string>();
  const queries =
    flags.fromTemplates === undefined ? [] : queriesOfFiles(flags.fromTemplates, args);
  const known = new Set(settings.queries.map(({ metric }) => metric));
  const twice = queries.find(({ name }) => known.has(name));
  if (twice !== undefined) {
    throw new Problem(`${twice.name} is a query of ${flags.config} and of a template`, {
      file: flags.config,
      cure: "Give the query of the config file another name.",
    });
  }
  const catalogRows = [
    ...settings.queries.map(({ metric, unit, worse, kind, role = "none", confidence }) => {
      const sure = confidence === undefined ? null : String(confidence);
      return { metric, unit, worse, kind, role, confidence: sure };
    }),
    ...queries.map(({ name }) => {
      const told = { unit: "", worse: "both", kind: "gauge", role: "none", confidence: null };
      return { metric: name, ...told };
    }),
  ];
  small.set(
    "metric_catalog",
    await tableRelation(duck.connection, "metric_catalog", [flags.config], catalogRows),
  );
  const templates = async (): Promise<Templates | null> =>
    queries.length === 0
      ? null
      : {
          queries,
          ...(await deployedIn(small.get("deployments")!, duck)),
          args,
          serviceLabel: config.metrics.serviceLabel,
          versionLabel: flags.versionLabel ?? null,
        };
  const secretOf = secretsOf(flags.config, process.env);
  const request = { settings, secretOf, clock: systemClock, fromMs, toMs, onProgress };
  return {
    madeBy: `hindsight ${ENGINE_VERSION} import prometheus`,
    samples: async () => readPast({ ...request, templates: await templates() }, duck, scratch),
    small,
    kinds: new Map(),
    scale: new Map(),
    zone,
    warnings: exports.warnings,
    dropped: exports.dropped,
  };
}

/** What else stands in a shadow.yaml is the live host's business. */
const CONFIG = z.object({
  metrics: METRICS,
  services: z.union([z.string(), inlineServices]).default({}),
  names: z.record(z.string(), z.string()).default({}),
});
/** With templates the queries may all come from them. */
const CONFIG_WITHOUT_QUERIES = CONFIG.extend({ metrics: METRICS_API });

function oneMoreArgument(
  text: string,
  before: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected NAME=VALUE");
  return new Map(before).set(text.slice(0, at), text.slice(at + 1));
}

/** The services of deployments, and by service their versions. */
async function deployedIn(
  { sql, columns }: Relation,
  { connection }: Duck,
): Promise<Pick<Templates, "services" | "versions">> {
  const versions = new Map<string, string[]>();
  if (!columns.has("service")) return { services: [], versions };
  const version = columns.has("version") ? "version::VARCHAR" : "NULL::VARCHAR";
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT service::VARCHAR, ${version} FROM ${sql} ` +
      "WHERE service IS NOT NULL ORDER BY 1, 2",
  );
  for (const [service, one] of reader.getRowsJS() as [string, string | null][]) {
    const known = getOrMake(versions, service, () => []);
    if (one !== null && one !== "") known.push(one);
  }
  return { services: [...versions.keys()], versions };
}

/** The catalog that the config file gives or names. */
async function servicesRelation(
  config: string,
  given: z.output<typeof CONFIG>["services"],
  { connection }: Duck,
): Promise<Relation | null> {
  const path = typeof given === "string" ? resolve(dirname(config), given) : null;
  const services = await readServices(path ?? given);
  if (services.length === 0) return null;
  const rows = services.map((row) => ({
    service: row.service,
    team: row.team,
    criticality: row.criticality,
    timezone: row.timezone,
    depends_on: row.dependsOn.join(";"),
    revenue_per_minute: row.revenuePerMinute === null ? null : String(row.revenuePerMinute),
  }));
  return tableRelation(connection, "services", [path ?? config], rows);
}

/** A time with a zone, a day in UTC, or a duration before now. */
