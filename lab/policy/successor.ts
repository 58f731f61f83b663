/**
 * A draft of a policy in the place of an incumbent: the same queries and limits, judged by change
 * against the past of each service instead of by a number for all of them.
 */

import {
  formatDuration,
  measureArgo,
  type ArgoMetric,
  type ArgoPlan,
  type FlaggerPlan,
  type IncumbentKind,
  type KayentaPlan,
  type PrometheusPlan,
} from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import type { Bound, WrittenIncumbent, WrittenQuery } from "./import/policyFile.ts";
import { callOf, isExpression, parseExpression, type Expression } from "./import/promql.ts";
import { answerOf, triedValues } from "./lint/argoAnswers.ts";
import { divisorsOf } from "./lint/ruleChecks.ts";

type Worse = "up" | "down" | "both";

/** Beyond which value an incumbent calls a query bad; null where it has no such number. */
interface Limit {
  readonly query: string;
  readonly worse: Worse;
  readonly value: number | null;
}

/** A limit of which the policy makes a signal, in the unit of the history. */
interface Drafted extends Limit {
  readonly name: string;
  readonly metric: string;
  readonly asked: WrittenQuery;
  readonly isRatio: boolean;
}

const LEAST_HOLD_MS = 60_000;
const MOST_HOLD_MS = 300_000;

/** The text of the policy file, with comments. */
export function successorText(given: WrittenIncumbent): string {
  const { policy, owner, system, queries, metrics, watchMs } = given;
  const limits = new Map(limitsOf(system, given.plan).map((limit) => [limit.query, limit]));
  const drafted = onceEach(
    queries.map((asked) => drafting(asked, limits.get(asked.name), metrics.get(asked.name))),
  );
  if (drafted.length === 0) {
    throw new Problem(`${policy} asks nothing that a policy could watch`, {
      cure: "Leave out --successor.",
    });
  }
  const signals = drafted.flatMap(signalLines);
  const guarded = drafted.flatMap(guardLines);
  return `${[
    `# A draft in the place of ${policy}: its queries, judged by change against the past.`,
    "# Compare both on your history before you trust it, and tune it with `sweep`.",
    `policy: ${JSON.stringify(`${policy}-successor`)}`,
    `owner: ${JSON.stringify(owner)} # answers for every action of this policy`,
    `watch: ${formatDuration(watchMs)}`,
    "",
    "signals:",
    ...signals,
    "fusion: any # one signal in breach is enough, as for the incumbent",
    ...(guarded.length === 0
      ? []
      : [
          "",
          "hardGuard: # the incumbent's own limits: beyond them no tolerance is asked",
          ...guarded,
        ]),
    "",
    "tiers:",
    "  override: { window: 2m, onTimeout: rollback } # people have two minutes to say no",
    "assign:",
    "  - otherwise: override",
    "guardrails:",
    "  never: [{ when: { tags: { irreversible: true } } }] # undoing these does more harm",
  ].join("\n")}\n`;
}

function drafting(
  asked: WrittenQuery,
  limit: Limit | undefined,
  bound: Bound | undefined,
): Drafted {
  const { metric = asked.name, times = 1, plus = 0 } = bound ?? {};
  const value = limit?.value ?? null;
  const worse = limit?.worse ?? "both";
  return {
    query: asked.name,
    name: asked.name.replaceAll(/[^\w-]+/g, "-"),
    metric,
    asked,
    worse: times < 0 ? opposite(worse) : worse,
    value: value === null ? null : tidy((value - plus) / times),
    isRatio: isRatio(asked),
  };
}

function opposite(worse: Worse): Worse {
  if (worse === "both") return worse;
  return worse === "up" ? "down" : "up";
}

/** Without the last digits, which only the change of the unit made. */
function tidy(value: number): number {
  return Number(value.toPrecision(9));
}

/** Of two queries that ask one metric for the same harm, the stricter. */
function onceEach(drafted: readonly Drafted[]): readonly Drafted[] {
  const by = new Map<string, Drafted>();
  for (const one of drafted) {
    const key = JSON.stringify([one.metric, one.worse]);
    const known = by.get(key);
    if (known === undefined || isStricter(one, known)) by.set(key, one);
  }
  return [...by.values()];
}

function isStricter(one: Drafted, other: Drafted): boolean {
  if (one.value === null || other.value === null) return other.value === null;
  return one.worse === "down" ? one.value > other.value : one.value < other.value;
}

/** A quotient whose value is a share, and not a quantile. */
function isRatio({ name, expr }: WrittenQuery): boolean {
  if (expr === null) return name === "request-success-rate";
  const parsed = parseExpression(expr);
  return (
    isExpression(parsed) && !isQuantile(parsed) && divisorsOf(parsed.top, parsed.source).length > 0
  );
}

function isQuantile({ top }: Expression): boolean {
  let found = false;
  top.cursor().iterate(({ node }) => {
    if (callOf(node)?.name === "histogramquantile") found = true;
  });
  return found;
}

function signalLines(one: Drafted): readonly string[] {
  const { name, metric, worse, asked, value } = one;
  const hold = Math.min(MOST_HOLD_MS, Math.max(LEAST_HOLD_MS, asked.intervalMs));
  const limit =
    value === null ? "has no limit" : `calls ${worse === "down" ? "below" : "above"} ${value} bad`;
  return [
    `  ${name}: # the incumbent ${limit}`,
    `    metric: ${JSON.stringify(metric)}`,
    `    worse: ${worse}`,
    `    tolerance: ${toleranceOf(one)} # of what the hour before the deployment says is normal`,
    "    detector: { kind: cusum }",
    `    hold: ${formatDuration(hold)} # a breach must last this long to count`,
    "    clear: 2m # and be gone this long to be over",
  ];
}

