/** Outcomes written by hand, for tests of scoring and comparing. */

import type { Listed } from "../../lab/history/listed.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { score, type Estimate, type ScoreOptions, type Scored } from "../../lab/score/scorecard.ts";

/** Noon in UTC on a day without a change of clocks. */
export const NOON_MS = Date.parse("2026-07-01T12:00:00Z");
export const MINUTE_MS = 60_000;

/** A good deployment that nobody minded, changed as said. */
export function outcome(change: Partial<Outcome> = {}): Outcome {
  return {
    deploymentId: "d",
    service: "shop",
    silent: false,
    team: null,
    label: "benign",
    end: "healthy",
    rolledBack: false,
    verdict: "healthy",
    startedAtMs: NOON_MS,
    onsetAtMs: null,
    detectedAtMs: null,
    earlyAlarm: false,
    proposedAtMs: null,
    decidedAtMs: null,
    decidedBy: null,
    executedAtMs: null,
    recoveredAtMs: null,
    recoveryMs: null,
    recoveryBestMs: null,
    recoveryWorstMs: null,
    sparedMs: null,
    sparedSize: null,
    evidence: "observed",
    censoredAtMs: null,
    tier: null,
    mode: null,
    confidence: null,
    confidenceAtEnd: null,
    signals: [],
    agent: null,
    reason: "",
    proposals: 0,
    approved: false,
    expired: false,
    escalations: 0,
    pagesAtMs: [],
    ownerless: false,
    untaggedProposedAtMs: null,
    restrainedBy: null,
    cause: null,
    ...change,
  };
}

/** Proposed and rolled back `minutes` after the start. */
export function rolledBack(minutes: number, change: Partial<Outcome> = {}): Outcome {
  const atMs = NOON_MS + minutes * MINUTE_MS;
  return outcome({
    end: "rolledBack",
    rolledBack: true,
    verdict: "breach",
    detectedAtMs: atMs,
    proposedAtMs: atMs,
    decidedAtMs: atMs,
    executedAtMs: atMs,
    proposals: 1,
    ...change,
  });
}

/** What a regression adds: its onset at the start, and an end after so many minutes. */
export function regression(recoveryMinutes: number): Partial<Outcome> {
  const recoveryMs = recoveryMinutes * MINUTE_MS;
  return {
    label: "regression",
    onsetAtMs: NOON_MS,
    recoveredAtMs: NOON_MS + recoveryMs,
    recoveryMs,
    recoveryBestMs: recoveryMs,
    recoveryWorstMs: recoveryMs,
  };
}

export function scoreOf(outcomes: Listed<Outcome>, options: Partial<ScoreOptions> = {}): Scored {
  return scoreDraws([outcomes], options);
}

export function scoreDraws(
  draws: readonly Listed<Outcome>[],
  options: Partial<ScoreOptions> = {},
): Scored {
  return score(draws, { ...SCORING, ...options });
}

/** How outcomes are scored, where a test says nothing else. */
export const SCORING: ScoreOptions = {
  costs: DEFAULT_COSTS,
  weeks: 2,
  timezoneOf: () => null,
  seed: 1,
  bootstraps: 100,
};

/** A field of a scorecard by its name, `timeToDetect.mean` included. */
export function estimate(scored: Scored, name: string): Estimate {
  const [field, statistic] = name.split(".") as [string, string | undefined];
  const found = scored.scorecard[field] as Estimate & Record<string, Estimate>;
  return statistic === undefined ? found : found[statistic]!;
}
