/**
 * A sweep's table by batches of policies, through the store: stored rows are read; missing ones are
 * decided (by workers, if there are any) and stored.
 *
 * A unit of work is one batch of policies over the judgements of all shards. Deciding a policy is
 * one fold over all services, so work is divided by policy, not by service.
 */

import type { Policy } from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import { withinText } from "../compare/within.ts";
import { isStored, type History } from "../history/open.ts";
import type { AlikeOutcomes } from "../outcome/alike.ts";
import { peopleContent } from "../people/choose.ts";
import { quietMemory } from "../replay/beginning.ts";
import { decisionsOf } from "../replay/decide.ts";
import { detectionKey } from "../replay/families.ts";
import type { Plan } from "../replay/plan.ts";
import { DEFAULT_COSTS } from "../score/costs.ts";
import { meaningIn } from "../sweep/twins.ts";
import {
  breathe,
  inBatches,
  rowMaker,
  servicesOf,
  tableOf,
  type RowOptions,
  type TableOptions,
  type Tabled,
  type Tables,
} from "../sweep/rows.ts";
import type { CountName, SweepTable } from "../sweep/table.ts";
import { basisOf, keyOf } from "./identity.ts";
import { judgeAhead, judgeByShards, type ShardedOptions } from "./judge.ts";
import { groupsOf, planIdentity } from "./shards.ts";
import { planThrough } from "./judgements.ts";
import type { Scale } from "./scale.ts";
import type { Store } from "./store.ts";

/** Policies in a batch: enough to benefit from the caches that a batch shares. */
const POLICIES_A_UNIT = 16;

/** The common part of all units of a question, and the units. */
export interface RowsQuestion {
  readonly kind: "rows";
  readonly basis: string;
  readonly shardWindows: number;
  /** The key of the rows in the store. */
  readonly key: string;
  /** One policy for each detection; the plan depends on all of them together. */
  readonly leaders: readonly Policy[];
  readonly policies: readonly Policy[];
  /** By policy: the name of its row. */
  readonly names: readonly string[];
  /** The row name of the incumbent, whose unit also makes the anchors; null: not needed. */
  readonly anchors: string | null;
  readonly options: RowOptions;
  /** Batches, as indices of policies. */
  readonly units: readonly (readonly number[])[];
}

interface Rows {
  readonly rows: readonly { readonly name: string; readonly row: Float64Array }[];
  readonly anchors: Anchors | null;
}

interface Anchors {
  readonly never: Float64Array;
  readonly oracle: Float64Array;
  readonly counts: Readonly<Record<CountName, Float64Array>>;
}

/** Decides the policies of one unit. */
export type Decider = (unit: readonly number[]) => Promise<Rows>;

