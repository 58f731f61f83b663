/**
 * What a canary analysis of Kayenta does when things go as they do: checks that run the emulator on
 * synthetic answers. Each is about one judgement, as long as the first one of the plan.
 */

import {
  judgedAt,
  judgementCount,
  kayenta,
  walkIncumbent,
  type Answer,
  type Finding,
  type KayentaMetric,
  type KayentaPlan,
  type Question,
} from "../../../engine/index.ts";
import type { LintFinding } from "./finding.ts";

export type KayentaCode =
  | "intervalAboveLifetime"
  | "lifetimeCut"
  | "passNeverDecides"
  | "healthyFails"
  | "weightsLost"
  | "neverDecides"
  | "neverClassified"
  | "succeedsWithoutData"
  | "failsOnEmptyAnswer"
  | "smallDifferenceFails"
  | "fewSamples";

export interface KayentaCheck {
  readonly code: KayentaCode;
  /** Of the plan, such as `["metrics", 0, "critical"]`. */
  readonly part: readonly [keyof KayentaPlan, ...(string | number)[]];
  readonly params: LintFinding["params"];
}

/** Spinnaker warns of fewer values. */
export const VALUES_AT_LEAST = 50;
/** More values would say the same, and take longer. */
const VALUES_AT_MOST = 200;
const FAR = 1_000;
/** A difference that people would not roll back for. */
const SLIGHT = 1.02;

export function checkAnalysis(plan: KayentaPlan): readonly KayentaCheck[] {
  const whole = [...timingChecks(plan), ...scoreChecks(plan)];
  // Where a healthy canary fails, what else fails it says nothing.
  if (whole.some(({ code }) => code === "healthyFails")) return whole;
  const metrics = plan.metrics.flatMap((metric, place) =>
    metric.muted ? [] : [...metricChecks(plan, metric, place)],
  );
  return [...whole, ...metrics];
}

function* timingChecks(plan: KayentaPlan): Generator<KayentaCheck> {
  const { lifetimeMs, intervalMs, stepMs } = plan;
  const minutes = (ms: number): number => ms / 60_000;
  if (intervalMs > lifetimeMs) {
    const params = { intervalMins: minutes(intervalMs), lifetimeMins: minutes(lifetimeMs) };
    yield { code: "intervalAboveLifetime", part: ["intervalMs"], params };
  }
  const count = judgementCount(plan);
  const restMs = plan.beginAfterMs + lifetimeMs - judgedAt(plan, count).toMs;
  if (restMs > 0) {
    const params = { judgements: count, restMins: minutes(restMs) };
    yield { code: "lifetimeCut", part: ["lifetimeMs"], params };
  }
  const values = valuesOf(plan);
  if (values < VALUES_AT_LEAST) {
    const params = { values, stepSeconds: stepMs / 1_000 };
    yield {
      code: "fewSamples",
      part: plan.lookbackMs > 0 ? ["lookbackMs"] : ["intervalMs"],
      params,
    };
  }
}

/** How many values a side has at the first judgement. */
export function valuesOf(plan: KayentaPlan): number {
  const { fromMs, toMs } = judgedAt(plan, 1);
  return Math.floor((toMs - fromMs) / plan.stepMs) + 1;
}

function* scoreChecks(plan: KayentaPlan): Generator<KayentaCheck> {
  const { marginal, pass, groupWeights } = plan;
  const { act, score } = judge(plan, likeBaseline);
  if (act !== "promote") {
    const isBound = marginal >= score;
    const part = isBound ? (["marginal"] as const) : (["pass"] as const);
    yield { code: "healthyFails", part: [...part], params: { score, marginal, pass } };
  } else if (pass <= marginal) {
    yield { code: "passNeverDecides", part: ["pass"], params: { marginal, pass } };
  }
  if (score !== 100) {
    const counted = plan.metrics.filter(({ muted }) => !muted);
    const groups = new Set(counted.flatMap((metric) => metric.groups));
    const empty = Object.keys(groupWeights).find((name) => !groups.has(name)) ?? null;
    yield { code: "weightsLost", part: ["groupWeights"], params: { score, empty } };
  }
}

