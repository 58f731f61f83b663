/**
 * The phases of metrics and runs: the facts of upstream's analysis/analysis_test.go, each with the
 * name of its case. `analysisRun.test.ts` has those about when to measure.
 *
 * Left out: measurements in flight and their end (TestAssessMetricStatusInFlightMeasurement, the
 * running job of TestAssessRunStatusUpdateResult): a Prometheus query ends when it is asked.
 * Messages: findings are codes.
 */

import { describe, expect, test } from "vitest";
import {
  assessMetric,
  assessRun,
  exceededLimit,
  NOTHING_MEASURED,
  type Assessed,
  type Limits,
  type MeasuredPhase,
  type MetricResult,
  type Phase,
} from "../../../../engine/incumbents/argo/assess.ts";

const LIMITS: Limits = {
  count: null,
  intervalMs: null,
  failureLimit: 0,
  inconclusiveLimit: 0,
  consecutiveErrorLimit: 4,
  consecutiveSuccessLimit: 0,
};

function limits(given: Partial<Limits>): Limits {
  return { ...LIMITS, ...given };
}

function result(
  given: Partial<MetricResult>,
  last: MeasuredPhase | null = "Successful",
): MetricResult {
  const measured = last === null ? null : { phase: last, endedAtMs: 0 };
  return { ...NOTHING_MEASURED, phase: "Running", last: measured, ...given };
}

const MINUTE = { intervalMs: 60_000 };

describe("assessMetricStatus", () => {
  const noMeasurement = result({ phase: "Pending" }, null);
  const threeFailed = result({ failed: 3, count: 3 }, "Failed");
  const threeInconclusive = result({ inconclusive: 3, count: 3 }, "Inconclusive");
  const errors = (consecutiveError: number): MetricResult => result({ consecutiveError }, "Error");

  test.each<[string, Limits, MetricResult, Phase, Phase]>([
    ["TestAssessMetricStatusNoMeasurements", LIMITS, noMeasurement, "Pending", "Successful"],
    [
      "TestAssessMetricStatusFailureLimit: above",
      limits({ ...MINUTE, failureLimit: 2 }),
      threeFailed,
      "Failed",
      "Failed",
    ],
    [
      "TestAssessMetricStatusFailureLimit: at",
      limits({ ...MINUTE, failureLimit: 3 }),
      threeFailed,
      "Running",
      "Successful",
    ],
    [
      "TestAssessMetricStatusInconclusiveLimit: above",
      limits({ ...MINUTE, inconclusiveLimit: 2 }),
      threeInconclusive,
      "Inconclusive",
      "Inconclusive",
    ],
    [
      "TestAssessMetricStatusInconclusiveLimit: at",
      limits({ ...MINUTE, inconclusiveLimit: 3 }),
      threeInconclusive,
      "Running",
      "Successful",
    ],
    ["TestAssessMetricStatusConsecutiveErrors: above", limits(MINUTE), errors(5), "Error", "Error"],
    [
      "TestAssessMetricStatusConsecutiveErrors: at",
      limits(MINUTE),
      errors(4),
      "Running",
      "Successful",
    ],
    [
      "TestAssessMetricStatusCountReached: all successful",
      limits({ count: 10 }),
      result({ successful: 10, count: 10 }),
      "Successful",
      "Successful",
    ],
    [
      "TestAssessMetricStatusCountReached: half inconclusive",
      limits({ count: 10 }),
      result({ successful: 5, inconclusive: 5, count: 10 }),
      "Inconclusive",
      "Inconclusive",
    ],
  ])("%s", (_case, given, measured, running, terminating) => {
    expect(assessMetric(given, measured, false)).toBe(running);
    expect(assessMetric(given, measured, true)).toBe(terminating);
  });

  test.each<[string, Partial<MetricResult>, MeasuredPhase, Phase]>([
    ["Failed", { failed: 1 }, "Failed", "Failed"],
    ["Inconclusive", { inconclusive: 1 }, "Inconclusive", "Inconclusive"],
    ["Error", { consecutiveError: 5 }, "Error", "Error"],
    // The code of assessMetricFailureInconclusiveOrError assigns the phase in this order.
    [
      "Error before Inconclusive before Failed",
      { failed: 1, inconclusive: 1, consecutiveError: 5 },
      "Error",
      "Error",
    ],
    ["Inconclusive before Failed", { failed: 1, inconclusive: 1 }, "Failed", "Inconclusive"],
  ])("TestAssessMetricFailureInconclusiveOrError: %s", (_case, given, last, phase) => {
    expect(exceededLimit(LIMITS, result(given, last))).toBe(phase);
    expect(assessMetric(LIMITS, result(given, last), true)).toBe(phase);
  });
});

