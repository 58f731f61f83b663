/**
 * A policy as people read it: the keys of the file, every value printed. It walks whatever
 * the resolved policy holds, so a key that the language gains tomorrow is in it.
 */

import { formatRange, type WeeklyRange } from "./calendar.ts";
import { jsonObject, own, type JsonObject } from "../json.ts";
import type { Condition, Policy, SignalPolicy, TimeWindow } from "./policy.ts";
import {
  formatDuration,
  formatNumber,
  formatSamples,
  formatShare,
  instantText,
  type Tolerance,
} from "./quantity.ts";
import { ANY_METRIC } from "./role.ts";

/** `value` is what `text` prints, for whoever compares. */
export type Outline =
  | { readonly kind: "leaf"; readonly text: string; readonly value: number | string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "map"; readonly entries: ReadonlyMap<string, Outline> };

type Fields = JsonObject;

/** Numbers that are shares, by the end of their path; every other number is plain. */
const SHARES = new RegExp(
  [
    "(^|[.])(confidence|alpha|changeFailureRate|toleranceAtMost|discountAtMost",
    "context[.][^.]+[.]max",
    "agents[.][^.]+[.](from|aloneFrom)",
    "stages[.][^.]+[.]upTo)$",
  ].join("|"),
);

/** As the README lists them; what is new comes last. */
const ORDER: readonly string[] = [
  ...["policy", "owner", "watch", "signals", "fusion", "changeFailureRate"],
  ...["tiers", "assign", "modes", "stages", "context", "guardrails"],
];

export function outline(policy: Policy): Outline {
  const { evidence, signals, assign, modes, stages = [], agents = [], context, ...rest } = policy;
  const named = <Key extends string>(
    list: readonly Readonly<Record<Key, string>>[],
    key: Key,
  ): Fields =>
    jsonObject(list.map((one): [string, Fields] => [one[key], { ...one, [key]: undefined }]));
  const { changeFailureRate, weights } = evidence;
  // The signals of an incumbent are its queries, which have no detector of their own.
  const weighted =
    policy.incumbent === undefined
      ? signals.map((signal) => ({
          ...asWritten(signal),
          metric: signal.role !== undefined && signal.metric === ANY_METRIC ? null : signal.metric,
          weight: own(weights, signal.name),
        }))
      : signals.map(({ name, metric, of }) => ({ name, metric, of }));
  const staged = stages.map((stage) => ({ ...stage, signals: named(stage.signals, "name") }));
  const whole = { ...rest, changeFailureRate, context: named(context, "tag") };
  const last = assign[assign.length - 1]!;
  const rules = assign.filter(({ when }) => when !== null).map(ruleText);
  const { entries } = fieldsOf({ ...whole, digest: null }, "");
  const all = new Map<string, Outline>([
    ...entries,
    ["signals", fieldsOf(named(weighted, "name"), "signals")],
    [
      "assign",
      map([
        ["rules", list(rules)],
        ["otherwise", leaf(last.tier, last.tier)],
      ]),
    ],
    ["modes", fieldsOf(named(modes, "name"), "modes")],
  ]);
  if (agents.length > 0) all.set("agents", fieldsOf(named(agents, "name"), "agents"));
  if (stages.length > 0) all.set("stages", fieldsOf(named(staged, "name"), "stages"));
  const place = (key: string): number => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length);
  return map([...all].sort(([a], [b]) => place(a) - place(b)));
}

/** What is given in samples, as `3 samples` under its own key. */
function asWritten(signal: SignalPolicy): SignalPolicy {
  const written = (fields: Fields, keys: readonly string[]): Fields =>
    keys.reduce((all, key) => {
      const count = all[`${key}Samples`];
      if (typeof count !== "number") return all;
      return {
        ...all,
        [`${key}Samples`]: undefined,
        [`${key}Ms`]: formatSamples(count),
      };
    }, fields);
  const detector = written({ ...signal.detector }, ["baseline"]);
  const fields = written({ ...signal, detector }, ["watch", "hold", "clear"]);
  return fields as unknown as SignalPolicy;
}

