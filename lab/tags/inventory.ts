/**
 * The quality of the tags: statistics for each kind, and by name the tags that declare too much,
 * that never counted, or that stay valid long after their deployment.
 */

import {
  DAY_MS,
  isSelfIssued,
  judgementsOf,
  type Condition,
  type ContextTag,
  type Policy,
} from "../../engine/index.ts";
import { isWithin, type Within } from "../compare/within.ts";
import type { HistoryTables } from "../history/tables.ts";
import type { Replay } from "../replay/replay.ts";
import type { PlannedDeployment } from "../replay/plan.ts";
import { realisedBy, type Realised } from "./realised.ts";

export interface KindInventory {
  readonly kind: string;
  readonly tags: number;
  /** Does any rule, mode or guardrail of the policy refer to it? */
  readonly read: boolean;
  /** Pairs of a tag with a size and a deployment whose change was measured. */
  readonly measured: number;
  /** The share of these whose change stayed inside the declared size. */
  readonly coverage: number | null;
  readonly medianWidthRatio: number | null;
  /** Without an owner, or written by the deployer at the last moment without an approval. */
  readonly selfIssued: number;
  /** Those of them that have no owner. */
  readonly ownerless: number;
  /** Does the policy refuse self-issued tags of this kind? */
  readonly refused: boolean;
}

export interface OverWide {
  readonly kind: string;
  readonly service: string;
  readonly tags: number;
  readonly medianWidthRatio: number;
  readonly medianDeclared: number;
  /** The 95 % quantile of the measured changes, as a fraction. */
  readonly suggested: number;
}

export interface StaleTag {
  readonly tag: string;
  readonly service: string;
  readonly deploymentId: string | null;
  readonly why: "about no deployment" | "known too late" | "window missed the watch" | "outlives";
}

export interface Inventory {
  readonly kinds: readonly KindInventory[];
  readonly overWide: readonly OverWide[];
  readonly stale: readonly StaleTag[];
}

const WIDE_BELOW = 0.5;

interface Use {
  readonly tag: ContextTag;
  readonly about: readonly PlannedDeployment[];
  readonly realised: readonly Realised[];
}

/** @param within leaves out tags about deployments that start outside; undefined: none */
export function inventoryOf(
  { deployments, tags: all }: HistoryTables,
  { plan, policies }: Replay,
  policy: Policy,
  within: Within | undefined,
): Inventory {
  const { judged } = policies[0]!;
  const authors = new Map(deployments.map((row) => [row.deploymentId, row]));
  const everyUse = new Map<ContextTag, number[]>(all.map((tag) => [tag, []]));
  plan.deployments.forEach((planned, at) => {
    for (const tag of planned.tags) {
      const isTime = tag.deploymentId !== null || overlaps(policy, planned, tag);
      if (isTime) everyUse.get(tag)!.push(at);
    }
  });
  const isInside = (at: number): boolean =>
    isWithin(within, plan.deployments.at(at)!.deployment.startedAtMs);
  const uses = new Map(
    [...everyUse].flatMap(([tag, places]): [ContextTag, readonly number[]][] => {
      const inside = places.filter(isInside);
      const isUnused = places.length === 0 && isWithin(within, tag.validFromMs ?? tag.knownAtMs);
      return inside.length > 0 || isUnused ? [[tag, inside]] : [];
    }),
  );
  const tags = [...uses.keys()];
  const used = tags.map((tag): Use => {
    const places = uses.get(tag)!;
    return {
      tag,
      about: places.map((at) => plan.deployments.at(at)!),
      realised: places.flatMap((at) => {
        const planned = plan.deployments.at(at)!;
        const judgements = judgementsOf(judged[at]!, planned.deployment);
        return realisedBy(policy, planned, tag, judgements) ?? [];
      }),
    };
  });
  const kinds = groups(used, ({ tag }) => tag.tag).map(([kind, group]): KindInventory => {
    const seen = group.flatMap(({ realised }) => realised);
    const inside = seen.filter((one) => one.inside).length;
    return {
      kind,
      tags: group.length,
      read: isRead(policy, kind),
      measured: seen.length,
      coverage: seen.length === 0 ? null : inside / seen.length,
      medianWidthRatio: quantile(seen.map(ratio), 0.5),
      selfIssued: group.filter(({ tag }) =>
        isSelfIssued(tag, authors.get(tag.deploymentId ?? "") ?? null),
      ).length,
      ownerless: group.filter(({ tag }) => tag.givenBy === null).length,
      refused: policy.context.some((rule) => rule.tag === kind && rule.selfIssued === "refuse"),
    };
  });
  return {
    kinds,
    overWide: groups(used, ({ tag }) => JSON.stringify([tag.tag, tag.service])).flatMap(
      ([, group]) => overWideOf(group),
    ),
    stale: used.flatMap((use) => staleOf(policy, use)),
  };
}

