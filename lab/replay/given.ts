/**
 * Tags that a policy is told instead of history's: so the same policy can be evaluated as if
 * people had declared something else. A policy that is given none reads history's own tags.
 */

import {
  judgementsOf,
  type ContextTag,
  type SignalJudged,
  type WatchJudged,
} from "../../engine/index.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/**
 * Gives the tags of a deployment. A tag about a whole service must be the same object for all of
 * its deployments, because a fleet is told of it once.
 *
 * @param judged how the first policy judged the deployment; empty for that policy itself
 */
export type GivenTags = (
  planned: PlannedDeployment,
  judged: readonly SignalJudged[],
) => readonly ContextTag[];

/** A deployment with the given tags; as it is where none are given. */
export function toldOf(
  planned: PlannedDeployment,
  given: GivenTags | null,
  judged: readonly SignalJudged[],
): PlannedDeployment {
  if (given === null) return planned;
  // Without judgements, so that this does not depend on whether the source was judged already.
  const sources = planned.sources.map((source) => ({ ...source, tags: given(source, []) }));
  return { ...planned, tags: given(planned, judged), sources };
}

/**
 * The plan with the given tags of one policy.
 *
 * @param judged what the first policy judged; null for that policy itself
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
