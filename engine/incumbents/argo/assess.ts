/**
 * The phase of one metric and of a whole run, from what was counted
 * (analysis/analysis.go: assessMetricStatus, assessRunStatus).
 */

import { effectiveCount, type ArgoMetric } from "./plan.ts";

/** How one measurement ended. */
export type MeasuredPhase = "Successful" | "Failed" | "Inconclusive" | "Error";

/** Of a metric or a run. Pending: no measurement was taken. */
export type Phase = MeasuredPhase | "Pending" | "Running";

/** What was measured of one metric. */
export interface MetricResult {
  readonly phase: Phase;
  /** Measurements that gave an answer. Errors do not count. */
  readonly count: number;
  readonly successful: number;
  readonly failed: number;
  readonly inconclusive: number;
  readonly error: number;
  readonly consecutiveError: number;
  readonly consecutiveSuccess: number;
  readonly last: { readonly phase: MeasuredPhase; readonly endedAtMs: number } | null;
}

export const NOTHING_MEASURED: MetricResult = {
  phase: "Pending",
  count: 0,
  successful: 0,
  failed: 0,
  inconclusive: 0,
  error: 0,
  consecutiveError: 0,
  consecutiveSuccess: 0,
  last: null,
};

export function isCompleted(phase: Phase): phase is MeasuredPhase {
  return phase !== "Pending" && phase !== "Running";
}

/** One more measurement. An error leaves `count`, and a success in a row ends with it. */
export function counted(
  result: MetricResult,
  phase: MeasuredPhase,
  endedAtMs: number,
): MetricResult {
  const isError = phase === "Error";
  return {
    ...result,
    count: result.count + (isError ? 0 : 1),
    successful: result.successful + (phase === "Successful" ? 1 : 0),
    failed: result.failed + (phase === "Failed" ? 1 : 0),
    inconclusive: result.inconclusive + (phase === "Inconclusive" ? 1 : 0),
    error: result.error + (isError ? 1 : 0),
    consecutiveError: isError ? result.consecutiveError + 1 : 0,
    consecutiveSuccess: phase === "Successful" ? result.consecutiveSuccess + 1 : 0,
    last: { phase, endedAtMs },
  };
}

/** The limits of a metric, as far as they decide its phase. */
export type Limits = Pick<
  ArgoMetric,
  | "count"
  | "intervalMs"
  | "failureLimit"
  | "inconclusiveLimit"
  | "consecutiveErrorLimit"
  | "consecutiveSuccessLimit"
>;

/** The limit that is exceeded. Of several, errors go before inconclusive before failed. */
export function exceededLimit(
  limits: Limits,
  { failed, inconclusive, consecutiveError }: MetricResult,
): "Error" | "Inconclusive" | "Failed" | null {
  if (consecutiveError > limits.consecutiveErrorLimit) return "Error";
  if (inconclusive > limits.inconclusiveLimit) return "Inconclusive";
  return limits.failureLimit >= 0 && failed > limits.failureLimit ? "Failed" : null;
}

export function assessMetric(limits: Limits, result: MetricResult, terminating: boolean): Phase {
  if (isCompleted(result.phase)) return result.phase;
  if (result.last === null) return terminating ? "Successful" : "Pending";
  const exceeded = exceededLimit(limits, result);
  if (exceeded !== null) return exceeded;
  const { consecutiveSuccessLimit, failureLimit } = limits;
  const wantsSuccesses = consecutiveSuccessLimit > 0;
  if (wantsSuccesses && result.consecutiveSuccess >= consecutiveSuccessLimit) return "Successful";
  const most = effectiveCount(limits);
  if (most !== null && result.count >= most) {
    if (!wantsSuccesses) return "Successful";
    return failureLimit >= 0 ? "Inconclusive" : "Failed";
  }
  return terminating ? "Successful" : "Running";
}

/** The best first. */
const WORSE: readonly Phase[] = [
  "Successful",
  "Running",
  "Pending",
  "Inconclusive",
  "Error",
  "Failed",
];

/** One metric of a run: its limits, and what was measured of it. */
export interface Assessed {
  readonly limits: Limits;
  readonly dryRun: boolean;
  readonly result: MetricResult;
}

/** Whether a metric that decides has ended badly: then nothing new is measured. */
export function endsRun({ dryRun, result: { phase } }: Assessed): boolean {
  return !dryRun && (phase === "Failed" || phase === "Error" || phase === "Inconclusive");
}

/** The phases of all metrics and of the run, which takes the worst of those that decide. */
export function assessRun(
  metrics: readonly Assessed[],
  terminating: boolean,
): { readonly phase: Phase; readonly metrics: readonly Phase[] } {
  let worst: Phase | null = null;
  let isDone = true;
  const phases = metrics.map(({ limits, dryRun, result }) => {
    const isUnmeasured = result.last === null && !isCompleted(result.phase);
    const phase = isUnmeasured ? result.phase : assessMetric(limits, result, terminating);
    if (!isCompleted(phase)) isDone = false;
    else if (dryRun) worst ??= "Successful";
    else if (worst === null || WORSE.indexOf(phase) > WORSE.indexOf(worst)) worst = phase;
    return phase;
  });
  if (terminating) return { phase: worst ?? "Successful", metrics: phases };
  return { phase: isDone && worst !== null ? worst : "Running", metrics: phases };
}
