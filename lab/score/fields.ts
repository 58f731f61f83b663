/**
 * The fields of a scorecard, each a function of sums. So the same arithmetic serves the history
 * itself, every bootstrap sample and every difference.
 */

import { durationsOf, inOrder, LIMIT_SECONDS, type Durations, type Ordered } from "./durations.ts";
import type { Range } from "./intervals.ts";
import { sumsIn, type Addends, type Seconds, type Sums } from "./groupSums.ts";
import { COUNTED, DURATIONS, type DurationName, type ServiceSums, type SumName } from "./sums.ts";

export interface Field {
  readonly name: string;
  readonly unit: "count" | "share" | "seconds" | "perWeek" | "hours" | "cost";
  /** Is it a smooth function of the sums? A quantile is not: it jumps. */
  readonly smooth: boolean;
  /** Which way is better for the team; null where neither is. */
  readonly better: "lower" | "higher" | null;
  /** Its value; NaN where the history cannot say it. */
  readonly value: (sums: Sums, seconds: Seconds, weeks: number) => number;
  /** How many observations it rests on. */
  readonly n: (sums: Sums) => number;
  /** The least and the most that it can be, for these deployments with these labels. */
  readonly range: (sums: Sums, seconds: Seconds) => Range;
  /** Why it has no value, where it has none. */
  readonly why: (sums: Sums) => string;
  /** The share of what it rests on that the history settles; see identified.ts and the README. */
  readonly identified: (sums: Sums) => number;
}

