/**
 * Export files of other systems as the tables `deployments`, `incidents` and `decisions`, so that
 * they go through the same checks as the CSV files of those names. What is left out on the way is
 * counted with its reason.
 */

import type { JsonObject } from "../../../../engine/index.ts";
import { Problem } from "../../../problem.ts";
import { readText } from "../../../yaml.ts";
import { iso, type Duck } from "../../duck.ts";
import type { Dropped } from "../../tables.ts";
import { counted } from "../../../counted.ts";
import { Findings, listed } from "../findings.ts";
import { tableRelation, type Relation } from "../relation.ts";
import type { SmallTable } from "../tableRows.ts";
import { readArgocd } from "./argocd.ts";
import type {
  ForeignDecision,
  ForeignDeployment,
  ForeignIncident,
  Naming,
  Reading,
} from "./foreign.ts";
import { readGithub } from "./github.ts";
import { decidedAtGithub } from "./githubDecisions.ts";
import { readRollouts } from "./rollouts.ts";
import { readPagerdutyChanges, readPagerdutyIncidents } from "./pagerduty.ts";

export interface ExportFiles {
  readonly github: readonly string[];
  readonly argocd: readonly string[];
  readonly pagerduty: readonly string[];
  /** Of Argo Rollouts and Flagger. */
  readonly rollouts: readonly string[];
  readonly naming: Naming;
  /** Leaves out deployments of every environment but the one in `naming`. */
  readonly onlyEnvironment: boolean;
  /** Leaves out what began outside of it; null takes all. */
  readonly time: { readonly fromMs: number; readonly toMs: number } | null;
}

export interface ExportTables {
  /** `deployments`, `incidents` and `decisions`: those the exports tell of. */
  readonly small: ReadonlyMap<SmallTable, Relation>;
  readonly dropped: readonly Dropped[];
  readonly warnings: readonly string[];
}

export const NO_EXPORTS: ExportTables = { small: new Map(), dropped: [], warnings: [] };

/** @throws Problem for a file that cannot be read or is no JSON */
export async function readExports(files: ExportFiles, duck: Duck): Promise<ExportTables> {
  const findings = new Findings();
  const byDeployment = (row: { readonly deploymentId: string }): string => row.deploymentId;
  const deployments = new Gathered<ForeignDeployment>("deployments", findings, byDeployment);
  const incidents = new Gathered<ForeignIncident>(
    "incidents",
    findings,
    ({ incidentId }) => incidentId,
  );
  const decisions = new Gathered<ForeignDecision>("decisions", findings, byDeployment);
  const { naming } = files;
  const atGithub: ForeignDeployment[] = [];
  for (const path of files.github) {
    const read = readGithub(elementsOf(path), naming);
    deployments.add(path, read);
    atGithub.push(...read.rows);
  }
  const rollbacks = decidedAtGithub(atGithub);
  decisions.add(files.github.join(", "), { rows: rollbacks, problems: [] });
  for (const path of files.argocd) {
    deployments.add(path, readArgocd(elementsOf(path), naming));
  }
  for (const path of files.pagerduty) {
    const elements = elementsOf(path);
    incidents.add(path, readPagerdutyIncidents(elements, naming));
    deployments.add(path, readPagerdutyChanges(elements, naming));
  }
  for (const path of files.rollouts) {
    const read = readRollouts(elementsOf(path), naming);
    deployments.add(path, read.deployments);
    decisions.add(path, { rows: read.decisions, problems: [] });
  }
  deployments.leaveOut("it never began", ({ state }) => state === "waiting");
  if (files.onlyEnvironment) onlyIn(naming.environment, deployments);
  const { time } = files;
  if (time !== null) {
    const isOut = ({ startedAtMs }: { startedAtMs: number }): boolean =>
      startedAtMs < time.fromMs || startedAtMs > time.toMs;
    for (const gathered of [deployments, incidents]) {
      gathered.leaveOut("outside of the time that is imported", isOut);
    }
  }
  const created = deployments.rows.filter((row) => row.startIsCreation);
  if (created.length > 0) {
    const names = listed(created.map(byDeployment), 3);
    findings.warn(
      `${counted(created.length, "GitHub deployment")} without a status in_progress are taken to ` +
        `start when they were created, so waiting counts as deploying: ${names}. Put "statuses" in`,
    );
  }
  if (incidents.rows.length > 0) {
    findings.warn(
      "PagerDuty records the page, not the start of the harm: an incident is taken to begin with " +
        "its page, so time to detect is unknown",
    );
  }
  // What is decided about a deployment that was left out goes with it.
  const kept = new Set(deployments.rows.map(({ deploymentId }) => deploymentId));
  decisions.leaveOut("its deployment is left out", (row) => !kept.has(row.deploymentId));
  const taken = [
    ...new Set(decisions.rows.filter((row) => rollbacks.includes(row)).map(byDeployment)),
  ];
  if (taken.length > 0) {
    findings.warn(
      `taken as rolled back: ${counted(taken.length, "GitHub deployment")} ` +
        `(${listed(taken, 3)}), because a later one brings back an earlier SHA within a week`,
    );
  }
  const small = new Map<SmallTable, Relation>();
  const put = async <Row>(
    table: "deployments" | "incidents" | "decisions",
    { paths, rows }: Gathered<Row>,
    fields: (row: Row) => JsonObject<string | null>,
  ): Promise<void> => {
    if (rows.length === 0) return;
    small.set(table, await tableRelation(duck.connection, table, paths, rows.map(fields)));
  };
  await put("deployments", deployments, deploymentFields);
  await put("incidents", incidents, incidentFields);
  await put("decisions", decisions, decisionFields);
  return { small, dropped: findings.dropped, warnings: findings.warnings };
}

