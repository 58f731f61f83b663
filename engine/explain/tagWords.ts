/** What a tag does under a policy, in a sentence. */

import type { ContextTag } from "../event.ts";
import { own } from "../json.ts";
import type { Condition, Policy } from "../policy/policy.ts";
import { formatDuration, formatShare } from "../policy/quantity.ts";
import { ruleOf } from "../policy/tags.ts";

export function tagMeaning(policy: Policy, tag: ContextTag): string {
  const rule = ruleOf(policy, tag);
  const parts: string[] = [];
  if (rule !== null && rule.shifts !== null) {
    const signal = policy.signals.find(({ name }) => name === rule.signal);
    const way = { up: "more", down: "less", both: "another" }[signal?.worse ?? "both"];
    const what = rule.signal === null ? "a change of the metric it names" : `${way} ${rule.signal}`;
    const most = `up to ${formatShare(rule.max)}, for ${formatDuration(rule.forMs)} at most`;
    parts.push(`${what} is expected, ${most}`);
  }
  if (rule !== null && rule.tierAtLeast !== null) {
    parts.push(`the machine may do no more than "${rule.tierAtLeast}" says`);
  }
  if (rule?.quietsDependants === true) parts.push("half of it is believed of direct callers");
  const asking = askedBy(policy, tag.tag);
  if (asking.length > 0) parts.push(`read by ${asking.join(", ")}`);
  return parts.length === 0 ? "this policy does not read it" : parts.join("; ");
}

/** The places of a policy that have a condition on the tag. */
function askedBy({ assign, modes, guardrails }: Policy, tag: string): string[] {
  const names = (when: Condition | null): boolean => own(when?.tags ?? {}, tag) !== undefined;
  return [
    ...assign.flatMap(({ when }, at) => (names(when) ? [`assign[${at}]`] : [])),
    ...modes.flatMap(({ name, when }) => (names(when) ? [`mode ${name}`] : [])),
    ...guardrails.never.flatMap((when, at) => (names(when) ? [`guardrails.never[${at}]`] : [])),
  ];
}
