/**
 * When an AnalysisRun measures and how it ends: the facts of upstream's analysis/analysis_test.go
 * about generateMetricTasks, calculateNextReconcileTime and reconcileAnalysisRun, by case.
 *
 * Left out, because a Prometheus query is never in flight: TestGenerateMetricTasksIncomplete,
 * TestGenerateMetricTasksHonorResumeAt, TestCalculateNextReconcileHonorResumeAt,
 * TestReconcileAnalysisRunResumeInProgress. Because nothing is kept in a cluster:
 * TestTrimMeasurementHistory, TestGarbageCollectArgResolution, TestGetMetadataIsCalled. Because an
 * import refuses them: invalid durations, TestReconcileAnalysisRunInvalid (no provider),
 * TestResolveMetricArgsUnableToSubstitute, TestInvalidDryRunConfigThrowsError,
 * TestInvalidMeasurementsRetentionConfigThrowsError, and all cases about secrets.
 */

import { describe, expect, test } from "vitest";
import {
  NOTHING_MEASURED,
  type MeasuredPhase,
  type MetricResult,
  type Phase,
} from "../../../../engine/incumbents/argo/assess.ts";
import { invalidityOf, type ArgoMetric } from "../../../../engine/incumbents/argo/plan.ts";
import {
  measurementTimes,
  startRun,
  takeMeasurements,
  terminateRun,
  type RunState,
} from "../../../../engine/incumbents/argo/run.ts";
import { analysis, metric } from "./plans.ts";

const NOW = 1_000_000;
const MINUTE = { intervalMs: 60_000 };

function measured(
  agoMs: number,
  given: Partial<MetricResult> = {},
  phase: MeasuredPhase = "Successful",
): MetricResult {
  return {
    ...NOTHING_MEASURED,
    phase: "Running",
    last: { phase, endedAtMs: NOW - agoMs },
    ...given,
  };
}

function run(startedAgoMs: number, ...metrics: readonly MetricResult[]): RunState {
  return { startedAtMs: NOW - startedAgoMs, phase: "Running", terminate: false, metrics };
}

/** How far from now each metric is measured next. */
function times(metrics: readonly ArgoMetric[], state: RunState): readonly (number | null)[] {
  return measurementTimes(analysis(...metrics), state).map((atMs) =>
    atMs === null ? null : atMs - NOW,
  );
}

describe("generateMetricTasks, calculateNextReconcileTime", () => {
  const failed: MetricResult = { ...NOTHING_MEASURED, phase: "Failed" };
  const error = { error: 1, consecutiveError: 1 };

  // Upstream measures strictly after the interval: one millisecond later here.
  test.each<[string, readonly ArgoMetric[], RunState, readonly (number | null)[]]>([
    [
      "TestGenerateMetricTasksInterval: within",
      [metric(MINUTE)],
      run(60_000, measured(50_000)),
      [10_001],
    ],
    [
      "TestGenerateMetricTasksInterval: outside",
      [metric(MINUTE)],
      run(60_000, measured(61_000)),
      [-999],
    ],
    [
      "TestGenerateMetricTasksFailing: a sibling failed",
      [metric(), metric({ name: "latency" })],
      run(0, NOTHING_MEASURED, failed),
      [null, null],
    ],
    [
      "TestGenerateMetricTasksFailing: none failed",
      [metric(), metric({ name: "latency" })],
      run(0, NOTHING_MEASURED, NOTHING_MEASURED),
      [0, 0],
    ],
    [
      "TestGenerateMetricTasksNoIntervalOrCount: measured",
      [metric()],
      run(50_000, measured(50_000, { count: 1 })),
      [null],
    ],
    [
      "TestGenerateMetricTasksNoIntervalOrCount: not yet",
      [metric()],
      run(0, NOTHING_MEASURED),
      [0],
    ],
    [
      "TestGenerateMetricTasksHonorInitialDelay: before",
      [metric({ initialDelayMs: 20_000 })],
      run(10_000, NOTHING_MEASURED),
      [10_000],
    ],
    [
      "TestGenerateMetricTasksHonorInitialDelay: passed",
      [metric({ initialDelayMs: 20_000 })],
      run(20_000, NOTHING_MEASURED),
      [0],
    ],
    [
      "TestGenerateMetricTasksError: no interval",
      [metric()],
      run(120_000, measured(120_000, error, "Error")),
      [-109_999],
    ],
    [
      "TestGenerateMetricTasksError: five minutes",
      [metric({ intervalMs: 300_000 })],
      run(120_000, measured(120_000, error, "Error")),
      [-109_999],
    ],
    [
      "TestCalculateNextReconcileTimeInterval",
      [metric(MINUTE)],
      run(30_000, measured(30_000)),
      [30_001],
    ],
    [
      "TestCalculateNextReconcileTimeInterval: completed",
      [metric(MINUTE)],
      run(120_000, measured(120_000, { phase: "Successful" })),
      [null],
    ],
    [
      "TestCalculateNextReconcileTimeInitialDelay",
      [metric(MINUTE), metric({ name: "start-delay", ...MINUTE, initialDelayMs: 40_000 })],
      run(30_000, measured(30_000), NOTHING_MEASURED),
      [30_001, 10_000],
    ],
    [
      "TestCalculateNextReconcileTimeNoInterval",
      [metric({ count: 1 })],
      run(0, measured(0, { phase: "Successful", count: 1 })),
      [null],
    ],
    [
      "TestCalculateNextReconcileEarliestMetric",
      [metric(MINUTE), metric({ name: "latency", ...MINUTE })],
      run(50_000, measured(30_000), measured(50_000)),
      [30_001, 10_001],
    ],
    [
      "TestCalculateNextReconcileUponError: no interval",
      [metric()],
      run(0, measured(0, error, "Error")),
      [10_001],
    ],
    [
      "TestCalculateNextReconcileUponError: five minutes",
      [metric({ intervalMs: 300_000 })],
      run(0, measured(0, error, "Error")),
      [10_001],
    ],
  ])("%s", (_case, metrics, state, expected) => {
    expect(times(metrics, state)).toEqual(expected);
  });
});

