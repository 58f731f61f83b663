/** Dates as a search knows them, quick enough for every deployment of a history. */

import { getOrMake } from "../../getOrMake.ts";
import { utcOffsetMs } from "../../localTime.ts";

const DAY_MS = 86_400_000;

interface DayWords {
  /** `2026-07-07`. */
  readonly day: string;
  /** `Tuesday 7 July 2026`. */
  readonly long: string;
}

/** By days since 1970. A history has some hundreds. */
const days = new Map<number, DayWords>();
const DAYS_KEPT = 4000;

function wordsOfDay(day: number): DayWords {
  if (days.size > DAYS_KEPT) days.clear();
  return getOrMake(days, day, () => {
    const at = new Date(day * DAY_MS);
    const named = (part: Intl.DateTimeFormatOptions): string =>
      at.toLocaleDateString("en-GB", { timeZone: "UTC", ...part });
    return {
      day: at.toISOString().slice(0, 10),
      long: `${named({ weekday: "long" })} ${named({ dateStyle: "long" })}`,
    };
  });
}

/** `2026-07-07`, in the zone given. */
export function dayText(ms: number, zone: string): string {
  return wordsOfDay(Math.floor((ms + utcOffsetMs(zone, ms)) / DAY_MS)).day;
}

/** `Tuesday 7 July 2026 at 10:04`. */
export function longDateText(ms: number, zone: string): string {
  const local = ms + utcOffsetMs(zone, ms);
  const day = Math.floor(local / DAY_MS);
  const minutes = Math.floor((local - day * DAY_MS) / 60_000);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${wordsOfDay(day).long} at ${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
