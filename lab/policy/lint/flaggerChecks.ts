/**
 * What a Canary of Flagger does when things go as they do. Checks run the emulator on synthetic
 * answers; what a query answers without data follows from its expression.
 */

import {
  failureOfFlagger as failureOf,
  flagger,
  walkIncumbent,
  type Answer,
  type FlaggerMetric,
  type FlaggerPlan,
  type FlaggerState,
  type Walk,
} from "../../../engine/index.ts";
import type { PlacedCheck } from "../import/flagger.ts";
import {
  answerWithoutData,
  callOf,
  isExpression,
  parseExpression,
  type Expression,
} from "../import/promql.ts";
import { answerOf, EMPTY, NAN, QUERY_FAILED } from "./argoAnswers.ts";
import { OUTAGE_MS } from "./argoChecks.ts";
import type { LintFinding } from "./finding.ts";
import { divisorsOf } from "./ruleChecks.ts";

export type FlaggerCode =
  | "skipsAnalysis"
  | "checksNothing"
  | "noRange"
  | "neverFails"
  | "neverSucceeds"
  | "boundIsRatio"
  | "boundIsSeconds"
  | "failsOnEmptyAnswer"
  | "succeedsWithoutData"
  | "failsOnNaN"
  | "outageAborts"
  | "neverPromoted"
  | "longerThanWatch";

/** What is found, with the key of the analysis or of the metric that it is about. */
export interface FlaggerCheck {
  readonly code: FlaggerCode;
  readonly key: string;
  /** The place of the metric among the plan's; null: it is about the whole analysis. */
  readonly metric: number | null;
  readonly params: LintFinding["params"];
}

/** A Canary as it is checked: the plan, and what is written of each of its metrics. */
export interface CheckedCanary {
  readonly plan: FlaggerPlan;
  readonly written: readonly Written[];
  /** How long a deployment is watched. */
  readonly watchMs: number;
}

type Written = Pick<PlacedCheck, "expr" | "hasBound">;

export function checkCanary(canary: CheckedCanary): readonly FlaggerCheck[] {
  const { plan } = canary;
  if (plan.skipAnalysis) {
    return [{ code: "skipsAnalysis", key: "skipAnalysis", metric: null, params: {} }];
  }
  const found: FlaggerCheck[] = plan.metrics.flatMap((metric, place) =>
    boundChecks(metric, place, canary.written[place]!),
  );
  const healthy = healthyAnswers(canary);
  if (healthy === null) return found;
  const promoted = promotionChecks(canary, healthy);
  found.push(...promoted);
  if (plan.metrics.length === 0) {
    return [...found, { code: "checksNothing", key: "metrics", metric: null, params: {} }];
  }
  // Without traffic nothing is ever checked.
  if (promoted.some(({ code }) => code === "neverPromoted")) return found;
  for (const [place, metric] of plan.metrics.entries()) {
    const { expr } = canary.written[place]!;
    found.push(...dataChecks(plan, place, metric, expr, healthy));
  }
  const outage = missing(plan, healthy, () => QUERY_FAILED);
  if (outage !== null) {
    found.push({ code: "outageAborts", key: "threshold", metric: null, params: outage });
  }
  return found;
}

/** Numbers that a range may tell apart, of those that the query can answer. */
function triedValues({ name, min, max }: FlaggerMetric, expr: string | null): readonly number[] {
  const bounds = [min, max].filter((bound) => bound !== null);
  const beside = bounds.flatMap((bound) => {
    const step = Math.max(1, Math.abs(bound) * 1e-3);
    return [bound - step, bound, bound + step];
  });
  const between = bounds.length === 2 ? [(bounds[0]! + bounds[1]!) / 2] : [];
  const tried = [0, 1, -1, 50, 100, 1e9, -1e9, ...beside, ...between];
  if (expr !== null) return tried;
  const most = name === "request-success-rate" ? 100 : Infinity;
  return tried.filter((value) => value >= 0 && value <= most);
}

function boundChecks(
  metric: FlaggerMetric,
  place: number,
  { expr, hasBound }: Written,
): readonly FlaggerCheck[] {
  const key = "thresholdRange";
  if (!hasBound) return [{ code: "noRange", key, metric: place, params: { name: metric.name } }];
  const { name, min, max, answer } = metric;
  const passes = triedValues(metric, expr).map((value) => failureOf(metric, answerOf(value)));
  if (passes.every((failure) => failure !== null)) {
    const isScalar = answer === "scalar";
    const params = { why: isScalar ? "scalar" : "range", min, max };
    return [{ code: "neverSucceeds", key: isScalar ? "query" : key, metric: place, params }];
  }
  if (passes.every((failure) => failure === null)) {
    const why = min === null && max === null ? "noRange" : "range";
    return [{ code: "neverFails", key, metric: place, params: { why, min, max } }];
  }
  if (expr !== null) return [];
  if (name === "request-success-rate" && min !== null && min > 0 && min <= 1) {
    return [{ code: "boundIsRatio", key, metric: place, params: { min } }];
  }
  if (name === "request-duration" && max !== null && max < 1) {
    return [{ code: "boundIsSeconds", key, metric: place, params: { max } }];
  }
  return [];
}

