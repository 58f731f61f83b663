/** What stands for one deployment at one moment: its tags, its tier, its evidence. */

import { BASELINE_FOR_HEALTH } from "../detect/baseline/residual.ts";
import type { ContextTag, SignalEvidence } from "../event.ts";
import type { Policy } from "../policy/policy.ts";
import { isStricter, resolveTier, type TierDecision } from "../policy/resolve.ts";
import { tagsAt } from "../policy/tags.ts";
import { formatDuration, formatShare } from "../policy/quantity.ts";
import type { DecisionRecord, Explanation, Learned, TierName } from "../record.ts";
import { explain, explanationText, isInDoubt, isUnrelated } from "./attribution.ts";
import { accuses, confidenceOf, WITHDRAWN_BELOW } from "./confidence.ts";
import { fuses } from "./fusion.ts";
import { learnedOf } from "../learn/discount.ts";
import { shareAt } from "../policy/stages.ts";
import type { Turn } from "./recorder.ts";
import { restraintOn, type Restraint } from "./restraint.ts";
import { policyOf, type DeploymentState, type Proposed } from "./state.ts";

/** What a decision about one deployment looks at. */
export type Judged = Pick<DeploymentState, "deployment" | "tags" | "stages" | "signals">;

function accusing({ signals }: Pick<Judged, "signals">): readonly SignalEvidence[] {
  let found: SignalEvidence[] | null = null;
  for (const name in signals) {
    const evidence = signals[name]!;
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
  for (const name in signals) {
    if (!isNamed(signals[name]!)) continue;
    if (found === null) found = [name];
    else found.push(name);
  }
  return found ?? NONE;
}

const NONE: readonly never[] = [];

/** The tier that holds now, and what made it `observe` where tier and tags would not have. */
export interface TierNow extends TierDecision {
  readonly restraint: Restraint | null;
  /** Of the breach (see attribution.ts). */
  readonly explanations: readonly Explanation[];
  readonly learned?: NonNullable<DecisionRecord["learned"]>;
}

/** The tier that policy, tags, what was learned and the fleet's restraints give now. */
export function tierNow(turn: Turn, state: DeploymentState, nowMs: number): TierNow {
  const { fleet, policy: current } = turn;
  const policy = policyOf(fleet, current, state);
  const explanations = policy.attribution === "on" ? explain(fleet, state, nowMs) : [];
  const restraint =
    restraintOn(policy, fleet, state.deployment, nowMs) ??
    (policy === current ? null : restraintOn(current, fleet, state.deployment, nowMs)) ??
    attributed(explanations);
  const decision = unrestrained(policy, state, nowMs);
  const now = restrained(decision, state, restraint, explanations);
  const learned = learnedNow(turn, policy, state, nowMs);
  if (learned === null) return now;
  const less = asked(policy, state, decision, learned);
  const careful = restrained(less, state, restraint, explanations);
  const tierWithout = careful.tier === now.tier ? null : now.tier;
  return { ...careful, learned: { ...learned, tierWithout } };
}

/** What is never delegated needs no restraint. */
function restrained(
  given: TierDecision,
  { deployment }: DeploymentState,
  restraint: Restraint | null,
  explanations: readonly Explanation[],
): TierNow {
  const isFree = given.tier === "observe";
  const doubt = isInDoubt(explanations, deployment) && isStricter("approve", given.tier);
  const { tier, path, mode, stage } =
    isFree || (restraint === null && !doubt)
      ? given
      : restraint === null
        ? stepTo(given, ATTRIBUTION, "approve")
        : stepTo(given, restraint.rule, "observe");
  return { tier, path, mode, stage, restraint: isFree ? null : restraint, explanations };
}

function stepTo({ path, mode, stage }: TierDecision, rule: string, tier: TierName): TierDecision {
  return { tier, path: [...path, { rule, tier }], mode, stage };
}

/** What people's answers say about this breach; never about one that a hard guard saw. */
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
 * What was learned takes away one tier at most, and only where the confidence is enough for
 * the tier and the learned one is not: an action becomes a question, a question stays one.
 * When people are asked, what silence needs and when a question is taken back go by the
 * confidence as it is, so nothing comes sooner.
 */
function asked(
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

/**
 * The tier that policy and tags give now. A breach against a borrowed scale is worth a
 * question, not an action that nobody can stop; and where only the quality of the data
 * keeps evidence from what the tier asks for, a person is asked.
 */
function unrestrained(policy: Policy, state: Judged, nowMs: number): TierDecision {
  return weighed(
    policy,
    state,
    "tagged",
    tagsAt(policy, state.deployment, state.tags, nowMs, nowMs),
    nowMs,
  );
}

function weighed(
  policy: Policy,
  state: Judged,
  arm: "tagged" | "untagged",
  tags: readonly ContextTag[],
  nowMs: number,
): TierDecision {
  const decision = resolvedFor(policy, state, arm, tags, nowMs);
  const accused = accusing(state);
  const short =
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
 * Which tier is it, given what is in breach? Where evidence is fused a breach lends the tier of
 * its stage once the confidence is what that tier asks for: it never makes the machine wait.
 */
function resolvedFor(
  policy: Policy,
  { deployment, signals, stages }: Judged,
  arm: "tagged" | "untagged",
  tags: readonly ContextTag[],
  nowMs: number,
): TierDecision {
  const share = shareAt(stages, nowMs, nowMs);
  // Nothing else is asked which signals they are.
  const breaching =
    policy.stages === undefined
      ? NONE
      : namesOf(signals, (one) =>
          arm === "tagged" ? one.verdict === "breach" : one.untagged === "breach",
        );
  const accused = policy.context.length === 0 ? NONE : namesOf(signals, accuses);
  const found = { share, breaching, accused };
  const decision = resolveTier(policy, deployment, tags, nowMs, found);
  if (policy.fusion !== "evidence" || policy.stages === undefined) return decision;
  const confidence = confidenceOf(policy, signals, arm)?.value ?? 0;
  if (confidence >= policy.tiers[decision.tier].confidence) return decision;
  return resolveTier(policy, deployment, tags, nowMs, { ...found, breaching: [] });
}

/** Is there enough to act on now: breaches, or a confidence that the tier is content with? */
export function stands(
  policy: Policy,
  state: Judged,
  nowMs: number,
  arm: "verdict" | "untagged",
): boolean {
  if (policy.fusion !== "evidence") {
    return fuses(policy.fusion, state.signals, policy.signals.length, arm);
  }
  const shadow = arm === "untagged";
  const confidence = confidenceOf(policy, state.signals, shadow ? "untagged" : "tagged");
  if (confidence === null) return false;
  // A guardrail of the fleet takes authority away; it is no reason to ask sooner.
  const { tier } = shadow
    ? weighed(policy, state, "untagged", [], nowMs)
    : unrestrained(policy, state, nowMs);
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
  const reasons = said.length === 1 ? said[0]! : said.join("; ");
  const confidence =
    policy.fusion === "evidence" ? confidenceOf(policy, state.signals, "tagged") : null;
  if (confidence === null) return reasons;
  const asked = formatShare(policy.tiers[tier].confidence);
  return `confidence ${formatShare(confidence.value)}, ${asked} asked for ${tier}: ${reasons}`;
}

/**
 * Did every signal that was in breach come back to health? Silence is not recovery.
 * Where a fusion wants several breaches, one that goes on alone is none. Evidence that
 * faded is recovery too, where every signal that spoke is still heard.
 */
export function recovered(policy: Policy, { signals }: Judged, { accused }: Proposed): boolean {
  const now = accused.map((name) => signals[name]!);
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

export function recoveryReason(policy: Policy, state: Judged): string {
  const healthy = Object.values(state.signals)
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
 * Why silence must not roll back, whatever the question said; null when it may. What
 * became known since it was asked counts: a stricter tier wants an answer, not silence.
 */
export function obstacle(
  policy: Policy,
  state: DeploymentState,
  phase: Proposed,
  now: TierNow,
): string | null {
  if (policy.fusion === "evidence") {
    const asked = policy.tiers[phase.tier].confidence;
    const value = confidenceOf(policy, state.signals, "tagged")?.value ?? 0;
    if (value < asked) {
      return `confidence is ${formatShare(value)} by now, ${formatShare(asked)} asked`;
    }
  } else if (!fuses(policy.fusion, state.signals, policy.signals.length, "verdict")) {
    return "the evidence no longer stands and nothing shows health";
  }
  if (!isStricter(now.tier, phase.tier)) return null;
  if (now.tier === "observe") return whyObserve(now);
  return `it needs approval now (${now.path[now.path.length - 1]!.rule})`;
}

/**
 * What a decision rests on besides what the signals say: that they no longer say it, or
 * that nobody has looked since the watch ended. Empty where neither is so.
 */
export function caveat(policy: Policy, state: DeploymentState, nowMs: number): string {
  if (!stands(policy, state, nowMs, "verdict")) {
    return ", though the evidence no longer stands and nothing shows health";
  }
  if (nowMs <= state.watchEndsAtMs) return "";
  const ago = formatDuration(nowMs - state.watchEndsAtMs);
  return `, on what was judged when the watch ended, ${ago} ago`;
}

/**
 * What silence leads to in this phase of a question. An approval that only what was learned
 * asks for is waited for: with `onTimeout: hold` its silence would act where none did before.
 */
export function onSilence(policy: Policy, phase: Proposed): "rollback" | "hold" {
  if (phase.tier === "approve" && phase.learned === true) return "hold";
  return phase.tier === "override"
    ? policy.tiers.override.onTimeout
    : policy.tiers.approve.onExpiry;
}
