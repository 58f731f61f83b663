/** When a tag counts, who wrote it, and to whom else it is passed on. */

import type { ContextTag, Deployment } from "../event.ts";
import { canonicalJson } from "./canonical.ts";
import type { ContextRule, Policy } from "./policy.ts";

/** A tag that its deployer wrote later than this before the start was written for it. */
const SELF_ISSUED_MS = 120_000;

/** Is the tag about this deployment, and known by then? A tag counts only once it is known. */
function isKnown(tag: ContextTag, deployment: Deployment, knownAtMs: number): boolean {
  if (tag.knownAtMs > knownAtMs || tag.service !== deployment.service) return false;
  return tag.deploymentId === null || tag.deploymentId === deployment.deploymentId;
}

export function ruleOf(policy: Policy, tag: ContextTag): ContextRule | null {
  return policy.context.find((one) => one.tag === tag.tag) ?? null;
}

/** When a tag counts, as [from, until) in `atMs`: its window, cut to the policy's `for`. */
function span(tag: ContextTag, rule: ContextRule | null, deployment: Deployment): [number, number] {
  const from = tag.validFromMs ?? deployment.startedAtMs;
  const until = tag.validUntilMs ?? Number.POSITIVE_INFINITY;
  return [from, rule === null ? until : Math.min(until, from + rule.forMs)];
}

/** The tags that count for a deployment at `atMs`, given what was known at `knownAtMs`. */
export function tagsAt(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
  knownAtMs: number,
): readonly ContextTag[] {
  if (tags.length === 0) return tags;
  return tags.filter((tag) => {
    if (!isKnown(tag, deployment, knownAtMs)) return false;
    const rule = ruleOf(policy, tag);
    if (tag.from !== undefined && rule?.quietsDependants !== true) return false;
    const [fromMs, untilMs] = span(tag, rule, deployment);
    return atMs >= fromMs && atMs < untilMs;
  });
}

/** The instants at which these tags begin or end to count, in `atMs` and in `knownAtMs`. */
export function tagEdges(
  policy: Policy,
  deployment: Deployment,
  tags: readonly ContextTag[],
): { readonly atMs: readonly number[]; readonly knownAtMs: readonly number[] } {
  return {
    atMs: tags.flatMap((tag) => span(tag, ruleOf(policy, tag), deployment)),
    knownAtMs: tags.map((tag) => tag.knownAtMs),
  };
}

export function tagText(tag: ContextTag): string {
  const text = `${tag.tag}=${tag.value}`;
  return tag.from === undefined ? text : `${text} of ${tag.from.service}`;
}

/**
 * Did nobody but whom it helps vouch for it? It has no owner, or the deployer wrote it as the
 * deployment went out or later, and nobody approved.
 */
export function isSelfIssued(
  tag: ContextTag,
  deployment: Pick<Deployment, "author" | "startedAtMs"> | null,
): boolean {
  if (tag.from !== undefined) return tag.from.selfIssued;
  if (tag.givenBy === null) return true;
  if (deployment === null || tag.approvedBy !== null) return false;
  const late = tag.knownAtMs > deployment.startedAtMs - SELF_ISSUED_MS;
  return tag.givenBy === deployment.author && late;
}

/** Does the policy refuse to believe it? What it takes from the machine stands all the same. */
export function isRefused(policy: Policy, deployment: Deployment, tag: ContextTag): boolean {
  return ruleOf(policy, tag)?.selfIssued === "refuse" && isSelfIssued(tag, deployment);
}

/** A deployment whose tags may concern those who call it, and when it became known. */
export interface Source {
  readonly deployment: Deployment;
  readonly knownAtMs: number;
  readonly tags: readonly ContextTag[];
}

/**
 * The tags that a deployment passes on to the services that call its own, one copy for each.
 * Only direct callers: what is two calls away is not known to wait for it. Bias: a caller for
 * whom this is one call in a thousand is quieted as well, as no history says how often it calls.
 */
export function passedOn(policy: Policy, { deployment, knownAtMs, tags }: Source): ContextTag[] {
  if (tags.length === 0) return [];
  const { deploymentId, service, callers = [] } = deployment;
  return tags.flatMap((tag) => {
    const rule = ruleOf(policy, tag);
    if (rule?.quietsDependants !== true || tag.from !== undefined) return [];
    const known = Math.max(tag.knownAtMs, knownAtMs);
    if (!isKnown(tag, deployment, known)) return [];
    const [validFromMs, validUntilMs] = span(tag, rule, deployment);
    const from = { service, deploymentId, selfIssued: isSelfIssued(tag, deployment) };
    return callers
      .filter((caller) => caller !== service)
      .map((caller): ContextTag => {
        const moved = { deploymentId: null, service: caller, validFromMs, validUntilMs };
        return { ...tag, ...moved, knownAtMs: known, from };
      });
  });
}

/** What others pass on to the services of one. */
export function passedTo(
  policy: Policy,
  service: string,
  sources: readonly Source[],
): readonly ContextTag[] {
  return sources
    .filter(({ deployment }) => deployment.callers?.includes(service))
    .flatMap((source) => passedOn(policy, source))
    .filter((tag) => tag.service === service);
}

/** Own tags as they came, then those that were passed on, in an order from their content. */
export function ownFirst(tags: readonly ContextTag[]): readonly ContextTag[] {
  if (tags.every(({ from }) => from === undefined)) return tags;
  const passed = tags.filter(({ from }) => from !== undefined);
  const key = new Map(passed.map((tag) => [tag, canonicalJson(tag)]));
  passed.sort((a, b) => a.knownAtMs - b.knownAtMs || (key.get(a)! < key.get(b)! ? -1 : 1));
  return [...tags.filter(({ from }) => from === undefined), ...passed];
}
