/** When deployments started, and their order within a service. */

import { getOrMake } from "../getOrMake.ts";
import type { Listed } from "../history/listed.ts";
import type { DeploymentRow } from "../history/tables.ts";
import type { PlannedDeployment } from "./plan.ts";

const STARTS = new WeakMap<Listed<PlannedDeployment>, Float64Array>();

/** When each deployment started, by place; kept, because lists are sorted by it over and over. */
export function startsMs(deployments: Listed<PlannedDeployment>): Float64Array {
  let starts = STARTS.get(deployments);
  if (starts === undefined) {
    const made = new Float64Array(deployments.length);
    deployments.forEach(({ deployment }, place) => (made[place] = deployment.startedAtMs));
    STARTS.set(deployments, (starts = made));
  }
  return starts;
}

/** Tells `startsMs` what it would otherwise find by making every deployment of the list. */
export function knowStarts(deployments: Listed<PlannedDeployment>, starts: Float64Array): void {
  STARTS.set(deployments, starts);
}

/**
 * A row for each case, service and environment, with the places of its deployments in the order
 * they started.
 *
 * @param cases the case of each deployment, by place; null where the history has no cases
 */
export function inOrder(
  deployments: Listed<DeploymentRow>,
  cases: readonly (string | null)[] | null,
): { readonly rows: readonly Int32Array[]; readonly starts: Float64Array } {
  const starts = new Float64Array(deployments.length);
  const rows: number[][] = [];
  const known = new Map<string | null, Map<string, Map<string, number[]>>>();
  deployments.forEach(({ service, environment, startedAtMs }, place) => {
    starts[place] = startedAtMs;
    const services = getOrMake(known, cases?.[place] ?? null, () => new Map<string, never>());
    const environments = getOrMake(services, service, () => new Map<string, never>());
    getOrMake(environments, environment, () => rows[rows.push([]) - 1]!).push(place);
  });
  const sorted = rows.map((row) => Int32Array.from(row).sort((a, b) => starts[a]! - starts[b]!));
  return { rows: sorted, starts };
}
