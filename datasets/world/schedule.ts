/**
 * When deployments start. Each service's local day is drawn by its own key, so any
 * window can be scheduled alone.
 *
 * Law: two deployments of one service start at least four hours apart, so that
 * neither the effect nor a rollback of one reaches the baseline or the watch of the
 * next. Business-hours and planned starts keep their distance by construction;
 * off-hours ones are thinned against them (Matérn's second hard-core process: of
 * two candidates too close together the one with the larger mark goes), and all of
 * them against storms, where many services deploy at once. Bias: no service deploys many
 * times in a row, and nobody deploys a fix ten minutes after a failure.
 */

import { utcOffsetMs } from "../../lab/localTime.ts";
import { randomStream, uniform } from "../../lab/random.ts";
import type { Service } from "./services.ts";
import { DAY_MS, HOUR_MS, remember, serviceOf, SPACING_MS, type World } from "./world.ts";

/** Room at the world's edges: a baseline before, a watch and its effects after. */
const EDGE_BEFORE_MS = 2 * HOUR_MS;
const EDGE_AFTER_MS = 4 * HOUR_MS;

export interface ScheduledStart {
  /** `service-YYYYMMDD-n`, by the service's local date. */
  readonly deploymentId: string;
  readonly service: string;
  readonly startMs: number;
  /** Planned: a migration in its announced night window. Storm: with many other services. */
  readonly when: "business" | "planned" | "offHours" | "storm";
}

/** Days since the epoch on the service's own calendar. */
function localDayOf(service: Service, atMs: number): number {
  return Math.floor((atMs + utcOffsetMs(service.timezone, atMs)) / DAY_MS);
}

/** Local wall time → UTC. The second pass corrects a guess across a clock change. */
function toUtcMs(service: Service, localDay: number, hour: number): number {
  const localMs = localDay * DAY_MS + Math.floor(hour * 3600) * 1000;
  const guess = localMs - utcOffsetMs(service.timezone, localMs);
  return localMs - utcOffsetMs(service.timezone, guess);
}

/** 1970-01-01 was a Thursday. */
function isWorkday(localDay: number): boolean {
  const weekday = (localDay + 4) % 7;
  return weekday >= 1 && weekday <= 5;
}

/**
 * All candidates of one local day, before thinning.
 *
 * On workdays zero to two in business hours (binomial), sometimes a migration at
 * 23:00 or in the small hours; on any day sometimes one off hours. Means follow
 * the spec's rate per workday, times the service's own activity.
 */
const candidatesOf = remember((world, name, localDay): readonly ScheduledStart[] => {
  const service = serviceOf(world, name);
  const { deployments, migrations } = world.spec;
  const random = randomStream(world.seed, "schedule", name, localDay);
  const perWorkday = deployments.perWorkday * service.activity;
  const planned = perWorkday * deployments.kinds.migration * migrations.planned;
  const offHours = (perWorkday * deployments.offHours * 5) / 7;
  const business = perWorkday * (1 - deployments.offHours) - planned;
  const hours: { hour: number; when: ScheduledStart["when"] }[] = [];

  if (isWorkday(localDay)) {
    const count = Number(random.chance(business / 2)) + Number(random.chance(business / 2));
    if (count === 1) hours.push({ hour: random.between(9.25, 17.5), when: "business" });
    if (count === 2) {
      const first = random.between(9, 12.5);
      const second = random.between(first + 4.02, 17.8);
      hours.push({ hour: first, when: "business" }, { hour: second, when: "business" });
    }
    if (random.chance(planned)) {
      const hour = random.chance(0.75) ? random.between(23, 23.4) : random.between(25, 27.5);
      hours.push({ hour, when: "planned" });
    }
  }
  if (random.chance(offHours)) {
    const hour = isWorkday(localDay) ? random.between(20.5, 29) : random.between(8, 27);
    hours.push({ hour, when: "offHours" });
  }
  const toStart = hours.map(({ hour, when }) => ({
    startMs: toUtcMs(service, localDay, hour),
    when,
  }));
  const storms = stormStartsOf(world, service, localDay);
  const date = new Date(localDay * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "");
  return [...toStart, ...storms].map(({ startMs, when }, index) => ({
    deploymentId: `${name}-${date}-${index + 1}`,
    service: name,
    startMs,
    when,
  }));
});

/** The start of this service in a storm that begins on its local day, if it takes part in one. */
function stormStartsOf(
  world: World,
  service: Service,
  localDay: number,
): readonly { startMs: number; when: "storm" }[] {
  const { storms } = world.spec.deployments;
  if (storms === undefined) return [];
  return [-1, 0, 1].flatMap((step) => {
    const day = localDay + step;
    const storm = randomStream(world.seed, "storm", day);
    if (!storm.chance(storms.perWeek / 7)) return [];
    const beginsMs = day * DAY_MS + Math.floor(storm.between(10, 16) * HOUR_MS);
    const own = randomStream(world.seed, "stormPart", service.name, day);
    if (!own.chance(storms.services)) return [];
    const startMs = beginsMs + Math.floor(own.between(0, storms.within) / 1000) * 1000;
    return localDayOf(service, startMs) === localDay ? [{ startMs, when: "storm" }] : [];
  });
}

/** Lower marks win: storms first, then business and planned starts, then off-hours by a hash. */
function markOf(world: World, start: ScheduledStart): number {
  if (start.when === "storm") return -2;
  return start.when === "offHours" ? uniform(world.seed, "mark", start.deploymentId) : -1;
}

const startsOf = remember((world, name, localDay): readonly ScheduledStart[] => {
  const { bornAtMs } = serviceOf(world, name);
  const near = [-1, 0, 1].flatMap((step) => candidatesOf(world, name, localDay + step));
  return candidatesOf(world, name, localDay).filter((start) => {
    if (start.startMs < bornAtMs + EDGE_BEFORE_MS) return false;
    if (start.startMs > world.endMs - EDGE_AFTER_MS) return false;
    const mark = markOf(world, start);
    return near.every(
      (other) =>
        Math.abs(other.startMs - start.startMs) >= SPACING_MS ||
        other.deploymentId === start.deploymentId ||
        markOf(world, other) > mark,
    );
  });
});

/** Starts of one service in [fromMs, toMs), in order. */
export function startsBetween(
  world: World,
  name: string,
  fromMs: number,
  toMs: number,
): readonly ScheduledStart[] {
  const service = serviceOf(world, name);
  const found: ScheduledStart[] = [];
  // A night start belongs to the local day before it.
  const lastDay = localDayOf(service, toMs);
  for (let day = localDayOf(service, fromMs) - 1; day <= lastDay; day++) {
    for (const start of startsOf(world, name, day)) {
      if (start.startMs >= fromMs && start.startMs < toMs) found.push(start);
    }
  }
  return found.sort((a, b) => a.startMs - b.startMs);
}

/** The start behind an identifier, or null when no such deployment exists in this world. */
export function startById(world: World, deploymentId: string): ScheduledStart | null {
  const match = /^(.+)-(\d{4})(\d\d)(\d\d)-\d+$/.exec(deploymentId);
  if (match === null || !world.byName.has(match[1]!)) return null;
  const localDay = Date.UTC(Number(match[2]), Number(match[3]) - 1, Number(match[4])) / DAY_MS;
  return (
    startsOf(world, match[1]!, localDay).find((start) => start.deploymentId === deploymentId) ??
    null
  );
}
