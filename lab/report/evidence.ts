/**
 * Every false-positive rollback and every miss under a policy of the report, with its evidence.
 * Like all lists of deployments, it shows the first draw.
 */

import type { Evaluation } from "../compare/evaluate.ts";
import { isGood, type Outcome } from "../outcome/outcome.ts";

export type Fault = "false positive" | "miss";

/** One deployment under one policy. */
export interface Seen {
  readonly end: Outcome["end"];
  /** Is it a false positive or a miss under this policy? */
  readonly fault: boolean;
  readonly tier: string | null;
  readonly mode: string | null;
  readonly confidence: number | null;
  readonly evidence: Outcome["evidence"];
  readonly reason: string;
}

export interface FaultRow {
  readonly deploymentId: string;
  readonly service: string;
  readonly team: string | null;
  readonly label: Outcome["label"];
  readonly startedAt: string;
  readonly fault: Fault;
  readonly current: Seen;
  /** Null where no policy is proposed. */
  readonly candidate: Seen | null;
}

/** In the order of the deployments. */
export function faultsOf({ policies }: Evaluation): readonly FaultRow[] {
  const [before, after] = policies.map(({ outcomes }) => outcomes);
  return before!.flatMap((current, index): FaultRow[] => {
    const candidate = after?.at(index) ?? null;
    const fault = faultOf(current) ?? (candidate === null ? null : faultOf(candidate));
    if (fault === null) return [];
    const { deploymentId, service, team, label, startedAtMs } = current;
    return [
      {
        deploymentId,
        service,
        team,
        label,
        startedAt: new Date(startedAtMs).toISOString(),
        fault,
        current: seen(current),
        candidate: candidate === null ? null : seen(candidate),
      },
    ];
  });
}

function faultOf(outcome: Outcome): Fault | null {
  if (isGood(outcome) && outcome.rolledBack) return "false positive";
  return outcome.label === "regression" && !outcome.rolledBack ? "miss" : null;
}

function seen(outcome: Outcome): Seen {
  const { end, tier, mode, confidence, evidence, reason } = outcome;
  return { end, fault: faultOf(outcome) !== null, tier, mode, confidence, evidence, reason };
}
