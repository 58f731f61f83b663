/**
 * What one alerting rule does to deployments when things go as they do. Checks run the rule on
 * synthetic answers; what it answers without data follows from its expression.
 */

import type { SyntaxNode } from "@lezer/common";
import {
  formatDuration,
  prometheus,
  walkIncumbent,
  type Answer,
  type JsonObject,
  type PrometheusPlan,
} from "../../../engine/index.ts";
import type { PlacedAlert } from "../import/prometheus.ts";
import {
  answerWithoutData,
  callOf,
  isExpression,
  isScalar,
  operationOf,
  parseExpression,
  type Expression,
} from "../import/promql.ts";

export type RuleCode =
  | "alwaysActive"
  | "neverFires"
  | "neverFiresInWatch"
  | "holdBelowInterval"
  | "serviceLabelDropped"
  | "firesWithoutData"
  | "silentWithoutData"
  | "firesOnNaN"
  | "silentOnNaN";

export interface RuleCheck {
  readonly code: RuleCode;
  readonly key: "alert" | "expr" | "for";
  readonly params: JsonObject<string | number>;
  readonly mend: RuleMend | null;
}

/** A change of the rule's key, or a rule to add. */
export type RuleMend =
  | { readonly key: "expr" | "for"; readonly text: string }
  | { readonly alert: string; readonly expr: string; readonly for: string };

export interface RuleLintSettings {
  /** How long a deployment is watched. */
  readonly watchMs: number;
  /** Alerts name the service in this label; null: all alerts count. */
  readonly serviceLabel: string | null;
}

/** An outage of the metrics that a healthy deployment ought to survive. */
const OUTAGE_MS = 300_000;
const TEN_MINUTES = "10m";

/** @param all of the same files: one rule may watch over the data of another */
export function checkRule(
  alert: PlacedAlert,
  all: readonly PlacedAlert[],
  settings: RuleLintSettings,
): RuleCheck[] {
  const query = queryOf(alert);
  const checks = [...holdChecks(alert, settings)];
  if (query !== null) checks.push(...labelChecks(alert, query, settings));
  if (checks.some(({ code }) => code === "alwaysActive" || code === "neverFires")) return checks;
  if (query !== null)
    checks.push(...dataChecks(alert, query, all), ...nanChecks(alert, query, all));
  return checks;
}

/** The query that is asked, without the bound; null where it is no PromQL. */
function queryOf({ split }: PlacedAlert): Expression | null {
  const parsed = parseExpression(split.query);
  return isExpression(parsed) ? parsed : null;
}

function* holdChecks(alert: PlacedAlert, { watchMs }: RuleLintSettings): Generator<RuleCheck> {
  const { rule, split, intervalMs, expression } = alert;
  const { forMs } = rule;
  if (split.whole === "bool") {
    const text = expression!.source.replace(/\bbool\b\s*/, "").trim();
    yield { code: "alwaysActive", key: "expr", params: {}, mend: { key: "expr", text } };
  } else if (split.whole === "boundNotFinite") {
    yield { code: "neverFires", key: "expr", params: {}, mend: null };
  } else if (firesAfterMs(alert, valueAnswer(activeValue(alert)), watchMs) === null) {
    const half = Math.floor(watchMs / 2 / intervalMs) * intervalMs;
    const params = { forSeconds: forMs / 1_000, watchSeconds: watchMs / 1_000 };
    const mend = { key: "for" as const, text: formatDuration(half) };
    yield { code: "neverFiresInWatch", key: "for", params, mend };
  }
  if (forMs > 0 && forMs < intervalMs) {
    const params = { forSeconds: forMs / 1_000, intervalSeconds: intervalMs / 1_000 };
    const mend = { key: "for" as const, text: formatDuration(intervalMs) };
    yield { code: "holdBelowInterval", key: "for", params, mend };
  }
}

/** When the rule fires, if every evaluation has this answer; null: not within that time. */
function firesAfterMs(
  { group, intervalMs, rule }: PlacedAlert,
  answer: Answer,
  withinMs: number,
): number | null {
  const plan: PrometheusPlan = {
    evaluator: "prometheus",
    groups: [{ name: group, intervalMs, offsetMs: 0, queryOffsetMs: 0, limit: 0, rules: [rule] }],
    onFiring: "rollBack",
    serviceLabel: null,
    watchMs: withinMs,
    warmUpMs: 0,
  };
  const over = { startedAtMs: 0, untilMs: withinMs };
  return walkIncumbent(prometheus, plan, over, () => answer).acts[0]?.atMs ?? null;
}

function valueAnswer(value: number): Answer {
  const one = { labels: new Map<string, string>(), atMs: Float64Array.of(0) };
  return { kind: "series", series: [{ ...one, values: Float64Array.of(value) }] };
}

/** A value at which the rule is active. */
function activeValue({ rule: { bound } }: PlacedAlert): number {
  if (bound === null) return 1;
  const { op, value } = bound;
  if (op === ">" || op === "!=") return value + Math.max(1, Math.abs(value));
  return op === "<" ? value - Math.max(1, Math.abs(value)) : value;
}

function* labelChecks(
  { rule }: PlacedAlert,
  { top, source }: Expression,
  { serviceLabel: label }: RuleLintSettings,
): Generator<RuleCheck> {
  if (label === null || rule.labels[label] !== undefined) return;
  if (keepsLabel(top, label, source) !== false) return;
  yield { code: "serviceLabelDropped", key: "expr", params: { label }, mend: null };
}

