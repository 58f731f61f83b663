/** A glance may miss that all was quiet; it may never take for quiet what is not. */

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  advanceWatch,
  glanceWith,
  quietAtAGlance,
  startWatch,
  takeColumns,
  toGlanceAt,
  type Deployment,
  type EvenColumn,
  type Policy,
  type SampleColumn,
} from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

const MINUTE_MS = 60_000;
const SEED = 20_261_125;
const RUNS = process.env["SOAK"] === undefined ? 1500 : 200_000;

const deployment: Deployment = {
  deploymentId: "d1",
  service: "api",
  environment: "production",
  kind: "code",
  startedAtMs: 180 * MINUTE_MS,
  version: null,
  author: null,
  team: null,
  criticality: null,
};

const CUSUM = { kind: "cusum", season: false };
const detector = fc.oneof(
  fc.constant(CUSUM),
  fc.constant({ kind: "cusum", season: false, drift: 0.5, clip: 4, limit: 5 }),
  fc
    .record({ breaches: fc.integer({ min: 1, max: 4 }), more: fc.nat(3) })
    .map(({ breaches, more }) => ({ kind: "threshold", breaches, of: breaches + more })),
);

const policy: fc.Arbitrary<Policy> = fc
  .record({
    detector,
    worse: fc.constantFrom("up", "down", "both"),
    tolerance: fc.constantFrom("0%", "5%", "10%", "60%", "0.1pp", "1pp"),
    baseline: fc.constantFrom("60m", "90m", "2h"),
    guard: fc.option(fc.constantFrom(2, 5), { nil: null }),
    tighter: fc.boolean(),
  })
  .map(({ detector, worse, tolerance, baseline, guard, tighter }) =>
    policyOf({
      policy: "p",
      owner: "o",
      watch: "60m",
      signals: {
        one: { metric: "m*", worse, tolerance, detector: { ...detector, baseline }, hold: "0s" },
      },
      fusion: "any",
      ...(guard === null ? {} : { hardGuard: { one: { times: guard } } }),
      ...(tighter
        ? {
            modes: {
              early: { calendar: "Mon-Sun 00:00-12:00", timezone: "UTC", toleranceTimes: 0.5 },
            },
          }
        : {}),
      assign: [{ otherwise: "full" }],
    }),
  );

/** Mostly quiet, sometimes on an edge of what is tolerated, sometimes with holes. */
const column: fc.Arbitrary<EvenColumn> = fc
  .record({
    level: fc.constantFrom(0.002, 0.03, 1, 180),
    noise: fc.constantFrom(0, 0.001, 0.01, 0.04),
    shift: fc.constantFrom(0, 0, 0, 0.05, 0.1, -0.1, 0.5, -0.9, 9),
    shifted: fc.constantFrom(1, 3, 5, 1000),
    hole: fc.constantFrom("none", "none", "past", "watch", "zero", "many", "long"),
    stepMs: fc.constantFrom(10_000, 15_000, 60_000, 90_000),
    delayMs: fc.constantFrom(0, 0, 5000, 70_000),
    begin: fc.constantFrom(0, 0, 100, 175),
    end: fc.constantFrom(241, 241, 240, 235, 200),
    draws: fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 50, maxLength: 80 }),
    wide: fc.boolean(),
    incident: fc.constantFrom(0, 0, 0.3, 0.6, -0.4),
  })
  .map(({ incident, ...drawn }) => {
    const { level, noise, shift, shifted, hole, stepMs, delayMs, begin, end, draws, wide } = drawn;
    const startMs = begin * MINUTE_MS;
    const count = Math.floor(((end - begin) * MINUTE_MS) / stepMs);
    const values = new (wide ? Float64Array : Float32Array)(count);
    const onset = Math.floor((deployment.startedAtMs + 10 * MINUTE_MS - startMs) / stepMs);
    for (let at = 0; at < count; at++) {
      const draw = draws[(at * 7 + (at >> 4)) % draws.length]!;
      const isShifted = at >= onset && at < onset + shifted;
      values[at] = level * (1 + 2 * noise * draw) * (1 + (isShifted ? shift : 0));
      // Over for a while, and for a share of the baseline that depends on where the column begins.
      const beforeMs = deployment.startedAtMs - (startMs + at * stepMs);
      if (beforeMs > 9 * MINUTE_MS && beforeMs <= 24 * MINUTE_MS) values[at]! *= 1 + incident;
    }
    if (hole === "past") values[5] = Number.NaN;
    if (hole === "watch") values[onset] = Number.NaN;
    if (hole === "zero") values[onset] = 0;
    if (hole === "many") for (let at = 0; at < count; at += 3) values[at] = Number.NaN;
    if (hole === "long") values.fill(Number.NaN, onset, onset + 5);
    const series = { service: "api", metric: "m1", version: null, percentagePoint: 0.01 };
    return { series, startMs, stepMs, delayMs, values };
  });

function plain({ series, startMs, stepMs, delayMs, values }: EvenColumn): SampleColumn {
  const atMs = Float64Array.from(values, (_, at) => startMs + at * stepMs);
  return { series, atMs, knownAtMs: atMs.map((at) => at + delayMs), values };
}

test(
  "what is quiet at a glance ends healthy in the whole watch, and says nothing before",
  () => {
    let quiet = 0;
    let healthy = 0;
    let runs = 0;
    fc.assert(
      fc.property(policy, column, (given, even) => {
        const watch = takeColumns(given, startWatch(given, deployment, []), [plain(even)]);
        const { judgements } = advanceWatch(given, watch, watch.endsAtMs);
        const isHealthy = judgements.every(
          ({ cause, evidence: { verdict, untagged } }) =>
            cause === "end" && verdict === "healthy" && untagged === "healthy",
        );
        const isQuiet = quietAtAGlance(glanceWith(given)!, deployment, {
          glanced: [toGlanceAt(even)],
          spared: [],
          uneven: [],
        })[0]!;
        runs++;
        if (isHealthy) healthy++;
        if (isQuiet) quiet++;
        expect(isQuiet && !isHealthy).toBe(false);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // Else it proves little, or spares little.
    expect(healthy).toBeLessThan(0.7 * runs);
    expect(quiet).toBeGreaterThan(0.4 * healthy);
  },
  60_000 + 10 * RUNS,
);

test("evidence that is fused, and detectors that weigh every sample, are not glanced at", () => {
  const of = (detector: unknown): Policy =>
    policyOf({
      policy: "p",
      owner: "o",
      watch: "60m",
      signals: { one: { metric: "m", tolerance: "10%", detector } },
      fusion: "any",
      assign: [{ otherwise: "approve" }],
    });
  expect(glanceWith(of({ kind: "ewma" }))).toBe(null);
  expect(glanceWith({ ...of(CUSUM), fusion: "evidence" })).toBe(null);
  expect(glanceWith(of(CUSUM))).not.toBe(null);
});
