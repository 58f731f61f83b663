/** What the rules of Prometheus or vmalert say about deployments, as plain data. */

import type { JsonObject } from "../json.ts";
import { z } from "zod";

export type Comparison = ">" | ">=" | "<" | "<=" | "==" | "!=";

/** The comparison at the top of an expression: a result is active if its value is `op` `value`. */
export interface AlertBound {
  readonly op: Comparison;
  readonly value: number;
}

export interface AlertRule {
  readonly alert: string;
  /** The name of its query in the plan. */
  readonly query: string;
  /** Null: every result is active, whatever its value. */
  readonly bound: AlertBound | null;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** As written; `{{ $labels.NAME }}` is a label of the result. */
  readonly labels: JsonObject<string>;
}

export interface RuleGroup {
  readonly name: string;
  readonly intervalMs: number;
  /** Evaluations are at multiples of the interval plus this; upstream it is a hash of a path. */
  readonly offsetMs: number;
  /** `query_offset`: a query asks for this long before its evaluation. */
  readonly queryOffsetMs: number;
  /** At most this many alerts a rule; 0 or less is no limit. */
  readonly limit: number;
  readonly rules: readonly AlertRule[];
}

export interface PrometheusPlan {
  readonly evaluator: "prometheus" | "vmalert" | "vmalertReplay";
  readonly groups: readonly RuleGroup[];
  /** What an alert that begins to fire does to a deployment. */
  readonly onFiring: "rollBack" | "page";
  /** Alerts count for a deployment if this label is its service; null: all count. */
  readonly serviceLabel: string | null;
  /** How long after the start of a deployment an alert counts. */
  readonly watchMs: number;
  /** How long before it the rules are evaluated, so that their states at the start are right. */
  readonly warmUpMs: number;
}

const DAY_MS = 86_400_000;
const name = z.string().min(1).max(1_000);
const length = z.number().int().min(0);
/** `__name__` and its like are not for rules to set. */
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
const REFERENCE = /\{\{\s*(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}/g;

/** Can the text be expanded here? Only references to labels of the result can. */
export function isLabelText(text: string): boolean {
  return !text.replace(REFERENCE, "").includes("{{");
}

/** An absent label is empty, as upstream. */
export function expandLabel(text: string, result: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE, (_, label: string) => result.get(label) ?? "");
}

const alertRule = z.strictObject({
  alert: name,
  query: name,
  bound: z
    .strictObject({ op: z.enum([">", ">=", "<", "<=", "==", "!="]), value: z.number() })
    .nullable(),
  forMs: length.max(365 * DAY_MS),
  keepFiringForMs: length.max(365 * DAY_MS),
  labels: z.record(
    z.string().regex(LABEL, "expected the name of a label"),
    z
      .string()
      .max(1_000)
      .refine(isLabelText, "only {{ $labels.NAME }} can be expanded in a label's value"),
  ),
});

export const prometheusPlan: z.ZodType<PrometheusPlan> = z.strictObject({
  evaluator: z.enum(["prometheus", "vmalert", "vmalertReplay"]),
  groups: z
    .array(
      z
        .strictObject({
          name,
          intervalMs: z.number().int().min(1_000).max(DAY_MS),
          offsetMs: length,
          queryOffsetMs: length.max(DAY_MS),
          limit: z.number().int(),
          rules: z.array(alertRule).min(1).max(1_000),
        })
        .refine(({ intervalMs, offsetMs }) => offsetMs < intervalMs, {
          error: "expected less than the interval",
          path: ["offsetMs"],
        }),
    )
    .min(1)
    .max(1_000),
  onFiring: z.enum(["rollBack", "page"]),
  serviceLabel: z.string().regex(LABEL, "expected the name of a label").nullable(),
  watchMs: length.min(1).max(31 * DAY_MS),
  warmUpMs: length.max(31 * DAY_MS),
});
