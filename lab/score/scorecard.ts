/**
 * A policy's scorecard: every field as a value with a 95 % interval.
 *
 * Intervals come from a cluster bootstrap: it resamples services, because deployments of one
 * service are alike. Resampling deployments instead, an interval contains the truth in only 62 to
 * 73 % of cases at an intra-class correlation of 0.2. Intervals are stretched where services are
 * few or unequal (intervals.ts).
 *
 * Where there are several draws, of people or of what history hid, every value is their mean.
 */

import { effectiveClusters } from "../evidence.ts";
import { jsonObject, own, type JsonObject } from "../../engine/index.ts";
import { belowText } from "../counted.ts";
import type { Causes } from "../causes/tally.ts";
import type { WrongLabels } from "./wrongLabels.ts";
import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Calibration } from "./calibration.ts";
import type { Costs } from "./costs.ts";
import type { Diagnostics, MttrSensitivity } from "./diagnostics.ts";
import { addendsOf, FIELDS, isTotal, total, type Field } from "./fields.ts";
import { identifiedText, lessThanHalf, type LessThanHalf } from "./identified.ts";
import { intervalOf, intervalOfShare, tidy, type Spread } from "./intervals.ts";
import { GroupSums, type Addends, type Seconds, type Sums } from "./groupSums.ts";
import { resamplesOf } from "./resamples.ts";
import { sumByService, type ServiceSums } from "./sums.ts";

export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
  /** Why the value or its interval is missing or doubtful; absent where neither is. */
  readonly why?: string;
  /** The same for a program, where too little is identified for an interval. */
  readonly reason?: LessThanHalf;
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

/** The field names are a contract: they are those of the JSON of `replay` and `compare`. */
export interface Scorecard extends JsonObject {
  readonly timeToDetect: Distribution;
  readonly timeToProposal: Distribution;
  readonly timeToRollback: Distribution;
  readonly timeToRecovery: Distribution;
  readonly mttr: Estimate;
  readonly mttrBounds: Bounds;
  readonly restrictedMean60mBounds: Bounds;
  /** The rates if all open outcomes (see `isOpen`) were right, and if all of them were wrong. */
  readonly falsePositiveShareBounds: Bounds;
  readonly falsePositiveRateBounds: Bounds;
  readonly missRateBounds: Bounds;
  /** False positives a tag saved, if it saved all open ones that it may have, and if none. */
  readonly tagSavedBounds: Bounds;
  readonly identifiedShare: number | null;
  readonly cost: Estimate & { readonly parts: JsonObject<number> };
  /** These three are only made for scorecards that are shown. */
  readonly mttrSensitivity?: MttrSensitivity;
  readonly calibration?: Calibration;
  readonly diagnostics?: Diagnostics;
  /** What one wrong label in ten would do, where the history has derived ones. */
  readonly wrongLabels?: WrongLabels;
  /** Why it missed regressions, and what fooled it; absent in documents of earlier versions. */
  readonly causes?: Causes;
}

/** The estimate of a field by its name, such as `mttr` or `timeToRecovery.median`. */
export function estimateIn(card: Scorecard, name: string): Estimate {
  const [field, statistic] = name.split(".") as [string, string | undefined];
  const found = own(card, field) as Estimate | JsonObject<Estimate>;
  return statistic === undefined
    ? (found as Estimate)
    : own(found as JsonObject<Estimate>, statistic)!;
}

/** A scorecard with what a comparison needs of it. */
export interface Scored {
  readonly scorecard: Scorecard;
  /** By field name. All policies are resampled with the same services, so samples are paired. */
  readonly spreads: ReadonlyMap<string, Spread>;
  readonly values: ReadonlyMap<string, number>;
  /** By field name: how many observations it rests on. */
  readonly counts: ReadonlyMap<string, number>;
  readonly clusters: number;
}

export interface ScoreOptions {
  readonly costs: Costs;
  readonly weeks: number;
  readonly timezoneOf: (service: string) => string | null;
  readonly seed: number;
  readonly bootstraps: number;
  /** How long a regression lasts that nobody rolls back; an hour where nobody says. */
  readonly unaidedSeconds?: number;
}

