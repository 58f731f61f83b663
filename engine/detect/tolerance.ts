/**
 * The tolerance of one signal along a stretch of samples. It is constant unless a
 * tag or a mode begins or ends in between, a tag becomes known, or a rollout reaches its next
 * stage. It is asked again only where one of these instants lies between two samples.
 */

import type { ContextTag, Deployment, SeriesName, StageReached } from "../event.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { modeEdges } from "../policy/modes.ts";
import type { Bounds } from "./detectors/contract.ts";
import type { Asked } from "../policy/declared.ts";
import { resolveTolerance, type ToleranceDecision } from "../policy/resolve.ts";
import { ALL, shareAt } from "../policy/stages.ts";
import { tagEdges, tagsAt } from "../policy/tags.ts";

export interface TolerancePath {
  /** Equal keys are equal tolerances at every sample. */
  readonly key: string;
  readonly constant: boolean;
  readonly amountAt: (index: number) => number;
  readonly tagsAt: (index: number) => readonly string[];
}

/** What is tolerated along a column, with its tags and without any. */
export interface Tolerances {
  readonly tagged: TolerancePath;
  readonly untagged: TolerancePath;
}

/** What was tolerated at one sample, for its evidence. */
export function toleratedAt({ tagged, untagged }: Tolerances, index: number) {
  return {
    tolerance: tagged.amountAt(index),
    untaggedTolerance: untagged.amountAt(index),
    tags: tagged.tagsAt(index),
  };
}

/** Bounds in the residual's unit for a tolerance amount; see `Bounds`. */
export function boundsFor(signal: SignalPolicy, series: SeriesName, amount: number): Bounds {
  const relative = signal.tolerance.kind === "relative";
  const points = amount * 100 * series.percentagePoint;
  const up = relative ? Math.log1p(amount) : points;
  const down = relative ? (amount >= 1 ? Number.POSITIVE_INFINITY : -Math.log1p(-amount)) : points;
  return {
    up: signal.worse === "down" ? Number.POSITIVE_INFINITY : up,
    down: signal.worse === "up" ? Number.POSITIVE_INFINITY : down,
  };
}

/** What is known of a deployment besides what it is. */
export interface Declared {
  readonly tags: readonly ContextTag[];
  /** Of its rollout. */
  readonly stages: readonly StageReached[];
}

/** @param atMs ascending, as are `knownAtMs`: the column is in its order already */
export function tolerancePath(
  policy: Policy,
  signal: SignalPolicy,
  deployment: Deployment,
  { tags, stages }: Declared,
  asked: Asked,
  atMs: ArrayLike<number>,
  knownAtMs: ArrayLike<number>,
): TolerancePath {
  const count = atMs.length;
  const reached = policy.stages === undefined ? [] : stages;
  if (count === 0) {
    return constantPath(resolveTolerance(policy, signal, deployment, [], deployment.startedAtMs));
  }
  if (tags.length === 0 && reached.length === 0 && policy.modes.length === 0) {
    return constantPath(resolveTolerance(policy, signal, deployment, [], atMs[0]!, ALL, asked));
  }
  const edges = tagEdges(policy, deployment, tags);
  const modes = modeEdges(policy, deployment, atMs[0]!, atMs[count - 1]!);
  const steps = reached.map((stage) => stage.atMs);
  const times = ascending([...edges.atMs, ...modes, ...steps], atMs[0]!);
  const learnt = reached.map((stage) => stage.knownAtMs);
  const known = ascending([...edges.knownAtMs, ...learnt], knownAtMs[0]!);
  const decisions: ToleranceDecision[] = [];
  const startsAt: number[] = [];
  let nextTime = 0;
  let nextKnown = 0;
  for (let index = 0; index < count; index++) {
    let passed = index === 0;
    for (; nextTime < times.length && times[nextTime]! <= atMs[index]!; nextTime++) passed = true;
    for (; nextKnown < known.length && known[nextKnown]! <= knownAtMs[index]!; nextKnown++) {
      passed = true;
    }
    if (!passed) {
      if (nextTime === times.length && nextKnown === known.length) break;
      continue;
    }
    const active = tagsAt(policy, deployment, tags, atMs[index]!, knownAtMs[index]!);
    const share = shareAt(reached, atMs[index]!, knownAtMs[index]!);
    const decision = resolveTolerance(
      policy,
      signal,
      deployment,
      active,
      atMs[index]!,
      share,
      asked,
    );
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

/** Those after `fromMs`, in order: what was passed before the first sample changes nothing more. */
function ascending(instants: readonly number[], fromMs: number): readonly number[] {
  return instants.filter((ms) => ms > fromMs).sort((a, b) => a - b);
}

function constantPath(decision: ToleranceDecision): TolerancePath {
  return {
    key: String(decision.amount),
    constant: true,
    amountAt: () => decision.amount,
    tagsAt: () => decision.tags,
  };
}
