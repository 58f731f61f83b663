/**
 * A controller's state as text and back, for a host that restarts. JSON has no form for numbers
 * that are not finite, for minus zero and for typed arrays, so these are written as marked objects.
 * A state that was written and read again decides exactly as before.
 */

import { assert } from "./assert.ts";
import type { ControllerState } from "./controller.ts";
import type { Open } from "./learn/lessons.ts";
import type { Policy } from "./policy/policy.ts";

const MARK = "$number";
const COLUMN = "$column";
const ODD = new Map<string, number>([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);

/** The state as JSON text; see `restore`. */
export function serialise(state: ControllerState): string {
  return JSON.stringify(state, (_key, value: unknown) => written(value));
}

/**
 * The state that `serialise` wrote, also one that an older engine wrote.
 *
 * @throws SyntaxError where the text is no JSON; its content is not checked
 */
export function restore(text: string): ControllerState {
  const state = JSON.parse(text, (_key, value: unknown) => read(value)) as ControllerState;
  const { fleet } = state;
  const { learning } = fleet;
  const breaches = listFrom(fleet.breaches, (service, atMs: number) => ({ service, atMs })).map(
    inAny,
  );
  const policies = listFrom(fleet.policies, (_digest, policy: Policy) => policy);
  const open = listFrom(learning.open, (deploymentId, one: Omit<Open, "deploymentId">) => ({
    deploymentId,
    ...one,
  }));
  breaches.sort((a, b) => a.atMs - b.atMs);
  const rollbacks = fleet.rollbacks.map(inAny);
  // An older engine had one flag for all environments. It is dropped, so that a storm which is on
  // pages once more.
  const stormPaged = isList(fleet.stormPaged) ? fleet.stormPaged : [];
  const told = { ...learning, open };
  return {
    ...state,
    fleet: { ...fleet, rollbacks, breaches, stormPaged, policies, learning: told },
  };
}

/** Adds the environment null, which means any, to what an older engine wrote without one. */
function inAny<Past extends object>(past: Past): Past & { readonly environment: string | null } {
  return { environment: null, ...past };
}

/** The list; an older engine wrote a record by name in its place. */
function listFrom<Item, Older>(
  written: readonly Item[] | Readonly<Record<string, Older>>,
  make: (name: string, older: Older) => Item,
): Item[] {
  if (isList(written)) return [...written];
  return Object.entries(written).map(([name, older]) => make(name, older));
}

function isList<Item>(written: readonly Item[] | object): written is readonly Item[] {
  return Array.isArray(written);
}

function written(value: unknown): unknown {
  if (typeof value === "number") {
    if (Object.is(value, -0)) return { [MARK]: "-0" };
    return Number.isFinite(value) ? value : { [MARK]: String(value) };
  }
  if (!ArrayBuffer.isView(value)) return value;
  assert(value instanceof Float64Array, "a state holds columns of doubles and no others");
  return { [COLUMN]: Array.from(value) };
}

function read(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (MARK in value) return ODD.get(String(value[MARK]));
  if (COLUMN in value) return Float64Array.from(value[COLUMN] as number[]);
  return value;
}
