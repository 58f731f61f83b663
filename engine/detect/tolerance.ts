/**
 * The tolerance of one signal along a stretch of samples. It can change only where a tag or a
 * mode begins or ends, a tag becomes known, or a rollout reaches its next stage, so it is
 * resolved anew only where one of these instants lies between two samples.
 */

import type { ContextTag, Deployment, SeriesName, StageReached } from "../event.ts";
import type { Policy, SignalPolicy } from "../policy/policy.ts";
import { modeEdges } from "../policy/modes.ts";
import type { Ongoing } from "./baseline/ongoing.ts";
import type { Baseline } from "./baseline/residual.ts";
import type { Bounds } from "./detectors/contract.ts";
import type { Asked } from "../policy/declared.ts";
import { resolveTolerance, type ToleranceDecision } from "../policy/resolve.ts";
import { ALL, shareAt } from "../policy/stages.ts";
import { tagEdges, tagsAt } from "../policy/tags.ts";

export interface TolerancePath {
  /** Paths with equal keys have equal tolerances at every sample. */
  readonly key: string;
  readonly constant: boolean;
  /** The tolerance at the sample of this index, in the unit of the policy's tolerance. */
  readonly amountAt: (index: number) => number;
  /** The tags that moved it there, as `name=value`. */
  readonly tagsAt: (index: number) => readonly string[];
}

/** What is tolerated along a column, in both arms. */
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

/** What residuals are measured in, and from: every `Baseline` says so. */
export type Scale = Pick<Baseline, "transform" | "level" | "offset">;

/**
 * The bounds of the residual that a tolerance allows. For a relative tolerance residuals are
 * natural logarithms of ratios, so +10 % is log(1.1) and −10 % is log(0.9), or shares of the
 * level. At least what the tolerance says in the metric's unit is allowed as well. That is
 * compared with the level of the baseline: a season does not move it.
 *
 * @param amount 0.1 for 10 %; for `pp` tolerances 0.01 for 1 pp
 * @param scale null where no baseline is known: then no residual is either
 */
export function boundsFor(
  signal: SignalPolicy,
  series: SeriesName,
  amount: number,
  scale: Scale | null,
): Bounds {
  const { up, down } = allowed(signal, series, amount, scale);
  return {
    up: signal.worse === "down" ? Number.POSITIVE_INFINITY : up,
    down: signal.worse === "up" ? Number.POSITIVE_INFINITY : down,
  };
}

/** The bounds while an incident lasts that began before the deployment: from its level on. */
export function boundsDuring({ up, down }: Bounds, { residual }: Ongoing): Bounds {
  return residual > 0 ? { up: up + residual, down } : { up, down: down - residual };
}

function allowed(
  { tolerance: { kind, atLeast = 0 } }: SignalPolicy,
  { percentagePoint }: SeriesName,
  amount: number,
  scale: Scale | null,
): Bounds {
  if (kind === "points") {
    const points = amount * 100 * percentagePoint;
    return { up: points, down: points };
  }
  if (scale?.transform === "share") {
    const share = Math.max(amount * Math.abs(scale.level), atLeast / scale.offset);
    return { up: share, down: share };
  }
  const level = atLeast === 0 || scale === null ? 1 : Math.exp(scale.level);
  const change = Math.max(amount, atLeast / level);
  return {
    up: Math.log1p(change),
    down: change >= 1 ? Number.POSITIVE_INFINITY : -Math.log1p(-change),
  };
}

/** What became known of a deployment since it was reported. */
export interface Declared {
  readonly tags: readonly ContextTag[];
  /** The stages that its rollout reached. */
  readonly stages: readonly StageReached[];
}

/**
 * The tolerance at every sample of a column.
 *
 * @param asked the series that the tolerance is asked for
 * @param atMs of the samples, ascending, as are `knownAtMs`
 */
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

/** The instants after `fromMs`, ascending. Earlier ones are part of the first decision already. */
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