type Answers = ReadonlyMap<string, Answer>;

/** By query: an answer that all its metrics pass; null where there is none. */
function healthyAnswers({ plan: { metrics }, written }: CheckedCanary): Answers | null {
  const answers = new Map<string, Answer>();
  for (const [place, { query }] of metrics.entries()) {
    const own = metrics.filter((metric) => metric.query === query);
    const value = own
      .flatMap((metric) => triedValues(metric, written[place]!.expr))
      .find((tried) => own.every((metric) => failureOf(metric, answerOf(tried)) === null));
    if (value === undefined) return null;
    answers.set(query, answerOf(value));
  }
  return answers;
}

/** More ticks than a rollout of a year has at the shortest interval takes too long to walk. */
const MOST_TICKS = 20_000;

function walked(plan: FlaggerPlan, answer: (query: string) => Answer): Walk<FlaggerState> {
  const over = { startedAtMs: 0, untilMs: Number.MAX_SAFE_INTEGER, mostSteps: MOST_TICKS };
  return walkIncumbent(flagger, plan, over, ({ query }) => answer(query));
}

function promotionChecks(
  { plan, watchMs }: CheckedCanary,
  healthy: Answers,
): readonly FlaggerCheck[] {
  // An approval is a person's, and takes as long as it takes.
  const walk = walked({ ...plan, confirmPromotion: false }, (query) => healthy.get(query)!);
  const promoted = walk.acts.find(({ act }) => act === "promote");
  if (promoted === undefined) {
    const { weight } = walk.state;
    return [{ code: "neverPromoted", key: "stepWeight", metric: null, params: { weight } }];
  }
  if (promoted.atMs <= watchMs) return [];
  const params = { seconds: promoted.atMs / 1_000, watchSeconds: watchMs / 1_000 };
  return [{ code: "longerThanWatch", key: "interval", metric: null, params }];
}

/**
 * How long something must last, from the first check on, until a healthy canary is rolled back;
 * null where it is not, or survives an outage of five minutes.
 */
function missing(
  plan: FlaggerPlan,
  healthy: Answers,
  instead: (query: string) => Answer | null,
): LintFinding["params"] | null {
  const walk = walked(plan, (query) => instead(query) ?? healthy.get(query)!);
  const rolledBack = walk.acts.find(({ act }) => act === "rollBack");
  if (rolledBack === undefined) return null;
  const failed = walk.findings.filter(({ code }) => code === "checkFailed");
  const first = failed[0]!.atMs;
  const lastsMs = failed.at(-1)!.atMs - first;
  if (lastsMs >= OUTAGE_MS) return null;
  const afterMs = rolledBack.atMs - first;
  return { seconds: lastsMs / 1_000, checks: failed.length, afterS: afterMs / 1_000 };
}

function dataChecks(
  plan: FlaggerPlan,
  place: number,
  metric: FlaggerMetric,
  expr: string | null,
  healthy: Answers,
): readonly FlaggerCheck[] {
  const parsed = expr === null ? null : parseExpression(expr);
  const query = parsed !== null && isExpression(parsed) ? parsed : null;
  const written = query === null ? null : answerWithoutData(query.top, query.text);
  const without = typeof written === "number" ? answerOf(written) : EMPTY;
  const key = expr === null ? "name" : "query";
  const found: FlaggerCheck[] = [];
  if (failureOf(metric, without) === null) {
    found.push({ code: "succeedsWithoutData", key, metric: place, params: {} });
  } else {
    const params = missing(plan, healthy, (name) => (name === metric.query ? without : null));
    if (params !== null) found.push({ code: "failsOnEmptyAnswer", key, metric: place, params });
  }
  if (expr !== null && (query === null || !mayBeNaN(query))) return found;
  const params = missing(plan, healthy, (name) => (name === metric.query ? NAN : null));
  if (params !== null) found.push({ code: "failsOnNaN", key, metric: place, params });
  return found;
}

/** Without traffic: a quotient of nothing, or a quantile of empty buckets. */
function mayBeNaN({ top, source }: Expression): boolean {
  if (divisorsOf(top, source).length > 0) return true;
  let found = false;
  top.cursor().iterate(({ node }) => {
    if (callOf(node)?.name === "histogramquantile") found = true;
  });
  return found;
}
