/** A glance may miss that all was quiet; it may never take for quiet what is not. */

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  advanceWatch,
  glanceWith,
  quietAtAGlance,
  seriesKey,
  startWatch,
  takeColumns,
  toGlanceAt,
  withContext,
  type Deployment,
  type EvenColumn,
  type Policy,
  type SampleColumn,
  type SeasonProfile,
} from "../../engine/index.ts";
import { seasonAt } from "../../engine/detect/baseline/season.ts";
import { policyOf } from "./policyFile.ts";

const MINUTE_MS = 60_000;
const SEED = 20_261_125;
const RUNS = process.env["SOAK"] === undefined ? 600 : 200_000;
const TIMEOUT_MS = 60_000 + 20 * RUNS;

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

const CUSUM = { kind: "cusum" };
const detector = fc.oneof(
  fc.constant(CUSUM),
  fc.constant({ kind: "cusum", drift: 0.5, clip: 4, limit: 5 }),
  fc
    .record({ breaches: fc.integer({ min: 1, max: 4 }), more: fc.nat(3) })
    .map(({ breaches, more }) => ({ kind: "threshold", breaches, of: breaches + more })),
);

const policyWith = (season: boolean): fc.Arbitrary<Policy> =>
  fc
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
          one: {
            metric: "m*",
            worse,
            tolerance,
            detector: { ...detector, baseline, season },
            hold: "0s",
          },
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

const ODD = {
  shift: fc.constantFrom<number[]>(0, 0, 0, 0.05, 0.1, -0.1, 0.5, -0.9, 9),
  hole: fc.constantFrom("none", "none", "past", "watch", "zero", "many", "long", "below"),
  delayMs: fc.constantFrom(0, 0, 5000, 70_000),
  begin: fc.constantFrom(0, 0, 100, 175),
  end: fc.constantFrom(241, 241, 240, 235, 200),
};
const WHOLE: typeof ODD = {
  shift: fc.constantFrom<number[]>(0, 0, 0.05, -0.05, 0.1, -0.1),
  hole: fc.constant("none"),
  delayMs: fc.constant(0),
  begin: fc.constant(0),
  end: fc.constant(241),
};

/** Mostly quiet, sometimes on an edge of what is tolerated; odd ones sometimes with holes. */
const columnOf = (rest: typeof ODD): fc.Arbitrary<EvenColumn> =>
  fc
    .record({
      ...rest,
      level: fc.constantFrom(0.002, 0.03, 1, 180),
      noise: fc.constantFrom(0, 0.001, 0.01, 0.04),
      shifted: fc.constantFrom(1, 3, 5, 1000),
      stepMs: fc.constantFrom(10_000, 15_000, 60_000, 90_000),
      draws: fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 50, maxLength: 80 }),
      wide: fc.boolean(),
      incident: fc.constantFrom(0, 0, 0.3, 0.6, -0.4),
    })
    .map(({ incident, ...drawn }) => {
      const { level, noise, shift, shifted, hole, stepMs, delayMs, begin, end, draws, wide } =
        drawn;
      const startMs = begin * MINUTE_MS;
      const count = Math.floor(((end - begin) * MINUTE_MS) / stepMs);
      const values = new (wide ? Float64Array : Float32Array)(count);
      const onset = Math.floor((deployment.startedAtMs + 10 * MINUTE_MS - startMs) / stepMs);
      for (let at = 0; at < count; at++) {
        const draw = draws[(at * 7 + (at >> 4)) % draws.length]!;
        const isShifted = at >= onset && at < onset + shifted;
        values[at] = level * (1 + 2 * noise * draw) * (1 + (isShifted ? shift : 0));
        // Over for a while; how much of the baseline it is depends on where the column begins.
        const beforeMs = deployment.startedAtMs - (startMs + at * stepMs);
        if (beforeMs > 9 * MINUTE_MS && beforeMs <= 24 * MINUTE_MS) values[at]! *= 1 + incident;
      }
      if (hole === "past") values[5] = Number.NaN;
      if (hole === "watch") values[onset] = Number.NaN;
      if (hole === "zero") values[onset] = 0;
      if (hole === "below") values[Math.max(0, onset - 20)] = -level;
      if (hole === "many") for (let at = 0; at < count; at += 3) values[at] = Number.NaN;
      if (hole === "long") values.fill(Number.NaN, onset, onset + 5);
      const series = { service: "api", metric: "m1", version: null, percentagePoint: 0.01 };
      return { series, startMs, stepMs, delayMs, values };
    });

/**
 * Of the hours around the deployment: hills, slopes, or a step that comes with the deployment,
 * which nothing in the baseline speaks against.
 */
