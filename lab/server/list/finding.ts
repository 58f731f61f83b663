/** What a reader types to find a deployment: every word must stand somewhere in its row. */

import { own } from "../../../engine/index.ts";
import type { DeploymentRow, ListAsked } from "../contract/deployments.ts";
import { dayText, longDateText } from "./clock.ts";
import { endText, plainText } from "../../outcome/endWords.ts";

/** A row with the text that is searched. */
export interface Findable {
  readonly row: Pick<DeploymentRow, "deploymentId" | "service" | "team" | "label" | "kind">;
  readonly startedAtMs: number;
  /** In one case. */
  readonly text: string;
  /** The day by the clock that the page shows: `2026-07-14`. */
  readonly day: string;
  /** Null where history did not roll it back. */
  readonly rolledBackOn: string | null;
  /** Of the shown policies, in their order; without those that are not there yet. */
  readonly ends: readonly string[];
  /** How many different ones there are: 1 where the policies agree. */
  readonly ways: number;
}

/**
 * @param zone whose clock the page shows. The service's own is searched as well, as an
 *   incident is told by the clock of those who had it.
 */
export function findable(row: DeploymentRow, policies: readonly string[], zone: string): Findable {
  const { deploymentId, service, team, label, kind } = row;
  const startedAtMs = Date.parse(row.startedAt);
  const ends = policies.flatMap((id) => own(row.ends, id)?.end ?? []);
  const words = [
    ...[deploymentId, service, row.environment, row.version, row.author, team],
    ...[plainText(kind), plainText(label), label, ...row.tags],
    ...ends.map(endText),
    ...(row.rolledBackAt === null ? [] : ["rolled back by history"]),
    ...[dayText(startedAtMs, zone), longDateText(startedAtMs, zone)],
    ...(zone === row.timezone ? [] : [longDateText(startedAtMs, row.timezone)]),
  ];
  return {
    row: { deploymentId, service, team, label, kind },
    startedAtMs,
    text: words.join(" \n").toLowerCase(),
    day: dayText(startedAtMs, zone),
    rolledBackOn: row.rolledBackAt === null ? null : dayText(Date.parse(row.rolledBackAt), zone),
    ends,
    ways: new Set(ends).size,
  };
}

/** More words than this no reader types. */
const WORDS_AT_MOST = 20;

export function wordsOf(asked: string | null): readonly string[] {
  const words = (asked ?? "").toLowerCase().split(/[\s,]+/);
  return words.filter((word) => word !== "").slice(0, WORDS_AT_MOST);
}

export type Filter = Pick<
  ListAsked,
  "q" | "differ" | "team" | "service" | "label" | "kind" | "ends"
>;

/** Without the day, which a calendar shows among the others. */
export function isFound(
  { row, text, ends, ways }: Findable,
  asked: Filter,
  words: readonly string[],
): boolean {
  return (
    (asked.differ === undefined || ways > 1) &&
    (asked.team === undefined || row.team === asked.team) &&
    (asked.service === undefined || row.service === asked.service) &&
    (asked.label === undefined || row.label === asked.label) &&
    (asked.kind === undefined || row.kind === asked.kind) &&
    (asked.ends === undefined || ends.includes(asked.ends)) &&
    words.every((word) => text.includes(word))
  );
}
