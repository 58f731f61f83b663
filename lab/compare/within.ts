/** A stretch of a history: only deployments that start in it are scored. */

import { formatTime, instantText } from "../../engine/index.ts";
import { counted, countText } from "../counted.ts";
import type { Past } from "../history/open.ts";
import type { HistoryManifest } from "../history/tables.ts";
import { Problem } from "../problem.ts";
import type { Moment } from "./moment.ts";

/** From the first instant to before the second; infinite where nobody says. */
export interface Within {
  readonly fromMs: number;
  readonly toMs: number;
}

const WEEK_MS = 604_800_000;

/**
 * The stretch that is asked for, open where nobody says.
 *
 * @param end of the history, in ISO 8601
 * @throws Problem where it ends before it begins
 */
export function withinBetween(
  from: Moment | undefined,
  to: Moment | undefined,
  end: string | null,
): Within {
  const endMs = Date.parse(end ?? "");
  const within = { fromMs: from?.(endMs) ?? -Infinity, toMs: to?.(endMs) ?? Infinity };
  if (within.fromMs < within.toMs) return within;
  throw new Problem("--from is not before --to", { cure: "Give the earlier time first." });
}

export function isWithin(within: Within | undefined, atMs: number): boolean {
  return within === undefined || (atMs >= within.fromMs && atMs < within.toMs);
}

/** The stretch of a history that is scored; NaN where the history has no times. */
export function scoredStretch(
  { from, to }: Pick<HistoryManifest, "from" | "to">,
  within: Within | undefined,
): Within {
  return {
    fromMs: Math.max(Date.parse(from ?? ""), within?.fromMs ?? -Infinity),
    toMs: Math.min(Date.parse(to ?? ""), within?.toMs ?? Infinity),
  };
}

/** How long that is; nought where the history has no times. */
export function scoredWeeks(
  manifest: Pick<HistoryManifest, "from" | "to">,
  within: Within | undefined,
): number {
  const { fromMs, toMs } = scoredStretch(manifest, within);
  return Number.isNaN(toMs - fromMs) ? 0 : Math.max(0, toMs - fromMs) / WEEK_MS;
}

/** As a manifest tells it: times in ISO 8601, null where it is open. */
export interface WithinText {
  readonly from: string | null;
  readonly to: string | null;
}

export function withinText({ fromMs, toMs }: Within): WithinText {
  const text = (atMs: number): string | null => (Number.isFinite(atMs) ? formatTime(atMs) : null);
  return { from: text(fromMs), to: text(toMs) };
}

/** How many deployments start in a stretch, of how many. */
export interface Inside {
  readonly inside: number;
  readonly all: number;
}

/** @throws Problem where none starts in that time */
export function insideOf(within: Within, { tables, dir }: Pick<Past, "tables" | "dir">): Inside {
  let [inside, all] = [0, 0];
  let [firstMs, lastMs] = [Infinity, -Infinity];
  for (const { startedAtMs } of tables.deployments) {
    all++;
    if (isWithin(within, startedAtMs)) inside++;
    firstMs = Math.min(firstMs, startedAtMs);
    lastMs = Math.max(lastMs, startedAtMs);
  }
  // Of a history without any there is nothing to leave out.
  if (inside === 0 && all > 0) {
    const [first, last] = [instantText(firstMs), instantText(lastMs)];
    throw new Problem("no deployment of this history starts between --from and --to", {
      file: dir,
      cure: `Its ${counted(all, "deployment")} started from ${first} to ${last}.`,
    });
  }
  return { inside, all };
}

/** What is scored, in words. */
export function insideText({ fromMs, toMs }: Within, { inside, all }: Inside): string {
  const since = Number.isFinite(fromMs) ? ` from ${instantText(fromMs)}` : "";
  const until = Number.isFinite(toMs) ? ` to ${instantText(toMs)}` : "";
  const which =
    inside === all
      ? `all ${counted(all, "deployment")}; they`
      : `the ${counted(inside, "deployment")} of ${countText(all)} that`;
  const rest = inside === all ? "" : " What came before happened all the same.";
  return `Scored: ${which} started${since}${until}.${rest}`;
}

/**
 * In words, how many of the deployments are scored; nothing where all of them are.
 *
 * @throws Problem where none starts in that time
 */
export function withinNotes(within: Within, history: Pick<Past, "tables" | "dir">): string[] {
  const counts = insideOf(within, history);
  return counts.inside === counts.all ? [] : [insideText(within, counts)];
}
