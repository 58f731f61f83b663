/** Deployments in the order they started: those of one service, and when each did. */

import type { Listed } from "../history/listed.ts";
import type { DeploymentRow } from "../history/tables.ts";
import type { PlannedDeployment } from "./plan.ts";

const STARTS = new WeakMap<Listed<PlannedDeployment>, Float64Array>();

/** When each of them started, by place: for whoever sorts them. */
export function startsMs(deployments: Listed<PlannedDeployment>): Float64Array {
  let starts = STARTS.get(deployments);
  if (starts === undefined) {
    const made = new Float64Array(deployments.length);
    deployments.forEach(({ deployment }, place) => (made[place] = deployment.startedAtMs));
    STARTS.set(deployments, (starts = made));
  }
  return starts;
}

/** Sorting by what is made as it is asked for would make it over and over. */
export function knowStarts(deployments: Listed<PlannedDeployment>, starts: Float64Array): void {
  STARTS.set(deployments, starts);
}

/**
 * Places of those of one case, service and environment, in the order they started.
 *
 * @param cases by place: in which each lies; null: there are none
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
    const services = under(known, cases?.[place] ?? null, () => new Map<string, never>());
    const environments = under(services, service, () => new Map<string, never>());
    under(environments, environment, () => rows[rows.push([]) - 1]!).push(place);
  });
  const sorted = rows.map((row) => Int32Array.from(row).sort((a, b) => starts[a]! - starts[b]!));
  return { rows: sorted, starts };
}

/** What a map has under a key, made where there is nothing yet. */
export function under<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