/** Does it add up over services, so that with one service less there is less of it? */
export function isTotal({ unit }: Field): boolean {
  return unit !== "share" && unit !== "seconds";
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

/** The share of `all` that is not open; 1 where there is nothing that could be. */
const settled = (open: number, all: number): number => (all === 0 ? 1 : 1 - open / all);

type Identified = Field["identified"];
/** What the history itself is, or what is said about the evidence. */
const byItself: Identified = () => 1;
const byDeployments: Identified = (sums) => settled(sums.open, sums.deployments);
const byGood: Identified = (sums) => settled(sums.openGood, sums.benign);
const byRegressions: Identified = (sums) => settled(sums.openBad, sums.regressions);
const byUnrelated: Identified = (sums) => settled(sums.openUnrelated, unrelated(sums));
const byUnlabelled: Identified = (sums) => settled(sums.openUnlabelled, sums.unlabelled);
/** Of the labelled rollbacks there may be, the share that there surely are. */
const byRollbacks: Identified = (sums) => {
  const open = sums.openGood + sums.openBad;
  const sure = labelledRollbacks(sums) - sums.openGoodRollbacks - sums.openBadRollbacks;
  return settled(open, sure + open);
};
/** Good rollbacks there may be, and regressions. */
const byRegressionsAndRollbacks: Identified = (sums) => {
  const open = sums.openGood + sums.openBad;
  const sureGood = sums.falsePositiveRollbacks - sums.openGoodRollbacks;
  return settled(open, sureGood + sums.openGood + sums.regressions);
};
const byTimed: Identified = (sums) => settled(sums.openTimed, sums.timed);
/** As `byTimed`; a regression whose end is not recorded is not identified either. */
const byRecoveries: Identified = (sums) => settled(sums.timed - sums.identified, sums.timed);
/** Most toil is about rollbacks of good deployments, the rest about pages. */
const byToil: Identified = (sums) => Math.min(byDeployments(sums), byGood(sums));
/** A sum of several parts is identified as far as the least of them. */
const byCost: Identified = (sums) =>
  Math.min(byToil(sums), settled(sums.regressions - sums.identified, sums.regressions));

/**
 * A field that counts.
 *
 * @param among what is counted among, so that it can be no more
 */
function count(
  name: SumName,
  among: Among,
  better: Field["better"] = null,
  identified: Identified = byDeployments,
): Field {
  return {
    name,
    unit: "count",
    smooth: true,
    better,
    value: (sums) => sums[name],
    n: (sums) => sums.deployments,
    range: (sums) => ({ low: 0, high: among(sums) }),
    why: () => "",
    identified,
  };
}

/** A count that is the same whatever a policy does, so that nothing about it is estimated. */
function ownCount(name: SumName): Field {
  return {
    ...count(name, deployments, null, byItself),
    range: (sums) => ({ low: sums[name], high: sums[name] }),
  };
}

/** A count that rests on labels: without any label it is unknown, not zero. */
function labelledCount(
  name: SumName,
  among: Among,
  identified: Identified,
  better: Field["better"] = null,
): Field {
  return {
    ...count(name, among, better, identified),
    value: (sums) => (sums.unlabelled === sums.deployments ? Number.NaN : sums[name]),
    n: (sums) => sums.deployments - sums.unlabelled,
    why: () => NO_LABEL,
  };
}

function share(
  name: string,
  better: Field["better"],
  top: (sums: Sums) => number,
  bottom: (sums: Sums) => number,
  identified: Identified,
  why: string,
): Field {
  return {
    name,
    unit: "share",
    smooth: true,
    better,
    value: (sums) => divide(top(sums), bottom(sums)),
    n: bottom,
    range: () => SHARE,
    why: () => why,
    identified,
  };
}

/** Rollbacks that were wrong: of good deployments, and of regressions before their onset. */
const wrongRollbacks = (sums: Sums): number => sums.falsePositiveRollbacks + sums.earlyRollbacks;
const labelledRollbacks = (sums: Sums): number => sums.truePositiveRollbacks + wrongRollbacks(sums);
const NO_LABEL = "no deployment is labelled";
const NO_REGRESSION = "no deployment is labelled as a regression";
const NO_ONSET = "no regression has a recorded onset";

/** What did not happen counts an hour, and nothing was seen to take longer than the longest. */
function untilAnHour({ longest }: Durations): Range {
  return { low: 0, high: Math.max(LIMIT_SECONDS, longest) };
}

/** Are there regressions, none of which has a recorded onset? */
const isUntimed = (sums: Sums): boolean => sums.regressions > 0 && sums.timed === 0;

function durations(name: DurationName): Field[] {
  return (["mean", "median", "p90", "restrictedMean60m"] as const).map((statistic) => ({
    name: `${name}.${statistic}`,
    unit: "seconds",
    smooth: statistic !== "median" && statistic !== "p90",
    better: "lower",
    value: (_sums, seconds) => seconds[name][statistic],
    n: (sums) => sums.timed - (name === "timeToDetect" ? sums.earlyAlarms : 0),
    range: (_sums, seconds) => {
      if (statistic === "restrictedMean60m") return { low: 0, high: LIMIT_SECONDS };
      // A recovery that nobody brought about ends when it ends.
      return name === "timeToRecovery" ? FROM_ZERO : untilAnHour(seconds[name]);
    },
    why: () => NO_ONSET,
    identified: name === "timeToRecovery" ? byRecoveries : byTimed,
  }));
}

const NO_DURATIONS = durationsOf(inOrder([]), new Uint32Array());
const NO_SECONDS = Object.fromEntries(DURATIONS.map((name) => [name, NO_DURATIONS])) as Seconds;

/**
 * The value of a field by its sums alone, which add up and can so be changed one deployment at a
 * time; null for a quantile, and for the times of what people or a policy did.
 */
export function valueOfSums({ name, value }: Field, sums: Sums, weeks: number): number | null {
  if (name === "mttr" || name === "timeToRecovery.mean") {
    return divide(sums.recoverySeconds, sums.timed);
  }
  if (name === "timeToRecovery.restrictedMean60m") {
    return divide(sums.recovery60mSeconds, sums.timed);
  }
  return name.startsWith("timeTo") ? null : value(sums, NO_SECONDS, weeks);
}

/** The least and the most that it can be, where `valueOfSums` says what it is. */
export function rangeOfSums({ range }: Field, sums: Sums): Range {
  return range(sums, NO_SECONDS);
}

/** All fields. Their names are a contract (the JSON), and their order is that in print. */
export const FIELDS: readonly Field[] = [
  ownCount("deployments"),
  ownCount("regressions"),
  ownCount("benign"),
  ownCount("unlabelled"),
  count("undecidable", deployments, null, byItself),
  count("silent", deployments, null, byItself),
  count("proposals", unlimited),
  count("rollbacks", deployments),
  labelledCount("truePositiveRollbacks", regressions, byRegressions, "higher"),
  labelledCount("falsePositiveRollbacks", good, byGood, "lower"),
  labelledCount("earlyRollbacks", regressions, byRegressions),
  labelledCount("unrelatedRollbacks", unrelated, byUnrelated, "lower"),
  count("unlabelledRollbacks", unlabelled, null, byUnlabelled),
  share(
    "falsePositiveShare",
    "lower",
    wrongRollbacks,
    labelledRollbacks,
    byRollbacks,
    "no labelled deployment was rolled back",
  ),
  share(
    "falsePositiveRate",
    "lower",
    (sums) => sums.falsePositiveRollbacks,
    (sums) => sums.benign,
    byGood,
    "no deployment is labelled benign",
  ),
  share("missRate", "lower", (sums) => sums.misses, regressions, byRegressions, NO_REGRESSION),
  share(
    "precision",
    "higher",
    (sums) => sums.truePositiveRollbacks,
    labelledRollbacks,
    byRollbacks,
    "no labelled deployment was rolled back",
  ),
  share(
    "recall",
    "higher",
    (sums) => sums.truePositiveRollbacks,
    regressions,
    byRegressions,
    NO_REGRESSION,
  ),
  {
    name: "f1",
    unit: "share",
    smooth: true,
    better: "higher",
    value: (sums) =>
      divide(
        2 * sums.truePositiveRollbacks,
        2 * sums.truePositiveRollbacks + wrongRollbacks(sums) + sums.misses,
      ),
    n: (sums) => sums.regressions,
    range: () => SHARE,
    why: () => NO_REGRESSION,
    identified: byRegressionsAndRollbacks,
  },
  ...DURATIONS.flatMap(durations),
  {
    name: "mttr",
    unit: "seconds",
    smooth: true,
    better: "lower",
    value: (_sums, seconds) => seconds.timeToRecovery.mean,
    n: (sums) => sums.timed,
    range: () => FROM_ZERO,
    why: () => NO_ONSET,
    identified: byRecoveries,
  },
  labelledCount("earlyAlarms", (sums) => sums.timed, byTimed),
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
    why: () => "the history has no length",
    identified: byDeployments,
  },
  count("approvals", deployments),
  count("approvalsExpired", deployments, "lower"),
  count("escalations", unlimited, "lower"),
  count("overrides", deployments),
  labelledCount("harmfulOverrides", regressions, byRegressions, "lower"),
  // Most toil is about false positives, which only labels tell.
  { ...labelledCount("toilHours", unlimited, byToil, "lower"), unit: "hours" },
  {
    name: "cost",
    unit: "cost",
    smooth: true,
    better: "lower",
    // Without labels the cost of wrong rollbacks and of harm is missing, and without any onset
    // that of harm. There is no total then: in it, doing nothing would cost nothing.
    value: (sums) =>
      sums.unlabelled === sums.deployments || isUntimed(sums)
        ? Number.NaN
        : sums.costRollbacks +
          sums.costFalsePositives +
          sums.costDegradation +
          sums.costPages +
          sums.costToil,
    n: (sums) => sums.deployments,
    range: () => FROM_ZERO,
    why: (sums) => (isUntimed(sums) ? NO_ONSET : NO_LABEL),
    identified: byCost,
  },
  labelledCount("tagSaved", good, byGood),
  labelledCount("tagMasked", regressions, byRegressions, "lower"),
  count("ownerlessActions", deployments, "lower"),
  ...(["observed", "modelled", "bounded", "unknown"] as const).map((kind) =>
    share(`${kind}Share`, null, (sums) => sums[kind], deployments, byItself, "no deployments"),
  ),
];

interface TimedAddends extends Addends {
  readonly seconds: NonNullable<Addends["seconds"]>;
}

/** The sums of services, ready to be added up. */
export function addendsOf(services: readonly ServiceSums[]): TimedAddends {
  const ordered = DURATIONS.map((name) => [
    name,
    inOrder(services.map((one) => one.seconds[name])),
  ]);
  return {
    sums: services.map(({ sums }) => Float64Array.from(COUNTED, (name) => sums[name])),
    seconds: Object.fromEntries(ordered) as Record<DurationName, Ordered>,
  };
}

/** Adds all services up. */
export function total({ sums, seconds }: TimedAddends): {
  readonly sums: Sums;
  readonly seconds: Seconds;
} {
  const added = new Float64Array(COUNTED.length);
  for (const own of sums) for (let at = 0; at < added.length; at++) added[at]! += own[at]!;
  const once = new Uint32Array(sums.length).fill(1);
  const durations = DURATIONS.map((name) => [name, durationsOf(seconds[name], once)]);
  return { sums: sumsIn(added), seconds: Object.fromEntries(durations) as Seconds };
}
