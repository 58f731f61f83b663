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
import { quiets, shiftOf, type Asked } from "./declared.ts";
import type { ContextRule, Policy, SignalPolicy } from "./policy.ts";
import { isRefused, tagText } from "./tags.ts";
import { ALL, stageAt, stageNow, tierOfBreach, type StageNow } from "./stages.ts";

/** From most to least authority of the machine. */
const AUTHORITY: readonly TierName[] = ["full", "override", "approve", "observe"];

/** Has the machine less authority under `a` than under `b`? */
export function isStricter(a: TierName, b: TierName): boolean {
  return AUTHORITY.indexOf(a) > AUTHORITY.indexOf(b);
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
  /** Those that speak against it: in breach, or with evidence where that is fused. */
  readonly accused: readonly string[];
}

const NOTHING_YET: Circumstances = { share: ALL, breaching: [], accused: [] };

/** The tier of a deployment at `atMs`, under the tags that count then. */
export function resolveTier(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
  { share, breaching, accused }: Circumstances = NOTHING_YET,
): TierDecision {
  const index = policy.assign.findIndex(
    ({ when }) => when === null || matches(when, deployment, tags),
  );
  const assigned = policy.assign[index]!;
  let { tier } = assigned;
  const path: TierStep[] = [
    { rule: assigned.when === null ? "assign.otherwise" : `assign[${index}]`, tier },
  ];
  const modes = modesAt(policy, deployment, tags, atMs);
  for (const mode of modes) {
    const changed = mode.tier[tier];
    if (changed === undefined) continue;
    tier = changed;
    path.push({ rule: `modes.${mode.name}`, tier });
  }
  const stage = stageAt(policy, share);
  if (stage !== null) {
    const { name } = stage;
    const changed = stage.tier[tier];
    if (changed !== undefined) {
      tier = changed;
      path.push({ rule: `stages.${name}`, tier });
    }
    const own = tierOfBreach(stage, breaching, tier, (a, b) => isStricter(b, a));
    if (own !== null) {
      tier = own.tier;
      path.push({ rule: `stages.${name}.signals.${own.signal}.tier`, tier });
    }
  }
  for (const rule of policy.context) {
    if (rule.tierAtLeast === null) continue;
    if (!isStricter(rule.tierAtLeast, tier)) continue;
    const asks = tags.some(
      ({ tag, from }) =>
        tag === rule.tag && (from === undefined || concerns(policy, rule, accused)),
    );
    if (!asks) continue;
    tier = rule.tierAtLeast;
    path.push({ rule: `context.${rule.tag}.tierAtLeast`, tier });
  }
  const { never } = policy.guardrails;
  const forbids = never.findIndex((condition) => matches(condition, deployment, tags));
  if (forbids >= 0 && tier !== "observe") {
    tier = "observe";
    path.push({ rule: `guardrails.never[${forbids}]`, tier });
  }
  return {
    tier,
    path,
    mode: modes.length === 0 ? null : modes.map((mode) => mode.name).join("+"),
    stage: stageNow(policy, share),
  };
}

/**
 * Every tier that some deployment may have at some moment, but for what guardrails take away.
 *
 * Bias: any mode may follow any that stands before it, also two that never hold together.
 */
export function tiersGiven({
  assign,
  modes,
  stages = [],
  context,
}: Pick<Policy, "assign" | "modes" | "stages" | "context">): ReadonlySet<TierName> {
  const given = new Set(assign.map(({ tier }) => tier));
  for (const mode of modes) addMoved(given, [...given], mode.tier);
  const ordinary = [...given];
  for (const stage of stages) {
    addMoved(given, ordinary, stage.tier);
    for (const { tier } of stage.signals) if (tier !== null) given.add(tier);
  }
  for (const { tierAtLeast } of context) {
    if (tierAtLeast === null) continue;
    if ([...given].some((tier) => isStricter(tierAtLeast, tier))) given.add(tierAtLeast);
  }
  return given;
}

function addMoved(
  given: Set<TierName>,
  from: readonly TierName[],
  moves: Readonly<Partial<Record<TierName, TierName>>>,
): void {
  for (const tier of from) {
    const to = moves[tier];
    if (to !== undefined) given.add(to);
  }
}

/** Is all that speaks against a deployment what a service that it calls may have caused? */
function concerns({ signals }: Policy, rule: ContextRule, accused: readonly string[]): boolean {
  return accused.every((name) =>
    quiets(
      rule,
      signals.find((signal) => signal.name === name)!,
    ),
  );
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
 * (see declared.ts) is ignored, and so is a tag that its policy refuses.
 *
 * @param share of the traffic that is on the new version
 * @param asked whose samples of which metric; null for the signal as a whole
 */
export function resolveTolerance(
  policy: Policy,
  signal: SignalPolicy,
  deployment: Deployment,
  counting: readonly ContextTag[],
  atMs: number,
  share = ALL,
  asked: Asked = null,
): ToleranceDecision {
  const tags = counting.filter((tag) => !isRefused(policy, deployment, tag));
  const used: string[] = [];
  let times = 1;
  for (const mode of modesAt(policy, deployment, tags, atMs)) {
    if (mode.signals !== null && !mode.signals.includes(signal.name)) continue;
    if (mode.toleranceTimes === 1) continue;
    times = times === 1 ? mode.toleranceTimes : Math.max(times, mode.toleranceTimes);
    for (const name of Object.keys(mode.when.tags ?? {})) {
      const tag = tags.find((one) => one.tag === name && one.from === undefined);
      if (tag !== undefined) used.push(tagText(tag));
    }
  }
  let shift = 0;
  for (const rule of policy.context) {
    for (const tag of tags) {
      if (tag.tag !== rule.tag) continue;
      const said = shiftOf(rule, tag, signal, deployment, asked);
      if (said === null) continue;
      shift = Math.max(shift, said.believed);
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
