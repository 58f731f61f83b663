/**
 * Local times of one time zone as UTC, for sources whose times name no zone.
 *
 * Law: a local time is never guessed. Clocks that are put forward skip some times, which do not
 * exist; clocks that are put back pass some twice, which then have two meanings. SQL and
 * JavaScript decide by the same list.
 */

import { assert } from "../../../engine/index.ts";
import { utcOffsetMs } from "../../localTime.ts";

const FIRST_MS = Date.UTC(1970, 0, 1);
const END_MS = Date.UTC(2100, 0, 1);
const WEEK_MS = 604_800_000;
/** Clocks change at whole quarters of an hour of UTC in every zone in use. */
const QUARTER_MS = 900_000;

/** Why a local time has no one meaning. */
export type LocalFault = "skipped" | "repeated" | "outside";

/** What SQL has in place of a shift; no zone is as far from UTC as the least of them. */
const FAULT_CODES: Readonly<Record<LocalFault, number>> = {
  outside: 1e12,
  skipped: 2e12,
  repeated: 3e12,
};

/** Holds from its local time on, until the next one of the list. */
interface Stretch {
  readonly fromLocalMs: number;
  /** Local time minus UTC in ms. */
  readonly shift: number | LocalFault;
}

export class Zone {
  readonly #stretches: readonly Stretch[];

  /** @param name of a time zone that `Intl` knows */
  constructor(readonly name: string) {
    this.#stretches = stretchesOf(name);
  }

  /** @param localMs the local time as if it were UTC */
  toUtc(localMs: number): number | LocalFault {
    const shift = this.#stretches.findLast(({ fromLocalMs }) => fromLocalMs <= localMs)?.shift;
    if (shift === undefined) return "outside";
    return typeof shift === "number" ? localMs - shift : shift;
  }

  /** `toUtc` of a column in SQL; a fault is null. */
  toUtcSql(localMs: string): { readonly utcMs: string; readonly isRepeated: string } {
    const code = ({ shift }: Stretch): number =>
      typeof shift === "number" ? shift : FAULT_CODES[shift];
    const stretches = this.#stretches;
    // A balanced tree: a row is compared eight times, not with each of 260 changes.
    const among = (first: number, last: number): string => {
      if (first === last) return `${code(stretches[first]!)}::BIGINT`;
      const middle = (first + last + 1) >> 1;
      const { fromLocalMs } = stretches[middle]!;
      return `CASE WHEN ${localMs} < ${fromLocalMs} THEN ${among(first, middle - 1)}
        ELSE ${among(middle, last)} END`;
    };
    const shift = `(${among(0, stretches.length - 1)})`;
    return {
      utcMs: `CASE WHEN ${shift} < ${FAULT_CODES.outside} THEN ${localMs} - ${shift} END`,
      isRepeated: `coalesce(${shift} = ${FAULT_CODES.repeated}, false)`,
    };
  }
}

function stretchesOf(zone: string): Stretch[] {
  let shift = utcOffsetMs(zone, FIRST_MS);
  const stretches: Stretch[] = [
    { fromLocalMs: Number.MIN_SAFE_INTEGER, shift: "outside" },
    { fromLocalMs: FIRST_MS + shift, shift },
  ];
  for (let fromMs = FIRST_MS; fromMs < END_MS; fromMs += WEEK_MS) {
    while (utcOffsetMs(zone, fromMs + WEEK_MS) !== shift) {
      const atMs = firstOther(zone, shift, fromMs, fromMs + WEEK_MS);
      const next = utcOffsetMs(zone, atMs);
      stretches.push(
        { fromLocalMs: atMs + Math.min(shift, next), shift: next > shift ? "skipped" : "repeated" },
        { fromLocalMs: atMs + Math.max(shift, next), shift: next },
      );
      shift = next;
    }
  }
  stretches.push({ fromLocalMs: END_MS + shift, shift: "outside" });
  const isInOrder = stretches.every(
    ({ fromLocalMs }, i) => i === 0 || stretches[i - 1]!.fromLocalMs < fromLocalMs,
  );
  assert(isInOrder, `clocks of ${zone} change one change at a time`);
  return stretches;
}

/** The first quarter of an hour with another shift, where `toMs` has one. */
function firstOther(zone: string, shift: number, fromMs: number, toMs: number): number {
  let [low, high] = [fromMs, toMs];
  while (high - low > QUARTER_MS) {
    const middle = low + Math.floor((high - low) / 2 / QUARTER_MS) * QUARTER_MS;
    if (utcOffsetMs(zone, middle) === shift) low = middle;
    else high = middle;
  }
  return high;
}
