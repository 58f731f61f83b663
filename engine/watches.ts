/**
 * Looks at all watches of a controller at once. Nearly every event is about one deployment, so what
 * is known of a watch that did not change is looked up and not computed again.
 *
 * The look-ups (`WeakMap`s by state) hold only what follows from a state, and a state never
 * changes.
 */

import {
  deploymentOf,
  nextDueAtMs,
  policyOf,
  type DeploymentState,
  type FleetState,
} from "./decide/state.ts";
import { witnessesOf } from "./detect/silence.ts";
import { watchDueAtMs, type WatchState } from "./detect/watch.ts";
import type { SampleColumn } from "./event.ts";
import { servicesOf, type Policy } from "./policy/policy.ts";

/** The policy that the watch of a deployment is under: the one that it started under. */
export type PolicyFor = (deploymentId: string) => Policy;

/** Works it out once for all deployments that started under the same policy. */
export function policiesFor(current: Policy, fleet: FleetState): PolicyFor {
  const known = new Map([[current.digest, current]]);
  return (id) => {
    const state: DeploymentState | undefined = deploymentOf(fleet, id);
    if (state === undefined) return current;
    let policy = known.get(state.policyDigest);
    if (policy === undefined) {
      policy = policyOf(fleet, current, state);
      known.set(state.policyDigest, policy);
    }
    return policy;
  };
}

interface Due {
  readonly digest: string;
  readonly atMs: number;
}
const DUE = new WeakMap<WatchState, Due>();

/** When something next happens to a watch without a sample. */
export function dueAtMsOf(policy: Policy, watch: WatchState): number {
  const { digest } = policy;
  const known = DUE.get(watch);
  if (known?.digest === digest) return known.atMs;
  const atMs = watchDueAtMs(policy, watch);
  DUE.set(watch, { digest, atMs });
  return atMs;
}

interface Controlled {
  readonly fleet: FleetState;
  readonly watches: ReadonlyMap<string, WatchState>;
}
const ALL_DUE = new WeakMap<Controlled, Due>();

/** When the host must report `clockAdvanced` at the latest; Infinity where nothing is watched. */
export function controllerDueAtMs(policy: Policy, state: Controlled): number {
  const { digest } = policy;
  const known = ALL_DUE.get(state);
  if (known?.digest === digest) return known.atMs;
  const policyFor = policiesFor(policy, state.fleet);
  let atMs = nextDueAtMs(state.fleet);
  for (const [id, watch] of state.watches) {
    atMs = Math.min(atMs, dueAtMsOf(policyFor(id), watch));
  }
  ALL_DUE.set(state, { digest, atMs });
  return atMs;
}

/** Does `advanceWatch` with these times leave the watch as it is? */
export function staysAsItIs(
  policy: Policy,
  watch: WatchState,
  toMs: number,
  judgedToMs: number,
): boolean {
  for (const { pending } of watch.signals.values()) {
    if (pending.some(({ knownAtMs }) => knownAtMs <= judgedToMs)) return false;
  }
  return dueAtMsOf(policy, watch) > toMs;
}

/** Picks those columns that a watch may use, in their order. */
export type ColumnsFor = (policy: Policy, watch: WatchState) => readonly SampleColumn[];

/**
 * Picks columns out of thousands. A watch would ignore the others anyway; this saves asking it
 * about each.
 */
export function byService(columns: readonly SampleColumn[]): ColumnsFor {
  const places = new Map<string, number[]>();
  columns.forEach(({ series: { service } }, at) => {
    const list = places.get(service);
    if (list === undefined) places.set(service, [at]);
    else list.push(at);
  });
  const names = [...places.keys()].sort();
  return (policy, watch) => {
    // Peers may be series of any service.
    if (watch.context?.controls !== undefined) return columns;
    const { deployment, silence } = watch;
    const services = policy.signals.flatMap((one) => [...servicesOf(one, deployment)]);
    const witnesses = silence === undefined ? [] : witnessesOf(deployment.service, names);
    const found = [...new Set([...services, ...witnesses])].flatMap(
      (service) => places.get(service) ?? [],
    );
    return found.sort((a, b) => a - b).map((at) => columns[at]!);
  };
}

const PAST = new WeakMap<ReadonlyMap<string, SampleColumn>, ColumnsFor>();

/** The same for the recent samples: several deployments may start between two batches. */
export function recentByService(recent: ReadonlyMap<string, SampleColumn>): ColumnsFor {
  let picked = PAST.get(recent);
  if (picked === undefined) PAST.set(recent, (picked = byService([...recent.values()])));
  return picked;
}