/** With fewer effective clusters an estimate says that its interval is rough. */
const CLUSTERS_AT_LEAST = 20;

/**
 * Scores a policy. All of it is made when it is first read: a bootstrap is slow and a sweep reads
 * only some of them, and of a policy that is evaluated again only the outcomes are read.
 *
 * @param draws outcomes of the same deployments, once for each draw
 */
export function score(draws: readonly Listed<Outcome>[], options: ScoreOptions): Scored {
  const summed = once(() => {
    const services = sumByService(draws, options.costs, options.timezoneOf);
    const addends = addendsOf(services);
    const { sums, seconds } = total(addends);
    const values = valuesOf(sums, seconds, options.weeks);
    const counts = new Map(FIELDS.map((field) => [field.name, field.n(sums)]));
    return { services, addends, sums, seconds, values, counts };
  });
  const spreads = once(() => {
    const { services, addends, values, ...whole } = summed();
    return spreadsOf(services, addends, whole, values, options);
  });
  const scorecard = once(() => {
    const { services, sums } = summed();
    return cardOf(sums, (field) =>
      estimateOf(field, sums, spreads().get(field.name)!, services.length),
    );
  });
  return {
    get spreads() {
      return spreads();
    },
    get scorecard() {
      return scorecard();
    },
    get values() {
      return summed().values;
    },
    get counts() {
      return summed().counts;
    },
    get clusters() {
      return summed().services.length;
    },
  };
}

/** What `make` makes, made when it is first asked for. */
function once<Made>(make: () => Made): () => Made {
  let made: { readonly is: Made } | null = null;
  return () => (made ??= { is: make() }).is;
}

/** Scores a policy without intervals, which needs no bootstrap. */
export function scoreValues(
  draws: readonly Listed<Outcome>[],
  { costs, timezoneOf, weeks }: Omit<ScoreOptions, "bootstraps">,
): { readonly scorecard: Scorecard; readonly values: ReadonlyMap<string, number> } {
  const { sums, seconds } = total(addendsOf(sumByService(draws, costs, timezoneOf)));
  const values = valuesOf(sums, seconds, weeks);
  const scorecard = cardOf(sums, (field): Estimate => {
    const value = values.get(field.name)!;
    const none = { low: null, high: null, n: tidy(field.n(sums)) };
    return Number.isNaN(value)
      ? { value: null, ...none, why: field.why(sums) }
      : { value: tidy(value), ...none, ...hiddenIn(field, sums) };
  });
  return { scorecard, values };
}

function valuesOf(sums: Sums, seconds: Seconds, weeks: number): ReadonlyMap<string, number> {
  return new Map(FIELDS.map((field) => [field.name, field.value(sums, seconds, weeks)]));
}

