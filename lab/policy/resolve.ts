/**
 * What a policy says about one deployment at one instant, and which line of which file says so. The
 * engine resolves the policy; this file only looks up the lines.
 */

import {
  ALL,
  formatShare,
  formatTime,
  instantText,
  isTimeZone,
  modesAt,
  outline,
  isRefused,
  isSelfIssued,
  shiftOf,
  resolveTier,
  resolveTolerance,
  stageAt,
  tagsAt,
  textOf,
  toleranceText,
  zoneOf,
  type ContextRule,
  type ContextTag,
  type Deployment,
  type TierName,
} from "../../engine/index.ts";
import type { PlacedPolicy } from "./load.ts";

/** `file:line`; null where no file says it and the default applies. */
type Place = string | null;
type Path = readonly (string | number)[];

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly place: Place;
}

export interface Resolved {
  readonly policy: string;
  readonly digest: string;
  readonly owner: Setting;
  readonly deployment: Deployment;
  readonly at: string;
  readonly tier: TierName;
  readonly tierPath: readonly { rule: string; tier: TierName; place: Place }[];
  /** Confidence, windows and other conditions of the tier. */
  readonly settings: readonly Setting[];
  readonly modes: readonly { name: string; timezone: string; place: Place }[];
  /** Null where the policy has no stages; `name` is null where none of them applies. */
  readonly stage: {
    readonly share: string;
    readonly name: string | null;
    readonly place: Place;
    /** Signals whose breach leads to another tier at this stage, and that tier. */
    readonly breaches: readonly Setting[];
  } | null;
  readonly signals: readonly {
    signal: string;
    tolerance: string;
    written: string;
    place: Place;
    /** The tags that shifted the tolerance. */
    tags: readonly string[];
  }[];
  readonly guardrails: readonly Setting[];
  /** Empty where the policy does not learn. */
  readonly learning: readonly Setting[];
  readonly tags: readonly {
    tag: string;
    value: string;
    counts: boolean;
    why: string;
    place: Place;
  }[];
  readonly notes: readonly string[];
}

/**
 * @param tags all declared tags, also those not yet known at `atMs`
 * @param share of the traffic on the new version, 0 to 1
 */
export function resolvePolicy(
  { policy, lineOf }: PlacedPolicy,
  deployment: Deployment,
  tags: readonly ContextTag[],
  atMs: number,
  share = ALL,
): Resolved {
  const active = tagsAt(policy, deployment, tags, atMs, atMs);
  const under = (breaching: readonly string[]): ReturnType<typeof resolveTier> =>
    resolveTier(policy, deployment, active, atMs, { share, breaching, accused: breaching });
  const { tier, path } = under([]);
  const stage = stageAt(policy, share);
  const keys = outline(policy);
  const below = (...names: readonly string[]): readonly Setting[] => {
    let found: typeof keys | undefined = keys;
    for (const name of names) found = found?.kind === "map" ? found.entries.get(name) : undefined;
    if (found?.kind !== "map") return [];
    return [...found.entries].flatMap(([name, said]) => {
      const value = textOf(said);
      return value === "" ? [] : [{ name, value, place: lineOf([...names, name]) }];
    });
  };
  const asked = ({ name }: Setting): boolean =>
    name !== "action" && (name !== "confidence" || policy.fusion === "evidence");
  return {
    policy: policy.policy,
    digest: policy.digest,
    owner: { name: "owner", value: policy.owner, place: lineOf(["owner"]) },
    deployment,
    at: formatTime(atMs),
    tier,
    tierPath: path.map(({ rule, tier: to }, index) => ({
      rule,
      tier: to,
      place: lineOf(pathOf(rule, policy.assign.length - 1, path[index - 1]?.tier)),
    })),
    settings: below("tiers", tier).filter(asked),
    modes: modesAt(policy, deployment, active, atMs).map((mode) => ({
      name: mode.name,
      timezone: zoneOf(mode, deployment),
      place: lineOf(["modes", mode.name]),
    })),
    stage:
      policy.stages === undefined
        ? null
        : {
            share: formatShare(share),
            name: stage?.name ?? null,
            place: stage === null ? null : lineOf(["stages", stage.name]),
            breaches: policy.signals.flatMap(({ name }) => {
              const value = under([name]).tier;
              const written = ["stages", stage?.name ?? "", "signals", name, "tier"];
              return value === tier ? [] : [{ name, value, place: lineOf(written) }];
            }),
          },
    signals: policy.signals.map((signal) => {
      const { amount, tags: moved } = resolveTolerance(
        policy,
        signal,
        deployment,
        active,
        atMs,
        share,
      );
      const atStage = stage?.signals.find(({ name }) => name === signal.name)?.tolerance ?? null;
      const path = ["signals", signal.name, "tolerance"];
      return {
        signal: signal.name,
        tolerance: toleranceText({ kind: signal.tolerance.kind, amount }),
        written: toleranceText(atStage ?? signal.tolerance),
        place: lineOf(atStage === null ? path : ["stages", stage!.name, ...path]),
        tags: moved,
      };
    }),
    guardrails: below("guardrails"),
    learning: below("learning"),
    tags: tags.map((tag) => {
      const rule = policy.context.find((one) => one.tag === tag.tag);
      const counts = active.includes(tag);
      return {
        tag: tag.tag,
        value: tag.value,
        counts,
        why: counts ? howCounts(policy, deployment, tag, rule) : whyNot(tag, atMs),
        place: rule === undefined ? null : lineOf(["context", tag.tag]),
      };
    }),
    notes: zoneNotes(policy.modes, deployment),
  };
}

