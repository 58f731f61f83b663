/**
 * What a policy is told about a deployment in the place of history's tags: the same
 * policy, evaluated once more as if people had declared something else. A policy that is
 * given nothing of the kind reads the history's own tags.
 */

import {
  judgementsOf,
  type ContextTag,
  type SignalJudged,
  type WatchJudged,
} from "../../engine/index.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/**
 * The tags about a deployment. A tag about a whole service must be the same object for all
 * of its deployments: a fleet is told of it once.
 *
 * @param judged how the first of the policies judged it; empty for that policy itself
 */
export type GivenTags = (
  planned: PlannedDeployment,
  judged: readonly SignalJudged[],
) => readonly ContextTag[];

export function toldOf(
  planned: PlannedDeployment,
  given: GivenTags | null,
  judged: readonly SignalJudged[],
): PlannedDeployment {
  if (given === null) return planned;
  // What is told of another must not depend on when that was judged.
  const sources = planned.sources.map((source) => ({ ...source, tags: given(source, []) }));
  return { ...planned, tags: given(planned, judged), sources };
}

/**
 * The plan as one policy knows it.
 *
 * @param judged by the first of the policies; null for that policy itself
 */
export function planGiven(
  plan: Plan,
  given: GivenTags | null,
  judged: readonly WatchJudged[] | null,
): Plan {
  if (given === null) return plan;
  return {
    ...plan,
    deployments: plan.deployments.map((planned, at) =>
      toldOf(planned, given, judged === null ? [] : judgementsOf(judged[at]!, planned.deployment)),
    ),
  };
}
