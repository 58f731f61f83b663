/**
 * Where one deployment stands at one moment: which tier holds, whether there is evidence enough
 * to act on, whether it has recovered, and what keeps silence from rolling it back.
 */

import { BASELINE_FOR_HEALTH } from "../detect/baseline/baselineLength.ts";
import type { Arm, ContextTag, SignalEvidence } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { isStricter, resolveTier, type TierDecision } from "../policy/resolve.ts";
import { tagsAt } from "../policy/tags.ts";
import { formatDuration, formatShare } from "../policy/quantity.ts";
import type { DecisionRecord, End, Explanation, Learned, TierName } from "../record.ts";
import { countingWord, needsPerson, wordText } from "./agent.ts";
import { explanationsOf, explanationText, isInDoubt, isUnrelated } from "./attribution.ts";
import { accuses, confidenceOf, WITHDRAWN_BELOW } from "./confidence.ts";
import { concludes, fuses, verdictIn } from "./fusion.ts";
import { learnedOf } from "../learn/discount.ts";
import { shareAt } from "../policy/stages.ts";
import type { Turn } from "./recorder.ts";
import { restraintOn, type Restraint } from "./restraint.ts";
import { policyOf, type DeploymentState, type Proposed } from "./state.ts";

/** The part of a deployment's state that its evidence is weighed by. */
export type Judged = Pick<DeploymentState, "deployment" | "tags" | "stages" | "signals" | "agent">;

/** The signals that speak against the deployment. */
export function accusing({ signals }: Pick<Judged, "signals">): readonly SignalEvidence[] {
  let found: SignalEvidence[] | null = null;
  for (const evidence of signals) {
    if (!accuses(evidence)) continue;
    if (found === null) found = [evidence];
    else found.push(evidence);
  }
  return found ?? NONE;
}

function namesOf(
  signals: Judged["signals"],
  isNamed: (evidence: SignalEvidence) => boolean,
): readonly string[] {
  let found: string[] | null = null;
  for (const evidence of signals) {
    if (!isNamed(evidence)) continue;
    if (found === null) found = [evidence.signal];
    else found.push(evidence.signal);
  }
  return found ?? NONE;
}

const NONE: readonly never[] = [];

/** The tier that holds now, and what made it `observe` where tier and tags would not have. */
export interface TierNow extends TierDecision {
  readonly restraint: Restraint | null;
  /** What may have caused the breach (see attribution.ts). */
  readonly explanations: readonly Explanation[];
  readonly learned?: NonNullable<DecisionRecord["learned"]>;
}

/**
 * The tier that holds now, of everything that counts: what the policy and the tags say, then
 * what was learned from people, then restraints of the fleet and doubts about the cause.
 */
export function tierNow(turn: Turn, state: DeploymentState, nowMs: number): TierNow {
  const { fleet, policy: current } = turn;
  const policy = policyOf(fleet, current, state);
  const explanations = policy.attribution === "on" ? explanationsOf(fleet, state, nowMs) : [];
  const restraint =
    restraintOn(policy, fleet, state.deployment, nowMs) ??
    (policy === current ? null : restraintOn(current, fleet, state.deployment, nowMs)) ??
    attributed(explanations);
  const decision = unrestrained(policy, state, nowMs);
  const now = restrained(decision, state, restraint, explanations);
  const learned = learnedNow(turn, policy, state, nowMs);
  if (learned === null) return now;
  const lowered = withLearned(policy, state, decision, learned);
  const careful = restrained(lowered, state, restraint, explanations);
  const tierWithout = careful.tier === now.tier ? null : now.tier;
  return { ...careful, learned: { ...learned, tierWithout } };
}

/**
 * A restraint makes the tier `observe`, and a doubt about the cause makes it `approve` at least.
 * A tier that is `observe` already names no restraint: it was never delegated to the machine.
 */