function overWideOf(group: readonly Use[]): OverWide[] {
  const seen = group.flatMap(({ realised }) => realised);
  const medianWidthRatio = quantile(seen.map(ratio), 0.5);
  if (medianWidthRatio === null || medianWidthRatio >= WIDE_BELOW) return [];
  const { tag, service } = group[0]!.tag;
  return [
    {
      kind: tag,
      service,
      tags: group.length,
      medianWidthRatio,
      medianDeclared: quantile(
        seen.map(({ declared }) => declared),
        0.5,
      )!,
      suggested: quantile(
        seen.map(({ effect }) => Math.max(0, effect)),
        0.95,
      )!,
    },
  ];
}

function ratio({ effect, declared }: Realised): number {
  return effect / declared;
}

/** From when until when a tag may count for a deployment: its window, limited by `for`. */
function windowOf(policy: Policy, planned: PlannedDeployment, tag: ContextTag): [number, number] {
  const fromMs = tag.validFromMs ?? planned.deployment.startedAtMs;
  const forMs = policy.context.find((rule) => rule.tag === tag.tag)?.forMs;
  const untilMs = tag.validUntilMs ?? Number.POSITIVE_INFINITY;
  return [fromMs, Math.min(untilMs, fromMs + (forMs ?? Number.POSITIVE_INFINITY))];
}

function overlaps(policy: Policy, planned: PlannedDeployment, tag: ContextTag): boolean {
  const [fromMs, untilMs] = windowOf(policy, planned, tag);
  const { startedAtMs } = planned.deployment;
  return fromMs < startedAtMs + policy.watchMs && untilMs > startedAtMs;
}

function staleOf(policy: Policy, { tag, about }: Use): StaleTag[] {
  const found = (why: StaleTag["why"]): StaleTag[] => [
    {
      tag: `${tag.tag}=${tag.value}`,
      service: tag.service,
      deploymentId: tag.deploymentId,
      why,
    },
  ];
  if (about.length === 0) return found("about no deployment");
  const ends = about.map(({ deployment }) => deployment.startedAtMs + policy.watchMs);
  if (ends.every((endsAtMs) => tag.knownAtMs >= endsAtMs)) return found("known too late");
  const counts = about.some((planned) => {
    const known = Math.max(tag.knownAtMs, planned.deployment.startedAtMs);
    return overlaps(policy, planned, tag) && windowOf(policy, planned, tag)[1] > known;
  });
  if (!counts) return found("window missed the watch");
  const outlives = tag.validUntilMs !== null && tag.validUntilMs > Math.max(...ends) + DAY_MS;
  return outlives ? found("outlives") : [];
}

function isRead({ assign, modes, context, guardrails }: Policy, kind: string): boolean {
  const asks = (condition: Condition | null): boolean => Object.hasOwn(condition?.tags ?? {}, kind);
  return (
    context.some(({ tag }) => tag === kind) ||
    assign.some(({ when }) => asks(when)) ||
    modes.some(({ when }) => asks(when)) ||
    guardrails.never.some(asks)
  );
}

/** Sorted by key. */
function groups(uses: readonly Use[], keyOf: (use: Use) => string): [string, Use[]][] {
  const byKey = new Map<string, Use[]>();
  for (const use of uses) {
    const group = byKey.get(keyOf(use));
    if (group === undefined) byKey.set(keyOf(use), [use]);
    else group.push(use);
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The inverse of the empirical distribution; null for no values. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
}
