/**
 * The small tables of an import: reads each source, relates the tables to each
 * other, and says what was left out, inferred or doubtful.
 *
 * Laws: nothing depends on row order; what a source does not say is null, and
 * what we conclude in its place is a warning.
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { parseChange, parseShift, type DeploymentKind } from "../../../engine/index.ts";
import { counted } from "../../counted.ts";
import { iso } from "../duck.ts";
import type {
  DecisionRow,
  DeploymentRow,
  HistoryTables,
  IncidentRow,
  LabelRow,
  MetricRow,
  ProposalRow,
  ServiceRow,
  Stage,
  TagRow,
} from "../tables.ts";
import { readRows, UnreadableRow, type Fields, type Found, type TableReader } from "./fields.ts";
import { derivedLabels, inferredMetrics, overlapsIn, revenueKept } from "./doubts.ts";
import { listed, type Findings } from "./findings.ts";
import { inferMetric } from "../metric/infer.ts";
import { completed, DEPLOYMENT_KINDS } from "./kinds.ts";
import { joinLabels } from "../labels/choose.ts";
import { blamesDeployment, deriveLabels } from "../labels/derive.ts";
import type { SaidOf } from "../labels/said.ts";
import type { ImportedMetrics } from "./metrics.ts";
import { readProposal, sortProposals } from "./proposals.ts";
import type { Relation } from "./relation.ts";
import {
  columnsOf,
  compareIncidents,
  readCase,
  readDecision,
  readDeployment,
  readIncident,
  readLabelRow,
  readMetric,
  readSaid,
  readService,
  replicaShare,
  type SmallTable,
} from "./tableRows.ts";

export interface TableSources {
  readonly relations: ReadonlyMap<SmallTable, Relation>;
  /** Kinds from a mapping file; kinds.csv adds to them. */
  readonly kinds: ReadonlyMap<string, DeploymentKind>;
}

/** Reads all tables beside the metrics; see `SMALL_TABLES`. */
export async function importTables(
  connection: DuckDBConnection,
  sources: TableSources,
  findings: Findings,
): Promise<TableImport> {
  const reader = new TableImport(connection, sources, findings);
  await reader.read();
  return reader;
}

export class TableImport {
  readonly counts = new Map<SmallTable, number>();
  #deployments = new Map<string, DeploymentRow>();
  readonly #said = new Map<string, SaidOf>();
  #incidents: IncidentRow[] = [];
  #labels = new Map<string, LabelRow>();
  #tags: TagRow[] = [];
  #decisions: DecisionRow[] = [];
  #proposals: readonly ProposalRow[] = [];
  #services: ServiceRow[] = [];
  #catalog: MetricRow[] = [];
  #cases: HistoryTables["cases"] = [];
  #hasServices = false;

  constructor(
    private readonly connection: DuckDBConnection,
    private readonly sources: TableSources,
    private readonly findings: Findings,
  ) {}

  /** Metrics the catalog calls counters, by declaration or by name. */
  counterAmong(metric: string): boolean {
    const row = this.#catalog.find((entry) => entry.metric === metric) ?? inferMetric(metric);
    return row.kind === "counter";
  }

  async read(): Promise<void> {
    await this.#readDeployments(await this.#readKinds());
    await this.#readStages();
    await this.#readIncidents();
    await this.#readLabels();
    await this.#readTags();
    this.#decisions = await this.#ofKnownDeployments("decisions", readDecision);
    await this.#readProposals();
    this.#services = await this.#readUnique("services", "service", readService);
    this.#hasServices = this.sources.relations.has("services");
    this.#doubt(revenueKept(this.#services));
    this.#catalog = await this.#readUnique("metric_catalog", "metric", readMetric);
    this.#cases = await this.#readUnique("cases", "caseId", readCase);
  }