describe("reconcileAnalysisRun", () => {
  test.each<[string, Partial<ArgoMetric>, Phase]>([
    ["an interval alone goes on", MINUTE, "Running"],
    ["count 1", { ...MINUTE, count: 1 }, "Successful"],
    ["neither count nor interval", { count: 0 }, "Successful"],
  ])("TestReconcileAnalysisRunInitial: %s", (_case, given, phase) => {
    const one = analysis(metric(given));
    const after = takeMeasurements(one, startRun(one, NOW), new Map([[0, "Successful"]]), NOW);
    expect(after).toMatchObject({ phase, metrics: [{ phase, count: 1, successful: 1 }] });
  });

  test.each<MeasuredPhase>(["Failed", "Inconclusive", "Error"])(
    "TestReconcileAnalysisRunTerminateSiblingAfterFail: %s",
    (phase) => {
      const two = analysis(metric(MINUTE), metric({ name: "bad", consecutiveErrorLimit: 0 }));
      const state = run(60_000, measured(30_000, { count: 1 }), NOTHING_MEASURED);
      const after = takeMeasurements(two, state, new Map([[1, phase]]), NOW);
      expect(after).toMatchObject({ phase, metrics: [{ phase: "Successful" }, { phase }] });
      expect(times(two.metrics, after)).toEqual([null, null]);
    },
  );

  test("TestReconcileAnalysisRunTerminateSiblingAfterFail: a dry run terminates nothing", () => {
    const two = analysis(metric(MINUTE), metric({ name: "bad", dryRun: true }));
    const after = takeMeasurements(two, startRun(two, NOW), new Map([[1, "Failed"]]), NOW);
    expect(after.phase).toBe("Running");
    expect(times(two.metrics, after)).toEqual([0, null]);
  });

  test.each<[MeasuredPhase, Partial<MetricResult>]>([
    ["Error", { consecutiveError: 5, error: 5, count: 4 }],
    ["Successful", { consecutiveError: 0, error: 4, count: 5, consecutiveSuccess: 1 }],
    ["Failed", { consecutiveError: 0, error: 4, count: 5, consecutiveSuccess: 0 }],
    ["Inconclusive", { consecutiveError: 0, error: 4, count: 5 }],
  ])("TestRunMeasurementsResetConsecutiveErrorCounter: %s", (phase, expected) => {
    const one = analysis(metric(MINUTE));
    const state = run(0, measured(10_000, { consecutiveError: 4, count: 4, error: 4 }, "Error"));
    expect(takeMeasurements(one, state, new Map([[0, phase]]), NOW).metrics[0]).toMatchObject(
      expected,
    );
  });

  test("TestTerminateAnalysisRun: ended by the rollout before it measured", () => {
    const one = analysis(metric({ initialDelayMs: 20_000, intervalMs: 20_000 }));
    expect(terminateRun(one, startRun(one, NOW)).phase).toBe("Successful");
  });
});

describe("what Argo refuses (utils/analysis/factory_test.go)", () => {
  test.each<[string | undefined, readonly ArgoMetric[]]>([
    ["noMetrics", []],
    ["duplicateName", [metric(), metric()]],
    ["countBelowFailureLimit", [metric({ ...MINUTE, count: 1, failureLimit: 2 })]],
    ["countBelowInconclusiveLimit", [metric({ ...MINUTE, count: 1, inconclusiveLimit: 2 })]],
    ["countWithoutInterval", [metric({ count: 2 })]],
    ["negativeInconclusiveLimit", [metric({ inconclusiveLimit: -1 })]],
    ["negativeConsecutiveErrorLimit", [metric({ consecutiveErrorLimit: -1 })]],
    ["negativeConsecutiveSuccessLimit", [metric({ consecutiveSuccessLimit: -1 })]],
    ["noLimitApplies", [metric({ failureLimit: -1 })]],
    [undefined, [metric({ failureLimit: -1, consecutiveSuccessLimit: 2, intervalMs: 1000 })]],
    [undefined, [metric({ count: 1, failureLimit: 1 })]],
  ])("%s", (code, metrics) => {
    expect(invalidityOf(analysis(...metrics))?.code).toBe(code);
  });
});
