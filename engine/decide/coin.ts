/**
 * The coin of a policy that explores. In a small share of the deployments that the machine would
 * roll back alone it waits instead. What happens then is seen, so later another policy can be
 * scored by weighting (Horvitz and Thompson 1952) where it would otherwise rest on a model.
 *
 * The coin is tossed once for each deployment. It follows from the seed of the policy and the id of
 * the deployment, so a replay of a log tosses the same. A wait ends at once when a hard guard
 * speaks or the harm is beyond `upTo`. Nothing else is changed: tier, restraints and people count
 * as before, and after the wait the machine acts if the breach still stands.
 *
 * The hash scatters, but it is no secret: a reader of the policy can compute every toss.
 */

import type { Explore } from "../policy/explore.ts";
import type { Policy } from "../policy/policy.ts";
import { matches } from "../policy/modes.ts";
import { formatDuration, formatShare } from "../policy/quantity.ts";
import { tagsAt } from "../policy/tags.ts";
import type { TierName } from "../record.ts";
import { questionOf } from "./question.ts";
import { accusing } from "./standing.ts";
import { changed, type DeploymentState, type Proposed } from "./state.ts";
import { ON_CALL } from "./tell.ts";

/** The state with its coin, which is tossed where the policy explores and the harm is small. */
export function tossed(policy: Policy, state: DeploymentState, nowMs: number): DeploymentState {
  const { explore } = policy;
  const { deployment, coin } = state;
  if (explore === undefined || coin !== undefined) return state;
  const untilMs = Math.min(nowMs + explore.delayMs, state.watchEndsAtMs);
  if (untilMs <= nowMs || !isOpenTo(policy, state, nowMs) || !isSmall(explore, state)) return state;
  const { seed, probability } = explore;
  const waits = fractionOf(`${seed}\n${deployment.deploymentId}`) < probability;
  const outcome = waits ? "wait" : "act";
  const propensity = waits ? probability : 1 - probability;
  return changed(state, { coin: { outcome, propensity, tossedAtMs: nowMs, untilMs } });
}

/** Does the coin keep the machine from acting now? */
export function waits({ explore }: Policy, state: DeploymentState, nowMs: number): boolean {
  const { coin } = state;
  if (explore === undefined || coin?.outcome !== "wait") return false;
  return nowMs < coin.untilMs && isSmall(explore, state);
}

/** The question of a wait, which nobody is asked under tier `full`, and why it is one. */
export function waitOf(
  policy: Policy,
  state: DeploymentState,
  tier: TierName,
  nowMs: number,
): { readonly phase: Proposed; readonly reason: string } {
  const { phase, coin } = state;
  const asked =
    phase.name === "proposed" ? phase : questionOf(policy, state, { tier }, ON_CALL, nowMs);
  const { propensity, untilMs } = coin!;
  const forText = formatDuration(untilMs - nowMs);
  const reason = `a coin of ${formatShare(propensity)} says to wait, ${forText} at most`;
  return { phase: { ...asked, answerByMs: untilMs, waits: true }, reason };
}

function isOpenTo(policy: Policy, { deployment, tags }: DeploymentState, nowMs: number): boolean {
  const when = policy.explore?.when ?? null;
  return when === null || matches(when, deployment, tagsAt(policy, deployment, tags, nowMs, nowMs));
}

/** No hard guard spoke, and every signal that accuses is within so many times its tolerance. */
function isSmall({ upTo }: Explore, state: DeploymentState): boolean {
  if (state.guarded === true) return false;
  const accused = accusing(state);
  return accused.every(
    ({ effect, tolerance, hardGuard }) =>
      hardGuard !== true && effect !== null && Math.abs(effect) <= upTo * tolerance,
  );
}

/** A number from 0 to below 1 that follows from the text (FNV-1a, finished as MurmurHash3 is). */
export function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