  /** The finished tables, once it is known what was measured. */
  tables(metrics: ImportedMetrics): HistoryTables {
    this.#warnOfUnknownServices(metrics);
    return {
      deployments: [...this.#deployments.values()],
      tags: this.#tags,
      incidents: this.#incidents,
      labels: this.#completeLabels(),
      decisions: this.#decisions,
      services: this.#services,
      metricCatalog: this.#completeCatalog(metrics),
      cases: this.#cases,
      ...(this.#proposals.length === 0 ? {} : { proposals: this.#proposals }),
    };
  }

  #doubt(what: string | null): void {
    if (what !== null) this.findings.warn(what);
  }

  async #rows<T>(
    table: SmallTable,
    read: (fields: Fields) => T,
  ): Promise<{ found: Found<T>[]; reader: TableReader }> {
    const relation = this.sources.relations.get(table);
    if (relation === undefined) {
      return { found: [], reader: { rows: 0, placesOf: () => Promise.resolve([]) } };
    }
    const result = await readRows(this.connection, relation, columnsOf(table), this.findings, read);
    this.counts.set(table, result.reader.rows);
    return result;
  }

  async #drop(
    table: SmallTable,
    reason: string,
    reader: TableReader,
    rows: readonly Found<unknown>[],
  ): Promise<void> {
    if (rows.length === 0) return;
    const places = await reader.placesOf(rows.slice(0, 3).map(({ ordinal }) => ordinal));
    this.findings.drop(table, reason, rows.length, places);
  }

  /**
   * Rows with a key of their own; rows that contradict each other are all dropped, and so is
   * what is of no known deployment, where that is asked.
   */
  async #readUnique<T extends object>(
    table: SmallTable,
    key: keyof T & string,
    read: (fields: Fields) => T,
    isKnown: (row: T) => boolean = () => true,
  ): Promise<T[]> {
    const { found, reader } = await this.#rows(table, read);
    const groups = new Map<unknown, Found<T>[]>();
    for (const entry of found) {
      groups.set(entry.row[key], [...(groups.get(entry.row[key]) ?? []), entry]);
    }
    const clashing = [...groups.values()].filter((group) => group.length > 1).flat();
    await this.#drop(table, `conflicting rows with the same ${key}`, reader, clashing);
    const single = [...groups.values()].flatMap((group) => (group.length === 1 ? group : []));
    const unknown = single.filter(({ row }) => !isKnown(row));
    await this.#drop(table, this.#unknownDeployment, reader, unknown);
    return single.filter(({ row }) => isKnown(row)).map(({ row }) => row);
  }

  /** Splits rows by whether their deployment is known; the others are dropped. */
  async #ofKnownDeployments<T extends { deploymentId: string | null }>(
    table: SmallTable,
    read: (fields: Fields) => T,
    inspect?: (kept: readonly Found<T>[], reader: TableReader) => Promise<void>,
  ): Promise<T[]> {
    const { found, reader } = await this.#rows(table, read);
    const isKnown = ({ row }: Found<T>): boolean =>
      row.deploymentId === null || this.#deployments.has(row.deploymentId);
    await this.#drop(
      table,
      this.#unknownDeployment,
      reader,
      found.filter((entry) => !isKnown(entry)),
    );
    const kept = found.filter(isKnown);
    await inspect?.(kept, reader);
    return kept.map(({ row }) => row);
  }

  /** With how one is called that is there: an export's ids are not those of the system. */
  get #unknownDeployment(): string {
    const [id] = this.#deployments.keys();
    return id === undefined ? "unknown deployment" : `unknown deployment, others are like ${id}`;
  }

  async #readKinds(): Promise<Map<string, DeploymentKind>> {
    const rows = await this.#readUnique("kinds", "source", (fields) => ({
      source: fields.required("kind_source"),
      kind: fields.oneOf("kind", DEPLOYMENT_KINDS) ?? fields.required("kind"),
    }));
    const kinds = new Map(this.sources.kinds);
    for (const { source, kind } of rows) kinds.set(source, kind as DeploymentKind);
    return kinds;
  }

  async #readDeployments(kinds: ReadonlyMap<string, DeploymentKind>): Promise<void> {
    const unknown = new Map<string, number>();
    const rows = await this.#readUnique("deployments", "deploymentId", (fields) => ({
      ...readDeployment(fields, kinds),
      said: readSaid(fields),
    }));
    for (const { said, ...row } of rows) {
      this.#said.set(row.deploymentId, said);
      if (row.kind === null) unknown.set(row.kindSource, (unknown.get(row.kindSource) ?? 0) + 1);
      this.#deployments.set(row.deploymentId, { ...row, kind: row.kind ?? "code" });
    }
    for (const [source, count] of [...unknown].sort()) {
      this.findings.warn(
        `unknown kind "${source}" of ${counted(count, "deployment")} was read as "code"; ` +
          "kinds.csv can say otherwise",
      );
    }
  }

  async #readStages(): Promise<void> {
    const rows = await this.#ofKnownDeployments("stages", (fields) => ({
      deploymentId: fields.required("deployment_id"),
      atMs: fields.requiredTimeMs("completed_at"),
      share: fields.share("share") ?? replicaShare(fields),
    }));
    const stages = new Map<string, Stage[]>();
    for (const { deploymentId, atMs, share } of rows) {
      stages.set(deploymentId, [...(stages.get(deploymentId) ?? []), { share, atMs }]);
    }
    for (const [id, list] of stages) {
      list.sort((a, b) => a.atMs - b.atMs || (a.share ?? 0) - (b.share ?? 0));
      this.#deployments.set(id, { ...this.#deployments.get(id)!, stages: list });
    }
  }

  async #readIncidents(): Promise<void> {
    const rows = await this.#ofKnownDeployments("incidents", readIncident);
    rows.sort(compareIncidents);
    const used = new Map<string, number>();
    this.#incidents = rows.map((row) => {
      const base = row.incidentId || `${row.service}@${iso(row.onsetAtMs)}`;
      const count = (used.get(base) ?? 0) + 1;
      used.set(base, count);
      return { ...row, incidentId: count === 1 ? base : `${base}#${count}` };
    });
    this.#doubt(overlapsIn(this.#incidents));
  }

  async #readLabels(): Promise<void> {
    const rows = await this.#readUnique(
      "labels",
      "deploymentId",
      readLabelRow,
      ({ deploymentId }) => this.#deployments.has(deploymentId),
    );
    this.#labels = new Map(rows.map((row) => [row.deploymentId, row]));
    this.#doubtGiven();
  }

  #doubtGiven(): void {
    for (const { deploymentId, label } of this.#incidents) {
      if (deploymentId === null || !blamesDeployment(label)) continue;
      const given = this.#labels.get(deploymentId);
      if (given === undefined || given.label === "regression") continue;
      this.findings.warn(
        `${deploymentId} is labelled ${given.label} though an incident calls it ${label}; ` +
          "the label counts",
      );
    }
  }

  /** What was given, and beside it what follows from the other tables. */
  #completeLabels(): readonly LabelRow[] {
    const given = [...this.#labels.values()];
    const deployments = [...this.#deployments.values()];
    const derived = deriveLabels({ deployments, incidents: this.#incidents }, this.#said);
    for (const doubt of derivedLabels(derived, this.#labels, deployments.length)) {
      this.findings.warn(doubt);
    }
    return joinLabels(given, derived);
  }

  async #readTags(): Promise<void> {
    let assumed = 0;
    const read = (fields: Fields): TagRow => {
      const deploymentId = fields.text("deployment_id");
      const deployment = deploymentId === null ? undefined : this.#deployments.get(deploymentId);
      const validFromMs = fields.timeMs("valid_from");
      const validUntilMs = fields.timeMs("valid_until");
      if (validFromMs !== null && validUntilMs !== null && validUntilMs < validFromMs) {
        throw new UnreadableRow("valid_until is before valid_from");
      }
      const knownAtMs = fields.timeMs("known_at") ?? deployment?.startedAtMs ?? validFromMs;
      if (fields.text("known_at") === null) assumed++;
      const service = fields.text("service") ?? deployment?.service ?? null;
      if (deploymentId === null || deployment !== undefined) {
        if (service === null) throw new UnreadableRow("neither service nor deployment_id");
        if (knownAtMs === null) throw new UnreadableRow("neither known_at nor valid_from");
      }
      return {
        deploymentId,
        service: service ?? "",
        tag: fields.required("tag"),
        value: fields.text("value") ?? "true",
        signal: fields.text("signal"),
        validFromMs,
        validUntilMs,
        knownAtMs: knownAtMs ?? 0,
        givenBy: fields.text("given_by"),
        approvedBy: fields.text("approved_by"),
      };
    };
    this.#tags = await this.#ofKnownDeployments("tags", read, (kept, reader) =>
      this.#warnOfNoShifts(kept, reader),
    );
    if (assumed > 0) {
      this.findings.warn(
        `the time when ${counted(assumed, "tag")} became known is missing: ` +
          "taken as known when the deployment began; later ones count too early",
      );
    }
  }

  /** `15` for `15%` is easily written, and the engine ignores it. */
  async #warnOfNoShifts(tags: readonly Found<TagRow>[], reader: TableReader): Promise<void> {
    const odd = tags.filter(({ row }) => /^(expected|acceptable)_/.test(row.tag) && !moves(row));
    if (odd.length === 0) return;
    const places = await reader.placesOf(odd.map(({ ordinal }) => ordinal));
    const named = odd.map(({ row }, at) => `${row.tag}=${row.value} (${places[at]})`);
    this.findings.warn(
      `the value of ${counted(odd.length, "tag")} is no share such as 15% or 0.15, nor, for ` +
        "expected_change, such as {metric: NAME, change: -15%}, and moves no tolerance: " +
        listed(named, 3),
    );
  }

  async #readProposals(): Promise<void> {
    const { found, reader } = await this.#rows("proposals", readProposal);
    const { kept, leftOut } = sortProposals(found, this.#deployments, this.#unknownDeployment);
    for (const [reason, rows] of leftOut) await this.#drop("proposals", reason, reader, rows);
    this.#proposals = kept;
  }

  #completeCatalog({ metrics, values }: ImportedMetrics): readonly MetricRow[] {
    const { rows, inferred, doubts } = completed(this.#catalog, metrics, values);
    for (const doubt of doubts) this.findings.warn(doubt);
    for (const doubt of inferredMetrics(inferred)) this.findings.warn(doubt);
    return rows;
  }

  #warnOfUnknownServices({ services: measured }: ImportedMetrics): void {
    const declared = new Set(this.#services.map(({ service }) => service));
    const named = new Set([
      ...[...this.#deployments.values()].map(({ service }) => service),
      ...this.#tags.map(({ service }) => service),
      ...this.#incidents.map(({ service }) => service),
    ]);
    const unmeasured = [...named].filter((service) => !measured.has(service)).sort();
    if (unmeasured.length > 0) {
      this.findings.warn(
        `no samples of ${counted(unmeasured.length, "service")} that other tables name: ` +
          listed(unmeasured),
      );
    }
    if (!this.#hasServices) return;
    const undeclared = [...new Set([...named, ...measured])].filter((s) => !declared.has(s)).sort();
    if (undeclared.length > 0) {
      this.findings.warn(
        `${counted(undeclared.length, "service")} missing from services: ${listed(undeclared)}`,
      );
    }
    const missing = this.#services
      .flatMap(({ dependsOn }) => dependsOn)
      .filter((service) => !declared.has(service));
    if (missing.length > 0) {
      this.findings.warn(
        `depends_on names unknown services: ${listed([...new Set(missing)].sort())}`,
      );
    }
  }
}

/** Would a policy believe the size that a tag declares? */
function moves({ tag, value }: TagRow): boolean {
  return tag === "expected_change" ? parseChange(value) !== null : parseShift(value) !== null;
}
