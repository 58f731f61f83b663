/** What happened on each day of a history, from the Monday of its first week on. */

import { getOrMake } from "../../../lab/getOrMake.ts";
import type { DeploymentList } from "../../../lab/server/contract/deployments.ts";
import { dayText } from "../../format/time.ts";
import type { Findable } from "./finding.ts";

export interface Day {
  /** `2026-07-14`. */
  readonly day: string;
  readonly deployments: number;
  readonly incidents: number;
  readonly rollbacks: number;
}

const DAY_MS = 86_400_000;
/** Ten years: days beyond them are no calendar that anybody reads. */
const DAYS_AT_MOST = 3660;

/**
 * @param found the deployments that are counted, with incidents and rollbacks of these
 * @param incidents those that are counted
 * @param zoneOf whose clock says which day it is, by service time zone and by service
 */
export function calendarOf(
  found: readonly Findable[],
  incidents: DeploymentList["incidents"],
  zoneOf: (timezone: string) => string,
  timezoneOf: (service: string) => string,
): readonly Day[] {
  const counts = new Map<string, { deployments: number; incidents: number; rollbacks: number }>();
  const at = (day: string) =>
    getOrMake(counts, day, () => ({ deployments: 0, incidents: 0, rollbacks: 0 }));
  for (const { row, day } of found) {
    at(day).deployments += 1;
    if (row.rolledBackAt === null) continue;
    at(dayText(Date.parse(row.rolledBackAt), zoneOf(row.timezone))).rollbacks += 1;
  }
  for (const { service, onsetAt } of incidents) {
    at(dayText(Date.parse(onsetAt), zoneOf(timezoneOf(service)))).incidents += 1;
  }
  return filled(counts);
}

/** Every day from a Monday to the Sunday after the last one, those without anything as well. */
function filled(counts: ReadonlyMap<string, Omit<Day, "day">>): readonly Day[] {
  const days = [...counts.keys()].sort();
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return [];
  const monday = Date.parse(first) - ((new Date(first).getUTCDay() + 6) % 7) * DAY_MS;
  const made: Day[] = [];
  const isMore = (ms: number) => ms <= Date.parse(last) || made.length % 7 !== 0;
  for (let ms = monday; isMore(ms) && made.length < DAYS_AT_MOST; ms += DAY_MS) {
    const day = new Date(ms).toISOString().slice(0, 10);
    made.push({ day, ...(counts.get(day) ?? { deployments: 0, incidents: 0, rollbacks: 0 }) });
  }
  return made;
}
