/**
 * Makes the rows of a sweep's table: every policy decides over the whole history and is reduced to
 * its sums at once. Of policies that cannot decide differently only one decides.
 */

import type { Policy } from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import type { EvaluateOptions } from "../compare/evaluate.ts";
import { isWithin, type Within } from "../compare/within.ts";
import type { History } from "../history/open.ts";
import type { AlikeOutcomes } from "../outcome/alike.ts";
import type { Listed } from "../history/listed.ts";
import { outcomesOf, type Outcome } from "../outcome/outcome.ts";
import { recoveryOf, type Recovery } from "../outcome/recovery.ts";
import { choosePeople, type PeopleChoice } from "../people/choose.ts";
import type { Responder } from "../people/recorded.ts";
import { detectionKey } from "../replay/families.ts";
import type { Plan } from "../replay/plan.ts";
import type { JudgedBefore } from "../replay/judgements.ts";
import { watchHistory, type PolicyReplay } from "../replay/replay.ts";
import { DEFAULT_COSTS, pricedFor, type Costs } from "../score/costs.ts";
import { neverOutcomes, oracleOutcomes } from "./anchors.ts";
import { stretchAt } from "./periods.ts";
import { NO_CELL, tableMaker, type SweepTable, type TableMaker } from "./table.ts";
import { twinsOf, type Twins } from "./twins.ts";

/** How many different sets of judgements are held in memory at once. */
const DETECTIONS_AT_ONCE = 48;
/** A sweep continues nothing that history hid; only its last check does. */
const NOTHING_IMAGINED: ReadonlySet<number> = new Set();

export interface RowOptions {
  readonly people: PeopleChoice;
  readonly costs: Costs;
  readonly seed: number;
  readonly edgesMs: readonly number[];
  /** Only deployments that start within this time are counted. */
  readonly within?: Within | undefined;
}

/** Makes rows of the table, of policies and of the anchors. */
export interface RowMaker {
  readonly people: Responder;
  readonly recovery: Recovery;
  readonly services: readonly string[];
  /**
   * The row of a policy. It is that of an earlier policy of the plan where they come to the same.
   *
   * @param alike shared by policies that were watched together
   */
  readonly rowOf: (plan: Plan, decided: PolicyReplay, alike: AlikeOutcomes) => Float64Array;
  /** The rows of `never` and of the oracle. */
  readonly anchorsOf: (plan: Plan, base: PolicyReplay) => readonly [Float64Array, Float64Array];
  /** The counts of the table, which are the same for all policies; known after the first row. */
  readonly counts: () => SweepTable["counts"];
}

export function rowMaker(
  history: History,
  { people: choice, costs, seed, edgesMs, within }: RowOptions,
): RowMaker {
  const people = choosePeople(history, choice, seed).responder(0);
  const recovery = recoveryOf(history.tables, seed);
  const services = servicesOf(history, within);
  const zones = new Map(history.tables.services.map((row) => [row.service, row.timezone]));
  const scoring = {
    costs: pricedFor(history.tables.services, costs),
    timezoneOf: (service: string) => zones.get(service) ?? null,
  };
  const twinsIn = new WeakMap<Plan, Twins>();
  let maker: TableMaker | null = null;
  const make = (outcomes: Listed<Outcome>): Float64Array => {
    const cells = services.length * (edgesMs.length - 1);
    maker ??= tableMaker(cellsOf(outcomes, services, edgesMs, within), cells, outcomes, scoring);
    return maker.rowOf(outcomes);
  };
  return {
    people,
    recovery,
    services,
    rowOf: (plan, decided, alike) => {
      let twins = twinsIn.get(plan);
      if (twins === undefined) twinsIn.set(plan, (twins = twinsOf(plan)));
      const twin = twins.find(decided.policy);
      if (twin !== null) return twin;
      const shown = { plan, imagined: NOTHING_IMAGINED };
      const outcomes = outcomesOf(history, shown, decided, people, recovery, alike);
      const row = make(outcomes);
      twins.keep(decided, row);
      return row;
    },
    anchorsOf: (plan, base) => {
      const never = neverOutcomes(history, plan, base, people, recovery);
      return [make(never), make(oracleOutcomes(never, recovery))];
    },
    counts: () => maker!.counts,
  };
}

