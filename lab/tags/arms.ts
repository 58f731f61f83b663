/**
 * The arms: one policy with nine different sets of tags about the same deployments. Random choices
 * are hashes of the seed and the tag, so an arm does not depend on order or on other arms.
 */

import {
  canonicalJson,
  changeText,
  DAY_MS,
  parseChange,
  parseShift,
  type ContextTag,
  type Policy,
} from "../../engine/index.ts";
import type { DeploymentRow, HistoryTables, Label } from "../history/tables.ts";
import { uniform } from "../random.ts";
import { sha256 } from "../policy/load.ts";
import type { GivenTags } from "../replay/given.ts";
import { tagsAbout } from "../replay/plan.ts";
import { realisedBy, sizedBy } from "./realised.ts";

export interface Arm {
  readonly name: string;
  /** A description for people. */
  readonly says: string;
  readonly policy: Policy;
  /** Null: the history's own tags. */
  readonly given: GivenTags | null;
}

export const NONE = "none";
export const AS_RECORDED = "as recorded";

const LATE_MS = 600_000;
const WEEK_MS = 7 * DAY_MS;
/** The epoch began on a Thursday; weeks begin on Monday. */
const MONDAY_MS = 4 * DAY_MS;

/** The nine arms, "none" and "as recorded" first. */
export function tagArms(tables: HistoryTables, policy: Policy, seed: number): readonly Arm[] {
  const { tags } = tables;
  const startOf = new Map(tables.deployments.map((row) => [row.deploymentId, row.startedAtMs]));
  const startsAtMs = (tag: ContextTag): number =>
    startOf.get(tag.deploymentId ?? "") ?? tag.validFromMs ?? tag.knownAtMs;
  const table = (change: (tag: ContextTag) => ContextTag): GivenTags => given(tags.map(change));
  const arm = (name: string, says: string, tagsGiven: GivenTags | null): Arm => ({
    name,
    says,
    policy: { ...policy, policy: name },
    given: tagsGiven,
  });
  return [
    arm(NONE, "nobody declares anything", () => []),
    arm(AS_RECORDED, "the history's own tags", null),
    arm("correct only", "right about the label and the size", correctOnly(tables, policy)),
    arm(
      "half dropped",
      "every second tag is never written",
      given(tags.filter((tag) => uniform(seed, "tags", "dropped", keyOf(tag)) >= 0.5)),
    ),
    arm("wrong service", "tags dealt to other services of the week", given(permuted(tables, seed))),
    arm(
      "twice the size",
      "declared sizes doubled",
      table((tag) => (sizedBy(policy, tag) === null ? tag : { ...tag, value: doubled(tag.value) })),
    ),
    arm(
      "twice as long",
      "windows doubled",
      table((tag) => {
        if (tag.validUntilMs === null) return tag;
        const from = tag.validFromMs ?? startsAtMs(tag);
        return { ...tag, validUntilMs: from + 2 * (tag.validUntilMs - from) };
      }),
    ),
    arm(
      "10 minutes late",
      "known ten minutes into the deployment",
      table((tag) => ({ ...tag, knownAtMs: Math.max(tag.knownAtMs, startsAtMs(tag)) + LATE_MS })),
    ),
    arm(
      "stale",
      "left on the service a day longer",
      table((tag) => ({
        ...tag,
        deploymentId: null,
        validFromMs: tag.validFromMs ?? startsAtMs(tag),
        validUntilMs: Math.max(tag.validUntilMs ?? 0, startsAtMs(tag)) + DAY_MS,
      })),
    ),
  ];
}

/** For each kind of tag, an arm with that kind alone and one with all other kinds. */
export function kindArms(
  policy: Policy,
  kinds: readonly string[],
): readonly { readonly kind: string; readonly alone: Arm; readonly without: Arm }[] {
  const arm = (name: string, keep: (tag: ContextTag) => boolean): Arm => ({
    name,
    says: name,
    policy: { ...policy, policy: name },
    given: ({ tags }) => tags.filter(keep),
  });
  return kinds.map((kind) => ({
    kind,
    alone: arm(`${kind} alone`, ({ tag }) => tag === kind),
    without: arm(`without ${kind}`, ({ tag }) => tag !== kind),
  }));
}

