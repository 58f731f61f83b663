/**
 * A controller's state as text and back, for a host that restarts. What JSON does not know
 * is marked: numbers that are not finite, minus zero, and columns of numbers. A state that
 * was written and read again decides as the one that was not.
 */

import { assert } from "./assert.ts";
import type { ControllerState } from "./controller.ts";
import type { FleetState } from "./decide/state.ts";

const MARK = "$number";
const COLUMN = "$column";
const ODD = new Map<string, number>([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);

export function serialise(state: ControllerState): string {
  return JSON.stringify(state, (_key, value: unknown) => written(value));
}

/** @throws when the text is no JSON; what it says is not checked. */
export function restore(text: string): ControllerState {
  const state = JSON.parse(text, (_key, value: unknown) => read(value)) as ControllerState;
  const breaches: FleetState["breaches"] | OlderBreaches = state.fleet.breaches;
  return isList(breaches)
    ? state
    : { ...state, fleet: { ...state.fleet, breaches: inOrder(breaches) } };
}

function isList(
  breaches: FleetState["breaches"] | OlderBreaches,
): breaches is FleetState["breaches"] {
  return Array.isArray(breaches);
}

/** As a state had them that was written before they were a list: by service. */
type OlderBreaches = Readonly<Record<string, number>>;

function inOrder(breaches: OlderBreaches): FleetState["breaches"] {
  const list = Object.entries(breaches).map(([service, atMs]) => ({ service, atMs }));
  return list.sort((a, b) => a.atMs - b.atMs);
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
