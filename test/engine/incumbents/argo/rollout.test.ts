/** A Rollout with canary steps: what its analyses and pauses make it do, and when. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer, Question } from "../../../../engine/incumbents/incumbent.ts";
import { argo } from "../../../../engine/incumbents/argo/rollout.ts";
import { ARGO_PLAN, type ArgoPlan } from "../../../../engine/incumbents/argo/plan.ts";
import { walk, type Walk } from "../../../../engine/incumbents/walk.ts";
import { analysis, analysisStep, FAILED, metric, series } from "./plans.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const HEALTHY = series(0.99);

function run(plan: ArgoPlan, answer: Answer | ((question: Question) => Answer)): Walk<unknown> {
  const answering = typeof answer === "function" ? answer : (): Answer => answer;
  return walk(argo, ARGO_PLAN.parse(plan), { startedAtMs: 0, untilMs: HOUR }, answering);
}

const acts = (plan: ArgoPlan, answer: Answer | ((question: Question) => Answer)): unknown =>
  run(plan, answer).acts.map(({ act, atMs }) => [act, atMs]);

/** Fails for as long as the outage lasts. */
const outage =
  (fromMs: number, toMs: number) =>
  ({ toMs: atMs }: Question): Answer =>
    atMs >= fromMs && atMs < toMs ? FAILED : HEALTHY;

describe("an analysis step", () => {
  const five = metric({ intervalMs: MINUTE, count: 5 });

  test("succeeds at its count and promotes", () => {
    expect(acts(analysisStep(five), HEALTHY)).toEqual([["promote", 4 * MINUTE + 4]]);
  });

  test("rolls back at the first failure by default, and after a limit with one", () => {
    expect(acts(analysisStep(five), series(0.5))).toEqual([["rollBack", 0]]);
    const tolerant = metric({ intervalMs: MINUTE, count: 5, failureLimit: 2 });
    expect(acts(analysisStep(tolerant), series(0.5))).toEqual([["rollBack", 2 * MINUTE + 2]]);
    expect(run(analysisStep(five), series(0.5)).findings.at(-1)).toMatchObject({
      code: "aborted",
      params: { phase: "Failed", query: "success-rate" },
    });
  });

  test("errors do not count: five in a row 10 s apart abort, 40 s of an outage", () => {
    expect(acts(analysisStep(five), outage(60_001, HOUR))).toEqual([["rollBack", 100_005]]);
    expect(acts(analysisStep(five), outage(60_001, 100_005))).toEqual([["promote", 280_008]]);
  });

  test("neither condition pauses, and nothing more is asked", () => {
    const unclear = metric({ intervalMs: MINUTE, failureCondition: "result[0] < 0.5" });
    const walked = run(analysisStep(unclear), series(0.7));
    expect(walked.acts).toEqual([{ act: "pause", atMs: 0 }]);
    expect(walked.hasEnded).toBe(true);
  });

  test("a failed metric terminates its siblings; a dry run does not", () => {
    const slow = metric({ name: "latency", intervalMs: MINUTE, count: 10 });
    const asked = (dryRun: boolean): number | undefined =>
      run(analysisStep({ ...five, dryRun }, slow), ({ query }) =>
        query === "latency" ? HEALTHY : series(0.1),
      ).asked.get("latency")?.length;
    expect(asked(false)).toBe(1);
    expect(asked(true)).toBe(10);
  });

  test("an empty answer and NaN differ: one errs, one fails", () => {
    const phases = (answer: Answer): unknown =>
      run(analysisStep(five), answer).findings.find(({ code }) => code === "measured")?.params;
    expect(phases(series())).toMatchObject({ phase: "Error", error: "indexOutOfRange" });
    expect(phases(series(NaN))).toMatchObject({ phase: "Failed", error: null });
    expect(phases(FAILED)).toMatchObject({ phase: "Error", error: "queryFailed" });
  });

  test("a scalar query gives a number", () => {
    const scalar = metric({ answer: "scalar", successCondition: "result > 0.9" });
    expect(acts(analysisStep(scalar), HEALTHY)).toEqual([["promote", 0]]);
    expect(acts(analysisStep(scalar), series())).toEqual([["rollBack", 40_004]]);
  });
});

