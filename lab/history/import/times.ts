/**
 * Times of a source: ISO 8601 with a zone, or without one where the import was told which.
 *
 * Law: a time without a zone is never taken for UTC: it would be hours off, and nothing would
 * show it.
 */

import { identifier } from "../duck.ts";
import { Problem } from "../../problem.ts";
import { textOf, ZONED, type Relation } from "./relation.ts";
import type { LocalFault, Zone } from "./zone.ts";

const ISO_TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?([.,]\d+)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)$/;

/** An ISO 8601 time with a zone in whole milliseconds (finer digits are cut); null otherwise. */
export function readTimeMs(text: string): number | null {
  const match = ISO_TIME.exec(text);
  if (match === null) return null;
  const [, day, minute, second = ":00", fraction = "", zone] = match;
  const offset = zone!.length <= 3 && !/z/i.test(zone!) ? `${zone!}:00` : zone!;
  const colon = /^[+-]\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset;
  const atMs = Date.parse(
    `${day!}T${minute!}${second}${fraction.replace(",", ".").slice(0, 4)}${colon.toUpperCase()}`,
  );
  // Date.parse turns February 30th into March 2nd; a day that does not exist is an error.
  const dayMs = Date.parse(`${day!}T00:00:00Z`);
  if (Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== day) return null;
  return Number.isNaN(atMs) ? null : atMs;
}

/**
 * The time in whole milliseconds, or why it cannot be known.
 *
 * @param zone of a time that names none
 */
export function readZonedMs(text: string, zone: Zone | null): number | LocalFault | "unreadable" {
  const atMs = readTimeMs(text);
  if (atMs !== null) return atMs;
  const localMs = zone === null ? null : readTimeMs(`${text}Z`);
  return zone === null || localMs === null ? "unreadable" : zone.toUtc(localMs);
}

/** Why a row with a time that clocks pass twice is left out. */
export function repeatedIn({ name }: Zone): string {
  return `clocks of ${name} are put back over it, so it has two meanings`;
}

const SAY_WHICH = "Say in which zone: --timezone UTC, or such as --timezone Europe/Berlin. Or:";

/** What is wrong with a time that stops an import. */
export function timeProblem(
  text: string,
  column: string,
  { place, zone }: { place: string; zone: Zone | null },
): Problem {
  const fault = readZonedMs(text, zone);
  const write =
    "Write times like 2026-07-01T12:00:00Z or 2026-07-01T14:00:00+02:00 " +
    `in column "${column}".`;
  if (zone !== null && fault === "skipped") {
    return new Problem(`"${text}" does not exist: clocks of ${zone.name} are put forward over it`, {
      file: place,
      cure: `Is it --timezone ${zone.name}? ${write}`,
    });
  }
  if (fault === "outside") {
    return new Problem(`"${text}" is not between 1970 and 2100`, {
      file: place,
      cure: `Correct it in column "${column}".`,
    });
  }
  const namesNone = zone === null && readTimeMs(`${text}Z`) !== null;
  return new Problem(`"${text}" is not a time in ISO 8601 with a zone`, {
    file: place,
    cure: namesNone ? `${SAY_WHICH} ${write}` : write,
  });
}

/** The rows with their time in ms as `hindsight_at_ms`; null where it cannot be known. */
export function withTimes(relation: Relation, column: string): string {
  const { sql, zone } = relation;
  const zoned = zonedMsOf(relation, column);
  if (zone === null) {
    return `(SELECT *, ${zoned} AS hindsight_at_ms, false AS hindsight_is_repeated FROM ${sql})`;
  }
  const { utcMs, isRepeated } = zone.toUtcSql("hindsight_local_ms");
  return `(SELECT *, coalesce(hindsight_zoned_ms, ${utcMs}) AS hindsight_at_ms,
      ${isRepeated} AS hindsight_is_repeated
    FROM (SELECT *, ${zoned} AS hindsight_zoned_ms,
        ${localMsOf(relation, column)} AS hindsight_local_ms FROM ${sql}))`;
}

function zonedMsOf(relation: Relation, column: string): string {
  const type = relation.columns.get(column)!;
  if (type === ZONED) return `epoch_ms(${identifier(column)})`;
  if (type.startsWith("TIMESTAMP")) return "NULL::BIGINT";
  const text = textOf(relation, column);
  return `CASE WHEN (${text} LIKE '%:%' AND right(${text}, 1) IN ('Z', 'z'))
      OR regexp_matches(${text}, ':\\d\\d([.,]\\d+)?[+-]\\d\\d(:?\\d\\d)?$')
    THEN epoch_ms(TRY_CAST(${text} AS TIMESTAMPTZ)) END`;
}

/** The time as if it were UTC, where it names no zone. */
function localMsOf(relation: Relation, column: string): string {
  const type = relation.columns.get(column)!;
  if (type === ZONED) return "NULL::BIGINT";
  if (type.startsWith("TIMESTAMP")) return `epoch_ms(${identifier(column)})`;
  const text = textOf(relation, column);
  return `CASE WHEN regexp_full_match(${text},
      '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?')
    THEN epoch_ms(TRY_CAST(${text} AS TIMESTAMP)) END`;
}