function* metricChecks(
  plan: KayentaPlan,
  metric: KayentaMetric,
  place: number,
): Generator<KayentaCheck> {
  const at = (key: keyof KayentaMetric): KayentaCheck["part"] => ["metrics", place, key];
  const { query, direction, critical, nanStrategy } = metric;
  const far = direction === "decrease" ? 1 / FAR : FAR;
  const bad = judge(plan, worse(query, far), metric.name);
  if (bad.label === null) {
    yield { code: "neverClassified", part: at("effectSize"), params: { direction } };
  } else if (bad.act === "promote") {
    const params = { score: bad.score, marginal: plan.marginal, pass: plan.pass };
    yield { code: "neverDecides", part: at("critical"), params };
  }
  const silent = judge(plan, silence(query, ["canary"]));
  if (silent.act === "promote") {
    const key = nanStrategy === "replace" ? "nanStrategy" : "mustHaveData";
    yield { code: "succeedsWithoutData", part: at(key), params: { nanStrategy } };
  }
  if (critical && judge(plan, silence(query, ["canary", "stable"])).act !== "promote") {
    const { fromMs, toMs } = judgedAt(plan, 1);
    yield {
      code: "failsOnEmptyAnswer",
      part: at("critical"),
      params: { seconds: (toMs - fromMs) / 1_000 },
    };
  }
  const slight = direction === "decrease" ? 1 / SLIGHT : SLIGHT;
  if (judge(plan, worse(query, slight)).act !== "promote") {
    yield { code: "smallDifferenceFails", part: at("effectSize"), params: { direction } };
  }
}

interface Judgement {
  readonly act: "promote" | "rollBack";
  readonly score: number;
  /** What the metric was called where it did not pass. */
  readonly label: string | null;
}

/** One judgement as long as the first, and the last one as well. */
function judge(plan: KayentaPlan, shapes: Shapes, name?: string): Judgement {
  const { fromMs, toMs } = judgedAt(plan, 1);
  const lifetimeMs = Math.max(60_000, toMs - plan.beginAfterMs);
  const stepMs = Math.max(plan.stepMs, Math.ceil((toMs - fromMs) / VALUES_AT_MOST));
  const once = { ...plan, lifetimeMs, intervalMs: 0, stepMs };
  const over = { startedAtMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
  const { acts, findings } = walkIncumbent(kayenta, once, over, (question) =>
    sampled(shapes(question), question, stepMs),
  );
  const scored = findings.find(({ code }) => code === "judged");
  return {
    act: acts[0]?.act === "promote" ? "promote" : "rollBack",
    score: Number(scored?.params["score"] ?? 0),
    label: name === undefined ? null : labelOf(findings, name),
  };
}

function labelOf(findings: readonly Finding[], name: string): string | null {
  const found = findings.find(
    ({ code, params }) => /^metric(High|Low)$/.test(code) && params["metric"] === name,
  );
  return found?.code ?? null;
}

/** Times the healthy values; null: no series. */
type Shape = number | null;

type Shapes = (question: Question) => Shape;

const likeBaseline: Shapes = () => 1;

function worse(query: string, times: number): Shapes {
  return (question) => (question.query === query && question.scope === "canary" ? times : 1);
}

function silence(query: string, scopes: readonly Question["scope"][]): Shapes {
  return (question) => (question.query === query && scopes.includes(question.scope) ? null : 1);
}

/** Healthy values vary by one percent, the same on both sides. */
function sampled(shape: Shape, { fromMs, toMs }: Question, stepMs: number): Answer {
  if (shape === null) return { kind: "series", series: [] };
  const count = Math.floor((toMs - fromMs) / stepMs) + 1;
  const atMs = Float64Array.from({ length: count }, (_, n) => toMs - (count - 1 - n) * stepMs);
  const values = atMs.map((_, n) => shape * (100 + ((n * 7) % 11) / 10));
  return { kind: "series", series: [{ labels: new Map(), atMs, values }] };
}
