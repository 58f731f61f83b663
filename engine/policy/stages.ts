/**
 * How much of the traffic sees a deployment, and what a policy says about that much. A rollout
 * in steps puts little at stake first, so a machine may be allowed more there than later.
 *
 * Nobody said how much: then it is all of it. So a policy with stages is never more trusting
 * of a platform that reports none.
 */

import type { StageReached } from "../event.ts";
import type { TierName } from "../record.ts";
import type { Policy, Stage } from "./policy.ts";

/** Shares come from division: a twentieth and 5 % are the same stage. */
const ROUNDING = 1e-9;

/** All the traffic. */
export const ALL = 1;

/** The share of the traffic that is on the new version at `atMs`, as known at `knownAtMs`. */
export function shareAt(stages: readonly StageReached[], atMs: number, knownAtMs: number): number {
  let newest: StageReached | null = null;
  for (const stage of stages) {
    if (stage.knownAtMs > knownAtMs || stage.atMs > atMs) continue;
    if (newest === null || stage.atMs >= newest.atMs) newest = stage;
  }
  return newest?.share ?? ALL;
}

/** The narrowest stage that holds for a share; null where none does or the policy has none. */
export function stageAt({ stages }: Policy, share: number): Stage | null {
  return stages?.find(({ upTo }) => share <= upTo + ROUNDING) ?? null;
}

/** Where a rollout stands and what the policy calls it; null where it has no stages. */
export interface StageNow {
  readonly share: number;
  /** Null: none of the policy's stages holds. */
  readonly name: string | null;
}

export function stageNow(policy: Policy, share: number): StageNow | null {
  if (policy.stages === undefined) return null;
  return { share, name: stageAt(policy, share)?.name ?? null };
}

/** A signal whose breach has a tier of its own at this stage. */
export interface BreachTier {
  readonly signal: string;
  readonly tier: TierName;
}

/**
 * What the signals in breach are worth at this stage: each has its own tier there, or the
 * deployment's, and the one that gives the machine most authority counts. More harm is never
 * less reason to act. Null where that is the deployment's own tier.
 *
 * @param moreAuthority has the machine more under the first?
 */
export function tierOfBreach(
  stage: Stage,
  breaching: readonly string[],
  ordinary: TierName,
  moreAuthority: (a: TierName, b: TierName) => boolean,
): BreachTier | null {
  // What is never delegated stays so, however little is at stake.
  if (ordinary === "observe") return null;
  let most: BreachTier | null = null;
  for (const signal of [...breaching].sort()) {
    const own = stage.signals.find(({ name }) => name === signal)?.tier ?? ordinary;
    if (most === null || moreAuthority(own, most.tier)) most = { signal, tier: own };
  }
  return most === null || most.tier === ordinary ? null : most;
}