const season: fc.Arbitrary<SeasonProfile> = fc
  .record({
    level: fc.constantFrom(0.002, 0.03, 1, 180),
    swing: fc.constantFrom(0, 0.01, 0.04, 0.1, -0.04, -0.1, 0.5),
    turns: fc.constantFrom(null, null, 0.1, 0.5, 2),
    noise: fc.constantFrom(0, 0.005),
    odd: fc.constantFrom("none", "none", "none", "none", "gap", "late", "short", "zero"),
    backMinutes: fc.constantFrom(60, 120),
    draws: fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 37, maxLength: 37 }),
  })
  .map(({ level, swing, turns, noise, odd, backMinutes, draws }) => {
    const before = backMinutes + (odd === "late" ? -7 : 0);
    const startMs = deployment.startedAtMs - before * MINUTE_MS;
    const slots = backMinutes / 5 + (odd === "short" ? 5 : 13);
    const values = draws.slice(0, slots).map((draw, at) => {
      const isAfter = at >= backMinutes / 5;
      const turned = turns === null ? Number(isAfter) : Math.sin((turns * at) / 4);
      return level * (1 + swing * turned + noise * draw);
    });
    if (odd === "gap") values[slots - 4] = Number.NaN;
    if (odd === "zero") values[slots - 6] = 0;
    return { startMs, stepMs: 5 * MINUTE_MS, values, days: 7 };
  });

/** The samples with the season in them. */
function following(column: EvenColumn, profile: SeasonProfile): EvenColumn {
  const values = column.values.map((value, at) => {
    const times = seasonAt(profile, column.startMs + at * column.stepMs) / profile.values[0]!;
    return Number.isNaN(times) ? value : value * times;
  });
  return { ...column, values };
}

function plain({ series, startMs, stepMs, delayMs, values }: EvenColumn): SampleColumn {
  const atMs = Float64Array.from(values, (_, at) => startMs + at * stepMs);
  return { series, atMs, knownAtMs: atMs.map((at) => at + delayMs), values };
}

/** What is quiet at a glance is healthy in the whole watch, and says nothing before its end. */
function isQuietWhereHealthy(
  policy: Policy,
  even: EvenColumn,
  profile: SeasonProfile | null,
): { readonly quiet: boolean; readonly healthy: boolean; readonly seasonal: boolean } {
  const seasons = new Map(profile === null ? [] : [[seriesKey(even.series), profile]]);
  const started = withContext(startWatch(policy, deployment, []), { seasons, digest: "d" });
  const watch = takeColumns(policy, started, [plain(even)]);
  const { judgements } = advanceWatch(policy, watch, watch.endsAtMs);
  const healthy = judgements.every(
    ({ cause, evidence: { verdict, untagged } }) =>
      cause === "end" && verdict === "healthy" && untagged === "healthy",
  );
  const glanced = [toGlanceAt(even, profile)];
  const glimpses = { glanced, spared: [], uneven: [] };
  const quiet = quietAtAGlance(glanceWith(policy)!, deployment, glimpses)[0]!;
  expect(quiet && !healthy).toBe(false);
  const [track] = watch.signals.get("one")!.tracks.values();
  return { quiet, healthy, seasonal: (track?.baseline?.season ?? null) !== null };
}

test(
  "what is quiet at a glance ends healthy in the whole watch, and says nothing before",
  () => {
    let quiet = 0;
    let healthy = 0;
    let runs = 0;
    fc.assert(
      fc.property(policyWith(false), columnOf(ODD), (policy, even) => {
        const found = isQuietWhereHealthy(policy, even, null);
        runs++;
        if (found.healthy) healthy++;
        if (found.quiet) quiet++;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    // Else it proves little, or spares little.
    expect(healthy).toBeLessThan(0.7 * runs);
    expect(quiet).toBeGreaterThan(0.4 * healthy);
  },
  TIMEOUT_MS,
);

test(
  "so it does where a season is subtracted, or might be",
  () => {
    let quiet = 0;
    let healthy = 0;
    let seasonal = 0;
    let runs = 0;
    const column = fc.oneof(columnOf(ODD), { arbitrary: columnOf(WHOLE), weight: 4 });
    fc.assert(
      fc.property(
        policyWith(true),
        column,
        season,
        fc.boolean(),
        (policy, drawn, profile, follows) => {
          const even = follows ? following(drawn, profile) : drawn;
          const found = isQuietWhereHealthy(policy, even, profile);
          runs++;
          if (found.healthy) healthy++;
          if (!found.seasonal) return;
          seasonal++;
          if (found.quiet) quiet++;
        },
      ),
      { numRuns: 2 * RUNS, seed: SEED },
    );
    expect(seasonal).toBeGreaterThan(0.1 * runs);
    expect(healthy).toBeLessThan(0.7 * runs);
    expect(quiet).toBeGreaterThan(0.1 * seasonal);
  },
  TIMEOUT_MS,
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
