/** What happened on each day of a history, from the Monday of its first week on. */

import { getOrMake } from "../../getOrMake.ts";
import type { Day } from "../contract/deployments.ts";
import type { Findable } from "./finding.ts";

const DAY_MS = 86_400_000;
/** Ten years: days beyond them are no calendar that anybody reads. */
const DAYS_AT_MOST = 3660;

/**
 * @param found the deployments that are counted, with rollbacks of these
 * @param incidentDays of the incidents that are counted
 */
export function calendarOf(
  found: readonly Pick<Findable, "day" | "rolledBackOn">[],
  incidentDays: readonly string[],
): readonly Day[] {
  const counts = new Map<string, { deployments: number; incidents: number; rollbacks: number }>();
  const at = (day: string) =>
    getOrMake(counts, day, () => ({ deployments: 0, incidents: 0, rollbacks: 0 }));
  for (const { day, rolledBackOn } of found) {
    at(day).deployments += 1;
    if (rolledBackOn !== null) at(rolledBackOn).rollbacks += 1;
  }
  for (const day of incidentDays) at(day).incidents += 1;
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