function restrained(
  given: TierDecision,
  { deployment }: DeploymentState,
  restraint: Restraint | null,
  explanations: readonly Explanation[],
): TierNow {
  const holds = given.tier === "observe" ? null : restraint;
  const isInDoubtNow = isInDoubt(explanations, deployment) && isStricter("approve", given.tier);
  let decision = given;
  if (holds !== null) decision = stepTo(given, holds.rule, "observe");
  else if (isInDoubtNow) decision = stepTo(given, ATTRIBUTION, "approve");
  const { tier, path, mode, stage } = decision;
  return { tier, path, mode, stage, restraint: holds, explanations };
}

/** The decision with one more step on its path, which leads to this tier. */
function stepTo({ path, mode, stage }: TierDecision, rule: string, tier: TierName): TierDecision {
  return { tier, path: [...path, { rule, tier }], mode, stage };
}

/** What people's earlier answers say about this breach; null where a hard guard spoke. */
function learnedNow(
  { fleet }: Turn,
  policy: Policy,
  state: DeploymentState,
  nowMs: number,
): Learned | null {
  if (policy.learning === undefined || state.guarded === true) return null;
  const confidence = confidenceOf(policy, state.signals, "tagged");
  if (confidence === null) return null;
  const { lessons } = fleet.learning;
  const { deployment } = state;
  const accused = accusedBy(state);
  return learnedOf(policy.learning, lessons, deployment, accused, confidence.value, nowMs);
}

/**
 * What was learned takes one tier away at most, and only where the confidence is enough for the
 * tier but the learned confidence is not: an action becomes a question, and a question needs an
 * approval. Everything else goes by the confidence as it is: when people are asked, whether
 * silence may act, and when a question is taken back.
 */
function withLearned(
  policy: Policy,
  { signals }: Judged,
  decision: TierDecision,
  learned: Learned,
): TierDecision {
  const { tier } = decision;
  if (tier !== "full" && tier !== "override") return decision;
  const confidence = confidenceOf(policy, signals, "tagged")?.value ?? 0;
  const least = policy.tiers[tier].confidence;
  if (confidence < least || learned.confidence >= least) return decision;
  return stepTo(decision, LEARNING, tier === "full" ? "override" : "approve");
}

const LEARNING = "learning";

const ATTRIBUTION = "attribution";

function attributed(explanations: readonly Explanation[]): Restraint | null {
  if (!isUnrelated(explanations)) return null;
  return { rule: ATTRIBUTION, reason: explanationText(explanations) };
}

/** The tier that policy, tags and the quality of the samples give, without any restraint. */
function unrestrained(policy: Policy, state: Judged, nowMs: number): TierDecision {
  const tags = tagsAt(policy, state.deployment, state.tags, nowMs, nowMs);
  const decision = byQuality(policy, state, "tagged", tags, nowMs);
  const word = loneWord(policy, state, nowMs);
  if (word === null || !needsPerson(policy, word)) return decision;
  if (!isStricter("approve", decision.tier)) return decision;
  return stepTo(decision, `agents.${word.agent}`, "approve");
}

/** The agent's word that counts where our own evidence is not enough by itself; else null. */
export function loneWord(policy: Policy, state: Judged, nowMs: number) {
  const word = countingWord(policy, state);
  return word === null || hasEvidence(policy, state, nowMs, "tagged") ? null : word;
}

/**
 * The tier that policy and tags give, made stricter where the samples are poor. Where the
 * confidence would be enough but for the cap on poor data, a person is asked. And a breach that
 * only series with a short baseline show is worth a question (`override`), not an action that
 * nobody can stop: its scale is borrowed, not measured.
 */
function byQuality(
  policy: Policy,
  state: Judged,
  arm: Arm,
  tags: readonly ContextTag[],
  nowMs: number,
): TierDecision {
  const decision = byPolicy(policy, state, arm, tags, nowMs);
  const accused = accusing(state);
  // An incumbent has no baseline, and acts without one.
  const short =
    policy.incumbent === undefined &&
    accused.length > 0 &&
    accused.every(({ baselineSamples }) => baselineSamples < BASELINE_FOR_HEALTH);
  if (policy.fusion === "evidence" && (decision.tier === "full" || decision.tier === "override")) {
    const asked = policy.tiers[decision.tier].confidence;
    const confidence = confidenceOf(policy, state.signals, arm);
    const poor = confidence?.caps.some(({ rule }) => rule === "data quality") ?? false;
    if (poor && confidence!.value < asked && confidence!.uncapped >= asked) {
      return stepTo(decision, "data quality", "approve");
    }
  }
  return decision.tier === "full" && short
    ? stepTo(decision, "short history", "override")
    : decision;
}