/** Reads or computes the judgements that all units of a question need. */
export async function deciderOf(
  history: History,
  plan: Plan,
  question: RowsQuestion,
  options: ShardedOptions,
): Promise<Decider> {
  const { leaders, policies, names } = question;
  const { judged } = await judgeByShards(history, plan, leaders, options);
  const byDetection = new Map(leaders.map((leader, at) => [detectionKey(leader), judged[at]!]));
  const maker = rowMaker(history, question.options);
  const quiet = quietMemory(true);
  const alike: AlikeOutcomes = new Map();
  return async (unit) => {
    let anchors: Anchors | null = null;
    const rows: { name: string; row: Float64Array }[] = [];
    for (const at of unit) {
      const policy = policies[at]!;
      const own = byDetection.get(detectionKey(policy))!;
      const { people, recovery } = maker;
      const decided = decisionsOf(plan, policy, own, people, recovery, quiet);
      rows.push({ name: names[at]!, row: maker.rowOf(plan, decided, alike) });
      if (names[at] === question.anchors) {
        const [never, oracle] = maker.anchorsOf(plan, decided);
        anchors = { never, oracle, counts: { ...maker.counts() } };
      }
      // Lets other work run: Ctrl-C, and the renewal of a lease.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { rows, anchors };
  };
}

/** Stores the result of a unit. @returns false where it could not be stored */
export function writeRows(store: Store, { key, anchors }: RowsQuestion, made: Rows): boolean {
  const entries = made.rows.map(({ name }) => rowEntry(name));
  if (made.anchors !== null && anchors !== null) entries.push(anchorsEntry(anchors));
  return store.write(key, keyOf("pack", entries), entries, made);
}

const rowEntry = (name: string): string => `row ${name}`;
const anchorsEntry = (name: string): string => `anchors ${name}`;

/** The port `Tables` through the store; a history that is not stored is tabled from its samples. */
export function storedTables(scale: Scale): Tables {
  return {
    of: (history, policies, edgesMs, options) =>
      isStored(history)
        ? tableThrough(scale, history, policies, edgesMs, options)
        : tableOf(history, policies, edgesMs, options),
  };
}

async function tableThrough(
  scale: Scale,
  history: History,
  policies: readonly Policy[],
  edgesMs: readonly number[],
  { people, costs = DEFAULT_COSTS, seed, within, progress }: TableOptions,
): Promise<Tabled> {
  const { store } = scale;
  const work = scale.work(history);
  const basis = basisOf(history);
  const options: RowOptions = { people, costs, seed, edgesMs, within };
  const rows = new Array<Float64Array>(policies.length + 2);
  const { batches, detections } = inBatches(policies);
  let counts: SweepTable["counts"] | null = null;
  for (const batch of batches) {
    const own = batch.map((index) => policies[index]!);
    const plan = await planThrough(scale, history, own);
    const leaders = groupsOf(own).map(({ leader }) => leader);
    const stretch = within === undefined ? null : withinText(within);
    const who = [peopleContent(people), costs, seed, edgesMs, stretch];
    const key = keyOf("rows", basis, planIdentity(plan, leaders), who);
    const meaning = meaningIn(plan);
    const names = own.map((policy) => keyOf(detectionKey(policy), meaning(policy)));
    const wanted = new Map(names.map((name, at) => [name, own[at]!]));
    const anchors = batch.includes(0) ? names[batch.indexOf(0)]! : null;
    const found = new FoundRows(store, key);
    found.read([...wanted.keys()], anchors);
    // Count only wanted rows: packs also have rows of other sweeps.
    const there = [...wanted.keys()].filter((name) => found.rows.has(name)).length;
    scale.tell?.({ policies: wanted.size, there });
    if (!found.has([...wanted.keys()], anchors)) {
      const missing = [...wanted].filter(
        ([name]) => !found.rows.has(name) || (name === anchors && found.anchors === null),
      );
      const question: RowsQuestion = {
        kind: "rows",
        basis,
        shardWindows: scale.shardWindows,
        key,
        leaders,
        policies: missing.map(([, policy]) => policy),
        names: missing.map(([name]) => name),
        anchors,
        options,
        units: unitsOf(missing.length),
      };
      const sharded: ShardedOptions = {
        store,
        work,
        basis,
        shardWindows: scale.shardWindows,
        lookBackAtMostMs: null,
        futures: null,
        digests: false,
        judged: null,
        glances: true,
        progress,
      };
      if (work !== null && question.units.length > 1) {
        await judgeAhead(plan, leaders, sharded);
        await work(question, progress);
        found.read([...wanted.keys()], anchors);
      }
      await decideHere(history, plan, question, sharded, found, progress);
    }
    batch.forEach((index, at) => (rows[index] = found.rows.get(names[at]!)!));
    if (found.anchors === null || anchors === null) continue;
    rows[policies.length] = found.anchors.never;
    rows[policies.length + 1] = found.anchors.oracle;
    counts = found.anchors.counts;
  }
  progress.end();
  const table = { services: servicesOf(history, within), edgesMs, counts: counts!, rows };
  return { table, detections, passes: batches.length, judged: null };
}

/** Decides here what no worker was asked for, or what was lost. */
async function decideHere(
  history: History,
  plan: Plan,
  question: RowsQuestion,
  sharded: ShardedOptions,
  found: FoundRows,
  progress: Progress,
): Promise<void> {
  const isOpen = (at: number): boolean => {
    const name = question.names[at]!;
    return !found.rows.has(name) || (name === question.anchors && found.anchors === null);
  };
  const units = question.units
    .map((unit) => unit.filter(isOpen))
    .filter(({ length }) => length > 0);
  if (units.length === 0) return;
  const decide = await deciderOf(history, plan, question, sharded);
  let done = 0;
  for (const unit of units) {
    const made = await decide(unit);
    writeRows(sharded.store, question, made);
    found.add(made);
    await breathe(progress, 16 * done++, 16 * units.length);
  }
}

function unitsOf(policies: number): number[][] {
  const units: number[][] = [];
  for (let from = 0; from < policies; from += POLICIES_A_UNIT) {
    const length = Math.min(POLICIES_A_UNIT, policies - from);
    units.push(Array.from({ length }, (_, at) => from + at));
  }
  return units;
}

/** The rows that are known, by name. */
class FoundRows {
  readonly rows = new Map<string, Float64Array>();
  anchors: Anchors | null = null;

  constructor(
    readonly store: Store,
    readonly key: string,
  ) {}

  add(made: Rows): void {
    for (const { name, row } of made.rows) this.rows.set(name, row);
    this.anchors ??= made.anchors;
  }

  has(names: readonly string[], anchors: string | null): boolean {
    const isAnchored = anchors === null || this.anchors !== null;
    return isAnchored && names.every((name) => this.rows.has(name));
  }

  read(names: readonly string[], anchors: string | null): void {
    const open = new Set(names.filter((name) => !this.rows.has(name)).map(rowEntry));
    if (anchors !== null && this.anchors === null) open.add(anchorsEntry(anchors));
    for (const { name, entries } of this.store.list(this.key)) {
      if (!entries.some((entry) => open.has(entry))) continue;
      const made = this.store.read(this.key, name) as Rows | null;
      if (made === null) continue;
      const isOurs = anchors !== null && entries.includes(anchorsEntry(anchors));
      this.add(isOurs ? made : { ...made, anchors: null });
      for (const entry of entries) open.delete(entry);
    }
  }
}
