/** What a reader types to find a deployment: every word must stand somewhere in its row. */

import { own } from "../../../engine/index.ts";
import type { DeploymentRow } from "../../../lab/server/contract/deployments.ts";
import { dayText, longDateText } from "../../format/time.ts";
import { endText, plainText } from "../../parts/endWords.ts";

/** A row with the text that is searched. */
export interface Findable {
  readonly row: DeploymentRow;
  readonly text: string;
  /** The day by the clock that the page shows: `2026-07-14`. */
  readonly day: string;
  /** How many ends of the shown policies there are: 1 where they agree. */
  readonly ways: number;
}

/**
 * @param zoneOf whose clock the page shows. The service's own is searched as well, as an
 *   incident is told by the clock of those who had it.
 */
export function findables(
  rows: readonly DeploymentRow[],
  policies: readonly string[],
  zoneOf: (timezone: string) => string,
): readonly Findable[] {
  return rows.map((row) => {
    const startedMs = Date.parse(row.startedAt);
    const zone = zoneOf(row.timezone);
    const ends = policies.flatMap((id) => own(row.ends, id)?.end ?? []);
    const words = [
      ...[row.deploymentId, row.service, row.environment, row.version, row.author, row.team],
      ...[plainText(row.kind), plainText(row.label), row.label, ...row.tags],
      ...ends.map(endText),
      ...(row.rolledBackAt === null ? [] : ["rolled back by history"]),
      ...[dayText(startedMs, zone), longDateText(startedMs, zone)],
      ...(zone === row.timezone ? [] : [longDateText(startedMs, row.timezone)]),
    ];
    return {
      row,
      text: words.join(" \n").toLowerCase(),
      day: dayText(startedMs, zone),
      ways: new Set(ends).size,
    };
  });
}

/** More words than this no reader types. */
const WORDS_AT_MOST = 20;

export function wordsOf(asked: string | null): readonly string[] {
  const words = (asked ?? "").toLowerCase().split(/[\s,]+/);
  return words.filter((word) => word !== "").slice(0, WORDS_AT_MOST);
}

export const isFound = ({ text }: Findable, words: readonly string[]): boolean =>
  words.every((word) => text.includes(word));
