/** A stretch of a history: only deployments that start in it are scored. */

import { formatTime, instantText } from "../../engine/index.ts";
import { counted, countText } from "../counted.ts";
import type { Past } from "../history/open.ts";
import type { HistoryManifest } from "../history/tables.ts";
import { Problem } from "../problem.ts";

/** From the first instant to before the second; infinite where nobody says. */
export interface Within {
  readonly fromMs: number;
  readonly toMs: number;
}

const WEEK_MS = 604_800_000;

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

/**
 * In words, how many of the deployments are scored; nothing where all of them are.
 *
 * @throws Problem where none starts in that time
 */
export function withinNotes(
  within: Within,
  { tables, dir }: Pick<Past, "tables" | "dir">,
): string[] {
  let [inside, all] = [0, 0];
  let [firstMs, lastMs] = [Infinity, -Infinity];
  for (const { startedAtMs } of tables.deployments) {
    all++;
    if (isWithin(within, startedAtMs)) inside++;
    firstMs = Math.min(firstMs, startedAtMs);
    lastMs = Math.max(lastMs, startedAtMs);
  }
  if (inside === all) return [];
  if (inside === 0) {
    const [first, last] = [instantText(firstMs), instantText(lastMs)];
    throw new Problem("no deployment of this history starts between --from and --to", {
      file: dir,
      cure: `Its ${counted(all, "deployment")} started from ${first} to ${last}.`,
    });
  }
  const since = Number.isFinite(within.fromMs) ? ` from ${instantText(within.fromMs)}` : "";
  const until = Number.isFinite(within.toMs) ? ` to ${instantText(within.toMs)}` : "";
  return [
    `Scored: the ${counted(inside, "deployment")} of ${countText(all)} that started` +
      `${since}${until}. What came before happened all the same.`,
  ];
}
