/**
 * Rivals: deployments that may explain the breach of another one. Attribution
 * (engine/decide/attribution.ts) considers every deployment that is under watch at the time, also
 * quiet ones, because a series of a third service may depend on both. So they must be decided in
 * one fold with those whose breach they may explain.
 */

import { servicesOf, type Deployment, type Policy } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import { startsMs } from "./order.ts";
import type { Plan } from "./plan.ts";

/** Does a policy watch other services than the deployed one, and ask what else may move them? */
export function asksOthers({ attribution, signals }: Policy): boolean {
  return attribution === "on" && signals.some(({ of }) => of.some((whose) => whose !== "own"));
}

/**
 * The places of all deployments, quiet or not, that may explain the breach of one that is not
 * quiet: those of another service, under watch at the same time, that can affect a service whose
 * series are watched for the other one.
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
    // Callers depend on the service alone, so one deployment of a row stands for all.
    const { deployment, caseId } = deployments.at(row[0]!)!;
    const fleet = JSON.stringify([caseId, deployment.environment]);
    getOrMake(fleets, fleet, () => []).push({ row, deployment });
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