describe("consecutiveSuccessLimit, since 1.8", () => {
  const wants = { ...MINUTE, consecutiveSuccessLimit: 4 };
  test.each<[string, Limits, Partial<MetricResult>, Phase]>([
    [
      "enough in a row succeed",
      limits(wants),
      { count: 4, successful: 4, consecutiveSuccess: 4 },
      "Successful",
    ],
    ["fewer go on", limits(wants), { count: 3, successful: 3, consecutiveSuccess: 3 }, "Running"],
    [
      "a failure still fails",
      limits(wants),
      { count: 4, failed: 1, consecutiveSuccess: 3 },
      "Failed",
    ],
    [
      "without a failure limit failures go on",
      limits({ ...wants, failureLimit: -1 }),
      { count: 9, failed: 9 },
      "Running",
    ],
    [
      "count reached first, with a failure limit",
      limits({ ...wants, failureLimit: 5, count: 6 }),
      { count: 6, failed: 1, consecutiveSuccess: 3 },
      "Inconclusive",
    ],
    [
      "count reached first, without one",
      limits({ ...wants, failureLimit: -1, count: 6 }),
      { count: 6, failed: 1, consecutiveSuccess: 3 },
      "Failed",
    ],
    [
      "both at once succeed",
      limits({ ...wants, count: 4 }),
      { count: 4, successful: 4, consecutiveSuccess: 4 },
      "Successful",
    ],
  ])("%s", (_case, given, measured, phase) => {
    expect(assessMetric(given, result(measured), false)).toBe(phase);
  });
});

describe("assessRunStatus", () => {
  const metric = (phase: Phase, dryRun = false, given: Partial<MetricResult> = {}): Assessed => ({
    limits: LIMITS,
    dryRun,
    result: result({ phase, ...given }, null),
  });

  test.each<[string, readonly Assessed[], boolean, Phase]>([
    [
      "TestAssessRunStatus: one still running",
      [metric("Successful"), metric("Running")],
      false,
      "Running",
    ],
    ["TestAssessRunStatus: the worst", [metric("Successful"), metric("Failed")], false, "Failed"],
    [
      "TestAssessRunStatusErrorMessageAnalysisPhaseFail",
      [metric("Successful"), metric("Failed")],
      true,
      "Failed",
    ],
    [
      "TestAssessRunStatusErrorMessageAnalysisPhaseFailInDryRunMode",
      [metric("Successful", true), metric("Failed", true)],
      false,
      "Successful",
    ],
    [
      "TestAssessRunStatusErrorMessageFromProvider",
      [metric("Successful"), metric("Failed")],
      true,
      "Failed",
    ],
    [
      "TestAssessRunStatusErrorMessageFromProviderInDryRunMode",
      [metric("Successful", true), metric("Failed", true)],
      false,
      "Successful",
    ],
    [
      "TestAssessRunStatusMultipleFailures, TestAssessRunStatusWorstMessageInReconcileAnalysisRun",
      [metric("Failed"), metric("Failed")],
      true,
      "Failed",
    ],
    [
      "TestAssessRunStatusMultipleFailuresInDryRunMode, …InReconcileAnalysisRunInDryRunMode",
      [metric("Failed", true), metric("Failed", true)],
      false,
      "Successful",
    ],
    ["TestAssessRunStatusWithOnlyDryRunMetrics", [metric("Successful", true)], false, "Successful"],
    [
      "TestTerminateAnalysisRun, …InDryRunMode: nothing measured",
      [metric("Pending")],
      true,
      "Successful",
    ],
    [
      "Failed is worse than Error",
      [metric("Error"), metric("Failed"), metric("Inconclusive")],
      true,
      "Failed",
    ],
    ["Error is worse than Inconclusive", [metric("Inconclusive"), metric("Error")], true, "Error"],
    [
      "a metric that is not begun keeps the run",
      [metric("Successful"), metric("Pending")],
      false,
      "Running",
    ],
  ])("%s", (_case, metrics, terminating, phase) => {
    expect(assessRun(metrics, terminating).phase).toBe(phase);
  });

  test("TestAssessRunStatusUpdateResult: the phase of each metric follows its counts", () => {
    const failed = {
      limits: LIMITS,
      dryRun: false,
      result: result({ count: 1, failed: 1 }, "Failed"),
    };
    const assessed = assessRun([metric("Running"), failed], false);
    expect(assessed).toEqual({ phase: "Running", metrics: ["Running", "Failed"] });
  });

  test("TestAssessRunStatusWithMixedMetrics: a dry run does not decide", () => {
    const inconclusive = {
      limits: LIMITS,
      dryRun: false,
      result: result({ inconclusive: 1, count: 1 }, "Inconclusive"),
    };
    expect(assessRun([inconclusive, metric("Successful", true)], false).phase).toBe("Inconclusive");
  });
});