function leaf(text: string, value: number | string): Outline {
  return { kind: "leaf", text, value };
}
function list(items: readonly string[]): Outline {
  return { kind: "list", items };
}
function map(entries: Iterable<readonly [string, Outline]>): Outline & { kind: "map" } {
  return { kind: "map", entries: new Map(entries) };
}

function fieldsOf(fields: Fields, path: string): Outline & { kind: "map" } {
  const entries = Object.entries(fields).flatMap(([key, value]): [string, Outline][] => {
    const shown = key.replace(/Ms$/, "");
    const said = outlineOf(value, key, path === "" ? shown : `${path}.${shown}`);
    return said === null ? [] : [[shown, said]];
  });
  return map(entries);
}

/** Null for what is not there. */
function outlineOf(value: unknown, key: string, path: string): Outline | null {
  if (value === null && key === "signals") return leaf("all", "all");
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return leaf(numberText(value, key, path), value);
  if (typeof value === "string" || typeof value === "boolean") {
    return leaf(String(value), String(value));
  }
  if (Array.isArray(value)) return arrayOf(value, key);
  if (key === "when") {
    const text = conditionText(value);
    return text === "" ? null : leaf(text, text);
  }
  const { kind, amount, atLeast } = value as { kind?: string; amount?: number; atLeast?: number };
  if (amount !== undefined && kind !== undefined) {
    const text = kind === "unit" ? formatNumber(amount) : toleranceText(value as Tolerance);
    return leaf(text, `${kind} ${amount}${atLeast === undefined ? "" : ` ${atLeast}`}`);
  }
  const inner = fieldsOf(value as Fields, path);
  return inner.entries.size === 0 ? null : inner;
}

function numberText(value: number, key: string, path: string): string {
  if (key.endsWith("Ms")) return formatDuration(value) || "0s";
  return SHARES.test(path) ? formatShare(value) : formatNumber(value);
}

function arrayOf(value: readonly unknown[], key: string): Outline | null {
  switch (key) {
    case "never":
      return list((value as readonly Condition[]).map(conditionText));
    case "calendar":
      return value.length === 0 ? null : list((value as readonly WeeklyRange[]).map(formatRange));
    case "between":
      return value.length === 0 ? null : list((value as readonly TimeWindow[]).map(windowText));
    default: {
      if (value.every((one) => typeof one === "string"))
        return leaf(value.join(", "), value.join());
      const items = value.map((one) => {
        const { entries } = fieldsOf(one as Fields, key);
        return textOf(map(entries));
      });
      return list(items);
    }
  }
}

/** `10 %`, `10 % or 20`, or `1 pp`. */
export function toleranceText({ kind, amount, atLeast }: Tolerance): string {
  if (kind === "points") return `${formatNumber(amount * 100)} pp`;
  return `${formatShare(amount)}${atLeast === undefined ? "" : ` or ${formatNumber(atLeast)}`}`;
}

/** In one line: of a map its own values and those below, by key. */
export function textOf(said: Outline): string {
  if (said.kind === "leaf") return said.text;
  if (said.kind === "list") return said.items.join("; ");
  // Its kind says the most, so it comes first.
  const kindFirst = ([a]: [string, unknown], [b]: [string, unknown]): number =>
    Number(b === "kind") - Number(a === "kind");
  return [...said.entries]
    .sort(kindFirst)
    .map(([key, inner]) => `${key} ${inner.kind === "map" ? `(${textOf(inner)})` : textOf(inner)}`)
    .join(", ");
}

/** `criticality high or critical, tag irreversible=true`; empty for one that always holds. */
function conditionText(condition: Condition): string {
  const { tags = {}, ...lists } = condition;
  return [
    ...Object.entries(lists).flatMap(([key, values]) =>
      values === undefined ? [] : [`${key} ${values.join(" or ")}`],
    ),
    ...Object.entries(tags).map(([name, value]) => `tag ${name}=${value}`),
  ].join(", ");
}

function ruleText({ when, tier }: Policy["assign"][number]): string {
  return `${conditionText(when ?? {})}: ${tier}`;
}

function windowText({ fromMs, untilMs }: TimeWindow): string {
  return `${instantText(fromMs)} to ${instantText(untilMs)}`;
}
