/**
 * Finds the deployment on which the engine throws, so that the host can hold that one and go on
 * with all others. An event often concerns many watches (samples, time), so the event is tried
 * again with some of the deployments only. `handle` is pure: a trial changes nothing.
 */

import {
  assertSayable,
  controllerDueAtMs,
  handle,
  type ControllerState,
  type ControllerStep,
  type Event,
  type Policy,
} from "../../engine/index.ts";

/**
 * One step of the engine whose result is sure to be usable: the journal can write it, and the time
 * of the next timer can be told.
 *
 * @throws whatever the engine throws
 */
export function stepOrThrow(policy: Policy, state: ControllerState, event: Event): ControllerStep {
  const step = handle(policy, state, event);
  for (const { event: handled, records } of step.handled) assertSayable([handled, records]);
  controllerDueAtMs(policy, step.state);
  return step;
}

/**
 * The deployment on which the engine throws; null where it throws without any deployment, or where
 * it does not throw when tried again.
 *
 * A binary search over how many of the deployments are there: with none of them the engine does not
 * throw, with all it does, so there is one whose presence makes the difference.
 */
export function culpritOf(policy: Policy, state: ControllerState, event: Event): string | null {
  const own = subjectOf(event);
  const others = idsOf(state).filter((id) => id !== own);
  // The subject of the event comes last: without it the event concerns no deployment that is there.
  const ids = own === null ? others : [...others, own];
  const throws = (count: number): boolean => {
    try {
      stepOrThrow(policy, reducedTo(state, new Set(ids.slice(0, count))), event);
      return false;
    } catch {
      return true;
    }
  };
  if (throws(0)) return own;
  if (!throws(ids.length)) return null;
  let [without, withIt] = [0, ids.length];
  while (withIt - without > 1) {
    const middle = Math.floor((without + withIt) / 2);
    if (throws(middle)) withIt = middle;
    else without = middle;
  }
  return ids[withIt - 1]!;
}

/** The deployment that an event is about; null where it is about several or none. */
export function subjectOf(event: Event): string | null {
  if (event.kind === "deploymentStarted") return event.deployment.deploymentId;
  if (event.kind === "deploymentTagged") return event.tag.deploymentId;
  return "deploymentId" in event ? event.deploymentId : null;
}

/** The deployment whose timer is due first; null where none waits. */
export function firstDue(policy: Policy, state: ControllerState): string | null {
  let [first, firstMs] = [null as string | null, Number.POSITIVE_INFINITY];
  for (const id of idsOf(state)) {
    const dueAtMs = controllerDueAtMs(policy, reducedTo(state, new Set([id])));
    if (dueAtMs < firstMs) [first, firstMs] = [id, dueAtMs];
  }
  return first;
}

function idsOf({ watches, fleet }: ControllerState): string[] {
  const ofFleet = [...fleet.ended, ...fleet.deployments].map((one) => one.deployment.deploymentId);
  return [...new Set([...ofFleet, ...watches.keys()])];
}

/** The state as if only these deployments were there. */
function reducedTo(state: ControllerState, ids: ReadonlySet<string>): ControllerState {
  const { fleet, watches } = state;
  const isThere = ({ deployment }: (typeof fleet.deployments)[number]): boolean =>
    ids.has(deployment.deploymentId);
  return {
    ...state,
    fleet: {
      ...fleet,
      deployments: fleet.deployments.filter(isThere),
      ended: fleet.ended.filter(isThere),
    },
    watches: new Map([...watches].filter(([id]) => ids.has(id))),
  };
}
