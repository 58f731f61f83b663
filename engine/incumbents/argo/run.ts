/**
 * One AnalysisRun: when each metric is measured, and how the run ends
 * (analysis/analysis.go: generateMetricTasks, reconcileAnalysisRun).
 *
 * A query takes no time here, so a measurement ends when it is asked. A run that ends badly
 * terminates its other metrics at once: in the cluster that is the next reconciliation.
 */

import {
  assessRun,
  counted,
  endsRun,
  isCompleted,
  NOTHING_MEASURED,
  type Assessed,
  type MeasuredPhase,
  type MetricResult,
  type Phase,
} from "./assess.ts";
import { effectiveCount, ERROR_RETRY_MS, type ArgoAnalysis, type ArgoMetric } from "./plan.ts";

export interface RunState {
  readonly startedAtMs: number;
  readonly phase: Phase;
  /** The rollout needs it no longer. */
  readonly terminate: boolean;
  /** In the order of the analysis. */
  readonly metrics: readonly MetricResult[];
}

export function startRun({ metrics }: ArgoAnalysis, startedAtMs: number): RunState {
  return {
    startedAtMs,
    phase: "Pending",
    terminate: false,
    metrics: metrics.map(() => NOTHING_MEASURED),
  };
}

/** When each metric is measured next; null for one that is not. */
export function measurementTimes(
  { metrics }: ArgoAnalysis,
  run: RunState,
): readonly (number | null)[] {
  if (isCompleted(run.phase) || isTerminating(metrics, run)) return metrics.map(() => null);
  return metrics.map((metric, place) => nextAtMs(metric, run.metrics[place]!, run.startedAtMs));
}

function nextAtMs(metric: ArgoMetric, result: MetricResult, startedAtMs: number): number | null {
  const { last } = result;
  if (isCompleted(result.phase)) return null;
  if (last === null) return startedAtMs + metric.initialDelayMs;
  const most = effectiveCount(metric);
  if (most !== null && result.count >= most) return null;
  const isRetry = last.phase === "Error" || metric.intervalMs === null;
  // Strictly after the interval has passed.
  return last.endedAtMs + (isRetry ? ERROR_RETRY_MS : metric.intervalMs) + 1;
}

/**
 * The run after these measurements.
 *
 * @param measured the phase by place of the metric; undefined where it was not measured
 */
export function takeMeasurements(
  analysis: ArgoAnalysis,
  run: RunState,
  measured: ReadonlyMap<number, MeasuredPhase>,
  atMs: number,
): RunState {
  const metrics = run.metrics.map((result, place) => {
    const phase = measured.get(place);
    if (phase === undefined) return result;
    const running: Phase = result.phase === "Pending" ? "Running" : result.phase;
    return counted({ ...result, phase: running }, phase, atMs);
  });
  return settle(analysis, { ...run, metrics });
}

/** The rollout ends the run: what is not completed counts as successful. */
export function terminateRun(analysis: ArgoAnalysis, run: RunState): RunState {
  return isCompleted(run.phase) ? run : settle(analysis, { ...run, terminate: true });
}

/** Assesses until nothing changes: a metric that ended badly terminates the others. */
function settle({ metrics }: ArgoAnalysis, run: RunState): RunState {
  let now = run;
  for (;;) {
    const terminating = isTerminating(metrics, now);
    const { phase, metrics: phases } = assessRun(assessedOf(metrics, now), terminating);
    const results = now.metrics.map((result, place) => ({ ...result, phase: phases[place]! }));
    now = { ...now, phase, metrics: results };
    if (isCompleted(phase) || isTerminating(metrics, now) === terminating) return now;
  }
}

function isTerminating(metrics: readonly ArgoMetric[], run: RunState): boolean {
  return run.terminate || assessedOf(metrics, run).some(endsRun);
}

function assessedOf(metrics: readonly ArgoMetric[], run: RunState): readonly Assessed[] {
  return metrics.map((limits, place) => ({
    limits,
    dryRun: limits.dryRun,
    result: run.metrics[place]!,
  }));
}