/**
 * The tier that policy and tags give, by what breaches at this stage of the rollout. Under
 * `fusion: evidence` a stage may name a tier for a breach. That tier counts only once the
 * confidence is enough for it, so that it never makes the machine wait longer than without it.
 */
function byPolicy(
  policy: Policy,
  { deployment, signals, stages }: Judged,
  arm: Arm,
  tags: readonly ContextTag[],
  nowMs: number,
): TierDecision {
  const share = shareAt(stages, nowMs, nowMs);
  // Only stages ask which signals breach, and only context tags which ones accuse.
  const breaching =
    policy.stages === undefined
      ? NONE
      : namesOf(signals, (one) => verdictIn(one, arm) === "breach");
  const accused = policy.context.length === 0 ? NONE : namesOf(signals, accuses);
  const found = { share, breaching, accused };
  const decision = resolveTier(policy, deployment, tags, nowMs, found);
  if (policy.fusion !== "evidence" || policy.stages === undefined) return decision;
  const confidence = confidenceOf(policy, signals, arm)?.value ?? 0;
  if (confidence >= policy.tiers[decision.tier].confidence) return decision;
  return resolveTier(policy, deployment, tags, nowMs, { ...found, breaching: [] });
}

/** Is there enough to act on now: evidence of our own, or the word of an agent? */
export function stands(policy: Policy, state: Judged, nowMs: number, arm: Arm): boolean {
  return countingWord(policy, state) !== null || hasEvidence(policy, state, nowMs, arm);
}

/** Is our own evidence enough: breaches, or a confidence that the tier is content with? */
export function hasEvidence(policy: Policy, state: Judged, nowMs: number, arm: Arm): boolean {
  if (policy.fusion !== "evidence") {
    return fuses(policy.fusion, policy, state.signals, arm);
  }
  const confidence = confidenceOf(policy, state.signals, arm);
  if (confidence === null) return false;
  // Restraints are left out: one makes the tier `observe`, which asks for less confidence, and
  // so people would be paged sooner just because the machine may not act.
  const tags =
    arm === "untagged" ? NONE : tagsAt(policy, state.deployment, state.tags, nowMs, nowMs);
  const { tier } = byQuality(policy, state, arm, tags, nowMs);
  return confidence.value >= policy.tiers[tier].confidence;
}

/** Why a machine may not act where the tier is `observe`. */
export function whyObserve({ restraint, path }: TierNow): string {
  if (restraint !== null) return restraint.reason;
  return `never delegated to a machine (${path[path.length - 1]!.rule})`;
}

/** The signals a proposal stands on, by name. */
export function accusedBy(state: DeploymentState): readonly string[] {
  return namesOf(state.signals, accuses);
}

/** How a watch ends during which nothing was left open. */
export function endOfWatch(
  policy: Policy,
  { signals, observed, withdrawals }: DeploymentState,
): { readonly how: End; readonly reason: string } {
  const { verdict, reason } = concludes(policy, signals);
  if (observed) return { how: "held", reason: `observed only: ${reason}` };
  if (verdict !== "healthy") return { how: "undecidable", reason };
  if (withdrawals > 0) return { how: "withdrawn", reason: "healthy at the end" };
  return { how: "healthy", reason };
}