/** @throws Problem where all the deployments there are lie in other environments */
function onlyIn(environment: string, deployments: Gathered<ForeignDeployment>): void {
  const others = new Set(deployments.rows.map((row) => row.environment ?? "none"));
  if (others.size > 0 && !others.has(environment)) {
    throw new Problem(
      `none of its ${counted(deployments.rows.length, "deployment")} is in ${environment}`,
      {
        file: deployments.paths.join(", "),
        cure: `They are in ${listed([...others].sort())}: give --environment one of these.`,
      },
    );
  }
  deployments.leaveOut(`not in ${environment}`, (row) => row.environment !== environment);
}

/** Rows of one table from several files. */
class Gathered<Row> {
  rows: Row[] = [];
  readonly paths: string[] = [];

  constructor(
    private readonly table: string,
    private readonly findings: Findings,
    private readonly nameOf: (row: Row) => string,
  ) {}

  add(path: string, { rows, problems }: Reading<Row>): void {
    const places = problems.slice(0, 3).map((problem) => `${path} ${problem}`);
    this.findings.drop(this.table, "an element that cannot be read", problems.length, places);
    if (rows.length === 0) return;
    this.rows.push(...rows);
    this.paths.push(path);
  }

  leaveOut(reason: string, isOut: (row: Row) => boolean): void {
    const out = this.rows.filter(isOut);
    const names = out.slice(0, 3).map(this.nameOf);
    this.findings.drop(this.table, reason, out.length, names);
    this.rows = this.rows.filter((row) => !isOut(row));
  }
}

function deploymentFields(row: ForeignDeployment): JsonObject<string | null> {
  return {
    deployment_id: row.deploymentId,
    service: row.service,
    deployed_at: iso(row.startedAtMs),
    kind: row.kind,
    environment: row.environment,
    finished_at: iso(row.finishedAtMs),
    version: row.version,
    author: row.author,
    title: row.title ?? null,
    event: row.event ?? null,
  };
}

function incidentFields(row: ForeignIncident): JsonObject<string | null> {
  return {
    incident_id: row.incidentId,
    deployment_id: row.deploymentId,
    service: row.service,
    label: row.label,
    started_at: iso(row.startedAtMs),
    detected_at: iso(row.startedAtMs),
    resolved_at: iso(row.resolvedAtMs),
    resolved_by: row.resolvedBy,
    severity: row.severity,
  };
}

function decisionFields(row: ForeignDecision): JsonObject<string | null> {
  return {
    deployment_id: row.deploymentId,
    at: iso(row.atMs),
    what: row.what,
    by: row.by,
    justification: row.justification,
  };
}

/** The elements of a JSON file: of its list, of its pages, or one a line. */
function elementsOf(path: string): readonly unknown[] {
  const text = readText(path, "export", "Check the path.");
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.flat() : [parsed];
  } catch (error) {
    const lines = text.split("\n");
    if (lines.filter((line) => line.trim() !== "").length < 2) throw notJson(path, error);
    return lines.flatMap((line, at): unknown[] => {
      if (line.trim() === "") return [];
      try {
        return [JSON.parse(line) as unknown].flat();
      } catch (wrong) {
        throw notJson(path, at === 0 ? error : wrong, at + 1);
      }
    });
  }
}

function notJson(file: string, error: unknown, line?: number): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return new Problem(`this is no JSON: ${why}`, {
    file,
    ...(line === undefined ? {} : { line }),
    cure: "Give one JSON document, a list of pages (gh api --paginate --slurp), or JSON lines.",
  });
}
