/**
 * Cuts the deployments of a plan into shards, and makes the keys of their results.
 *
 * Deployments are sorted by service and cut whenever a number of sample windows is reached. So
 * shards take about equally long, and the cuts depend only on the history and the policies, never
 * on who works on them.
 */

import {
  calibrationKey,
  canonicalJson,
  controlKey,
  SEASON_DAYS,
  selectionKey,
  type Policy,
} from "../../engine/index.ts";
import { detectionKey } from "../replay/families.ts";
import { startsMs } from "../replay/order.ts";
import type { Plan } from "../replay/plan.ts";
import { keyOf } from "./identity.ts";

export interface Shard {
  /** The key of its results in the store. */
  readonly key: string;
  /** Indices of deployments in the plan, ascending. */
  readonly places: readonly number[];
}

export function cutIntoShards(
  basis: string,
  plan: Plan,
  policies: readonly Policy[],
  windowsAtLeast: number,
): Shard[] {
  // Group by service first: within a service, deployments are mostly sorted already.
  const placesOf = new Map<string, number[]>();
  plan.deployments.forEach(({ deployment: { service } }, place) => {
    const own = placesOf.get(service);
    if (own === undefined) placesOf.set(service, [place]);
    else own.push(place);
  });
  const starts = startsMs(plan.deployments);
  const order = [...placesOf.keys()]
    .sort()
    .flatMap((service) => placesOf.get(service)!.sort((a, b) => starts[a]! - starts[b]! || a - b));
  const seen = planIdentity(plan, policies);
  const shards: Shard[] = [];
  let places: number[] = [];
  let windows = 0;
  const close = (): void => {
    if (places.length === 0) return;
    places.sort((a, b) => a - b);
    const ids = places.map((place) => plan.deployments.at(place)!.deployment.deploymentId);
    shards.push({ key: keyOf("shard", basis, seen, JSON.stringify(ids)), places });
    places = [];
    windows = 0;
  };
  for (const place of order) {
    const { series, peers } = plan.deployments.at(place)!;
    for (const { season } of series) windows += season === null ? 1 : 1 + SEASON_DAYS;
    windows += peers.length;
    places.push(place);
    if (windows >= windowsAtLeast) close();
  }
  close();
  return shards;
}

/**
 * Identifies the parts of a plan that depend on the policies: what a deployment can see depends on
 * all policies of a question together.
 */
export function planIdentity(plan: Plan, policies: readonly Policy[]): string {
  const { lookAheadMs, season, placebos, controlled, matching } = plan;
  const distinct = (all: readonly unknown[]): string[] =>
    [...new Set(all.map((one) => canonicalJson(one)))].sort();
  const signals = policies.flatMap((policy) =>
    policy.signals.map((signal) => ({ policy, signal })),
  );
  return keyOf("plan", {
    lookAheadMs,
    season,
    controlled: controlled.map((signal) => [
      controlKey("", signal),
      selectionKey(signal),
      signal.of,
      signal.counter ?? null,
    ]),
    matching,
    looks: distinct(
      signals.map(({ signal }) => [selectionKey(signal), signal.of, signal.exposure ?? null]),
    ),
    passes: distinct(
      policies.flatMap(({ context }) =>
        context.flatMap(({ tag, forMs, quietsDependants }) =>
          quietsDependants ? [[tag, forMs]] : [],
        ),
      ),
    ),
    calibrated: placebos
      ? distinct(
          signals.flatMap(({ policy, signal }) =>
            signal.calibrate === undefined
              ? []
              : [[selectionKey(signal), calibrationKey(signal, policy.watchMs)]],
          ),
        )
      : null,
  });
}

/** A shard as a plan of its own, in which each deployment sees what it sees in the whole plan. */
export function planOf(plan: Plan, { places }: Shard): Plan {
  const deployments = places.map((place) => plan.deployments.at(place)!);
  const named = deployments.map(({ deployment }, at) => [deployment.deploymentId, at] as const);
  return { ...plan, deployments, places: new Map(named), rows: [] };
}

/** Policies with the same detection. `key` names their judgements; `leader` stands for all. */
export interface Group {
  readonly key: string;
  readonly leader: Policy;
  readonly members: readonly number[];
}

export function groupsOf(policies: readonly Policy[]): Group[] {
  const groups = new Map<string, { key: string; leader: Policy; members: number[] }>();
  policies.forEach((policy, index) => {
    const detection = detectionKey(policy);
    const known = groups.get(detection);
    if (known !== undefined) known.members.push(index);
    else
      groups.set(detection, { key: keyOf("group", detection), leader: policy, members: [index] });
  });
  return [...groups.values()];
}
