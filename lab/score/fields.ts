/**
 * The fields of a scorecard as functions of sums, flat by name, so that the same
 * arithmetic serves the history itself, every bootstrap sample and every difference.
 */

import type { Range } from "./intervals.ts";
import { COUNTED, DURATIONS, type DurationName, type ServiceSums, type SumName } from "./sums.ts";

export type Sums = Record<SumName, number>;
export type Seconds = Record<DurationName, Float64Array>;

export interface Field {
  readonly name: string;
  readonly unit: "count" | "share" | "seconds" | "perWeek" | "hours" | "cost";
  /** A smooth function of sums; a quantile jumps. */
  readonly smooth: boolean;
  /** Which way is better for the team; null where neither is. */
  readonly better: "lower" | "higher" | null;
  /** NaN where the history cannot say it. */
  readonly value: (sums: Sums, seconds: Seconds, weeks: number) => number;
  /** How many observations it rests on. */
  readonly n: (sums: Sums) => number;
  /** Between which values it can lie in these deployments with these labels. */
  readonly range: (sums: Sums) => Range;
  /** Why it is null when it is. */
  readonly why: string;
}

const FROM_ZERO: Range = { low: 0, high: Number.POSITIVE_INFINITY };
const SHARE: Range = { low: 0, high: 1 };
const divide = (top: number, bottom: number): number => (bottom === 0 ? Number.NaN : top / bottom);

type Among = (sums: Sums) => number;
const unlimited: Among = () => Number.POSITIVE_INFINITY;
const deployments: Among = (sums) => sums.deployments;
const regressions: Among = (sums) => sums.regressions;
const good: Among = (sums) => sums.benign;
const unlabelled: Among = (sums) => sums.unlabelled;
const unrelated: Among = (sums) =>
  sums.deployments - sums.regressions - sums.benign - sums.unlabelled;

/** @param among what it is some of, and can be no more than */
function count(name: SumName, among: Among, better: Field["better"] = null): Field {
  return {
    name,
    unit: "count",
    smooth: true,
    better,
    value: (sums) => sums[name],
    n: (sums) => sums.deployments,
    range: (sums) => ({ low: 0, high: among(sums) }),
    why: "",
  };
}

/** What the history has whatever a policy does: counted, so nothing is estimated. */
function ownCount(name: SumName): Field {
  return {
    ...count(name, deployments),
    range: (sums) => ({ low: sums[name], high: sums[name] }),
  };
}

/** A count that rests on labels: without any it is not none but unknown. */
function labelledCount(name: SumName, among: Among, better: Field["better"] = null): Field {
  return {
    ...count(name, among, better),
    value: (sums) => (sums.unlabelled === sums.deployments ? Number.NaN : sums[name]),
    n: (sums) => sums.deployments - sums.unlabelled,
    why: NO_LABEL,
  };
}

function share(
  name: string,
  better: Field["better"],
  top: SumName,
  bottom: (sums: Sums) => number,
  why: string,
): Field {
  return {
    name,
    unit: "share",
    smooth: true,
    better,
    value: (sums) => divide(sums[top], bottom(sums)),
    n: bottom,
    range: () => SHARE,
    why,
  };
}

const labelledRollbacks = (sums: Sums): number =>
  sums.truePositiveRollbacks + sums.falsePositiveRollbacks;
const NO_LABEL = "no deployment is labelled";
const NO_REGRESSION = "no deployment is labelled as a regression";

function durations(name: DurationName): Field[] {
  const field = (statistic: string, value: (seconds: Float64Array) => number): Field => ({
    name: `${name}.${statistic}`,
    unit: "seconds",
    smooth: statistic !== "median" && statistic !== "p90",
    better: "lower",
    value: (_sums, seconds) => value(seconds[name]),
    n: (sums) => sums.timed - (name === "timeToDetect" ? sums.earlyAlarms : 0),
    range: () => (statistic === "restrictedMean60m" ? { low: 0, high: 3600 } : FROM_ZERO),
    why: "no regression has a recorded onset",
  });
  return [
    field("mean", mean),
    field("median", (seconds) => quantile(seconds, 0.5)),
    field("p90", (seconds) => quantile(seconds, 0.9)),
    field("restrictedMean60m", restrictedMean),
  ];
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return divide(sum, values.length);
}

function restrictedMean(seconds: Float64Array): number {
  let sum = 0;
  for (const one of seconds) sum += Math.min(one, 3600);
  return divide(sum, seconds.length);
}

/** The inverse of the empirical distribution; sorts in place. */
function quantile(values: Float64Array, share: number): number {
  if (values.length === 0) return Number.NaN;
  if (!isAscending(values)) values.sort();
  return values[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)]!;
}

function isAscending(values: Float64Array): boolean {
  for (let at = 1; at < values.length; at++) if (values[at]! < values[at - 1]!) return false;
  return true;
}