/** A point, or half of a limit that is nearer; of what is no ratio a tenth. */
function toleranceOf({ isRatio, worse, value }: Drafted): string {
  if (!isRatio) return "10%";
  const room = value === null ? 1 : worse === "down" ? 1 - value : value;
  const points = room > 0 && room < 0.02 ? Number((50 * room).toPrecision(2)) : 1;
  return `${points}pp`;
}

/** Only shares have limits that hold for every service. */
function guardLines({ name, isRatio, worse, value }: Drafted): readonly string[] {
  if (!isRatio || value === null || value <= 0 || value >= 1 || worse === "both") return [];
  const key = worse === "up" ? "over" : "under";
  return [`  ${name}: { times: 2, ${key}: ${tidy(100 * value)}% }`];
}

function limitsOf(system: IncumbentKind, plan: unknown): readonly Limit[] {
  if (system === "argo") return argoLimits(plan as ArgoPlan);
  if (system === "flagger") return flaggerLimits(plan as FlaggerPlan);
  if (system === "prometheus") return ruleLimits(plan as PrometheusPlan);
  return kayentaLimits(plan as KayentaPlan);
}

function argoLimits({ steps, background }: ArgoPlan): readonly Limit[] {
  const analyses = steps.flatMap((step) => (step.kind === "analysis" ? [step.analysis] : []));
  return [...analyses, ...(background === null ? [] : [background.analysis])].flatMap(
    ({ metrics }) => metrics.map(argoLimit),
  );
}

/** Where measurements of rising numbers turn from good to bad, or from bad to good. */
function argoLimit(metric: ArgoMetric): Limit {
  const { query } = metric;
  const tried = triedValues(metric)
    .toSorted((left, right) => left - right)
    .map((value) => ({
      value,
      isGood: measureArgo(metric, answerOf(value)).phase === "Successful",
    }));
  const turns = tried.slice(1).flatMap((one, place) => {
    const before = tried[place]!;
    if (before.isGood === one.isGood) return [];
    return [{ worse: before.isGood ? ("up" as const) : ("down" as const), before, one }];
  });
  const [turn] = turns;
  if (turn === undefined || turns.length > 1) return { query, worse: "both", value: null };
  const { worse, before, one } = turn;
  return { query, worse, value: worse === "up" ? before.value : one.value };
}

function flaggerLimits({ metrics }: FlaggerPlan): readonly Limit[] {
  return metrics.map(({ query, min, max }) => {
    if (min !== null && max !== null) return { query, worse: "both", value: null };
    return min === null ? { query, worse: "up", value: max } : { query, worse: "down", value: min };
  });
}

/** Kayenta compares with a baseline, so there is a direction and no number. */
function kayentaLimits({ metrics }: KayentaPlan): readonly Limit[] {
  const ways = { increase: "up", decrease: "down", either: "both" } as const;
  return metrics
    .filter(({ muted }) => !muted)
    .map(({ query, direction }) => ({ query, worse: ways[direction], value: null }));
}

function ruleLimits({ groups }: PrometheusPlan): readonly Limit[] {
  return groups.flatMap(({ rules }) =>
    rules.map(({ query, bound }): Limit => {
      if (bound?.op.startsWith(">")) return { query, worse: "up", value: bound.value };
      if (bound?.op.startsWith("<")) return { query, worse: "down", value: bound.value };
      return { query, worse: "both", value: null };
    }),
  );
}
