/**
 * Prometheus alerting rules, and those of vmalert: inactive, pending, firing, keep firing.
 *
 * Facts from rules/alerting.go (`Eval`), rules/group.go (`EvalTimestamp`, `Eval`), and vmalert's
 * rule/alerting.go (`exec`, `execRange`, `toLabels`):
 *
 * - A rule keeps one state for each label set: the labels of a result without `__name__`, then the
 *   rule's own labels, then `alertname`. Two results with one label set fail the evaluation.
 * - A new label set is pending. It fires once it has been active for `for`; with `for: 0` that is
 *   at the same evaluation.
 * - Absent while pending: forgotten. Absent while firing: it keeps firing until it has been absent
 *   for `keep_firing_for`, counted from the first absence. Active again: that count begins anew.
 * - A firing alert whose `for` was made longer by a new plan becomes pending again.
 * - An evaluation that fails (the query, or a duplicate label set) leaves every state as it was;
 *   time passes all the same. More alerts than the group's `limit` also fail it, and forget all
 *   its alerts.
 * - vmalert adds `alertgroup`, and keeps a series' label that a rule overrides as `exported_…`.
 * - vmalert's replay knows no `keep_firing_for`, and a gap that is longer than the interval begins
 *   anew at pending.
 */

import { assert } from "../assert.ts";
import type { Act, Answer, Due, Finding, Incumbent, IncumbentStep } from "./incumbent.ts";
import {
  expandLabel,
  prometheusPlan,
  type AlertBound,
  type AlertRule,
  type PrometheusPlan,
  type RuleGroup,
} from "./prometheusPlan.ts";

export interface ActiveAlert {
  /** Its labels, sorted by name; they are its identity. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly state: "pending" | "firing";
  readonly activeAtMs: number;
  /** When it was last in a result. */
  readonly seenAtMs: number;
  /** When it was first absent while firing; null while it is in the results. */
  readonly keepFiringSinceMs: number | null;
}

export interface PrometheusState {
  readonly startedAtMs: number;
  readonly service: string;
  /** When each group is evaluated next. */
  readonly nextAtMs: readonly number[];
  /** By group, then by rule: the alerts that are pending or firing, sorted by labels. */
  readonly alerts: readonly (readonly (readonly ActiveAlert[])[])[];
  readonly decided: boolean;
}

export const prometheus: Incumbent<PrometheusPlan, PrometheusState> = {
  kind: "prometheus",

  schema: prometheusPlan,

  queries({ groups }) {
    return [...new Set(groups.flatMap(({ rules }) => rules.map(({ query }) => query)))];
  },

  reachMs: ({ groups, warmUpMs }) =>
    warmUpMs + Math.max(...groups.map(({ queryOffsetMs }) => queryOffsetMs)),

  start(plan, startedAtMs, service) {
    const fromMs = startedAtMs - plan.warmUpMs;
    return {
      startedAtMs,
      service,
      nextAtMs: plan.groups.map((group) => firstAtMs(group, fromMs)),
      alerts: plan.groups.map(({ rules }) => rules.map(() => [])),
      decided: false,
    };
  },

  due(plan, state): Due | null {
    const atMs = Math.min(...state.nextAtMs);
    if (state.decided || !(atMs <= state.startedAtMs + plan.watchMs)) return null;
    const questions = plan.groups.flatMap((group, g) =>
      state.nextAtMs[g] !== atMs
        ? []
        : group.rules.map(({ query }) => {
            const asked = atMs - group.queryOffsetMs;
            return { query, scope: "all" as const, fromMs: asked, toMs: asked };
          }),
    );
    return { atMs, questions };
  },

  step(plan, state, atMs, answers): IncumbentStep<PrometheusState> {
    const findings: Finding[] = [];
    const subject = { label: plan.serviceLabel, service: state.service };
    let [asked, counted] = [0, false];
    const alerts = plan.groups.map((group, g) =>
      state.nextAtMs[g] !== atMs
        ? state.alerts[g]!
        : group.rules.map((rule, r) => {
            const answer = answers[asked++];
            assert(answer !== undefined, "one answer for each question of due");
            const before = state.alerts[g]![r]!;
            const after = evaluate(plan, group, rule, before, atMs, answer);
            for (const finding of findingsOf(subject, group, rule, before, after, atMs)) {
              findings.push(finding);
              const { code, params } = finding;
              if (code === "alertFiring" && params["counts"] === true) counted = true;
            }
            return after.alerts;
          }),
    );
    assert(asked === answers.length, "one question of due for each answer");
    const acts: readonly Act[] = counted && atMs >= state.startedAtMs ? [plan.onFiring] : [];
    return {
      state: {
        ...state,
        nextAtMs: state.nextAtMs.map((next, g) =>
          next === atMs ? next + plan.groups[g]!.intervalMs : next,
        ),
        alerts,
        decided: state.decided || acts.includes("rollBack"),
      },
      acts,
      findings,
    };
  },
};