/** Names are the contract of the JSON; the order is that of the printed scorecard. */
export const FIELDS: readonly Field[] = [
  ownCount("deployments"),
  ownCount("regressions"),
  ownCount("benign"),
  ownCount("unlabelled"),
  count("undecidable", deployments),
  count("proposals", unlimited),
  count("rollbacks", deployments),
  labelledCount("truePositiveRollbacks", regressions, "higher"),
  labelledCount("falsePositiveRollbacks", good, "lower"),
  labelledCount("unrelatedRollbacks", unrelated, "lower"),
  count("unlabelledRollbacks", unlabelled),
  share(
    "falsePositiveShare",
    "lower",
    "falsePositiveRollbacks",
    labelledRollbacks,
    "no labelled deployment was rolled back",
  ),
  share(
    "falsePositiveRate",
    "lower",
    "falsePositiveRollbacks",
    (sums) => sums.benign,
    "no deployment is labelled benign",
  ),
  share("missRate", "lower", "misses", (sums) => sums.regressions, NO_REGRESSION),
  share(
    "precision",
    "higher",
    "truePositiveRollbacks",
    labelledRollbacks,
    "no labelled deployment was rolled back",
  ),
  share("recall", "higher", "truePositiveRollbacks", (sums) => sums.regressions, NO_REGRESSION),
  {
    name: "f1",
    unit: "share",
    smooth: true,
    better: "higher",
    value: (sums) =>
      divide(
        2 * sums.truePositiveRollbacks,
        2 * sums.truePositiveRollbacks + sums.falsePositiveRollbacks + sums.misses,
      ),
    n: (sums) => sums.regressions,
    range: () => SHARE,
    why: NO_REGRESSION,
  },
  ...DURATIONS.flatMap(durations),
  {
    name: "mttr",
    unit: "seconds",
    smooth: true,
    better: "lower",
    value: (_sums, seconds) => mean(seconds.timeToRecovery),
    n: (sums) => sums.timed,
    range: () => FROM_ZERO,
    why: "no regression has a recorded onset",
  },
  labelledCount("earlyAlarms", (sums) => sums.timed),
  count("pages", unlimited, "lower"),
  count("nightPages", unlimited, "lower"),
  {
    name: "pagesPerWeek",
    unit: "perWeek",
    smooth: true,
    better: "lower",
    value: (sums, _seconds, weeks) => divide(sums.pages, weeks),
    n: (sums) => sums.deployments,
    range: () => FROM_ZERO,
    why: "the history has no length",
  },
  count("approvals", deployments),
  count("approvalsExpired", deployments, "lower"),
  count("escalations", unlimited, "lower"),
  count("overrides", deployments),
  labelledCount("harmfulOverrides", regressions, "lower"),
  {
    ...count("toilHours", unlimited, "lower"),
    unit: "hours",
  },
  {
    name: "cost",
    unit: "cost",
    smooth: true,
    better: "lower",
    // Without labels the harm of acting and of not acting is missing: no total.
    value: (sums) =>
      sums.unlabelled === sums.deployments
        ? Number.NaN
        : sums.costRollbacks +
          sums.costFalsePositives +
          sums.costDegradation +
          sums.costPages +
          sums.costToil,
    n: (sums) => sums.deployments,
    range: () => FROM_ZERO,
    why: NO_LABEL,
  },
  labelledCount("tagSaved", good),
  labelledCount("tagMasked", regressions, "lower"),
  count("ownerlessActions", deployments, "lower"),
  ...(["observed", "modelled", "bounded", "unknown"] as const).map((kind) =>
    share(`${kind}Share`, null, kind, (sums) => sums.deployments, "no deployments"),
  ),
];

/** One service's sums and durations as plain columns: a bootstrap adds them up a thousand times. */
export interface Addend {
  /** In the order of `COUNTED`. */
  readonly sums: Float64Array;
  /** In the order of `DURATIONS`. */
  readonly seconds: readonly Float64Array[];
}

export function addendOf({ sums, seconds }: ServiceSums): Addend {
  return {
    sums: Float64Array.from(COUNTED, (name) => sums[name]),
    seconds: DURATIONS.map((name) => Float64Array.from(seconds[name])),
  };
}

/** Adds services up; the same service may come more than once in a bootstrap sample. */
export function total(services: readonly Addend[]): { sums: Sums; seconds: Seconds } {
  const added = services[0]!.sums.slice();
  for (let index = 1; index < services.length; index++) {
    const own = services[index]!.sums;
    for (let at = 0; at < added.length; at++) added[at]! += own[at]!;
  }
  const sums = {} as Sums;
  COUNTED.forEach((name, at) => (sums[name] = added[at]!));
  const seconds = {} as Seconds;
  DURATIONS.forEach((name, at) => (seconds[name] = joined(services, at)));
  return { sums, seconds };
}

function joined(services: readonly Addend[], duration: number): Float64Array {
  let length = 0;
  for (const service of services) length += service.seconds[duration]!.length;
  const all = new Float64Array(length);
  let at = 0;
  for (const service of services) {
    const own = service.seconds[duration]!;
    all.set(own, at);
    at += own.length;
  }
  return all;
}
