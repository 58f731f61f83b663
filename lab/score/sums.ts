/**
 * Adds outcomes up by service. Every rate and mean of a scorecard is a quotient of such sums, so a
 * bootstrap that resamples services looks at each outcome only once.
 */

import { getOrMake } from "../getOrMake.ts";
import type { Listed } from "../history/listed.ts";
import { isEarlyRollback, isGood, isOpen, isSilent, type Outcome } from "../outcome/outcome.ts";
import { CAP_MS } from "../outcome/unaided.ts";
import { localHour } from "../localTime.ts";
import { degradedMinuteOf, isWasted, type Costs } from "./costs.ts";

/** The four durations of an incident, each from its onset. */
export const DURATIONS = [
  "timeToDetect",
  "timeToProposal",
  "timeToRollback",
  "timeToRecovery",
] as const;
export type DurationName = (typeof DURATIONS)[number];

/**
 * What is summed. `open…` are outcomes for which `isOpen` holds, `timed` have a known onset;
 * `openTagged` are good ones about which the policy would have asked but for a tag.
 */
export const COUNTED = [
  "deployments",
  "regressions",
  "benign",
  "unlabelled",
  "undecidable",
  "silent",
  "proposals",
  "rollbacks",
  "truePositiveRollbacks",
  "falsePositiveRollbacks",
  "earlyRollbacks",
  "unrelatedRollbacks",
  "unlabelledRollbacks",
  "misses",
  "open",
  "openUnrelated",
  "openUnlabelled",
  "openTimed",
  "openGood",
  "openGoodRollbacks",
  "openBad",
  "openBadRollbacks",
  "openEarlyRollbacks",
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
  "openTagged",
  "openTagSaved",
  "tagMasked",
  "ownerlessActions",
  "observed",
  "modelled",
  "bounded",
  "unknown",
  "recoverySeconds",
  "recovery60mSeconds",
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

/** Is it an hour, in local time, at which a page wakes somebody up? */
function isNight(timezone: string | null, atMs: number): boolean {
  const hour = localHour(timezone, atMs);
  return hour >= 22 || hour < 7;
}

const NOTHING = Object.freeze(
  Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<SumName, number>,
);

/**
 * The sums of each service, sorted by name. Sums are means over the draws; the durations of all
 * draws are in one list, as each draw is as likely as the others.
 */
export function sumByService(
  draws: readonly Listed<Outcome>[],
  costs: Costs,
  timezoneOf: (service: string) => string | null,
): readonly ServiceSums[] {
  const services = new Map<string, ReturnType<typeof nothingYet>>();
  for (const outcomes of draws) {
    for (const outcome of outcomes) {
      const { service } = outcome;
      const own = getOrMake(services, service, nothingYet);
      add(own.sums, own.seconds, outcome, costs, timezoneOf(service));
    }
  }
  return [...services.keys()].sort().map((service) => {
    const { sums, seconds } = services.get(service)!;
    for (const name of COUNTED) sums[name] /= draws.length;
    return { service, sums, seconds };
  });
}

/** The sums of outcomes that are all of one service, whose `timezone` is given. */
export function sumsOf(
  outcomes: Listed<Outcome>,
  costs: Costs,
  timezone: string | null,
): { readonly sums: Record<SumName, number>; readonly seconds: Record<DurationName, number[]> } {
  const own = nothingYet();
  for (const outcome of outcomes) add(own.sums, own.seconds, outcome, costs, timezone);
  return own;
}

function nothingYet(): {
  readonly sums: Record<SumName, number>;
  readonly seconds: Record<DurationName, number[]>;
} {
  const seconds = { timeToDetect: [], timeToProposal: [], timeToRollback: [], timeToRecovery: [] };
  return { sums: { ...NOTHING }, seconds };
}

function add(
  sums: Record<SumName, number>,
  seconds: Record<DurationName, number[]>,
  outcome: Outcome,
  costs: Costs,
  timezone: string | null,
): void {
  const good = isGood(outcome);
  const regression = outcome.label === "regression";
  const unrelated = outcome.label === "unrelated_incident";
  const labelled = good || regression || unrelated;
  const { rolledBack, proposals, pagesAtMs } = outcome;
  const early = isEarlyRollback(outcome);
  sums.deployments++;
  sums[outcome.evidence]++;
  if (good) sums.benign++;
  if (regression) sums.regressions++;
  if (!labelled) sums.unlabelled++;
  const silent = isSilent(outcome);
  if (outcome.end === "undecidable" || silent) sums.undecidable++;
  if (silent) sums.silent++;
  sums.proposals += proposals;
  if (rolledBack) {
    sums.rollbacks++;
    if (regression && !early) sums.truePositiveRollbacks++;
    if (early) sums.earlyRollbacks++;
    if (good) sums.falsePositiveRollbacks++;
    if (unrelated) sums.unrelatedRollbacks++;
    if (!labelled) sums.unlabelledRollbacks++;
  } else if (regression && !silent) sums.misses++;
  if (outcome.approved) sums.approvals++;
  if (outcome.expired) sums.approvalsExpired++;
  sums.escalations += outcome.escalations;
  if (outcome.end === "overridden") {
    sums.overrides++;
    if (regression) sums.harmfulOverrides++;
  }
  const open = isOpen(outcome);
  if (outcome.untaggedProposedAtMs !== null) {
    // Of what history hid the model says whether the policy would have asked later on. These are
    // proposals: whether people would have declined them is answered by `hindsight tags`, which
    // replays them.
    if (good && outcome.proposedAtMs === null) sums.tagSaved++;
    if (good && open) sums.openTagged++;
    if (good && open && outcome.proposedAtMs === null) sums.openTagSaved++;
    if (regression && isLater(outcome)) sums.tagMasked++;
  }
  if (outcome.ownerless) sums.ownerlessActions++;
  if (open) {
    sums.open++;
    if (unrelated) sums.openUnrelated++;
    if (!labelled) sums.openUnlabelled++;
  }
  // An open outcome may or may not have been rolled back, whatever it says.
  if (open && good) {
    sums.openGood++;
    if (rolledBack) sums.openGoodRollbacks++;
  }
  if (open && regression) {
    sums.openBad++;
    if (rolledBack) sums.openBadRollbacks++;
    if (early) sums.openEarlyRollbacks++;
  }

  const pages = pagesAtMs.length;
  if (pages > 0 || rolledBack) {
    const nightPages = pagesAtMs.filter((atMs) => isNight(timezone, atMs)).length;
    const falsePositive = isWasted(outcome) ? 1 : 0;
    const toilHours = falsePositive * costs.hoursPerFalsePositive + pages * costs.hoursPerPage;
    sums.pages += pages;
    sums.nightPages += nightPages;
    sums.toilHours += toilHours;
    sums.costRollbacks += rolledBack ? costs.rollback : 0;
    sums.costFalsePositives += falsePositive * costs.falsePositive;
    sums.costPages += (pages - nightPages) * costs.page + nightPages * costs.nightPage;
    sums.costToil += toilHours * costs.toilHour;
  }
  if (outcome.recoveryMs === null) return;
  const minute = degradedMinuteOf(outcome.service, costs);
  sums.costDegradation += (outcome.recoveryMs / 60_000) * minute;
  if (outcome.onsetAtMs !== null) addTimes(sums, seconds, outcome);
}

/** Adds the times of a regression whose onset is known. */
function addTimes(
  sums: Record<SumName, number>,
  seconds: Record<DurationName, number[]>,
  outcome: Outcome,
): void {
  const recoveryMs = outcome.recoveryMs!;
  sums.timed++;
  if (isOpen(outcome)) sums.openTimed++;
  if (outcome.earlyAlarm && outcome.detectedAtMs === null) sums.earlyAlarms++;
  // A decision on a continuation is a model, so it does not count as identified.
  const decided = outcome.evidence === "observed" || outcome.evidence === "modelled";
  if (decided && outcome.censoredAtMs === null) sums.identified++;
  sums.recoverySeconds += recoveryMs / 1000;
  sums.recovery60mSeconds += Math.min(CAP_MS, recoveryMs) / 1000;
  sums.recoveryBestSeconds += outcome.recoveryBestMs! / 1000;
  sums.recoveryWorstSeconds += outcome.recoveryWorstMs! / 1000;
  sums.recoveryBest60mSeconds += Math.min(CAP_MS, outcome.recoveryBestMs!) / 1000;
  sums.recoveryWorst60mSeconds += Math.min(CAP_MS, outcome.recoveryWorstMs!) / 1000;
  const sinceOnset = (atMs: number | null): number =>
    (atMs === null ? CAP_MS : Math.max(0, atMs - outcome.onsetAtMs!)) / 1000;
  // An alarm before the onset with none after it is neither a detection nor a miss.
  if (outcome.detectedAtMs !== null || !outcome.earlyAlarm) {
    seconds.timeToDetect.push(sinceOnset(outcome.detectedAtMs));
  }
  seconds.timeToProposal.push(sinceOnset(outcome.proposedAtMs));
  seconds.timeToRollback.push(sinceOnset(outcome.executedAtMs));
  seconds.timeToRecovery.push(recoveryMs / 1000);
}

/** Did a tag delay or prevent the proposal? */
function isLater(outcome: Outcome): boolean {
  return outcome.proposedAtMs === null || outcome.proposedAtMs > outcome.untaggedProposedAtMs!;
}