/** Do the results keep a label of the series? Null where that cannot be told. */
function keepsLabel(node: SyntaxNode, label: string, source: string): boolean | null {
  if (node.name === "VectorSelector" || node.name === "MatrixSelector") return true;
  if (node.name === "ParenExpr" || node.name === "UnaryExpr") {
    return keepsLabel(node.lastChild!, label, source);
  }
  const operation = operationOf(node);
  if (operation !== null) {
    const { left, right } = operation;
    if (isScalar(left)) return keepsLabel(right, label, source);
    if (isScalar(right)) return keepsLabel(left, label, source);
    if (node.getChild("MatchingModifierClause") !== null) return null;
    return keepsLabel(left, label, source);
  }
  const call = callOf(node);
  const vector = call?.of.find((argument) => !isScalar(argument));
  if (call === null || vector === undefined) return null;
  if (node.name !== "AggregateExpr") {
    const isPlain = !["absent", "absentovertime", "labelreplace", "labeljoin"].includes(call.name);
    return isPlain ? keepsLabel(vector, label, source) : null;
  }
  if (["topk", "bottomk"].includes(call.name)) return keepsLabel(vector, label, source);
  const modifier = node.getChild("AggregateModifier");
  if (modifier === null) return false;
  const names = (modifier.getChild("GroupingLabels")?.getChildren("LabelName") ?? []).map(
    ({ from, to }) => source.slice(from, to),
  );
  const isNamed = names.includes(label);
  if (modifier.getChild("By") !== null) return isNamed ? keepsLabel(vector, label, source) : false;
  return isNamed ? false : keepsLabel(vector, label, source);
}

function* dataChecks(
  alert: PlacedAlert,
  query: Expression,
  all: readonly PlacedAlert[],
): Generator<RuleCheck> {
  const value = answerWithoutData(query.top, query.text);
  if (value === undefined) return;
  if (value === null) {
    const [selector] = selectorsOf(query);
    const isCovered = all.some((other) => other !== alert && watchesDataOf(other, query));
    if (selector === undefined || isCovered) return;
    const added = {
      alert: `${alert.rule.alert}NoData`,
      expr: `absent(${selector})`,
      for: TEN_MINUTES,
    };
    yield { code: "silentWithoutData", key: "expr", params: { selector }, mend: added };
    return;
  }
  if (selectorsOf(query).length === 0) return;
  const afterMs = firesAfterMs(alert, valueAnswer(value), OUTAGE_MS);
  if (afterMs === null) return;
  const mend = { key: "for" as const, text: TEN_MINUTES };
  yield { code: "firesWithoutData", key: "for", params: { seconds: afterMs / 1_000 }, mend };
}

/** The selectors of an expression as written, without their ranges. */
function selectorsOf({ top, source }: Expression): string[] {
  const found: string[] = [];
  top.cursor().iterate(({ name, from, to }) => {
    if (name === "VectorSelector") found.push(source.slice(from, to));
  });
  return found;
}

/** The name of the metric that a selector is about. */
function metricOf(selector: string): string {
  return /^[^{\s]*/.exec(selector)![0];
}

/** Does the rule fire when the first series of the query are gone? */
function watchesDataOf(other: PlacedAlert, query: Expression): boolean {
  const own = queryOf(other);
  if (own === null || typeof answerWithoutData(own.top, own.text) !== "number") return false;
  const metrics = selectorsOf(own).map(metricOf);
  return metrics.includes(metricOf(selectorsOf(query)[0]!));
}

function* nanChecks(
  alert: PlacedAlert,
  query: Expression,
  all: readonly PlacedAlert[],
): Generator<RuleCheck> {
  const { bound } = alert.rule;
  const [divisor] = divisorsOf(query.top, query.source);
  // Of a whole expression it is not known what its inner comparisons left out.
  if (bound === null || divisor === undefined) return;
  if (bound.op === "!=") {
    const text = `(${query.source}) > ${bound.value} or (${query.source}) < ${bound.value}`;
    yield { code: "firesOnNaN", key: "expr", params: { divisor }, mend: { key: "expr", text } };
    return;
  }
  const isCovered = all.some(
    ({ split, rule }) =>
      split.query === divisor && rule.bound?.op === "==" && rule.bound.value === 0,
  );
  if (isCovered) return;
  const added = {
    alert: `${alert.rule.alert}NoTraffic`,
    expr: `${divisor} == 0`,
    for: TEN_MINUTES,
  };
  yield { code: "silentOnNaN", key: "expr", params: { divisor }, mend: added };
}

/** What the value is divided by, where that may be zero: a constant is not, a comparison is not. */
export function divisorsOf(node: SyntaxNode, source: string): string[] {
  if (node.name === "ParenExpr" || node.name === "UnaryExpr") {
    return divisorsOf(node.lastChild!, source);
  }
  const operation = operationOf(node);
  if (operation === null) return [];
  const { operator, left, right } = operation;
  const inner = [...divisorsOf(left, source), ...divisorsOf(right, source)];
  if (operator.name !== "Div" || isScalar(right) || isGuarded(right)) return inner;
  return [source.slice(right.from, right.to), ...inner];
}

function isGuarded(node: SyntaxNode): boolean {
  if (node.name === "ParenExpr") return isGuarded(node.lastChild!);
  const name = operationOf(node)?.operator.name;
  return name !== undefined && ["Gtr", "Gte", "Neq"].includes(name);
}