/** Why a breach is acted on or asked about, in words: what was found, and how sure that is. */
export function breachReason(
  policy: Policy,
  state: Judged,
  { tier, explanations, restraint, learned }: TierNow,
): string {
  let said = accusing(state).map((evidence) => evidence.reason);
  if (restraint === null && isInDoubt(explanations, state.deployment)) {
    said = [...said, `caused by ${explanationText(explanations)}`];
  }
  if (learned !== undefined) said = [...said, learned.says];
  const word = countingWord(policy, state);
  if (word !== null) said = [wordText(word), ...said];
  const reasons = said.length === 1 ? said[0]! : said.join("; ");
  const confidence =
    policy.fusion === "evidence" ? confidenceOf(policy, state.signals, "tagged") : null;
  if (confidence === null) return reasons;
  const asked = policy.tiers[tier].confidence;
  const sure = formatShare(confidence.value);
  if (word !== null && confidence.value < asked) return `${reasons}; our own confidence is ${sure}`;
  return `confidence ${sure}, ${formatShare(asked)} asked for ${tier}: ${reasons}`;
}

/**
 * Is the breach that was asked about over? Silence is never recovery. Under `fusion: evidence`
 * it is over when the confidence fell and every signal that spoke still has samples. Under every
 * other fusion one signal at least must be healthy again, and the rest healthy or, where the
 * fusion wants several breaches at once, in a breach that is not enough by itself.
 */
export function recovered(policy: Policy, state: Judged, { accused }: Proposed): boolean {
  if (countingWord(policy, state) !== null) return false;
  const { signals } = state;
  const now = accused.map((name) => signals.find(({ signal }) => signal === name)!);
  if (policy.fusion === "evidence") {
    const confidence = confidenceOf(policy, signals, "tagged");
    if (confidence === null || confidence.uncapped >= WITHDRAWN_BELOW) return false;
    if (confidence.hardGuardAtLeast !== undefined) return false;
    return now.every(({ standing }) => standing?.silent === false);
  }
  return (
    now.some(({ verdict }) => verdict === "healthy") &&
    now.every(({ verdict }) => verdict === "healthy" || verdict === "breach")
  );
}

/** Why a question is taken back, in words. */
export function recoveryReason(policy: Policy, state: Judged): string {
  const healthy = state.signals
    .filter(({ verdict }) => verdict === "healthy")
    .map((evidence) => evidence.reason)
    .join("; ");
  const confidence =
    policy.fusion === "evidence" ? confidenceOf(policy, state.signals, "tagged") : null;
  if (confidence === null) return `the breach is over: ${healthy}`;
  const fell = `confidence fell to ${formatShare(confidence.value)}`;
  return healthy === "" ? fell : `${fell}: ${healthy}`;
}

/**
 * Why silence must not roll back although the policy says it may; null where it may. What became
 * known since the question was asked counts: under a stricter tier silence is no answer.
 */
export function obstacle(
  policy: Policy,
  state: DeploymentState,
  phase: Proposed,
  now: TierNow,
): string | null {
  if (countingWord(policy, state) !== null) {
    // The agent spoke for itself, and its word needs no evidence, or has it.
  } else if (policy.fusion === "evidence") {
    const asked = policy.tiers[phase.tier].confidence;
    const value = confidenceOf(policy, state.signals, "tagged")?.value ?? 0;
    if (value < asked) {
      return `confidence is ${formatShare(value)} by now, ${formatShare(asked)} asked`;
    }
  } else if (!fuses(policy.fusion, policy, state.signals, "tagged")) {
    return "the evidence no longer stands and nothing shows health";
  }
  if (!isStricter(now.tier, phase.tier)) return null;
  if (now.tier === "observe") return whyObserve(now);
  return `it needs approval now (${now.path[now.path.length - 1]!.rule})`;
}

/**
 * What the reason of an action must add: that the evidence no longer stands, or that nothing was
 * judged since the watch ended. Empty where neither is so.
 */
export function caveat(policy: Policy, state: DeploymentState, nowMs: number): string {
  if (!stands(policy, state, nowMs, "tagged")) {
    return ", though the evidence no longer stands and nothing shows health";
  }
  if (nowMs <= state.watchEndsAtMs) return "";
  const ago = formatDuration(nowMs - state.watchEndsAtMs);
  return `, on what was judged when the watch ended, ${ago} ago`;
}
