/**
 * The list of deployments, a page at a time: found, counted and sorted here, so that a browser
 * holds one page of 300,000. The process that listens does it, a little at a time.
 */

import { formatTime } from "../../../engine/index.ts";
import { isWithin, withinText, type Within } from "../../compare/within.ts";
import type { DeploymentRow as TableRow } from "../../history/tables.ts";
import { zoneNamed } from "../../localTime.ts";
import { rollbacksOf } from "../../replay/censor.ts";
import { breath } from "../breath.ts";
import type { DeploymentList, DeploymentRow, ListAsked } from "../contract/deployments.ts";
import type { Opened } from "../lab.ts";
import type { Ends } from "../threads/analyst.ts";
import { scoredOrAll } from "../views/scored.ts";
import { calendarOf } from "./calendar.ts";
import { dayText } from "./clock.ts";
import { findable, isFound, wordsOf, type Findable } from "./finding.ts";
import { orderOf } from "./order.ts";

/** Everything that is scored, as one page's reader sees it. */
interface Index {
  readonly rows: readonly Findable[];
  /** Of each row, its place in the history. */
  readonly places: readonly number[];
  readonly choices: DeploymentList["choices"];
  readonly orders: Map<string, readonly number[] | null>;
  /** By what was asked, whatever its page. */
  readonly found: Map<string, Found>;
}

interface Found {
  /** Places in `rows`, in the order asked for. */
  readonly order: readonly number[];
  readonly days: DeploymentList["days"];
}

/** Readers with other policies or another clock have an index each; the oldest one goes. */
const INDEXES_KEPT = 2;
/** Of each index. */
const KEPT = 4;
/** Rows between two breaths, in which others are answered. */
const AT_ONCE = 2000;

export class DeploymentLists {
  readonly #indexes = new Map<string, Index>();
  readonly #rollbacks: ReadonlyMap<string, number>;
  /** One after the other: two that are made at once would take twice the memory. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(private readonly opened: Opened) {
    this.#rollbacks = rollbacksOf(opened.history.tables.decisions);
  }

  page(asked: ListAsked, within: Within | undefined, ends: Ends): Promise<DeploymentList> {
    const made = this.#before.then(() => this.#page(asked, within, ends));
    this.#before = made.catch(() => undefined);
    return made;
  }

  async #page(asked: ListAsked, within: Within | undefined, ends: Ends): Promise<DeploymentList> {
    const named = asked.policies?.split(",");
    const shown = ends.map(({ id }) => id).filter((id) => named?.includes(id) ?? true);
    const zone = asked.zone === undefined ? null : zoneNamed(asked.zone);
    const stretch = within === undefined ? null : withinText(within);
    const index = await kept(
      this.#indexes,
      JSON.stringify([shown, ends.length, zone, stretch]),
      INDEXES_KEPT,
      () => this.#index(within, ends, shown, zone),
    );
    const { offset, limit, ...rest } = asked;
    const { order, days } = await kept(index.found, JSON.stringify(rest), KEPT, () =>
      this.#find(index, asked, shown, zone, within),
    );
    const { deployments } = this.opened.history.tables;
    return {
      state: "ready",
      policies: ends.map(({ id }) => id),
      scored: scoredOrAll(within, this.opened.history),
      total: index.rows.length,
      found: order.length,
      offset,
      deployments: order.slice(offset, offset + limit).map((at) => {
        const place = index.places[at]!;
        return this.#row(deployments.at(place)!, place, ends);
      }),
      days,
      choices: index.choices,
    };
  }

  async #index(
    within: Within | undefined,
    ends: Ends,
    shown: readonly string[],
    zone: string | null,
  ): Promise<Index> {
    const { deployments } = this.opened.history.tables;
    const rows: Findable[] = [];
    const places: number[] = [];
    await slowly(deployments.length, (place) => {
      const deployment = deployments.at(place)!;
      if (!isWithin(within, deployment.startedAtMs)) return;
      const row = this.#row(deployment, place, ends);
      rows.push(findable(row, shown, zone ?? row.timezone));
      places.push(place);
    });
    const all = (pick: (one: Findable) => readonly (string | null)[]): string[] => {
      const values = new Set<string>();
      for (const one of rows) {
        for (const value of pick(one)) if (value !== null) values.add(value);
      }
      return [...values].sort();
    };
    const choices = {
      team: all(({ row }) => [row.team]),
      label: all(({ row }) => [row.label]),
      kind: all(({ row }) => [row.kind]),
      ends: all((one) => one.ends),
    };
    return { rows, places, choices, orders: new Map(), found: new Map() };
  }

  async #find(
    index: Index,
    asked: ListAsked,
    shown: readonly string[],
    zone: string | null,
    within: Within | undefined,
  ): Promise<Found> {
    const { rows, orders } = index;
    const words = wordsOf(asked.q ?? null);
    const isIn = new Uint8Array(rows.length);
    const counted: Findable[] = [];
    await slowly(rows.length, (at) => {
      const one = rows[at]!;
      if (!isFound(one, asked, words)) return;
      counted.push(one);
      if (asked.day === undefined || one.day === asked.day) isIn[at] = 1;
    });
    const sorted = await kept(orders, asked.sort, KEPT, () => orderOf(rows, asked.sort, shown));
    const order = (sorted ?? rows.map((_, at) => at)).filter((at) => isIn[at] === 1);
    return { order, days: calendarOf(counted, this.#incidentDays(rows, counted, zone, within)) };
  }

  /** Of what is found; incidents that no deployment caused only where nothing is left out. */
  #incidentDays(
    rows: readonly Findable[],
    counted: readonly Findable[],
    zone: string | null,
    within: Within | undefined,
  ): readonly string[] {
    const { incidents, services } = this.opened.history.tables;
    const zones = new Map(services.map(({ service, timezone }) => [service, timezone]));
    const isAll = counted.length === rows.length;
    const ids = new Set(isAll ? [] : counted.map(({ row }) => row.deploymentId));
    return incidents
      .filter(({ onsetAtMs }) => isWithin(within, onsetAtMs))
      .filter(({ deploymentId }) => isAll || (deploymentId !== null && ids.has(deploymentId)))
      .map(({ service, onsetAtMs }) => dayText(onsetAtMs, zone ?? zones.get(service) ?? "UTC"));
  }

  #row(row: TableRow, place: number, ends: Ends): DeploymentRow {
    const { facts } = this.opened;
    const rolledBackAtMs = this.#rollbacks.get(row.deploymentId);
    return {
      deploymentId: row.deploymentId,
      service: row.service,
      environment: row.environment,
      version: row.version,
      author: row.author,
      label: facts.label(row.deploymentId),
      ...facts(row),
      rolledBackAt: rolledBackAtMs === undefined ? null : formatTime(rolledBackAtMs),
      // Ends are those of all deployments, by their place.
      ends: Object.fromEntries(ends.map((one) => [one.id, one.ends[place]!])),
    };
  }
}

async function slowly(count: number, each: (at: number) => void): Promise<void> {
  for (let at = 0; at < count; at++) {
    if (at % AT_ONCE === 0) await breath();
    each(at);
  }
}

/** What was asked for lately is kept; the oldest goes first. */
async function kept<Value>(
  known: Map<string, Value>,
  key: string,
  atMost: number,
  make: () => Promise<Value>,
): Promise<Value> {
  const value = known.has(key) ? (known.get(key) as Value) : await make();
  known.delete(key);
  known.set(key, value);
  if (known.size > atMost) known.delete(known.keys().next().value!);
  return value;
}
