/**
 * Tags that are passed on to a deployment from services that it calls: a migration declares what
 * its callers will feel. Detection judges each deployment by itself, so it is told them here. The
 * fold of decisions passes them on by itself, so all that may tell or be told must be in one fold.
 */

import { passedTo, type ContextTag, type Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/** Does any policy pass tags of a deployment on to its callers? */
export function passOn(policies: readonly Policy[]): boolean {
  return policies.some(({ context }) => context.some((rule) => rule.quietsDependants));
}

/** The deployments, each with those whose tags may be passed on to it, as they started. */
export function withSources(
  policies: readonly Policy[],
  deployments: Listed<PlannedDeployment>,
  lookAheadMs: number,
): Listed<PlannedDeployment> {
  const rules = policies.flatMap(({ context }) => context).filter((rule) => rule.quietsDependants);
  if (rules.length === 0) return deployments;
  const kinds = new Set(rules.map(({ tag }) => tag));
  const told = new Map<string, PlannedDeployment[]>();
  for (const planned of deployments) {
    if (!planned.tags.some(({ tag }) => kinds.has(tag))) continue;
    for (const caller of planned.deployment.callers ?? []) {
      const key = JSON.stringify([planned.caseId, caller]);
      told.set(key, [...(told.get(key) ?? []), planned]);
    }
  }
  const longestMs = Math.max(...rules.map(({ forMs }) => forMs));
  return deployments.map((planned) => {
    const { startedAtMs, service } = planned.deployment;
    const around = told.get(JSON.stringify([planned.caseId, service])) ?? [];
    const sources = around.filter(
      (source) =>
        source.deployment.startedAtMs < startedAtMs + lookAheadMs &&
        lastsUntilMs(source, longestMs) > startedAtMs,
    );
    return sources.length === 0 ? planned : { ...planned, sources };
  });
}

function lastsUntilMs({ deployment, tags }: PlannedDeployment, forMs: number): number {
  const begins = tags.map(({ validFromMs }) => validFromMs ?? deployment.startedAtMs);
  return Math.max(deployment.startedAtMs, ...begins) + forMs;
}

/** The tags that a policy passes on to a deployment from its sources. */
export function tagsPassedTo(policy: Policy, planned: PlannedDeployment): readonly ContextTag[] {
  const sources = planned.sources.map(({ deployment, tags, knownAtMs }) => {
    return { deployment, tags, knownAtMs };
  });
  return passedTo(policy, planned.deployment.service, sources);
}

/** The places of all deployments that may pass tags on or be passed some: decided together. */
export function entangled(plan: Plan): ReadonlySet<number> {
  const found = new Set<number>();
  if (!plan.passesOn) return found;
  plan.deployments.forEach(({ sources }, at) => {
    if (sources.length > 0) found.add(at);
    for (const { deployment } of sources) found.add(plan.places.get(deployment.deploymentId)!);
  });
  return found;
}
