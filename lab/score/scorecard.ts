/**
 * A policy's scorecard: every field as a value with a 95 % interval.
 *
 * Intervals are a percentile cluster bootstrap over services, because deployments of
 * one service are alike: resampling deployments instead covers the truth 62-73 % of
 * the time at an intra-class correlation of 0.2. With fewer than 20 services even
 * this interval is too narrow, and says so.
 */

import type { Outcome } from "../outcome/outcome.ts";
import { randomStream } from "../people/random.ts";
import type { Costs } from "./costs.ts";
import { FIELDS, total, type Field, type Sums } from "./fields.ts";
import { sumByService, type ServiceSums } from "./sums.ts";

export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
  /** Only where the value or its interval is missing or doubtful. */
  readonly why?: string;
}

export interface Distribution {
  readonly mean: Estimate;
  readonly median: Estimate;
  readonly p90: Estimate;
  readonly restrictedMean60m: Estimate;
}

export interface Bounds {
  readonly best: number | null;
  readonly worst: number | null;
}

/** Field names are a contract; see the JSON of `replay` and `compare`. */
export interface Scorecard {
  readonly [field: string]: unknown;
  readonly timeToDetect: Distribution;
  readonly timeToProposal: Distribution;
  readonly timeToRollback: Distribution;
  readonly timeToRecovery: Distribution;
  readonly mttr: Estimate;
  readonly mttrBounds: Bounds;
  /** The rates if everything open had gone right, or all of it wrong; see `isOpen`. */
  readonly falsePositiveShareBounds: Bounds;
  readonly falsePositiveRateBounds: Bounds;
  readonly missRateBounds: Bounds;
  readonly identifiedShare: number | null;
  readonly cost: Estimate & { readonly parts: Readonly<Record<string, number>> };
}

/** A scorecard with what a comparison needs of it. */
export interface Scored {
  readonly scorecard: Scorecard;
  /** By field name: the value in every bootstrap sample, the same services in each policy's. */
  readonly samples: ReadonlyMap<string, Float64Array>;
  readonly values: ReadonlyMap<string, number>;
  readonly clusters: number;
}

export interface ScoreOptions {
  readonly costs: Costs;
  readonly weeks: number;
  readonly timezoneOf: (service: string) => string | null;
  readonly seed: number;
  readonly bootstraps: number;
}

const CLUSTERS_AT_LEAST = 20;

export function score(outcomes: readonly Outcome[], options: ScoreOptions): Scored {
  const services = sumByService(outcomes, options.costs, options.timezoneOf);
  const samples = bootstrap(services, options);
  const { sums, seconds } = total(services);
  const values = new Map<string, number>();
  const card: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = field.value(sums, seconds, options.weeks);
    values.set(field.name, value);
    const estimate = estimateOf(field, value, field.n(sums), samples.get(field.name)!, services);
    const [name, statistic] = field.name.split(".") as [string, string | undefined];
    if (statistic === undefined) card[name] = estimate;
    else card[name] = { ...(card[name] as object | undefined), [statistic]: estimate };
  }
  const cost = card["cost"] as Estimate;
  const perRegression = (sum: number): number | null =>
    sums.timed === 0 ? null : tidy(sum / sums.timed);
  const scorecard = {
    ...card,
    mttrBounds: {
      best: perRegression(sums.recoveryBestSeconds),
      worst: perRegression(sums.recoveryWorstSeconds),
    },
    ...rateBounds(sums),
    identifiedShare: perRegression(sums.identified),
    cost: {
      ...cost,
      parts: {
        rollbacks: tidy(sums.costRollbacks),
        falsePositives: tidy(sums.costFalsePositives),
        degradation: tidy(sums.costDegradation),
        pages: tidy(sums.costPages),
        toil: tidy(sums.costToil),
      },
    },
  } as unknown as Scorecard;
  return { scorecard, samples, values, clusters: services.length };
}

type RateBounds = "falsePositiveShareBounds" | "falsePositiveRateBounds" | "missRateBounds";

/** Every open outcome, rolled back or not as it stands, may have been either. */
function rateBounds(sums: Sums): Pick<Scorecard, RateBounds> {
  const wrong = sums.falsePositiveRollbacks - sums.openGoodRollbacks;
  const right = sums.truePositiveRollbacks - sums.openBadRollbacks;
  const missed = sums.misses - (sums.openBad - sums.openBadRollbacks);
  const anyRollback = wrong + right + sums.openGood + sums.openBad > 0;
  return {
    falsePositiveShareBounds: {
      best: anyRollback ? shareOf(wrong, wrong + right + sums.openBad) : null,
      worst: anyRollback ? shareOf(wrong + sums.openGood, wrong + sums.openGood + right) : null,
    },
    falsePositiveRateBounds: bounds(wrong, sums.openGood, sums.benign),
    missRateBounds: bounds(missed, sums.openBad, sums.regressions),
  };
}

/** A share whose count is at least `certain` and at most `certain + open`. */
function bounds(certain: number, open: number, of: number): Bounds {
  if (of === 0) return { best: null, worst: null };
  return { best: shareOf(certain, of), worst: shareOf(certain + open, of) };
}

/** None of none is nothing. */
function shareOf(count: number, of: number): number {
  return of === 0 ? 0 : tidy(count / of);
}

function bootstrap(
  services: readonly ServiceSums[],
  { seed, bootstraps, weeks }: ScoreOptions,
): Map<string, Float64Array> {
  const samples = new Map(FIELDS.map(({ name }) => [name, new Float64Array(bootstraps)]));
  // The draw depends on the seed and the number of services alone, so two policies on
  // one history are resampled alike and their differences are paired.
  const random = randomStream(seed, "bootstrap", services.length);
  for (let round = 0; round < bootstraps; round++) {
    const drawn = services.map(() => services[Math.floor(random.next() * services.length)]!);
    const { sums, seconds } = total(drawn);
    for (const field of FIELDS) {
      samples.get(field.name)![round] = field.value(sums, seconds, weeks);
    }
  }
  return samples;
}

function estimateOf(
  field: Field,
  value: number,
  n: number,
  samples: Float64Array,
  services: readonly ServiceSums[],
): Estimate {
  if (Number.isNaN(value)) return { value: null, low: null, high: null, n, why: field.why };
  const interval = intervalOf(samples);
  if (services.length < 2 || interval === null) {
    const why =
      services.length < 2 ? "one service: no interval" : "too few services can say it: no interval";
    return { value: tidy(value), low: null, high: null, n, why };
  }
  const estimate = { value: tidy(value), low: interval.low, high: interval.high, n };
  if (services.length >= CLUSTERS_AT_LEAST) return estimate;
  return { ...estimate, why: `${services.length} services only: the interval is too narrow` };
}

/** The 2.5 % and 97.5 % points; null when hardly any sample has a value. */
export function intervalOf(samples: Float64Array): { low: number; high: number } | null {
  const valid = samples.filter((value) => !Number.isNaN(value)).sort();
  if (valid.length < samples.length / 2) return null;
  const at = (share: number): number =>
    valid[Math.min(valid.length - 1, Math.max(0, Math.round(share * (valid.length - 1))))]!;
  return { low: tidy(at(0.025)), high: tidy(at(0.975)) };
}

/** Nine significant digits: stable in print whatever the order of additions. */
export function tidy(value: number): number {
  return Number(value.toPrecision(9));
}
