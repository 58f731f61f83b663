/** Rule groups of Prometheus or vmalert as a plan, and the queries that their alerts ask. */

import {
  isLabelText,
  type AlertRule,
  type PrometheusPlan,
  type RuleGroup,
} from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import type { KubernetesObject, PlaceInFile } from "./document.ts";
import {
  isExpression,
  LONGEST_EXPRESSION,
  parseExpression,
  splitExpression,
  type Expression,
  type SplitExpression,
} from "./promql.ts";
import { readRules, type WrittenGroup, type WrittenRule } from "./ruleFile.ts";

export interface RuleSettings {
  readonly evaluator: PrometheusPlan["evaluator"];
  /** Of groups that name none: `evaluation_interval` of the server. */
  readonly intervalMs: number;
  readonly onFiring: PrometheusPlan["onFiring"];
  readonly serviceLabel: string | null;
  readonly watchMs: number;
}

export const RULE_SETTINGS: RuleSettings = {
  evaluator: "prometheus",
  intervalMs: 60_000,
  onFiring: "rollBack",
  serviceLabel: null,
  watchMs: 3_600_000,
};

/** One alerting rule with its places and its expression. */
export interface PlacedAlert {
  readonly group: string;
  readonly intervalMs: number;
  readonly rule: AlertRule;
  readonly split: SplitExpression;
  /** Null where it is no PromQL, which vmalert allows. */
  readonly expression: Expression | null;
  readonly placeOf: (key: "alert" | "expr" | "for" | "labels") => PlaceInFile;
}

/** A query that an import has to ask. */
export interface RuleQuery {
  readonly name: string;
  readonly expr: string;
  readonly intervalMs: number;
}

export interface ImportedRules {
  /** Of all rules that can be emulated. */
  readonly plan: PrometheusPlan;
  readonly queries: readonly RuleQuery[];
  readonly alerts: readonly PlacedAlert[];
  /** Recording rules are not evaluated here: the server holds the series that they made. */
  readonly recorded: readonly { readonly record: string; readonly place: PlaceInFile }[];
  /** What cannot be emulated, each with file and line. */
  readonly problems: readonly Problem[];
}

export function importRules(
  objects: readonly KubernetesObject[],
  settings: RuleSettings = RULE_SETTINGS,
): ImportedRules {
  const problems: Problem[] = [];
  const names = new QueryNames();
  const groups: RuleGroup[] = [];
  const alerts: PlacedAlert[] = [];
  const recorded: { record: string; place: PlaceInFile }[] = [];
  for (const object of objects) {
    const read = readRules(object);
    if (!("groups" in read)) {
      problems.push(...read);
      continue;
    }
    for (const [g, group] of read.groups.entries()) {
      const intervalMs = group.interval || settings.intervalMs;
      const own: PlacedAlert[] = [];
      for (const [r, written] of (group.rules ?? []).entries()) {
        const placeOf = (key: string): PlaceInFile => read.placeOf(["groups", g, "rules", r, key]);
        if (written.alert === undefined) {
          recorded.push({ record: written.record!, place: placeOf("record") });
          continue;
        }
        const placed = placedAlert(group, written, intervalMs, settings, placeOf, names);
        if (placed instanceof Problem) problems.push(placed);
        else own.push(placed);
      }
      if (own.length === 0) continue;
      alerts.push(...own);
      groups.push({
        name: group.name,
        intervalMs,
        offsetMs: (group.eval_offset ?? 0) % intervalMs,
        queryOffsetMs: group.query_offset ?? group.eval_delay ?? 0,
        limit: group.limit ?? 0,
        rules: own.map(({ rule }) => rule),
      });
    }
  }
  const { evaluator, onFiring, serviceLabel, watchMs } = settings;
  const warmUpMs = Math.max(
    0,
    ...alerts.map(({ rule, intervalMs }) => rule.forMs + rule.keepFiringForMs + intervalMs),
  );
  return {
    plan: { evaluator, groups, onFiring, serviceLabel, watchMs, warmUpMs },
    queries: names.all(),
    alerts,
    recorded,
    problems,
  };
}

function placedAlert(
  group: WrittenGroup,
  written: WrittenRule,
  intervalMs: number,
  { evaluator }: RuleSettings,
  placeOf: PlacedAlert["placeOf"],
  names: QueryNames,
): PlacedAlert | Problem {
  const alert = written.alert!;
  const source = written.expr;
  if (source.length > LONGEST_EXPRESSION) {
    return new Problem(`${alert}: an expression of ${source.length} characters`, {
      ...placeOf("expr"),
      cure: `At most ${LONGEST_EXPRESSION} can be read. Let a recording rule compute a part of it.`,
    });
  }
  const parsed = parseExpression(source);
  if (!isExpression(parsed) && evaluator === "prometheus") {
    const { line, column } = parsed;
    return new Problem(`${alert}: no PromQL from line ${line}, column ${column} of it`, {
      ...placeOf("expr"),
      cure: "Mend the expression, or say that it is vmalert's: --evaluator vmalert.",
    });
  }
  const labels = { ...group.labels, ...written.labels };
  for (const [name, text] of Object.entries(labels)) {
    if (isLabelText(text)) continue;
    return new Problem(`${alert}: label ${name} cannot be expanded: ${text}`, {
      ...placeOf("labels"),
      cure: "Only {{ $labels.NAME }} is emulated. A label that follows the value makes new alerts.",
    });
  }
  const expression = isExpression(parsed) ? parsed : null;
  const split: SplitExpression =
    expression === null
      ? { query: source.trim(), bound: null, whole: "notPromql" }
      : splitExpression(expression);
  const query = names.of(`${group.name}/${alert}`, split.query, intervalMs);
  const rule = {
    alert,
    query,
    bound: split.bound,
    forMs: written.for ?? 0,
    keepFiringForMs: written.keep_firing_for ?? 0,
    labels,
  };
  return { group: group.name, intervalMs, rule, split, expression, placeOf };
}

/** One name for each query at one interval, so that rules that ask the same share its answers. */
class QueryNames {
  readonly #queries = new Map<string, RuleQuery>();
  readonly #taken = new Set<string>();

  of(wanted: string, expr: string, intervalMs: number): string {
    const key = JSON.stringify([expr, intervalMs]);
    const known = this.#queries.get(key);
    if (known !== undefined) return known.name;
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted} ${n}`;
    this.#taken.add(name);
    this.#queries.set(key, { name, expr, intervalMs });
    return name;
  }

  all(): RuleQuery[] {
    return [...this.#queries.values()];
  }
}
