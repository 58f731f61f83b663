/**
 * The tolerance of one signal along a stretch of samples. It is constant unless a
 * tag begins, ends or becomes known in between.
 */

import type { ContextTag, Deployment } from "../event.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { resolveTolerance, tagsAt, type ToleranceDecision } from "../policy/resolve.ts";

export interface TolerancePath {
  /** Equal keys are equal tolerances at every sample. */
  readonly key: string;
  readonly constant: boolean;
  readonly amountAt: (index: number) => number;
  readonly tagsAt: (index: number) => readonly string[];
}

export function tolerancePath(
  policy: Policy,
  signal: SignalPolicy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: ArrayLike<number>,
  knownAtMs: ArrayLike<number>,
): TolerancePath {
  if (tags.length === 0 || atMs.length === 0) {
    return constantPath(resolveTolerance(policy, signal, deployment, []));
  }
  const decisions: ToleranceDecision[] = [];
  const startsAt: number[] = [];
  for (let index = 0; index < atMs.length; index++) {
    const active = tagsAt(policy, deployment, tags, atMs[index]!, knownAtMs[index]!);
    const decision = resolveTolerance(policy, signal, deployment, active);
    const last = decisions[decisions.length - 1];
    if (last?.amount === decision.amount && last.tags.join("\n") === decision.tags.join("\n")) {
      continue;
    }
    decisions.push(decision);
    startsAt.push(index);
  }
  if (decisions.length === 1) return constantPath(decisions[0]!);
  const decisionAt = (index: number): ToleranceDecision => {
    let found = 0;
    while (found + 1 < startsAt.length && startsAt[found + 1]! <= index) found++;
    return decisions[found]!;
  };
  return {
    key: decisions.map(({ amount }, index) => `${startsAt[index]}:${amount}`).join(" "),
    constant: false,
    amountAt: (index) => decisionAt(index).amount,
    tagsAt: (index) => decisionAt(index).tags,
  };
}

function constantPath(decision: ToleranceDecision): TolerancePath {
  return {
    key: String(decision.amount),
    constant: true,
    amountAt: () => decision.amount,
    tagsAt: () => decision.tags,
  };
}
