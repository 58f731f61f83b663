/**
 * The services of a world and their healthy levels, from the seed alone: each is
 * drawn by its own name, so service 17 does not change when the count does.
 */

import type { Criticality } from "../../engine/index.ts";
import { randomStream } from "../../lab/random.ts";
import type { WorldSpec } from "./spec.ts";

const DAY_MS = 86_400_000;

export interface ServiceLevels {
  /** Requests per second at the season's middle. */
  readonly throughputRps: number;
  /** Requests per second at which the service is saturated. */
  readonly capacityRps: number;
  readonly latencyMedianMs: number;
  /** Sd of the log latency of single requests: how far p95 and p99 lie from p50. */
  readonly latencySpread: number;
  /** How steeply latency grows as capacity runs out. */
  readonly latencyGamma: number;
  readonly errorProbability: number;
  /** Variance over mean of error counts; 1 is Poisson. */
  readonly errorDispersion: number;
  readonly saturationBase: number;
  readonly saturationSlope: number;
  readonly conversionRate: number;
  /** Share of requests that are a chance to convert. */
  readonly visitShare: number;
  /** Log amplitude of the day, and where it peaks (local hour). */
  readonly dayAmplitude: number;
  readonly peakHour: number;
  /** Log level of Saturday and Sunday against workdays. */
  readonly weekend: number;
  /** AR(1) noise of log latency: autocorrelation at one step, and sd. */
  readonly noisePhi: number;
  readonly noiseSd: number;
  /** Upward excess of that noise; 0 is normal. */
  readonly noiseSkew: number;
  /** How much of a regional shock this service feels. */
  readonly shockLoading: number;
}

export interface Service {
  readonly name: string;
  readonly team: string;
  readonly criticality: Criticality;
  readonly timezone: string;
  /** Names of the services it calls. Acyclic: only names drawn after its own. */
  readonly dependsOn: readonly string[];
  readonly revenuePerMinute: number;
  /** Deployments against the average service; averages exactly 1 over the world. */
  readonly activity: number;
  /** Its first day, a UTC midnight: without growth the world's own. */
  readonly bornAtMs: number;
  readonly levels: ServiceLevels;
  /** The services it calls whose latency noise it shares, and the correlation with each. */
  readonly noiseFrom: readonly NoiseFrom[];
}

export interface NoiseFrom {
  readonly service: string;
  readonly correlation: number;
}

/** Callers first, the deepest dependencies last: edges only point down the list. */
const NAMES = [
  "web-gateway", "mobile-gateway", "partner-api", "checkout", "cart", "storefront", "search",
  "recommendations", "account", "order-history", "loyalty", "promotions", "pricing", "payments",
  "refunds", "invoicing", "tax", "shipping", "delivery-slots", "tracking", "returns", "reviews",
  "wishlist", "catalog", "inventory", "warehouse", "supplier-sync", "media", "translations",
  "identity", "sessions", "permissions", "fraud", "risk-scoring", "notifications", "email",
  "feature-store", "event-router", "ledger", "config-store",
] as const; // prettier-ignore

const TEAMS = [
  "storefront", "ordering", "payments", "fulfilment", "discovery", "identity", "platform", "growth",
] as const; // prettier-ignore

const REVENUE_MEDIAN: Readonly<Record<Criticality, number>> = {
  low: 5,
  medium: 40,
  high: 200,
  critical: 900,
};

/** The name of service number `index`; beyond the list names repeat with a number. */
function serviceName(index: number): string {
  const round = Math.floor(index / NAMES.length);
  const name = NAMES[index % NAMES.length]!;
  return round === 0 ? name : `${name}-${round + 1}`;
}

function teamName(index: number): string {
  const round = Math.floor(index / TEAMS.length);
  const name = TEAMS[index % TEAMS.length]!;
  return round === 0 ? name : `${name}-${round + 1}`;
}

/**
 * Draws all services. Levels follow common shapes: lognormal traffic, error
 * probabilities log-uniform from 1e-4 to 1e-2, request latency with a lognormal
 * body (sd 0.5-0.9), AR(1) noise with phi 0.3-0.8 and a median sd of 5 %.
 */
export function drawServices(spec: WorldSpec, seed: number): readonly Service[] {
  const { timezones, traffic = 1 } = spec.services;
  const count = spec.services.growth?.count ?? spec.services.count;
  const ranks = activityRanks(count, seed);
  return Array.from({ length: count }, (_, index): Service => {
    const name = serviceName(index);
    const random = randomStream(seed, "service", name);
    const criticality = random.weighted<Criticality>({
      low: 0.2,
      medium: 0.4,
      high: 0.27,
      critical: 0.13,
    });
    const { team, bornAtMs } = placeOf(spec, index);
    const dependsOn = drawDependencies(index, count, seed);
    const throughputRps = traffic * random.lognormal(40, 0.9);
    const dayAmplitude = random.between(0.25, 0.6);
    return {
      name,
      team: teamName(team),
      criticality,
      timezone: timezones[team % timezones.length]!,
      dependsOn,
      revenuePerMinute: Math.round(random.lognormal(REVENUE_MEDIAN[criticality], 0.5) * 100) / 100,
      activity: count === 1 ? 1 : 0.6 + (0.8 * ranks[index]!) / (count - 1),
      bornAtMs,
      levels: {
        throughputRps,
        // So that the daily peak uses about 45-80 % of it.
        capacityRps: throughputRps * Math.exp(1.3 * dayAmplitude + 0.1) * random.between(1.25, 2.2),
        latencyMedianMs: random.lognormal(45, 0.6),
        latencySpread: random.between(0.5, 0.9),
        latencyGamma: random.between(0.3, 0.9),
        errorProbability: random.betweenLog(1e-4, 1e-2),
        errorDispersion: random.between(1, 5),
        saturationBase: random.between(0.05, 0.2),
        saturationSlope: random.between(0.5, 0.8),
        conversionRate: random.between(0.02, 0.12),
        visitShare: random.between(0.1, 0.4),
        dayAmplitude,
        peakHour: random.between(12, 19),
        weekend: random.between(-0.35, 0.15),
        noisePhi: random.between(0.3, 0.8),
        noiseSd: Math.min(0.15, Math.max(0.02, random.lognormal(0.05, 0.5))),
        noiseSkew: 0,
        shockLoading: random.between(0.3, 0.8),
        ...drawNoiseLevels(spec, seed, name),
      },
      noiseFrom: drawNoiseFrom(spec, seed, name, dependsOn),
    };
  });
}

