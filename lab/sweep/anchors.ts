/**
 * Two anchors that every sweep is compared with. `never`: nobody acts at all. The oracle: somebody
 * who knows the labels rolls every regression back at once, and nothing else. No policy is better
 * than the oracle, and one that is worse than `never` is worse than nothing.
 */

import type { Listed } from "../history/listed.ts";
import { outcomesOf, type Outcome } from "../outcome/outcome.ts";
import type { Recovery } from "../outcome/recovery.ts";
import type { History } from "../history/open.ts";
import type { Responder } from "../people/recorded.ts";
import type { Plan } from "../replay/plan.ts";
import type { PolicyReplay } from "../replay/replay.ts";

/** Nothing is ever proposed, and nobody is paged. */
export function neverOutcomes(
  history: History,
  plan: Plan,
  base: PolicyReplay,
  people: Responder,
  recovery: Recovery,
): Listed<Outcome> {
  const nothing = { records: [], commands: [] };
  const idle: PolicyReplay = {
    policy: base.policy,
    judged: base.judged,
    fleets: () => [],
    ...nothing,
    of: () => nothing,
    standIn: () => null,
    alone: () => new Uint8Array(plan.deployments.length),
    others: (tell) => plan.deployments.forEach((planned, index) => tell(index, nothing, planned)),
    askedIn: () => new Set(),
  };
  return outcomesOf(history, { plan, imagined: new Set() }, idle, people, recovery);
}

/** Every regression is rolled back at its onset, if the platform's rollback succeeds. */
export function oracleOutcomes(
  never: Listed<Outcome>,
  { rollBack, recoversAfterMs }: Recovery,
): Listed<Outcome> {
  return never.map((outcome) => {
    const { deploymentId, onsetAtMs, recoveryMs } = outcome;
    if (outcome.label !== "regression") return outcome;
    const { durationMs, succeeds } = rollBack(deploymentId);
    if (!succeeds) return outcome;
    const acted = { ...outcome, end: "rolledBack" as const, rolledBack: true, censoredAtMs: null };
    if (recoveryMs === null) return acted;
    const byRollbackMs = Math.max(0, durationMs + recoversAfterMs(deploymentId));
    const soonestMs = Math.min(recoveryMs, byRollbackMs);
    const times = {
      recoveryMs: soonestMs,
      recoveryBestMs: soonestMs,
      recoveryWorstMs: soonestMs,
    };
    if (onsetAtMs === null) return { ...acted, ...times };
    return {
      ...acted,
      ...times,
      executedAtMs: onsetAtMs + durationMs,
      recoveredAtMs: onsetAtMs + soonestMs,
      evidence: "modelled" as const,
    };
  });
}
