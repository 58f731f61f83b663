/**
 * What a policy says about one deployment at one instant: which tags count, how
 * much is tolerated, which tier the machine has, and which rule said so.
 *
 * The precedence of tiers is fixed: the first `assign` match, then modes, then the stage of
 * the rollout, then the highest floor that tags demand, then guardrails; `never` always wins.
 */

import type { ContextTag, Deployment } from "../event.ts";
import type { TierName, TierStep } from "../record.ts";
import { matches, modesAt } from "./modes.ts";
import type { ContextRule, Policy, SignalPolicy } from "./policy.ts";
import { parseShift } from "./quantity.ts";
import { ALL, stageAt, stageNow, tierOfBreach, type StageNow } from "./stages.ts";

/** From most to least authority of the machine. */
const AUTHORITY: readonly TierName[] = ["full", "override", "approve", "observe"];

/** Has the machine less authority under `a` than under `b`? */
export function isStricter(a: TierName, b: TierName): boolean {
  return AUTHORITY.indexOf(a) > AUTHORITY.indexOf(b);
}

/** Is the tag about this deployment, and known by then? A tag counts only once it is known. */
function isKnown(tag: ContextTag, deployment: Deployment, knownAtMs: number): boolean {
  if (tag.knownAtMs > knownAtMs || tag.service !== deployment.service) return false;
  return tag.deploymentId === null || tag.deploymentId === deployment.deploymentId;
}

function ruleOf(policy: Policy, tag: ContextTag): ContextRule | null {
  return policy.context.find((one) => one.tag === tag.tag) ?? null;
}

/** When a tag counts, as [from, until) in `atMs`: its window, cut to the policy's `for`. */
function span(tag: ContextTag, rule: ContextRule | null, deployment: Deployment): [number, number] {
  const from = tag.validFromMs ?? deployment.startedAtMs;
  const until = tag.validUntilMs ?? Number.POSITIVE_INFINITY;
  return [from, rule === null ? until : Math.min(until, from + rule.forMs)];
}

/** The tags that count for a deployment at `atMs`, given what was known at `knownAtMs`. */
export function tagsAt(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
  knownAtMs: number,
): readonly ContextTag[] {
  return tags.filter((tag) => {
    if (!isKnown(tag, deployment, knownAtMs)) return false;
    const [fromMs, untilMs] = span(tag, ruleOf(policy, tag), deployment);
    return atMs >= fromMs && atMs < untilMs;
  });
}

/** The instants at which these tags begin or end to count, in `atMs` and in `knownAtMs`. */
export function tagEdges(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
): { readonly atMs: readonly number[]; readonly knownAtMs: readonly number[] } {
  return {
    atMs: tags.flatMap((tag) => span(tag, ruleOf(policy, tag), deployment)),
    knownAtMs: tags.map((tag) => tag.knownAtMs),
  };
}

export function tagText(tag: ContextTag): string {
  return `${tag.tag}=${tag.value}`;
}

export interface TierDecision {
  readonly tier: TierName;
  readonly path: readonly TierStep[];
  /** Names of the modes in force, joined by `+`; null when none is. */
  readonly mode: string | null;
  /** Null where the policy has no stages. */
  readonly stage: StageNow | null;
}

/** What a tier depends on besides the deployment, its tags and the time. */
export interface Circumstances {
  /** Of the traffic, on the new version. */
  readonly share: number;
  /** The signals in breach. */
  readonly breaching: readonly string[];
}

const NOTHING_YET: Circumstances = { share: ALL, breaching: [] };

