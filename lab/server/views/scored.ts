/** Which deployments are scored, and the stretches of a history that are offered. */

import { momentOf, type Moment } from "../../compare/moment.ts";
import {
  insideOf,
  insideText,
  isWithin,
  withinBetween,
  withinText,
  type Within,
} from "../../compare/within.ts";
import type { History } from "../../history/open.ts";
import { quartersOf } from "../../report/quarter.ts";
import type { HistorySummary } from "../contract/history.ts";
import type { Scored, StretchAsked } from "../contract/scored.ts";

/** Lengths that are offered of a history that is longer. */
const LATEST_DAYS = [7, 28, 90] as const;
const DAY_MS = 86_400_000;

const ALL: Within = { fromMs: -Infinity, toMs: Infinity };

/**
 * Undefined where all of the history is asked for.
 *
 * @throws Problem as the command line does: it ends before it begins, or nothing starts in it
 */
export function withinAsked({ from, to }: StretchAsked, history: History): Within | undefined {
  if (from === undefined && to === undefined) return undefined;
  const within = withinBetween(read(from), read(to), history.manifest.to);
  insideOf(within, history);
  return within;
}

/** The contract has refused what is no moment. */
const read = (text: string | undefined): Moment | undefined =>
  text === undefined ? undefined : momentOf(text)!;

/** @throws Problem where nothing starts in it */
export function scoredOf(within: Within | undefined, history: History): Scored {
  const stretch = within ?? ALL;
  const counts = insideOf(stretch, history);
  const { inside: deployments, all: of } = counts;
  return { ...withinText(stretch), deployments, of, words: insideText(stretch, counts) };
}

/** As documents have it: null for the whole history. */
export function scoredOrAll(within: Within | undefined, history: History): Scored | null {
  return within === undefined ? null : scoredOf(within, history);
}

/** The latest days and the quarters of it; without those in which nothing started. */
export function stretchesOf({ manifest, tables }: History): HistorySummary["stretches"] {
  const [fromMs, toMs] = [Date.parse(manifest.from ?? ""), Date.parse(manifest.to ?? "")];
  const latest = LATEST_DAYS.filter((days) => days * DAY_MS < toMs - fromMs).map((days) => ({
    name: `last ${days} days`,
    from: `${days}d`,
    to: null,
    within: { fromMs: toMs - days * DAY_MS, toMs: Infinity },
  }));
  const quarters = quartersOf(manifest).map((quarter) => ({
    name: quarter.name,
    from: dayText(quarter.fromMs),
    to: dayText(quarter.toMs),
    within: quarter,
  }));
  return [...latest, ...quarters].flatMap(({ within, ...offered }) => {
    const inside = tables.deployments.filter((one) => isWithin(within, one.startedAtMs));
    return inside.length === 0 ? [] : [{ ...offered, deployments: inside.length }];
  });
}

const dayText = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
