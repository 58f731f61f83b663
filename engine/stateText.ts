/**
 * A controller's state as text and back, for a host that restarts. JSON has no form for numbers
 * that are not finite, for minus zero and for typed arrays, so these are written as marked objects.
 * A state that was written and read again decides exactly as before.
 */

import { assert } from "./assert.ts";
import type { ControllerState } from "./controller.ts";
import type { DeploymentState } from "./decide/state.ts";
import type { SignalState } from "./detect/publish.ts";
import type { SilenceState } from "./detect/silence.ts";
import type { WatchState } from "./detect/watch.ts";
import type { PreparedContext, SignalEvidence } from "./event.ts";
import { jsonObject, type JsonObject } from "./json.ts";
import type { Open } from "./learn/lessons.ts";
import type { Policy } from "./policy/policy.ts";

const MARK = "$number";
const COLUMN = "$column";
/** A map is written as the list of its entries: no name from outside is a key of an object. */
const MAP = "$map";
/** An object with a key that looks like a mark. */
const OBJECT = "$object";
const MARKS: readonly string[] = [MARK, COLUMN, MAP, OBJECT];
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
  const deployments = fleet.deployments.map(judgedFrom);
  const ended = fleet.ended.map(judgedFrom);
  const past = { rollbacks, breaches, stormPaged, policies, learning: told };
  const { prepared } = state;
  return {
    ...state,
    fleet: { ...fleet, deployments, ended, ...past },
    watches: mapFrom(state.watches, watchFrom),
    recent: mapFrom(state.recent),
    ...(prepared === undefined ? {} : { prepared: mapFrom(prepared, readContext) }),
  };
}

/** A prepared context as a log or an older state has it: its maps are objects there. */
export function readContext(written: PreparedContext): PreparedContext {
  const { seasons, placebos, controls } = written;
  return {
    ...written,
    seasons: mapFrom(seasons),
    ...(placebos === undefined ? {} : { placebos: mapFrom(placebos) }),
    ...(controls === undefined ? {} : { controls: mapFrom(controls) }),
  };
}

function judgedFrom(state: DeploymentState): DeploymentState {
  return { ...state, signals: listFrom(state.signals, (_name, one: SignalEvidence) => one) };
}

function watchFrom(watch: WatchState): WatchState {
  return {
    ...watch,
    context: watch.context === null ? null : readContext(watch.context),
    signals: mapFrom(watch.signals, (signal: SignalState): SignalState => ({
      ...signal,
      tracks: mapFrom(signal.tracks),
      exposures: mapFrom(signal.exposures),
      published: mapFrom(signal.published),
    })),
    peers: mapFrom(watch.peers),
    ...(watch.silence === undefined ? {} : { silence: silenceFrom(watch.silence) }),
    // An engine before 0.4.0 kept none.
    oldVersions: mapFrom((watch as Partial<WatchState>).oldVersions ?? new Map()),
  };
}

function silenceFrom(silence: SilenceState): SilenceState {
  return { ...silence, own: mapFrom(silence.own), others: mapFrom(silence.others) };
}

/** The map; an older engine wrote an object in its place. */
function mapFrom<Value>(
  written: ReadonlyMap<string, Value> | JsonObject<Value>,
  each: (value: Value) => Value = (value) => value,
): ReadonlyMap<string, Value> {
  const entries = written instanceof Map ? [...written] : Object.entries(written);
  return new Map((entries as [string, Value][]).map(([name, value]) => [name, each(value)]));
}

/** Adds the environment null, which means any, to what an older engine wrote without one. */
function inAny<Past extends object>(past: Past): Past & { readonly environment: string | null } {
  return { environment: null, ...past };
}

/** The list; an older engine wrote a record by name in its place. */
function listFrom<Item, Older>(
  written: readonly Item[] | JsonObject<Older>,
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
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return { [MAP]: [...(value as ReadonlyMap<string, unknown>)] };
  if (ArrayBuffer.isView(value)) {
    assert(value instanceof Float64Array, "a state holds columns of doubles and no others");
    return { [COLUMN]: Array.from(value) };
  }
  return MARKS.some((mark) => Object.hasOwn(value, mark))
    ? { [OBJECT]: Object.entries(value) }
    : value;
}

function read(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (MARK in value) return ODD.get(String(value[MARK]));
  if (COLUMN in value) return Float64Array.from(value[COLUMN] as number[]);
  if (MAP in value) return new Map(value[MAP] as [string, unknown][]);
  if (OBJECT in value) return jsonObject(value[OBJECT] as [string, unknown][]);
  return value;
}