/** The tier of a deployment at `atMs`, under the tags that count then. */
export function resolveTier(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
  { share, breaching }: Circumstances = NOTHING_YET,
): TierDecision {
  const index = policy.assign.findIndex(
    ({ when }) => when === null || matches(when, deployment, tags),
  );
  const assigned = policy.assign[index]!;
  const path: TierStep[] = [
    { rule: assigned.when === null ? "assign.otherwise" : `assign[${index}]`, tier: assigned.tier },
  ];
  const current = (): TierName => path[path.length - 1]!.tier;
  const modes = modesAt(policy, deployment, tags, atMs);
  for (const mode of modes) {
    const changed = mode.tier[current()];
    if (changed !== undefined) path.push({ rule: `modes.${mode.name}`, tier: changed });
  }
  const stage = stageAt(policy, share);
  if (stage !== null) {
    const { name } = stage;
    const changed = stage.tier[current()];
    if (changed !== undefined) path.push({ rule: `stages.${name}`, tier: changed });
    const own = tierOfBreach(stage, breaching, current(), (a, b) => isStricter(b, a));
    if (own !== null) {
      path.push({ rule: `stages.${name}.signals.${own.signal}.tier`, tier: own.tier });
    }
  }
  for (const rule of policy.context) {
    if (rule.tierAtLeast === null || !tags.some((tag) => tag.tag === rule.tag)) continue;
    if (!isStricter(rule.tierAtLeast, current())) continue;
    path.push({ rule: `context.${rule.tag}.tierAtLeast`, tier: rule.tierAtLeast });
  }
  policy.guardrails.never.forEach((condition, position) => {
    if (matches(condition, deployment, tags) && current() !== "observe") {
      path.push({ rule: `guardrails.never[${position}]`, tier: "observe" });
    }
  });
  return {
    tier: current(),
    path,
    mode: modes.length === 0 ? null : modes.map((mode) => mode.name).join("+"),
    stage: stageNow(policy, share),
  };
}

export interface ToleranceDecision {
  /** Relative change, or change in percentage points, that is accepted. */
  readonly amount: number;
  /** The tags that moved it. */
  readonly tags: readonly string[];
}

/**
 * The tolerance of one signal at `atMs`, under the tags that count then.
 *
 * A declared change shifts what is expected, so it compounds with the tolerance:
 * 10 % tolerated on top of a declared +15 % accepts up to 1.10 × 1.15 = +26.5 %.
 * Overlapping tags do not add up: the largest counts, and so with modes. A mode
 * multiplies first, what the stage tolerates where it says so. A value that is no shift
 * (see `parseShift`) is ignored.
 *
 * @param share of the traffic that is on the new version
 */
export function resolveTolerance(
  policy: Policy,
  signal: SignalPolicy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
  share = ALL,
): ToleranceDecision {
  const used: string[] = [];
  let times = 1;
  for (const mode of modesAt(policy, deployment, tags, atMs)) {
    if (mode.signals !== null && !mode.signals.includes(signal.name)) continue;
    if (mode.toleranceTimes === 1) continue;
    times = times === 1 ? mode.toleranceTimes : Math.max(times, mode.toleranceTimes);
    for (const name of Object.keys(mode.when.tags ?? {})) {
      const tag = tags.find((one) => one.tag === name);
      if (tag !== undefined) used.push(tagText(tag));
    }
  }
  let shift = 0;
  for (const rule of policy.context) {
    if (rule.shifts === null || rule.signal !== signal.name) continue;
    for (const tag of tags) {
      if (tag.tag !== rule.tag || (tag.signal !== null && tag.signal !== signal.name)) continue;
      const declared = parseShift(tag.value);
      if (declared === null) continue;
      shift = Math.max(shift, Math.min(declared, rule.max));
      used.push(tagText(tag));
    }
  }
  const atStage = stageAt(policy, share)?.signals.find(({ name }) => name === signal.name);
  const own = (atStage?.tolerance ?? signal.tolerance).amount;
  const base = own * times;
  if (signal.tolerance.kind === "points") return { amount: base + shift, tags: used };
  const compounded =
    signal.worse === "down"
      ? 1 - (1 - Math.min(1, base)) * (1 - Math.min(1, shift)) // Nothing falls by more than all.
      : (1 + base) * (1 + shift) - 1;
  // A ceiling may lower what tags and modes gave, never what the policy itself tolerates.
  const ceiling = policy.guardrails.toleranceAtMost;
  const amount = ceiling === null ? compounded : Math.min(compounded, Math.max(ceiling, own));
  return { amount, tags: used };
}
