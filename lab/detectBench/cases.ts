/**
 * For each labelled deployment: was it flagged, how soon, and how strong was the strongest
 * evidence.
 *
 * Only the signals' judgements count, not tiers, windows or superseding. Deployments labelled
 * unrelated or unknown can be neither right nor wrong: they are left out, and counted.
 */

import {
  confidenceOf,
  judgementsOf,
  withJudgement,
  type Policy,
  type SignalEvidence,
  type SignalJudged,
} from "../../engine/index.ts";
import { firstAlarm } from "../confidence/cases.ts";
import { incidentsByDeployment } from "../history/incidents.ts";
import type { History } from "../history/open.ts";
import type { Replay } from "../replay/replay.ts";

export interface Case {
  readonly deploymentId: string;
  /** The service: the unit of resampling. */
  readonly cluster: string;
  readonly bad: boolean;
  readonly flagged: boolean;
  /** From the onset, or from the start where no onset is recorded; null when not flagged. */
  readonly detectedAfterMs: number | null;
  /**
   * The largest ratio of peak statistic to limit over all signals; where the policy fuses evidence,
   * the largest joint ln E. 0 without any.
   */
  readonly score: number;
  /** Baseline samples of the signal that had the most; it must not give the label away. */
  readonly pastSamples: number;
  /** No signal could be judged healthy or breaching: counted apart, never as healthy. */
  readonly undecided: boolean;
}

/** The cases of one policy of a replay, in the order of the deployments. */
export function casesOf(history: History, replay: Replay, index: number): Case[] {
  const { policy, judged } = replay.policies[index]!;
  const labels = new Map(history.tables.labels.map((row) => [row.deploymentId, row.label]));
  const incidents = incidentsByDeployment(history.tables.incidents);
  const cases: Case[] = [];
  replay.plan.deployments.forEach((planned, at) => {
    const { deployment } = planned;
    const label = labels.get(deployment.deploymentId);
    const bad = label === "regression";
    if (!bad && label !== "benign" && label !== "expected_change") return;
    const judgements = judgementsOf(judged[at]!, deployment);
    const flaggedAtMs = firstAlarm(policy, planned, judgements);
    const onsetAtMs = incidents.get(deployment.deploymentId)?.onsetAtMs ?? deployment.startedAtMs;
    const last = judgements.filter(({ cause }) => cause === "end");
    cases.push({
      deploymentId: deployment.deploymentId,
      cluster: deployment.service,
      bad,
      flagged: flaggedAtMs !== null,
      detectedAfterMs: flaggedAtMs === null ? null : Math.max(0, flaggedAtMs - onsetAtMs),
      score:
        policy.fusion === "evidence"
          ? mostEvidence(policy, judgements)
          : Math.max(0, ...last.map(({ evidence }) => strength(evidence))),
      pastSamples: Math.max(0, ...last.map(({ evidence }) => evidence.baselineSamples)),
      undecided:
        flaggedAtMs === null && !last.some(({ evidence }) => evidence.verdict === "healthy"),
    });
  });
  return cases;
}

function strength({ statistic, limit }: SignalEvidence): number {
  return statistic === null || limit === null || limit === 0 ? 0 : statistic / limit;
}

/** The largest joint ln E of the signals during the watch. */
function mostEvidence(policy: Policy, judgements: readonly SignalJudged[]): number {
  let signals: readonly SignalEvidence[] = [];
  let most = 0;
  for (const { evidence } of judgements) {
    signals = withJudgement(signals, evidence);
    most = Math.max(most, confidenceOf(policy, signals, "tagged")?.logE ?? 0);
  }
  return most;
}
