/**
 * Where history rolled a deployment back before the watch of our policy was over, what would have
 * followed does not exist. That is not silence: the samples did not stop, they are of the old
 * version. So nothing falls silent; signals that had not breached by then are inconclusive, and
 * the outcome counts as bounded. A rollback that failed hides nothing: the new version stayed.
 */

import {
  advanceWatch,
  instantText,
  type Policy,
  type SignalJudged,
  type WatchState,
} from "../../engine/index.ts";
import type { DecisionRow } from "../history/tables.ts";
import type { PlannedDeployment } from "./plan.ts";

/**
 * By deployment: when history began the rollback that brought the old version back. Where a
 * failure and a start are recorded at one instant, the failure ends the earlier attempt and the
 * start begins another; without an earlier attempt, it was begun and failed at once.
 */
export function rollbacksOf(decisions: readonly DecisionRow[]): ReadonlyMap<string, number> {
  const begun = new Map<string, number>();
  const rows = decisions
    .filter(({ what }) => what === "rollbackStarted" || what === "rollbackFailed")
    .sort((a, b) => a.atMs - b.atMs);
  for (let from = 0; from < rows.length;) {
    const { atMs } = rows[from]!;
    const started = new Set<string>();
    const failed = new Set<string>();
    for (; rows[from]?.atMs === atMs; from++) {
      const { deploymentId, what } = rows[from]!;
      (what === "rollbackFailed" ? failed : started).add(deploymentId);
    }
    for (const id of failed) if (!begun.delete(id)) started.delete(id);
    for (const id of started) if (!begun.has(id)) begun.set(id, atMs);
  }
  return begun;
}

/** Judgements up to the history's rollback, and a last one that says why there are no more. */
export function censorJudgements(
  policy: Policy,
  planned: PlannedDeployment,
  watch: WatchState,
): SignalJudged[] {
  const rolledBackAtMs = planned.rolledBackAtMs!;
  const kept = [...advanceWatch(policy, watch, rolledBackAtMs).judgements];
  const last = new Map(kept.map((judgement) => [judgement.evidence.signal, judgement.evidence]));
  const reason = `history rolled back at ${instantText(rolledBackAtMs)}: nothing more can be seen`;
  const ended = advanceWatch(policy, watch, watch.endsAtMs).judgements;
  for (const judgement of ended.filter(({ cause }) => cause === "end")) {
    const standing = last.get(judgement.evidence.signal);
    if (standing?.verdict === "breach") {
      kept.push({ ...judgement, evidence: standing });
      continue;
    }
    kept.push({
      ...judgement,
      evidence: {
        ...judgement.evidence,
        verdict: "inconclusive",
        reason,
        breaching: standing?.breaching ?? [],
        untagged: standing?.untagged === "breach" ? "breach" : "inconclusive",
        untaggedReason: standing?.untagged === "breach" ? standing.untaggedReason : reason,
      },
    });
  }
  return kept;
}
