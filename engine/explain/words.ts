/** Rules, numbers and instants of a policy in plain words. */

import type { Condition, Policy, SignalPolicy } from "../policy/policy.ts";
import { formatNumber, formatShare } from "../policy/quantity.ts";
import type { DecisionKind, End, TierName } from "../record.ts";

/** `10 %`, or percentage points for a signal that is tolerated in these. */
export function amountText({ tolerance }: SignalPolicy, amount: number): string {
  return tolerance.kind === "points" ? `${formatNumber(amount * 100)} pp` : formatShare(amount);
}

export const TIER_WORDS: Readonly<Record<TierName, string>> = {
  full: "full: the machine may roll back at once",
  override: "override: the machine may roll back unless a person objects in time",
  approve: "approve: a person must agree first",
  observe: "observe: the machine may only tell people",
};

export const END_WORDS: Readonly<Record<End, string>> = {
  healthy: "healthy: no harm was found",
  rolledBack: "rolled back",
  overridden: "kept: a person objected to the rollback",
  withdrawn: "healthy: the question was taken back",
  expired: "left as it is: no approval came in time",
  held: "left to people: the machine held",
  superseded: "superseded by a later deployment",
  rollbackFailed: "the rollback failed: people have to act",
  undecidable: "undecidable: there was not enough evidence to call it healthy",
};

export const DECISION_WORDS: Readonly<Record<DecisionKind, string>> = {
  watchStarted: "the watch began",
  proposed: "a rollback was proposed",
  withdrawn: "the proposal was taken back",
  escalated: "the next people were asked",
  waited: "a coin put the rollback off",
  rollbackOrdered: "the rollback was ordered",
  ended: "it ended",
  paged: "a person was paged; the machine may not act",
  silent: "it reports nothing: a person was paged and the rollout is held",
  held: "held; people were paged already",
  halted: "all machines were halted",
  haltLifted: "the halt was lifted",
  policyChanged: "another policy came into force",
  refused: "refused, and nothing changed",
};

function conditionText(condition: Condition): string {
  const { tags, ...rest } = condition;
  const parts = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} is ${[value].flat().join(" or ")}`);
  for (const [name, value] of Object.entries(tags ?? {})) {
    if (value === "*") parts.push(`tag ${name} is there`);
    else if (value === "false") parts.push(`tag ${name} is not there`);
    else parts.push(`tag ${name} is ${value}`);
  }
  return parts.length === 0 ? "always" : parts.join(" and ");
}

const FLEET_RULES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    halt: "all machines were halted",
    "guardrails.cooldown": "the service was rolled back a short while ago",
    "guardrails.rollbackBudget": "the budget of rollbacks is spent",
    "guardrails.stormBrake": "too many services are in breach at once",
    attribution: "what is seen may be another deployment's or service's doing",
    "data quality": "the data is too poor for the certainty that the tier asks for",
    learning: "people overrode most proposals like this one, so the machine asks first",
    "short history": "there is too little history to act without a question",
  }),
);

/** What a step of the tier path says, by the rule's place in the policy. */
export function ruleText(policy: Policy, rule: string): string {
  const known = FLEET_RULES.get(rule);
  if (known !== undefined) return `${rule}: ${known}`;
  if (rule === "assign.otherwise") return `${rule}: no other rule of the policy matched`;
  const [, list, place] = /^(assign|guardrails\.never)\[(\d+)\]$/.exec(rule) ?? [];
  if (list !== undefined) {
    const at = Number(place);
    const when =
      list === "assign" ? (policy.assign[at]?.when ?? null) : policy.guardrails.never[at];
    return when === null || when === undefined ? rule : `${rule}: ${conditionText(when)}`;
  }
  const [, stage, signal] = /^stages\.(.+?)(?:\.signals\.(.+)\.tier)?$/.exec(rule) ?? [];
  if (stage !== undefined) {
    const reach = policy.stages?.find(({ name }) => name === stage)?.upTo;
    const share = reach === undefined ? "" : `, up to ${formatShare(reach)} of the traffic`;
    const what = signal === undefined ? "" : `: a breach of ${signal} has its own tier there`;
    return `${rule}: the rollout was at stage ${stage}${share}${what}`;
  }
  const mode = /^modes\.(.+)$/.exec(rule)?.[1];
  if (mode !== undefined) return `${rule}: mode ${mode} was in force`;
  const agent = /^agents\.(.+)$/.exec(rule)?.[1];
  if (agent !== undefined) return `${rule}: only ${agent} asks for it, so a person must agree`;
  const tag = /^context\.(.+)\.tierAtLeast$/.exec(rule)?.[1];
  if (tag !== undefined) return `${rule}: tag ${tag} asks for at least this much care`;
  return rule;
}
