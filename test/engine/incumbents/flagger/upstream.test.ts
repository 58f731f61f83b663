/**
 * The cases of Flagger's own tests that are about deciding, as facts written anew. Upstream files
 * are in pkg/controller/ and pkg/metrics/. The first tick here is "detect changes" there. Cases
 * about what a Canary's text means are in test/incumbents/flagger/import.test.ts.
 *
 * Left out, because they decide nothing about a deployment:
 * - scheduler_deployment_test.go: DeploymentInit (makes the primary), DeploymentPortDiscovery,
 *   DeploymentTargetPortNumber, DeploymentTargetPortName (services), DeploymentAlerts (messages);
 *   of DeploymentNewRevision the count of replicas; of DeploymentPromotion images, configs and
 *   secrets.
 * - scheduler_metrics_test.go: checkMetricProviderAvailability/builtin (it only logs an event),
 *   AnalysisMetricsRecording (Flagger's own metrics).
 * - providers/prometheus_test.go: addresses, authentication, IsOnline.
 * - observers/*_test.go other than render_test.go: the texts of built-in queries.
 */

import { describe, expect, test } from "vitest";
import { failureOf, flagger } from "../../../../engine/incumbents/flagger.ts";
import { canary, canaryPlan, check, phases, series, ticks, weights, BAD, GOOD } from "./plans.ts";

describe("scheduler_deployment_test.go", () => {
  test("DeploymentNewRevision: the first tick finds the revision and gives it no traffic", () => {
    const [first] = ticks(canaryPlan(), 1);
    expect(first).toMatchObject({ asked: [], state: { phase: "progressing", weight: 0 } });
  });

  test("DeploymentRollback: as many failed checks as the threshold fail the canary", () => {
    const failing = { ...flagger.start(canaryPlan(), 0, "podinfo"), phase: "progressing" as const };
    const [tick, ...more] = ticks(canaryPlan(), 9, BAD, { ...failing, failedChecks: 10 });
    expect(tick).toMatchObject({ acts: ["rollBack"], asked: [], state: { phase: "failed" } });
    expect(more).toEqual([]);
  });

  test("DeploymentSkipAnalysis: the tick after the first succeeds", () => {
    const all = ticks(canaryPlan({ skipAnalysis: true }), 9, BAD);
    expect(phases(all)).toEqual(["progressing", "succeeded"]);
    expect(all[1]!.acts).toEqual(["promote"]);
  });

  test("DeploymentAnalysisPhases: one step to all traffic, and no metrics", () => {
    const plan = canaryPlan({ threshold: 1, metrics: [], strategy: canary({ stepWeight: 100 }) });
    const after = ["progressing", "progressing", "promoting", "finalising", "succeeded"];
    expect(phases(ticks(plan, 9))).toEqual(after);
  });

  test("DeploymentBlueGreenAnalysisPhases: one iteration, then all traffic for one tick", () => {
    const strategy = { kind: "blueGreen", iterations: 1, shiftsTraffic: true } as const;
    const all = ticks(canaryPlan({ threshold: 1, metrics: [], strategy }), 9);
    expect(phases(all)).toEqual([
      ...["progressing", "progressing", "progressing"],
      ...["promoting", "finalising", "succeeded"],
    ]);
    expect(weights(all)).toEqual([0, 0, 100, 100, 0, 0]);
  });

  test("DeploymentNewRevisionReset: 10 % after the first step, nothing with a new revision", () => {
    const plan = canaryPlan();
    const { state } = ticks(plan, 5, BAD).at(-1)!;
    expect(state).toMatchObject({ weight: 10, failedChecks: 3 });
    // A new revision is a deployment of its own.
    expect(flagger.start(plan, 0, "podinfo")).toMatchObject({ weight: 0, failedChecks: 0 });
  });

  test("DeploymentPromotion: from 40 % to 50 %, then it is promoted", () => {
    const at40 = ticks(canaryPlan(), 5).at(-1)!.state;
    expect(at40.weight).toBe(40);
    const all = ticks(canaryPlan(), 9, GOOD, at40);
    expect(phases(all)).toEqual(["progressing", "promoting", "finalising", "succeeded"]);
    expect(weights(all)).toEqual([50, 50, 0, 0]);
    expect(all.map(({ acts }) => acts)).toEqual([[], ["promote"], [], []]);
  });

  test("DeploymentMirroring: a tick of mirrored traffic, then the first step", () => {
    const strategy = canary({ stepWeight: 10, maxWeight: 50, mirror: true });
    const all = ticks(canaryPlan({ strategy }), 3);
    expect(all.map(({ state }) => [state.weight, state.mirrored])).toEqual([
      [0, false],
      [0, true],
      [10, false],
    ]);
    expect(all.map(({ asked }) => asked.length)).toEqual([0, 0, 1]);
  });

  test("DeploymentABTesting: all traffic that matches at once, ten iterations, promoted", () => {
    const strategy = { kind: "abTesting", iterations: 10 } as const;
    const all = ticks(canaryPlan({ strategy }), 99);
    expect(all[1]!.state).toMatchObject({ weight: 100, iterations: 1 });
    const set = ticks(canaryPlan({ strategy }), 9, GOOD, { ...all[1]!.state, iterations: 10 });
    expect(phases(set)).toEqual(["promoting", "finalising", "succeeded"]);
    expect(all).toHaveLength(1 + 10 + 3);
  });
});

describe("scheduler_metrics_test.go", () => {
  test("runMetricChecks/customVariables, builtinMetric: in the range", () => {
    const ranged = check({ min: 0, max: 100 });
    expect(failureOf(ranged, series(100))).toBe(null);
    expect(failureOf(ranged, series(0))).toBe(null);
  });

  test("MetricsStateTransition/initialization and progression metrics", () => {
    const { state } = ticks(canaryPlan(), 2).at(-1)!;
    expect(state).toMatchObject({ phase: "progressing", weight: 10 });
  });

  test("MetricsStateTransition/failed canary rollback: the primary has all traffic again", () => {
    const reached = { ...ticks(canaryPlan(), 4).at(-1)!.state, failedChecks: 10 };
    expect(reached.weight).toBe(30);
    const [after] = ticks(canaryPlan(), 1, GOOD, reached);
    expect(after?.state).toMatchObject({ phase: "failed", weight: 0 });
  });
});

describe("providers/prometheus_test.go", () => {
  test("RunQueryWithBasicAuth/ok and no values", () => {
    expect(failureOf(check({ min: 100, max: 100 }), series(100))).toBe(null);
    expect(failureOf(check(), series())?.reason).toBe("noValues");
  });
});