/** The two arms without modes (without and with tags) that complete the 2×2. */
export function modelessArms(policy: Policy): readonly [Arm, Arm] {
  const bare = { ...policy, modes: [], digest: "" };
  const modeless = { ...bare, digest: sha256(canonicalJson(bare)) };
  const arm = (name: string, tagsGiven: GivenTags | null): Arm => ({
    name,
    says: name,
    policy: { ...modeless, policy: name },
    given: tagsGiven,
  });
  return [arm("no tags, no modes", () => []), arm("tags, no modes", null)];
}

function given(table: readonly ContextTag[]): GivenTags {
  const about = tagsAbout(table);
  return ({ deployment }) => about(deployment);
}

function keyOf(tag: ContextTag): string {
  const { deploymentId, service, tag: kind, value, signal, validFromMs } = tag;
  return JSON.stringify([deploymentId, service, kind, value, signal, validFromMs]);
}

/** Twice the declared size, to nine digits. */
function doubled(value: string): string {
  const change = parseChange(value);
  if (change !== null) return changeText(change, 2);
  return `${Number((200 * parseShift(value)!).toPrecision(9))}%`;
}

/** Is it the label of a deployment that a tag should protect? */
function isRightLabel(label: Label | undefined): boolean {
  return label === "expected_change" || label === "benign";
}

/** A tag about a whole service is judged for each deployment, and kept for that one only. */
function correctOnly({ labels }: HistoryTables, policy: Policy): GivenTags {
  const labelOf = new Map(labels.map(({ deploymentId, label }) => [deploymentId, label]));
  return (planned, judged) => {
    const { deploymentId } = planned.deployment;
    if (!isRightLabel(labelOf.get(deploymentId))) return [];
    return planned.tags.flatMap((tag) => {
      const isRight =
        sizedBy(policy, tag) === null ||
        (realisedBy(policy, planned, tag, judged)?.inside ?? false);
      return isRight ? [{ ...tag, deploymentId }] : [];
    });
  };
}

/**
 * Permutes within each week which deployment has which tags, including deployments without tags.
 * Deployments are sorted by service and each gives its tags to the one that is as many places
 * further as the busiest service has deployments. That one is of another service, unless one
 * service has more than half of the week; tags that would stay on their service are dropped.
 * Windows and known times keep their distance from the start. Tags about a whole service move to
 * another service and keep their times.
 */
function permuted({ tags, deployments }: HistoryTables, seed: number): readonly ContextTag[] {
  const rank = (...key: readonly string[]): number => uniform(seed, "tags", "misdealt", ...key);
  const weeks = new Map<number, DeploymentRow[]>();
  for (const row of deployments) {
    const week = Math.floor((row.startedAtMs - MONDAY_MS) / WEEK_MS);
    const list = weeks.get(week);
    if (list === undefined) weeks.set(week, [row]);
    else list.push(row);
  }
  const target = new Map<string, DeploymentRow>();
  for (const rows of weeks.values()) {
    const sizes = new Map<string, number>();
    for (const { service } of rows) sizes.set(service, (sizes.get(service) ?? 0) + 1);
    const busiest = Math.max(...sizes.values());
    const sorted = rows
      .map((row) => ({ row, at: rank(row.service), then: rank(row.service, row.deploymentId) }))
      .sort((a, b) => a.at - b.at || a.then - b.then);
    sorted.forEach(({ row }, at) =>
      target.set(row.deploymentId, sorted[(at + busiest) % sorted.length]!.row),
    );
  }
  const services = [...new Set(deployments.map(({ service }) => service))]
    .map((service) => ({ service, at: rank(service) }))
    .sort((a, b) => a.at - b.at);
  const next = new Map(
    services.map(({ service }, at) => [service, services[(at + 1) % services.length]!.service]),
  );
  const startOf = new Map(deployments.map((row) => [row.deploymentId, row.startedAtMs]));
  return tags.flatMap((tag) => {
    if (tag.deploymentId === null) {
      const service = next.get(tag.service);
      return service === undefined || service === tag.service ? [] : [{ ...tag, service }];
    }
    const to = target.get(tag.deploymentId);
    if (to === undefined || to.service === tag.service) return [];
    const byMs = to.startedAtMs - startOf.get(tag.deploymentId)!;
    const move = (atMs: number | null): number | null => (atMs === null ? null : atMs + byMs);
    return [
      {
        ...tag,
        deploymentId: to.deploymentId,
        service: to.service,
        validFromMs: move(tag.validFromMs),
        validUntilMs: move(tag.validUntilMs),
        knownAtMs: tag.knownAtMs + byMs,
      },
    ];
  });
}
