/**
 * How often rollbacks fail that history never tried: as often as those did that history tried.
 *
 * The share is that of the attempts in `decisions`: a rollback that finished succeeded, one that
 * failed and never finished failed, and one without a recorded end counts as neither. With fewer
 * than ten attempts the share is taken of ten, so that one failure of two does not make every other
 * rollback fail. A history without attempts says nothing: no rollback is taken to fail then, and
 * the run's notes say so.
 *
 * Which rollbacks fail depends on the seed, the draw and the deployment, and not on the policy or
 * the moment (common random numbers). Bias: a deployment whose rollback fails is no worse than
 * others, and a failed rollback is not tried again.
 */

import type { DecisionRow } from "../history/tables.ts";
import { uniform } from "../random.ts";

export interface RollbackFailures {
  /** Deployments whose rollback history tried, with a recorded end. */
  readonly attempts: number;
  /** How many of these rollbacks failed. */
  readonly failed: number;
  /** The share of other rollbacks that fails. */
  readonly rate: number;
}

/** With fewer attempts the share is taken of so many. */
const ATTEMPTS_AT_LEAST = 10;

export function failuresIn(decisions: readonly DecisionRow[]): RollbackFailures {
  const finished = new Set<string>();
  const tried = new Set<string>();
  for (const { deploymentId, what } of decisions) {
    if (what === "rollbackFinished") finished.add(deploymentId);
    if (what === "rollbackFinished" || what === "rollbackFailed") tried.add(deploymentId);
  }
  const attempts = tried.size;
  const failed = attempts - finished.size;
  return { attempts, failed, rate: failed / Math.max(attempts, ATTEMPTS_AT_LEAST) };
}

/** Does the rollback of this deployment fail, in this draw? */
export function fails(
  { rate }: RollbackFailures,
  deploymentId: string,
  seed: number,
  draw: number,
): boolean {
  return rate > 0 && uniform(seed, "rollback fails", draw, deploymentId) < rate;
}

/** The share in words, for a manifest. */
export function failuresText({ attempts, failed }: RollbackFailures): string {
  if (attempts === 0) return "this history records the end of no rollback: none is taken to fail";
  const seen = `${failed} of ${attempts} rollbacks in this history failed`;
  return failed === 0 || attempts >= ATTEMPTS_AT_LEAST
    ? seen
    : `${seen}, taken as ${failed} of ${ATTEMPTS_AT_LEAST}`;
}
