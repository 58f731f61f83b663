/**
 * Tags that reach a deployment from services it calls: a migration declares what its callers
 * will feel. Detection is told of them by deployment, as each is judged alone; the fold of
 * decisions passes them on by itself, so who may be told stays in one fold with who tells.
 */

import { passedTo, type ContextTag, type Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";

/** Does any of the policies pass tags of a deployment on to those of its callers? */
export function passOn(policies: readonly Policy[]): boolean {
  return policies.some(({ context }) => context.some((rule) => rule.quietsDependants));
}

/** Each deployment with those whose tags it may be told, in the order they started. */
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

/** What a policy passes on to a deployment, as its watch is told. */
export function tagsPassedTo(policy: Policy, planned: PlannedDeployment): readonly ContextTag[] {
  const sources = planned.sources.map(({ deployment, tags, knownAtMs }) => {
    return { deployment, tags, knownAtMs };
  });
  return passedTo(policy, planned.deployment.service, sources);
}

/** Places of all that are told or tell: they are decided together. */
export function entangled(plan: Plan): ReadonlySet<number> {
  const found = new Set<number>();
  if (!plan.passesOn) return found;
  plan.deployments.forEach(({ sources }, at) => {
    if (sources.length > 0) found.add(at);
    for (const { deployment } of sources) found.add(plan.places.get(deployment.deploymentId)!);
  });
  return found;
}
