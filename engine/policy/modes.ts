/** Which conditions hold for a deployment, and which modes are in force at an instant. */

import type { ContextTag, Deployment } from "../event.ts";
import { calendarEdges, insideCalendar, isTimeZone } from "./calendar.ts";
import type { Condition, Mode, Policy } from "./policy.ts";

/** Where a service has no time zone, or one that nobody knows. */
const FALLBACK_ZONE = "UTC";

/** Does everything that is given hold? */
export function matches(
  condition: Condition,
  deployment: Deployment,
  tags: readonly ContextTag[],
): boolean {
  return (
    within(condition.environment, deployment.environment) &&
    within(condition.kind, deployment.kind) &&
    within(condition.criticality, deployment.criticality) &&
    within(condition.service, deployment.service) &&
    within(condition.team, deployment.team) &&
    Object.entries(condition.tags ?? {}).every(([name, value]) => {
      // What another service passes on is no condition of this one.
      const named = tags.filter((tag) => tag.tag === name && tag.from === undefined);
      return value === "false"
        ? !named.some((tag) => tag.value !== "false")
        : named.some((tag) => tag.value === value || value === "*");
    })
  );
}

function within<Value>(list: readonly Value[] | undefined, value: Value | null): boolean {
  return list === undefined || (value !== null && list.includes(value));
}

/** The zone whose wall clock a mode goes by. */
export function zoneOf(mode: Mode, deployment: Deployment): string {
  if (mode.timezone !== "service") return mode.timezone;
  const zone = deployment.timezone ?? null;
  return zone !== null && isTimeZone(zone) ? zone : FALLBACK_ZONE;
}

/** Do the calendar or the stretches of a mode that names any hold at `atMs`? */
function isTime(mode: Mode, deployment: Deployment, atMs: number): boolean {
  if (mode.between.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs)) return true;
  if (mode.calendar.length === 0) return false;
  return insideCalendar(mode.calendar, zoneOf(mode, deployment), atMs);
}

/** The modes in force at `atMs`, in the order of their names. */
export function modesAt(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
): readonly Mode[] {
  if (policy.modes.length === 0) return policy.modes;
  const holding = policy.modes.filter((mode) => holds(mode, deployment, tags, atMs));
  const isCalendar = holding.some(({ calendar }) => calendar.length > 0);
  return holding.filter(({ otherwise }) => !(otherwise && isCalendar));
}

function holds(
  mode: Mode,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
): boolean {
  if (!matches(mode.when, deployment, tags)) return false;
  const isTimed = mode.calendar.length > 0 || mode.between.length > 0;
  return !isTimed || isTime(mode, deployment, atMs);
}

/** The instants in (fromMs, toMs] at which time alone may begin or end a mode, ascending. */
export function modeEdges(
  policy: Policy,
  deployment: Deployment,
  fromMs: number,
  toMs: number,
): readonly number[] {
  const edges = new Set<number>();
  for (const mode of policy.modes) {
    for (const window of mode.between) {
      for (const atMs of [window.fromMs, window.untilMs]) {
        if (atMs > fromMs && atMs <= toMs) edges.add(atMs);
      }
    }
    if (mode.calendar.length === 0) continue;
    const zone = zoneOf(mode, deployment);
    for (const atMs of calendarEdges(mode.calendar, zone, fromMs, toMs)) edges.add(atMs);
  }
  return [...edges].sort((a, b) => a - b);
}
