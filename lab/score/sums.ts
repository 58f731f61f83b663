/**
 * What outcomes add up to. Every rate and mean of a scorecard is a quotient of sums
 * over services, so a bootstrap that resamples services never looks at an outcome
 * twice.
 */

import { isGood, isOpen, type Outcome } from "../outcome/outcome.ts";
import { CAP_MS } from "../outcome/unaided.ts";
import { localHour } from "../people/model.ts";
import { isWasted, type Costs } from "./costs.ts";

/** The four durations of an incident, from its onset. */
export const DURATIONS = [
  "timeToDetect",
  "timeToProposal",
  "timeToRollback",
  "timeToRecovery",
] as const;
export type DurationName = (typeof DURATIONS)[number];

export const COUNTED = [
  "deployments",
  "regressions",
  "benign",
  "unlabelled",
  "undecidable",
  "proposals",
  "rollbacks",
  "truePositiveRollbacks",
  "falsePositiveRollbacks",
  "unrelatedRollbacks",
  "unlabelledRollbacks",
  "misses",
  "openGood",
  "openGoodRollbacks",
  "openBad",
  "openBadRollbacks",
  "timed",
  "earlyAlarms",
  "pages",
  "nightPages",
  "approvals",
  "approvalsExpired",
  "escalations",
  "overrides",
  "harmfulOverrides",
  "toilHours",
  "costRollbacks",
  "costFalsePositives",
  "costDegradation",
  "costPages",
  "costToil",
  "tagSaved",
  "tagMasked",
  "ownerlessActions",
  "observed",
  "modelled",
  "bounded",
  "unknown",
  "recoveryBestSeconds",
  "recoveryWorstSeconds",
  "recoveryBest60mSeconds",
  "recoveryWorst60mSeconds",
  "identified",
] as const;
export type SumName = (typeof COUNTED)[number];

/** Sums of one service, and its durations in seconds for the quantiles. */
export interface ServiceSums {
  readonly service: string;
  readonly sums: Readonly<Record<SumName, number>>;
  readonly seconds: Readonly<Record<DurationName, readonly number[]>>;
}

/** Local hours in which a page wakes somebody up. */
function isNight(timezone: string | null, atMs: number): boolean {
  const hour = localHour(timezone, atMs);
  return hour >= 22 || hour < 7;
}

const NOTHING = Object.freeze(
  Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<SumName, number>,
);

/** Adds outcomes up by service, in the order of the services' names; the mean of draws. */
export function sumByService(
  draws: readonly (readonly Outcome[])[],
  costs: Costs,
  timezoneOf: (service: string) => string | null,
): readonly ServiceSums[] {
  const services = new Map<string, Outcome[]>();
  for (const outcome of draws.flat()) {
    const group = services.get(outcome.service);
    if (group === undefined) services.set(outcome.service, [outcome]);
    else group.push(outcome);
  }
  return [...services.keys()].sort().map((service) => {
    const sums = { ...NOTHING };
    // Times of all draws stand together: each draw is as likely as the next.
    const seconds: Record<DurationName, number[]> = {
      timeToDetect: [],
      timeToProposal: [],
      timeToRollback: [],
      timeToRecovery: [],
    };
    const timezone = timezoneOf(service);
    for (const outcome of services.get(service)!) {
      add(sums, seconds, outcome, costs, (atMs) => isNight(timezone, atMs));
    }
    for (const name of COUNTED) sums[name] /= draws.length;
    return { service, sums, seconds };
  });
}

