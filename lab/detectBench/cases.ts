/**
 * Labelled deployments as a detector sees them: was it flagged, how soon, and how
 * strong was the evidence at its strongest.
 *
 * Judged from the judgements alone, so that tiers, windows and superseding play no
 * part. Deployments labelled unrelated or unknown are neither right nor wrong and are
 * left out, counted.
 */

import {
  confidenceOf,
  judgementsOf,
  stands,
  type Policy,
  type SignalEvidence,
  type SignalJudged,
} from "../../engine/index.ts";
import { incidentsByDeployment } from "../history/incidents.ts";
import type { History } from "../history/open.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import type { Replay } from "../replay/replay.ts";

export interface Case {
  readonly deploymentId: string;
  /** What resamples together: the service. */
  readonly cluster: string;
  readonly bad: boolean;
  readonly flagged: boolean;
  /** From onset (from the start where no onset is recorded); null when not flagged. */
  readonly detectedAfterMs: number | null;
  /**
   * Peak statistic over its limit, the largest of all signals; ln E of all of them where
   * evidence is fused. 0 without any.
   */
  readonly score: number;
  /** How many samples of its past the best-known signal had: what must not give a label away. */
  readonly pastSamples: number;
  /** Nothing could be judged: counted as not flagged, never as healthy. */
  readonly undecided: boolean;
}

/** Cases of one policy of a replay, in the order of the deployments. */
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
    const flaggedAtMs = firstBreach(policy, planned, judgements);
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

/** When the machine would first have had enough to act on. */
function firstBreach(
  policy: Policy,
  { deployment, tags, stages }: PlannedDeployment,
  judgements: readonly SignalJudged[],
): number | null {
  let signals: Record<string, SignalEvidence> = {};
  for (const { evidence, knownAtMs } of judgements) {
    signals = { ...signals, [evidence.signal]: evidence };
    if (stands(policy, { deployment, tags, stages, signals }, knownAtMs, "tagged"))
      return knownAtMs;
  }
  return null;
}

/** The most that the signals said together. */
function mostEvidence(policy: Policy, judgements: readonly SignalJudged[]): number {
  let signals: Record<string, SignalEvidence> = {};
  let most = 0;
  for (const { evidence } of judgements) {
    signals = { ...signals, [evidence.signal]: evidence };
    most = Math.max(most, confidenceOf(policy, signals, "tagged")?.logE ?? 0);
  }
  return most;
}