function firstAtMs({ intervalMs, offsetMs }: RuleGroup, fromMs: number): number {
  return Math.ceil((fromMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
}

/** Why an evaluation failed; null when it did not. */
type Failure = "queryFailed" | "duplicateLabels" | "overLimit" | null;

interface Evaluated {
  readonly alerts: readonly ActiveAlert[];
  readonly failure: Failure;
}

function evaluate(
  plan: PrometheusPlan,
  group: RuleGroup,
  rule: AlertRule,
  before: readonly ActiveAlert[],
  atMs: number,
  answer: Answer,
): Evaluated {
  if (answer.kind === "failed") return { alerts: before, failure: "queryFailed" };
  const active = new Map<string, ActiveAlert["labels"]>();
  for (const { labels, values } of answer.series) {
    assert(values.length === 1, "an instant has one value a series");
    if (rule.bound !== null && !holds(rule.bound, values[0]!)) continue;
    const own = labelsOf(plan, group, rule, labels);
    const key = keyOf(own);
    if (active.has(key)) return { alerts: before, failure: "duplicateLabels" };
    active.set(key, own);
  }
  const known = new Map(before.map((alert) => [keyOf(alert.labels), alert]));
  const alerts: ActiveAlert[] = [];
  for (const key of [...new Set([...known.keys(), ...active.keys()])].sort()) {
    const labels = active.get(key);
    const alert = known.get(key);
    const next =
      plan.evaluator === "vmalertReplay"
        ? replayed(group, alert, labels, atMs)
        : labels === undefined
          ? absent(rule, alert!, atMs)
          : present(alert, labels, atMs);
    if (next !== null) alerts.push(held(rule, next, atMs));
  }
  if (group.limit > 0 && alerts.length > group.limit) return { alerts: [], failure: "overLimit" };
  return { alerts, failure: null };
}

function holds({ op, value }: AlertBound, found: number): boolean {
  switch (op) {
    case ">":
      return found > value;
    case ">=":
      return found >= value;
    case "<":
      return found < value;
    case "<=":
      return found <= value;
    case "==":
      return found === value;
    case "!=":
      return found !== value;
  }
}

function present(
  alert: ActiveAlert | undefined,
  labels: ActiveAlert["labels"],
  atMs: number,
): ActiveAlert {
  return alert === undefined
    ? { labels, state: "pending", activeAtMs: atMs, seenAtMs: atMs, keepFiringSinceMs: null }
    : { ...alert, seenAtMs: atMs, keepFiringSinceMs: null };
}

function absent(rule: AlertRule, alert: ActiveAlert, atMs: number): ActiveAlert | null {
  if (alert.state === "pending") return null;
  const keepFiringSinceMs = alert.keepFiringSinceMs ?? atMs;
  return atMs - keepFiringSinceMs < rule.keepFiringForMs ? { ...alert, keepFiringSinceMs } : null;
}

/** vmalert's replay: a gap in the results that is longer than the interval begins anew. */
function replayed(
  { intervalMs }: RuleGroup,
  alert: ActiveAlert | undefined,
  labels: ActiveAlert["labels"] | undefined,
  atMs: number,
): ActiveAlert | null {
  if (labels === undefined) return null;
  const goesOn = alert !== undefined && atMs - alert.seenAtMs <= intervalMs;
  return present(goesOn ? alert : undefined, labels, atMs);
}

/** Pending long enough, it fires; firing, but not for as long as `for` is now, it is pending. */
function held({ forMs }: AlertRule, alert: ActiveAlert, atMs: number): ActiveAlert {
  if (atMs - alert.activeAtMs >= forMs) return { ...alert, state: "firing" };
  return { ...alert, state: "pending", keepFiringSinceMs: null };
}

function labelsOf(
  plan: PrometheusPlan,
  group: RuleGroup,
  rule: AlertRule,
  result: ReadonlyMap<string, string>,
): ActiveAlert["labels"] {
  const own = new Map(result);
  own.delete("__name__");
  const isVmalert = plan.evaluator !== "prometheus";
  const add = (name: string, value: string): void => {
    const overridden = result.get(name);
    own.set(name, value);
    if (isVmalert && overridden !== undefined && overridden !== value) {
      own.set(`exported_${name}`, overridden);
    }
  };
  for (const [name, text] of Object.entries(rule.labels)) add(name, expandLabel(text, result));
  add("alertname", rule.alert);
  if (isVmalert && group.name !== "") add("alertgroup", group.name);
  // An empty label is no label.
  return [...own].filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : 1));
}

function keyOf(labels: ActiveAlert["labels"]): string {
  return JSON.stringify(labels);
}

/** The deployment's service, and the label of an alert that has to be it; null: all count. */
interface Subject {
  readonly label: string | null;
  readonly service: string;
}

function* findingsOf(
  subject: Subject,
  group: RuleGroup,
  rule: AlertRule,
  before: readonly ActiveAlert[],
  { alerts, failure }: Evaluated,
  atMs: number,
): Generator<Finding> {
  const of = { group: group.name, alert: rule.alert, query: rule.query };
  if (failure !== null) yield { code: "evaluationFailed", params: { ...of, reason: failure } };
  const was = new Map(before.map((alert) => [keyOf(alert.labels), alert]));
  for (const alert of alerts) {
    const { labels, state, activeAtMs, keepFiringSinceMs } = alert;
    const earlier = was.get(keyOf(labels));
    was.delete(keyOf(labels));
    const params = { ...of, labels: keyOf(labels), activeAtMs };
    if (state !== earlier?.state) {
      const counts = isAbout(subject, alert);
      yield state === "firing"
        ? { code: "alertFiring", params: { ...params, counts } }
        : { code: "alertPending", params };
    } else if (keepFiringSinceMs !== earlier.keepFiringSinceMs && keepFiringSinceMs === atMs) {
      yield { code: "alertKeptFiring", params };
    }
  }
  for (const { labels, state, activeAtMs } of was.values()) {
    const code = state === "firing" ? "alertResolved" : "alertForgotten";
    yield { code, params: { ...of, labels: keyOf(labels), activeAtMs } };
  }
}

function isAbout({ label, service }: Subject, { labels }: ActiveAlert): boolean {
  return label === null || labels.some(([name, value]) => name === label && value === service);
}
