/** The JSON of `replay` and `compare`: field names are a contract, times are ISO 8601. */

import { formatTime } from "../../engine/index.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { rollbackWorth, type Costs } from "../score/costs.ts";
import type { Answer } from "./answer.ts";
import { countFlipped } from "./flipped.ts";
import { incumbentsOf } from "./incumbents.ts";

function time(atMs: number | null): string | null {
  return atMs === null ? null : formatTime(atMs);
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

/** One outcome of a policy as it is published, all that a scorecard is made of; see `Outcome`. */
export function outcomeDocument(policy: string, outcome: Outcome, costs: Costs) {
  return {
    deploymentId: outcome.deploymentId,
    service: outcome.service,
    policy,
    label: outcome.label,
    end: outcome.end,
    rolledBack: outcome.rolledBack,
    verdict: outcome.verdict,
    startedAt: formatTime(outcome.startedAtMs),
    onsetAt: time(outcome.onsetAtMs),
    detectedAt: time(outcome.detectedAtMs),
    earlyAlarm: outcome.earlyAlarm,
    proposedAt: time(outcome.proposedAtMs),
    decidedAt: time(outcome.decidedAtMs),
    decidedBy: outcome.decidedBy,
    executedAt: time(outcome.executedAtMs),
    recoveredAt: time(outcome.recoveredAtMs),
    recoverySeconds: seconds(outcome.recoveryMs),
    recoveryBestSeconds: seconds(outcome.recoveryBestMs),
    recoveryWorstSeconds: seconds(outcome.recoveryWorstMs),
    ...rollbackWorth(outcome, costs),
    censoredAt: time(outcome.censoredAtMs),
    evidence: outcome.evidence,
    tier: outcome.tier,
    mode: outcome.mode,
    confidence: outcome.confidence,
    confidenceAtEnd: outcome.confidenceAtEnd,
    signals: outcome.signals,
    proposals: outcome.proposals,
    approved: outcome.approved,
    expired: outcome.expired,
    escalations: outcome.escalations,
    pagesAt: outcome.pagesAtMs.map(formatTime),
    ownerless: outcome.ownerless,
    untaggedProposedAt: time(outcome.untaggedProposedAtMs),
    silent: outcome.silent,
    reason: outcome.reason,
    ...(outcome.cause === null ? {} : { cause: outcome.cause }),
  };
}

export function replayDocument({ manifest, policies }: Answer) {
  const { policy, scored, outcomes } = policies[0]!;
  return {
    manifest,
    scorecard: scored.scorecard,
    outcomes: outcomes.map((one) => outcomeDocument(policy.policy, one, manifest.costs)),
  };
}

export function compareDocument(answer: Answer) {
  const { manifest, policies, differences, flips, pairs } = answer;
  const incumbents = incumbentsOf(answer);
  return {
    manifest,
    scorecards: Object.fromEntries(
      policies.map(({ policy, scored }) => [policy.policy, scored.scorecard]),
    ),
    differences,
    ...(pairs === undefined ? {} : { pairs }),
    flippedDeployments: countFlipped(flips),
    flips,
    ...(incumbents === null ? {} : { incumbents }),
  };
}