describe("steps", () => {
  const rate = metric({ intervalMs: MINUTE });
  const steps = (...given: ArgoPlan["steps"]): ArgoPlan => ({ steps: given, background: null });
  const weight = (percent: number): ArgoPlan["steps"][number] => ({
    kind: "setWeight",
    weight: percent,
  });
  const pause = (durationMs: number | null): ArgoPlan["steps"][number] => ({
    kind: "pause",
    durationMs,
  });

  test("weights and pauses alone promote in the end", () => {
    const plan = steps(weight(20), pause(10 * MINUTE), weight(50), pause(10 * MINUTE));
    expect(acts(plan, HEALTHY)).toEqual([["promote", 20 * MINUTE + 2]]);
    expect(acts(steps(), HEALTHY)).toEqual([["promote", 0]]);
  });

  test("a pause without a duration waits for a person, and the background goes on", () => {
    const plan = {
      ...steps(weight(20), pause(null)),
      background: { startingStep: 0, analysis: analysis(rate) },
    };
    expect(acts(plan, HEALTHY)).toEqual([["pause", 0]]);
    expect(acts(plan, ({ toMs }) => series(toMs > 5 * MINUTE ? 0.1 : 1))).toEqual([
      ["pause", 0],
      ["rollBack", 5 * MINUTE + 5],
    ]);
  });

  test("the background begins at its starting step and ends with the promotion", () => {
    const background = (startingStep: number): ArgoPlan => ({
      ...steps(weight(20), pause(10 * MINUTE), weight(50), pause(10 * MINUTE)),
      background: { startingStep, analysis: analysis(rate) },
    });
    const first = (startingStep: number): number | undefined =>
      run(background(startingStep), HEALTHY).asked.get("success-rate")?.[0];
    expect(first(0)).toBe(0);
    expect(first(2)).toBe(10 * MINUTE + 1);
    expect(run(background(0), HEALTHY).asked.get("success-rate")).toHaveLength(20);
    expect(acts(background(2), HEALTHY)).toEqual([["promote", 20 * MINUTE + 2]]);
  });

  test("an abort goes before a pause at the same instant", () => {
    const unclear = metric({ failureCondition: "result[0] < 0.5" });
    const plan: ArgoPlan = {
      steps: [{ kind: "analysis", analysis: analysis(unclear) }],
      background: { startingStep: 0, analysis: analysis(metric({ name: "other" })) },
    };
    expect(acts(plan, series(0.7))).toEqual([["rollBack", 0]]);
  });
});

const anyMetric = fc.record({
  initialDelayMs: fc.constantFrom(0, 5000, 90_000),
  intervalMs: fc.constantFrom(1000, 15_000, 60_000),
  count: fc.constantFrom(null, 1, 3, 10),
  failureLimit: fc.constantFrom(0, 1),
  inconclusiveLimit: fc.constantFrom(0, 1),
  consecutiveErrorLimit: fc.constantFrom(0, 2, 4),
  consecutiveSuccessLimit: fc.constantFrom(0, 2),
  failureCondition: fc.constantFrom(null, "result[0] < 0.5"),
  dryRun: fc.boolean(),
});
const anyAnswer = fc.constantFrom(FAILED, series(), series(NaN), series(0.7), HEALTHY, series(0.1));

test("time never runs back, the state is plain data, and one thing ends a rollout", () => {
  fc.assert(
    fc.property(
      fc.array(anyMetric, { minLength: 1, maxLength: 3 }),
      fc.array(anyAnswer, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      (metrics, answers, isBackground) => {
        const all = analysis(...metrics.map((one, place) => metric({ ...one, name: `m${place}` })));
        const plan: ArgoPlan = isBackground
          ? {
              steps: [{ kind: "pause", durationMs: 300_000 }],
              background: { startingStep: 0, analysis: all },
            }
          : { steps: [{ kind: "analysis", analysis: all }], background: null };
        let state = argo.start(plan, 0, "checkout");
        let beforeMs = 0;
        const done: string[] = [];
        for (let steps = 0; steps < 400; steps++) {
          const due = argo.due(plan, state);
          if (due === null) break;
          expect(due.atMs).toBeGreaterThanOrEqual(beforeMs);
          beforeMs = due.atMs;
          const given = due.questions.map(
            (_question, place) => answers[(steps + place) % answers.length]!,
          );
          const step = argo.step(plan, state, due.atMs, given);
          expect(JSON.parse(JSON.stringify(step.state))).toEqual(step.state);
          state = step.state;
          done.push(...step.acts);
        }
        expect(done.length).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 200 },
  );
});
