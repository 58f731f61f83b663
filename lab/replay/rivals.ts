/**
 * Deployments that the breach of another one may be put down to. Attribution asks all that are
 * under watch then (engine/decide/attribution.ts), and those that are quiet as well: a series of
 * a third service may depend on both. They are decided in one fold with whom they may excuse.
 */

import { servicesOf, type Deployment, type Policy } from "../../engine/index.ts";
import { startsMs, under } from "./order.ts";
import type { Plan } from "./plan.ts";

/** Does a policy look at services beside the deployed one, and ask what else may move them? */
export function asksOthers({ attribution, signals }: Policy): boolean {
  return attribution === "on" && signals.some(({ of }) => of.some((whose) => whose !== "own"));
}

/**
 * Places of all, quiet or not, that may explain a breach of one that is not quiet: another
 * service's, under watch at the same time, that reaches a service which speaks for the other.
 */
export function mayExplain(
  { deployments, rows }: Plan,
  { signals, watchMs }: Policy,
  isQuiet: (index: number) => boolean,
): ReadonlySet<number> {
  const found = new Set<number>();
  const starts = startsMs(deployments);
  const fleets = new Map<string, Row[]>();
  for (const row of rows) {
    // Who calls a deployment is known of its service, so one of a row stands for all.
    const { deployment, caseId } = deployments.at(row[0]!)!;
    const fleet = JSON.stringify([caseId, deployment.environment]);
    under(fleets, fleet, () => []).push({ row, deployment });
  }
  for (const fleet of fleets.values()) {
    for (const { row, deployment } of fleet) {
      const speaking = new Set(signals.flatMap((one) => [...servicesOf(one, deployment)]));
      speaking.delete(deployment.service);
      if (speaking.size === 0) continue;
      const accusedMs = Array.from(row, (at) => (isQuiet(at) ? null : starts[at]!));
      const atMs = accusedMs.filter((ms) => ms !== null);
      if (atMs.length === 0) continue;
      for (const other of fleet) {
        if (other.deployment.service === deployment.service) continue;
        if (reaches(other.deployment, speaking)) addAround(other.row, starts, atMs, watchMs, found);
      }
    }
  }
  return found;
}

/** The deployments of a case, service and environment in the order they started. */
interface Row {
  readonly row: ArrayLike<number>;
  /** One of them. */
  readonly deployment: Deployment;
}

function reaches(
  { service, callers, dependants }: Deployment,
  services: ReadonlySet<string>,
): boolean {
  return [service, ...(callers ?? []), ...(dependants ?? [])].some((name) => services.has(name));
}

/** Adds those of a row that are under watch together with one that started at these times. */
function addAround(
  row: ArrayLike<number>,
  starts: Float64Array,
  atMs: readonly number[],
  watchMs: number,
  found: Set<number>,
): void {
  let place = 0;
  for (const ms of atMs) {
    while (place < row.length && starts[row[place]!]! < ms - watchMs) place++;
    for (; place < row.length && starts[row[place]!]! <= ms + watchMs; place++) {
      found.add(row[place]!);
    }
  }
}
