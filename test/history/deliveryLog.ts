/**
 * What a delivery system would have logged of a history: each rollback that was carried out is a
 * deployment that brings the version before it back. Labels and decisions are not in such a log.
 */

import type { DeploymentRow, HistoryTables, Label } from "../../lab/history/tables.ts";
import type { SaidOf } from "../../lab/history/labels/said.ts";

export interface DeliveryLog {
  readonly deployments: readonly DeploymentRow[];
  readonly incidents: HistoryTables["incidents"];
  readonly said: ReadonlyMap<string, SaidOf>;
}

const NOTHING_SAID = { description: null, event: null, changeFailure: null } as const;

/**
 * @param tells by what a rollback can be told: by its version or by its title
 * @param incidents those of a pager: whether there are any, and whether they name deployments
 */
export function deliveryLog(
  tables: HistoryTables,
  {
    tells,
    incidents,
  }: { readonly tells: "version" | "title"; readonly incidents: "none" | "linked" | "unlinked" },
): DeliveryLog {
  const said = new Map<string, SaidOf>();
  const rolledBackAt = new Map(
    tables.decisions.flatMap(({ deploymentId, atMs, what }) =>
      what === "rollbackFinished" ? [[deploymentId, atMs] as const] : [],
    ),
  );
  const log: DeploymentRow[] = [];
  const current = new Map<string, string>();
  const rollback = (row: DeploymentRow, atMs: number, version: string): DeploymentRow => {
    const deploymentId = `${row.deploymentId}/rollback`;
    said.set(deploymentId, {
      ...NOTHING_SAID,
      title: tells === "title" ? `Rollback ${row.service} to the version before` : null,
    });
    return { ...row, deploymentId, startedAtMs: atMs, finishedAtMs: null, stages: [], version };
  };
  for (const row of tables.deployments) {
    log.push(tells === "version" ? row : { ...row, version: null });
    const atMs = rolledBackAt.get(row.deploymentId);
    const before = current.get(row.service) ?? `${row.service}-initial`;
    if (atMs === undefined) current.set(row.service, row.version ?? row.deploymentId);
    else {
      const back = rollback(row, atMs, before);
      log.push(tells === "version" ? back : { ...back, version: null });
    }
  }
  return {
    deployments: log,
    said,
    incidents:
      incidents === "none"
        ? []
        : tables.incidents.map((row) =>
            incidents === "linked" ? row : { ...row, deploymentId: null, label: row.incidentId },
          ),
  };
}

/** Of regression labels: how many are right, and how many of the regressions have one. */
export function againstTruth(
  derived: readonly { deploymentId: string; derived: string; confidence: number }[],
  truth: HistoryTables["labels"],
  word: "regression" | "benign",
  least = 0.5,
): { readonly precision: number; readonly recall: number; readonly labelled: number } {
  const isTrue = (label: Label | undefined): boolean =>
    word === "regression"
      ? label === "regression"
      : label === "benign" || label === "expected_change";
  const labels = new Map(truth.map((row) => [row.deploymentId, row.label]));
  const said = derived.filter((one) => one.derived === word && one.confidence >= least);
  const right = said.filter(({ deploymentId }) => isTrue(labels.get(deploymentId))).length;
  const all = truth.filter(({ label }) => isTrue(label)).length;
  return { precision: right / said.length, recall: right / all, labelled: said.length };
}