/** The path, in the policy file, of the rule that a step of the tier path names. */
function pathOf(rule: string, otherwise: number, from: TierName | undefined): Path {
  if (rule === "assign.otherwise") return ["assign", otherwise];
  const indexed = /^(.+)\[(\d+)\]$/.exec(rule);
  if (indexed !== null) return [...indexed[1]!.split("."), Number(indexed[2])];
  const [first, ...rest] = rule.split(".");
  const [, stage, signal] = /^stages\.(.+?)(?:\.signals\.(.+)\.tier)?$/.exec(rule) ?? [];
  if (signal !== undefined) return ["stages", stage!, "signals", signal, "tier"];
  if (stage !== undefined) return ["stages", stage, "tier", ...(from ? [from] : [])];
  if (first === "modes") return ["modes", rest.join("."), "tier", ...(from ? [from] : [])];
  return [first!, rest.slice(0, -1).join("."), rest[rest.length - 1]!];
}

function howCounts(
  policy: PlacedPolicy["policy"],
  deployment: Deployment,
  tag: ContextTag,
  rule: ContextRule | undefined,
): string {
  if (rule === undefined) return "for conditions only";
  if (isRefused(policy, deployment, tag)) return "self-issued, so it moves no tolerance";
  const doubt = rule.selfIssued === undefined && isSelfIssued(tag, deployment);
  const counts = doubt && tag.givenBy !== null ? "counts, though self-issued" : "counts";
  if (rule.shifts === null) return counts;
  const shifts = policy.signals.flatMap(
    (signal) => shiftOf(rule, tag, signal, deployment, null) ?? [],
  );
  if (shifts.length === 0) {
    return rule.signal === null
      ? "no {metric: NAME, change: -15%} that is worse for a signal, so it moves nothing"
      : "no share such as 15%, so it moves nothing";
  }
  const isCapped = shifts.some(({ declared, believed }) => declared > believed);
  return isCapped ? `counts as ${formatShare(rule.max)}` : counts;
}

function whyNot(tag: ContextTag, atMs: number): string {
  if (tag.knownAtMs > atMs) return `not known before ${instantText(tag.knownAtMs)}`;
  if (tag.validFromMs !== null && tag.validFromMs > atMs) {
    return `begins at ${instantText(tag.validFromMs)}`;
  }
  return "its time is over";
}

function zoneNotes(
  modes: PlacedPolicy["policy"]["modes"],
  { service, timezone = null }: Deployment,
): readonly string[] {
  const byService = modes.some((mode) => mode.calendar.length > 0 && mode.timezone === "service");
  if (!byService || (timezone !== null && isTimeZone(timezone))) return [];
  const what = timezone === null ? "has no time zone" : `has an unknown time zone, ${timezone}`;
  return [`${service} ${what}: its calendars go by UTC.`];
}

export function resolvedText(resolved: Resolved): string {
  const { deployment, tierPath, settings, modes, signals, guardrails, learning, tags, notes } =
    resolved;
  const { stage } = resolved;
  const placed = (place: Place): string => place ?? "default";
  const row = (name: string, value: string, place: Place): string =>
    `  ${name.padEnd(32)}  ${value.padEnd(12)}  ${placed(place)}`;
  const settingRow = ({ name, value, place }: Setting): string => row(name, value, place);
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ["", title, ...lines];
  const what = `${deployment.service}, ${deployment.kind} to ${deployment.environment}`;
  return [
    `${resolved.policy} (${resolved.digest.slice(0, 12)}) for ${what}, at ${resolved.at}`,
    settingRow(resolved.owner),
    ...section(
      `Tier: ${resolved.tier}`,
      tierPath.map(({ rule, tier, place }) => row(rule, tier, place)),
    ),
    ...section(`What ${resolved.tier} waits for`, settings.map(settingRow)),
    ...section(
      "Modes in force",
      modes.map(({ name, timezone, place }) => row(name, timezone, place)),
    ),
    ...(stage === null
      ? []
      : section(`Stage: ${stage.share} of the traffic`, [
          row(stage.name ?? "none of the policy's", "", stage.place),
          ...stage.breaches.map(({ name, value, place }) =>
            row(`a breach of ${name} gives`, value, place),
          ),
        ])),
    ...section(
      "Tolerated",
      signals.map(({ signal, tolerance, written, place, tags: moved }) => {
        const why = moved.length === 0 ? "" : ` by ${moved.join(", ")}`;
        const from = tolerance === written ? "" : `  (${written} there${why})`;
        return `${row(signal, tolerance, place)}${from}`;
      }),
    ),
    ...section("Guardrails", guardrails.map(settingRow)),
    ...section("Learning from overrides", learning.map(settingRow)),
    ...section(
      "Tags",
      tags.map(({ tag, value, why, place }) =>
        place === null
          ? `  ${`${tag}=${value}`.padEnd(32)}  ${why}`
          : row(`${tag}=${value}`, why, place),
      ),
    ),
    ...section(
      "Notes",
      notes.map((line) => `  ${line}`),
    ),
  ].join("\n");
}
