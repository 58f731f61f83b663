/** What filters ask of a deployment, beside what is recorded: its team, its tags, its hour. */

import { formatTime, type DeploymentKind } from "../../../engine/index.ts";
import type { History } from "../../history/open.ts";
import type { DeploymentRow, Label, ServiceRow } from "../../history/tables.ts";
import { tagsAbout } from "../../replay/plan.ts";

export interface Facts {
  readonly team: string | null;
  readonly criticality: ServiceRow["criticality"];
  readonly kind: DeploymentKind;
  /** Names of tags, each once, in order. */
  readonly tags: readonly string[];
  readonly startedAt: string;
  readonly hour: number;
  readonly timezone: string;
}

export interface FactsOf {
  (row: DeploymentRow): Facts;
  label(deploymentId: string): Label;
}

export function factsOf({ tables }: History): FactsOf {
  const services = new Map(tables.services.map((row) => [row.service, row]));
  const labels = new Map(tables.labels.map((row) => [row.deploymentId, row.label]));
  const tagsOf = tagsAbout(tables.tags);
  const clocks = new Map<string, Intl.DateTimeFormat>();
  const facts = (row: DeploymentRow): Facts => {
    const service = services.get(row.service);
    const timezone = service?.timezone ?? "UTC";
    let clock = clocks.get(timezone);
    if (clock === undefined) {
      const parts = { timeZone: timezone, hour: "2-digit", hourCycle: "h23" } as const;
      clocks.set(timezone, (clock = new Intl.DateTimeFormat("en-GB", parts)));
    }
    return {
      team: service?.team ?? null,
      criticality: service?.criticality ?? null,
      kind: row.kind,
      tags: [...new Set(tagsOf(row).map(({ tag }) => tag))].sort(),
      startedAt: formatTime(row.startedAtMs),
      hour: Number(clock.format(row.startedAtMs)),
      timezone,
    };
  };
  return Object.assign(facts, {
    label: (deploymentId: string): Label => labels.get(deploymentId) ?? "unknown",
  });
}