function add(
  sums: Record<SumName, number>,
  seconds: Record<DurationName, number[]>,
  outcome: Outcome,
  costs: Costs,
  isNightAt: (atMs: number) => boolean,
): void {
  const good = isGood(outcome);
  const regression = outcome.label === "regression";
  const labelled = good || regression || outcome.label === "unrelated_incident";
  const count = (name: SumName, when: boolean): void => {
    if (when) sums[name]++;
  };
  count("deployments", true);
  count("regressions", regression);
  count("benign", good);
  count("unlabelled", !labelled);
  count("undecidable", outcome.end === "undecidable");
  sums.proposals += outcome.proposals;
  count("rollbacks", outcome.rolledBack);
  count("truePositiveRollbacks", outcome.rolledBack && regression);
  count("falsePositiveRollbacks", outcome.rolledBack && good);
  count("unrelatedRollbacks", outcome.rolledBack && outcome.label === "unrelated_incident");
  count("unlabelledRollbacks", outcome.rolledBack && !labelled);
  count("misses", regression && !outcome.rolledBack);
  count("approvals", outcome.approved);
  count("approvalsExpired", outcome.expired);
  sums.escalations += outcome.escalations;
  count("overrides", outcome.end === "overridden");
  count("harmfulOverrides", outcome.end === "overridden" && regression);
  const proposesUntagged = outcome.untaggedProposedAtMs !== null;
  // Whether a tag or history's own rollback kept it from being proposed must be known.
  const open = isOpen(outcome);
  count("tagSaved", good && proposesUntagged && outcome.proposedAtMs === null && !open);
  count("tagMasked", regression && proposesUntagged && isLater(outcome));
  count("ownerlessActions", outcome.ownerless);
  count(outcome.evidence, true);
  // Whatever it says here, it may have been rolled back or not.
  count("openGood", open && good);
  count("openGoodRollbacks", open && good && outcome.rolledBack);
  count("openBad", open && regression);
  count("openBadRollbacks", open && regression && outcome.rolledBack);

  const nightPages = outcome.pagesAtMs.filter(isNightAt).length;
  const pages = outcome.pagesAtMs.length;
  sums.pages += pages;
  sums.nightPages += nightPages;
  const falsePositive = isWasted(outcome) ? 1 : 0;
  const toilHours = falsePositive * costs.hoursPerFalsePositive + pages * costs.hoursPerPage;
  sums.toilHours += toilHours;
  sums.costRollbacks += outcome.rolledBack ? costs.rollback : 0;
  sums.costFalsePositives += falsePositive * costs.falsePositive;
  sums.costPages += (pages - nightPages) * costs.page + nightPages * costs.nightPage;
  sums.costToil += toilHours * costs.toilHour;

  if (outcome.onsetAtMs === null || outcome.recoveryMs === null) return;
  count("timed", true);
  count("earlyAlarms", outcome.earlyAlarm && outcome.detectedAtMs === null);
  // A decision on what history hid is a model of a model: no part of what is identified.
  const decided = outcome.evidence === "observed" || outcome.evidence === "modelled";
  count("identified", decided && outcome.censoredAtMs === null);
  sums.costDegradation += (outcome.recoveryMs / 60_000) * costs.degradedMinute;
  sums.recoveryBestSeconds += outcome.recoveryBestMs! / 1000;
  sums.recoveryWorstSeconds += outcome.recoveryWorstMs! / 1000;
  sums.recoveryBest60mSeconds += Math.min(CAP_MS, outcome.recoveryBestMs!) / 1000;
  sums.recoveryWorst60mSeconds += Math.min(CAP_MS, outcome.recoveryWorstMs!) / 1000;
  const sinceOnset = (atMs: number | null): number =>
    (atMs === null ? CAP_MS : Math.max(0, atMs - outcome.onsetAtMs!)) / 1000;
  // An alarm before the onset that never came again is neither a detection nor a miss.
  if (outcome.detectedAtMs !== null || !outcome.earlyAlarm) {
    seconds.timeToDetect.push(sinceOnset(outcome.detectedAtMs));
  }
  seconds.timeToProposal.push(sinceOnset(outcome.proposedAtMs));
  seconds.timeToRollback.push(sinceOnset(outcome.executedAtMs));
  seconds.timeToRecovery.push(outcome.recoveryMs / 1000);
}

/** Did a tag delay or prevent the proposal? */
function isLater(outcome: Outcome): boolean {
  return outcome.proposedAtMs === null || outcome.proposedAtMs > outcome.untaggedProposedAtMs!;
}