function cardOf(sums: Sums, estimateFor: (field: Field) => Estimate): Scorecard {
  const card = new Map<string, unknown>();
  for (const field of FIELDS) {
    const estimate = estimateFor(field);
    const [name, statistic] = field.name.split(".") as [string, string | undefined];
    if (statistic === undefined) card.set(name, estimate);
    else card.set(name, { ...(card.get(name) as object | undefined), [statistic]: estimate });
  }
  const cost = card.get("cost") as Estimate;
  const perRegression = (sum: number): number | null =>
    sums.timed === 0 ? null : tidy(sum / sums.timed);
  return {
    ...jsonObject(card),
    mttrBounds: {
      best: perRegression(sums.recoveryBestSeconds),
      worst: perRegression(sums.recoveryWorstSeconds),
    },
    restrictedMean60mBounds: {
      best: perRegression(sums.recoveryBest60mSeconds),
      worst: perRegression(sums.recoveryWorst60mSeconds),
    },
    ...rateBounds(sums),
    tagSavedBounds: tagSavedBounds(sums),
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
}

/**
 * Of what history hid a tag saved between none and all about which the policy would have asked
 * without it. Bias: that it would have asked is itself a model where it is later than history's
 * rollback.
 */
function tagSavedBounds(sums: Sums): Bounds {
  if (sums.unlabelled === sums.deployments) return { best: null, worst: null };
  const sure = sums.tagSaved - sums.openTagSaved;
  return { best: tidy(sure + sums.openTagged), worst: tidy(sure) };
}

type RateBounds = "falsePositiveShareBounds" | "falsePositiveRateBounds" | "missRateBounds";

/** The bounds of the rates: an open outcome may or may not have been rolled back. */
function rateBounds(sums: Sums): Pick<Scorecard, RateBounds> {
  const wrong = sums.falsePositiveRollbacks - sums.openGoodRollbacks;
  const early = sums.earlyRollbacks - sums.openEarlyRollbacks;
  const right = sums.truePositiveRollbacks - (sums.openBadRollbacks - sums.openEarlyRollbacks);
  const missed = sums.misses - (sums.openBad - sums.openBadRollbacks);
  const surelyFalse = wrong + early;
  const falseAtMost = surelyFalse + sums.openGood + sums.openEarlyRollbacks;
  const anyRollback = falseAtMost + right + sums.openBad > 0;
  return {
    falsePositiveShareBounds: {
      best: anyRollback ? shareOf(surelyFalse, surelyFalse + right + sums.openBad) : null,
      worst: anyRollback ? shareOf(falseAtMost, falseAtMost + right) : null,
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

/** A share; 0 where there is nothing to have a share of. */
function shareOf(count: number, of: number): number {
  return of === 0 ? 0 : tidy(count / of);
}

function spreadsOf(
  services: readonly ServiceSums[],
  addends: Addends,
  { sums, seconds }: ReturnType<typeof total>,
  values: ReadonlyMap<string, number>,
  options: ScoreOptions,
): ReadonlyMap<string, Spread> {
  const { bootstraps, weeks } = options;
  const count = services.length;
  const { drawn: groups, allButOne } = resamplesOf(count, options);
  const drawn = new GroupSums(addends, groups);
  const left = allButOne && new GroupSums(addends, allButOne);
  return new Map(
    FIELDS.map((field) => {
      const valueOf = (some: Sums, own: Seconds): number => field.value(some, own, weeks);
      const samples = drawn.values(valueOf);
      // The others of as many services as there are: a mean is that already.
      const leftOf = (some: Sums, own: Seconds): number =>
        isTotal(field) ? (valueOf(some, own) * count) / (count - 1) : valueOf(some, own);
      return [
        field.name,
        {
          value: values.get(field.name)!,
          samples: count === 1 ? new Float64Array(bootstraps).fill(samples[0]!) : samples,
          leftOut: left?.values(leftOf) ?? null,
          effectiveClusters: effectiveClusters(services.map((one) => field.n(one.sums))),
          smooth: field.smooth,
          range: field.range(sums, seconds),
        },
      ];
    }),
  );
}

/** Why most of a field is not identified; null where at least half of it is. */
function hiddenIn(field: Field, sums: Sums): Pick<Estimate, "why" | "reason"> | null {
  const reason = lessThanHalf(tidy(field.identified(sums)));
  return reason === null ? null : { why: `${identifiedText(reason)}: no interval`, reason };
}

function estimateOf(field: Field, sums: Sums, spread: Spread, services: number): Estimate {
  const { value } = spread;
  const n = tidy(field.n(sums));
  if (Number.isNaN(value)) return { value: null, low: null, high: null, n, why: field.why(sums) };
  const hidden = hiddenIn(field, sums);
  if (hidden !== null) return { value: tidy(value), low: null, high: null, n, ...hidden };
  const isShare = field.unit === "share" && field.better !== null;
  const found = isShare ? intervalOfShare(spread, n) : intervalOf(spread);
  if (services < 2 || found === null) {
    const why =
      services < 2 ? "one service: no interval" : "too few services can say it: no interval";
    return { value: tidy(value), low: null, high: null, n, why };
  }
  const estimate = { value: tidy(value), ...found, n };
  if (spread.effectiveClusters >= CLUSTERS_AT_LEAST) return estimate;
  const effective = belowText(spread.effectiveClusters, CLUSTERS_AT_LEAST);
  return {
    ...estimate,
    why: `${services} services count like ${effective} equal ones: a rough, studentised interval`,
  };
}
