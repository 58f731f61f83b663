/**
 * Files of rule groups, as Prometheus and vmalert read them, and the operator's PrometheusRule.
 * Every key is checked, as upstream: an unknown one is an error there and here.
 */

import { z } from "zod";
import { Problem } from "../../problem.ts";
import { type KubernetesObject, type Path, type PlaceInFile } from "./document.ts";

/** The groups of one document, and where each of their keys is written. */
export interface RuleFile {
  readonly groups: readonly WrittenGroup[];
  readonly placeOf: (path: Path) => PlaceInFile;
}

const UNITS = ["y", "w", "d", "h", "m", "s", "ms"] as const;
const UNIT_MS = {
  y: 31_536_000_000,
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};
const DURATION = new RegExp(`^${UNITS.map((unit) => `(?:(\\d+)${unit})?`).join("")}$`);

/** A duration as Prometheus reads it: the longest unit first, each once; `0` needs none. */
export function parsePrometheusDuration(text: string): number | null {
  if (text === "0") return 0;
  const match = text === "" ? null : DURATION.exec(text);
  if (match === null) return null;
  return UNITS.reduce((sum, unit, at) => sum + Number(match[at + 1] ?? 0) * UNIT_MS[unit], 0);
}

const DURATION_ERROR = "expected a duration such as 30s, 5m or 1h30m, of a year at most";
const duration = z
  .union([z.string(), z.literal(0)], { error: DURATION_ERROR })
  .transform((text) => parsePrometheusDuration(String(text)) ?? NaN)
  .refine((ms) => ms <= UNIT_MS.y, DURATION_ERROR);
const interval = duration.refine(
  (ms) => ms === 0 || (ms >= UNIT_MS.s && ms <= UNIT_MS.d),
  "expected 1s to 1d",
);
/** YAML reads `5` and `true` as what they are; Prometheus takes them as text. */
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const texts = z
  .record(z.string().regex(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/, "expected a name"), text)
  .optional();

const rule = z
  .strictObject({
    record: z.string().min(1).optional(),
    alert: z.string().min(1).optional(),
    expr: text.refine((written) => written.trim() !== "", "expected an expression"),
    for: duration.optional(),
    keep_firing_for: duration.optional(),
    labels: texts,
    annotations: texts,
    // vmalert's; they change nothing about the states.
    debug: z.boolean().optional(),
    update_entries_limit: z.number().optional(),
  })
  .refine(
    ({ record, alert }) => (record === undefined) !== (alert === undefined),
    "expected one of `alert` and `record`",
  );

const group = z.strictObject({
  name: z.string().min(1),
  interval: interval.optional(),
  query_offset: duration.optional(),
  limit: z.number().int().optional(),
  labels: texts,
  rules: z.array(rule).nullish(),
  // Of the operator and of Thanos.
  partial_response_strategy: z.string().optional(),
  // vmalert's.
  type: z
    .literal("prometheus", { error: "only rules of type `prometheus` can be emulated" })
    .optional(),
  eval_offset: duration.optional(),
  eval_delay: duration.optional(),
  eval_alignment: z
    .literal(true, { error: "evaluations that are not aligned cannot be emulated" })
    .optional(),
  concurrency: z.number().optional(),
  debug: z.boolean().optional(),
  headers: z.array(z.string()).optional(),
  notifier_headers: z.array(z.string()).optional(),
});

export type WrittenRule = z.output<typeof rule>;
export type WrittenGroup = z.output<typeof group>;

const ruleFile = z.strictObject({ groups: z.array(group) });
const prometheusRule = z.object({ kind: z.literal("PrometheusRule"), spec: ruleFile });

export function isRuleObject({ kind, value }: KubernetesObject): boolean {
  return kind === "PrometheusRule" || (kind === null && Object.hasOwn(value, "groups"));
}

/** @returns every mistake in it, each with its place, where there is one */
export function readRules(object: KubernetesObject): RuleFile | readonly Problem[] {
  const { kind, value } = object;
  const under: Path = kind === null ? [] : ["spec"];
  const parsed =
    kind === null
      ? ruleFile.safeParse(value)
      : prometheusRule.transform(({ spec }) => spec).safeParse(value);
  const placeOf = (path: Path): PlaceInFile => object.placeOf([...under, ...path]);
  if (parsed.success) return { groups: parsed.data.groups, placeOf };
  return parsed.error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === "symbol" ? "" : part));
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [null];
    return keys.map((key) => {
      const named = [...path, ...(key === null ? [] : [key])];
      const what = key === null ? issue.message : "unknown key";
      return new Problem(`${named.length === 0 ? "" : `${named.join(".")}: `}${what}`, {
        ...object.placeOf(named),
        cure:
          key === null
            ? "Write it as Prometheus expects it: `promtool check rules` tells more."
            : "Take it away, or mend its name: Prometheus refuses it too.",
      });
    });
  });
}