/** The port for a sweep's table: `direct` from samples, or through a store (lab/scale/rows.ts). */
export interface Tables {
  readonly of: (
    history: History,
    policies: readonly Policy[],
    edgesMs: readonly number[],
    options: TableOptions,
  ) => Promise<Tabled>;
}

export type TableOptions = Pick<
  EvaluateOptions,
  "people" | "costs" | "seed" | "within" | "progress"
>;

export interface Tabled {
  /** The rows of all policies, then those of `never` and of the oracle. */
  readonly table: SweepTable;
  readonly detections: number;
  readonly passes: number;
  /** The judgements of all policies; null where those of earlier passes were dropped. */
  readonly judged: JudgedBefore | null;
}

export async function tableOf(
  history: History,
  policies: readonly Policy[],
  edgesMs: readonly number[],
  { people, costs = DEFAULT_COSTS, seed, within, progress }: TableOptions,
): Promise<Tabled> {
  const maker = rowMaker(history, { people, costs, seed, edgesMs, within });
  const rows = new Array<Float64Array>(policies.length + 2);
  const judged: JudgedBefore[number][] = new Array<JudgedBefore[number]>(policies.length);
  const { batches, detections } = inBatches(policies);
  const keeps = batches.length === 1;
  let done = 0;
  for (const batch of batches) {
    const watched = await watchHistory(
      history,
      batch.map((index) => policies[index]!),
      progress,
      { glances: true },
    );
    const { plan } = watched;
    const alike: AlikeOutcomes = new Map();
    for (const [place, index] of batch.entries()) {
      await breathe(progress, done++, policies.length);
      if (keeps) judged[index] = watched.judged[place]!;
      const decided = watched.decide(place, maker.people, maker.recovery);
      rows[index] = maker.rowOf(plan, decided, alike);
      if (index > 0) continue;
      [rows[policies.length], rows[policies.length + 1]] = maker.anchorsOf(plan, decided);
    }
  }
  progress.end();
  const table = { services: maker.services, edgesMs, counts: maker.counts(), rows };
  return { table, detections, passes: batches.length, judged: keeps ? judged : null };
}

/** Indices of policies in batches, those that judge alike together; one pass detects a batch. */
export function inBatches(policies: readonly Policy[]): {
  readonly batches: readonly (readonly number[])[];
  readonly detections: number;
} {
  const groups = new Map<string, number[]>();
  policies.forEach((policy, index) => {
    const key = detectionKey(policy);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  });
  const all = [...groups.values()];
  const batches: number[][] = [];
  for (let at = 0; at < all.length; at += DETECTIONS_AT_ONCE) {
    batches.push(all.slice(at, at + DETECTIONS_AT_ONCE).flat());
  }
  return { batches, detections: all.length };
}

export function servicesOf({ tables }: History, within: Within | undefined): readonly string[] {
  const inside = tables.deployments.filter(({ startedAtMs }) => isWithin(within, startedAtMs));
  return [...new Set(inside.map(({ service }) => service))].sort();
}

/** Yields to the event loop now and then, so that Ctrl-C is heard. */
export async function breathe(progress: Progress, done: number, total: number): Promise<void> {
  if (done % 16 > 0) return;
  progress.update(done, total, "deciding under variations");
  await new Promise((resolve) => setImmediate(resolve));
}

function cellsOf(
  outcomes: Listed<Outcome>,
  services: readonly string[],
  edgesMs: readonly number[],
  within: Within | undefined,
): Int32Array {
  const places = new Map(services.map((service, at) => [service, at]));
  return Int32Array.from(outcomes, ({ service, startedAtMs }) =>
    isWithin(within, startedAtMs)
      ? stretchAt(edgesMs, startedAtMs) * services.length + places.get(service)!
      : NO_CELL,
  );
}