/** What a world with `noise` has in place of the levels of others. Nothing else changes with it. */
function drawNoiseLevels(
  { noise: { latency, conversion } = {} }: WorldSpec,
  seed: number,
  name: string,
): Partial<ServiceLevels> {
  const random = randomStream(seed, "noiseLevels", name);
  const sd = random.normal();
  const [phi, rate, visits] = [random.next(), random.next(), random.next()];
  return {
    ...(latency !== undefined && {
      noiseSd: Math.min(0.5, Math.max(0.01, latency.sd * Math.exp(latency.spread * sd))),
      noisePhi: within(latency.phi, phi),
      noiseSkew: latency.skew,
    }),
    ...(conversion !== undefined && {
      conversionRate: within(conversion.rate, rate),
      visitShare: within(conversion.visits, visits),
    }),
  };
}

function within([low, high]: readonly [number, number], share: number): number {
  return low + (high - low) * share;
}

/** A caller's noise is never all of other services. */
const NOISE_FROM_CALLED_MAX = 0.8;

function drawNoiseFrom(
  { noise: { calls } = {} }: WorldSpec,
  seed: number,
  caller: string,
  called: readonly string[],
): readonly NoiseFrom[] {
  if (calls === undefined) return [];
  const drawn = called.map((service) => ({
    service,
    correlation: randomStream(seed, "noiseFrom", caller, service).lognormal(
      calls.median,
      calls.spread,
    ),
  }));
  const variance = drawn.reduce((sum, { correlation }) => sum + correlation ** 2, 0);
  const factor = Math.min(1, NOISE_FROM_CALLED_MAX / Math.sqrt(variance));
  return drawn.map((one) => ({ ...one, correlation: factor * one.correlation }));
}

/**
 * The team of a service and the day on which it appears. Initial services are distributed over the
 * initial teams in turn. Later ones appear one by one, evenly over the world's length; several in a
 * row belong to the same new team.
 */
function placeOf(spec: WorldSpec, index: number): { team: number; bornAtMs: number } {
  const { count, teams, growth } = spec.services;
  if (growth === undefined || index < count) return { team: index % teams, bornAtMs: spec.start };
  const added = growth.count - count;
  const later = index - count;
  const team =
    growth.teams === teams
      ? index % teams
      : teams + Math.floor((later * (growth.teams - teams)) / added);
  const days = Math.floor((spec.length / DAY_MS) * ((later + 1) / (added + 1)));
  return { team, bornAtMs: spec.start + days * DAY_MS };
}

/** How much of the way from the beginning to the end's size a platform has gone. */
function grown(spec: WorldSpec, atMs: number): number {
  return Math.min(1, Math.max(0, (atMs - spec.start) / spec.length));
}

/** Names without a number; beyond them people are told apart by one. */
const FIRST_NAMES = ["ada", "bo", "chen", "dina", "emre", "fatou", "gus", "hana"] as const;

/** Who may deploy in one team at a time: eight people, or its part of the world's engineers. */
export function authorsAt(spec: WorldSpec, atMs: number): readonly string[] {
  const { engineers, teams, growth } = spec.services;
  if (engineers === undefined) return FIRST_NAMES;
  const share = grown(spec, atMs);
  const people = engineers + ((growth?.engineers ?? engineers) - engineers) * share;
  const groups = teams + ((growth?.teams ?? teams) - teams) * share;
  return Array.from({ length: Math.max(1, Math.round(people / groups)) }, (_, index) => {
    const round = Math.floor(index / FIRST_NAMES.length);
    return `${FIRST_NAMES[index % FIRST_NAMES.length]!}${round === 0 ? "" : round + 1}`;
  });
}

function drawDependencies(index: number, count: number, seed: number): readonly string[] {
  const random = randomStream(seed, "dependencies", serviceName(index));
  const below = count - 1 - index;
  const wanted = Math.min(below, Math.floor(random.between(0, 4)));
  const found = new Set<string>();
  for (let tries = 0; tries < 12 && found.size < wanted; tries++) {
    // Mostly near neighbours, so that the graph has layers and not one hub.
    const step = 1 + Math.floor(Math.min(below - 1e-9, random.exponential(6)));
    found.add(serviceName(index + step));
  }
  return [...found].sort();
}

/** A keyed shuffle of 0 … count-1. */
function activityRanks(count: number, seed: number): readonly number[] {
  const order = Array.from({ length: count }, (_, index) => ({
    index,
    key: randomStream(seed, "activity", serviceName(index)).next(),
  }));
  order.sort((a, b) => a.key - b.key);
  const ranks = new Array<number>(count).fill(0);
  order.forEach((entry, rank) => (ranks[entry.index] = rank));
  return ranks;
}
