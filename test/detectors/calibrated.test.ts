/**
 * Placebo calibration: what it promises on watches it has not seen, and that it sees no
 * further than a deployment's start. Under SOAK it prints its whole table.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calibrate, placeboWatches } from "../../engine/detect/evidence/calibrate.ts";
import { limitOf } from "../../engine/detect/detectors/detector.ts";
import { placeboKey } from "../../engine/detect/evidence/limit.ts";
import { DAY_MS } from "../../engine/detect/baseline/season.ts";
import { advanceWatch, startWatch, takeColumns, withContext } from "../../engine/detect/watch.ts";
import type { Policy } from "../../engine/index.ts";
import { SOAK, threeErrors } from "./noise.ts";
import { heldOut, MINUTE_MS, quietColumn, quietPolicy, type Quiet } from "./placeboWorld.ts";

const SERVICES = SOAK ? 60 : 10;
const FIRST_SEED = 2001;
const DETECTORS = {
  "e-process at 5 %": "{ kind: eprocess, alpha: 5%, clip: 2.5, season: SEASON }",
  "CUSUM, limit 5": "{ kind: cusum, limit: 5, season: SEASON }",
  "EWMA, limit 3.5": "{ kind: ewma, limit: 3.5, season: SEASON }",
} as const;
type DetectorName = keyof typeof DETECTORS;

function policyFor(name: DetectorName, season: boolean, alpha = "5%"): Policy {
  return quietPolicy(DETECTORS[name].replace("SEASON", String(season)), alpha);
}
const columnsOf = (quiet: Quiet) =>
  Array.from({ length: SERVICES }, (_, at) => quietColumn(`s${at}`, FIRST_SEED + at, quiet));

const NOISES: readonly (readonly [string, Quiet, boolean])[] = [
  ...([0, 0.3, 0.6, 0.8] as const).flatMap((phi) =>
    (["normal", "t3"] as const).map(
      (tail) => [`${tail}, φ = ${phi}`, { phi, tail, swing: 0 }, false] as const,
    ),
  ),
  ["diurnal ±6σ, season known", { phi: 0.3, tail: "normal", swing: 6 }, true],
  ["diurnal ±6σ, not known", { phi: 0.3, tail: "normal", swing: 6 }, false],
];

describe("sixty looks at held-out watches, calibrated at 5 %", () => {
  /** Where the quoted limit breaks its promise; under SOAK everything, and the table. */
  const fast: readonly string[] = ["t3, φ = 0.8", "diurnal ±6σ, not known"];
  const rows = NOISES.filter(([name]) => SOAK || fast.includes(name));
  const timeout = SOAK ? 600_000 : 20_000;
  test.each(rows)("%s", { timeout }, (name, quiet, season) => {
    const columns = columnsOf(quiet);
    for (const detector of Object.keys(DETECTORS) as DetectorName[]) {
      const policy = policyFor(detector, season);
      const quoted = limitOf(policy.signals[0]!.detector);
      const shares = heldOut(policy, quoted, columns);
      if (SOAK) {
        const strict = heldOut(policyFor(detector, season, "0.5%"), quoted, columns);
        const percent = (share: number): string => (100 * share).toFixed(1);
        process.stdout.write(
          `| ${name} | ${detector} | ${percent(shares.quoted)} | ${percent(shares.calibrated)} | ` +
            `${percent(strict.calibrated)} | ${shares.watches} |\n`,
        );
        expect(strict.calibrated).toBeLessThan(0.005 + 2 * threeErrors(0.005, strict.watches));
      }
      expect(shares.calibrated).toBeLessThan(0.05 + threeErrors(0.05, shares.watches));
    }
  });

  test("which the quoted limits do not hold", () => {
    const columns = columnsOf({ phi: 0.3, tail: "normal", swing: 6 });
    for (const detector of Object.keys(DETECTORS) as DetectorName[]) {
      const policy = policyFor(detector, false);
      const shares = heldOut(policy, limitOf(policy.signals[0]!.detector), columns);
      expect(shares.quoted).toBeGreaterThan(0.05 + threeErrors(0.05, shares.watches));
    }
  });
});

describe("no look-ahead", () => {
  const policy = policyFor("CUSUM, limit 5", true);
  const signal = policy.signals[0]!;
  const column = quietColumn("s", 1, { phi: 0.6, tail: "t3", swing: 2 });
  const times = Array.from({ length: 48 }, (_, at) => 7 * DAY_MS + at * 6 * 60 * MINUTE_MS);
  const start = times[30]! + 17 * MINUTE_MS;
  const before = placeboWatches(policy, signal, column, times, []);
  const limitFrom = (watches: ReturnType<typeof placeboWatches>) =>
    calibrate(signal, start, watches, [watches, before], Number.NEGATIVE_INFINITY);

  test("whatever comes after the start changes no peak and no limit", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e3, max: 1e3, noNaN: true }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 0, max: 5000 }),
        (shift, every, incidentMinute) => {
          const first = start / MINUTE_MS;
          const values = Float64Array.from(column.values, (value, index) =>
            index > first && index % every === 0 ? value + shift : value,
          );
          const incident = {
            fromMs: start - incidentMinute * MINUTE_MS,
            toMs: start,
            knownAtMs: start + 1,
          };
          const after = placeboWatches(policy, signal, { ...column, values }, times, [incident]);
          expect(limitFrom(after)).toEqual(limitFrom(before));
        },
      ),
      { seed: 20261124, numRuns: 8 },
    );
  });

  test("samples that were known late are not there either", () => {
    const knownAtMs = Float64Array.from(column.atMs, (atMs) => atMs + DAY_MS);
    expect(placeboWatches(policy, signal, { ...column, knownAtMs }, times, [])).toEqual([]);
  });

  test("could fail: what came before does change them, and so does a known incident", () => {
    const values = column.values as Float64Array;
    const worse = values.map((value, at) => (at < start / MINUTE_MS && at % 9 < 5 ? 3 : value));
    const changed = placeboWatches(policy, signal, { ...column, values: worse }, times, []);
    expect(limitFrom(changed)).not.toEqual(limitFrom(before));
    const incident = { fromMs: start - DAY_MS, toMs: start, knownAtMs: start };
    const spoilt = placeboWatches(policy, signal, column, times, [incident]);
    expect(limitFrom(spoilt).series.length).toBeLessThan(limitFrom(before).series.length);
  });
});

describe("what the record says", () => {
  const policy = policyFor("CUSUM, limit 5", false);
  const signal = policy.signals[0]!;
  const startedAtMs = 10 * DAY_MS;
  const quiet = quietColumn("s", 3, { phi: 0, tail: "normal", swing: 0 });
  const values = Float64Array.from(quiet.values, (value, minute) =>
    minute * MINUTE_MS >= startedAtMs ? value + 3 : value,
  );
  const deployment = {
    ...{ deploymentId: "d", service: "s", environment: "production", kind: "code" as const },
    ...{ startedAtMs, version: null, author: null, team: null, criticality: null },
  };
  const last = (context: Parameters<typeof withContext>[1] | null) => {
    const started = startWatch(policy, deployment, []);
    const watch = context === null ? started : withContext(started, context);
    const taken = takeColumns(policy, watch, [{ ...quiet, values }]);
    return advanceWatch(policy, taken, taken.endsAtMs).judgements.at(-1)!.evidence;
  };

  test("no placebo history: the quoted limit stands, and the reason says so", () => {
    const evidence = last(null);
    expect(evidence.verdict).toBe("breach");
    expect(evidence.limit).toBe(5);
    expect(evidence.placebo).toEqual({ p: null, windows: 0, source: "none" });
    expect(evidence.reason).toContain("no placebo history");
  });

  test("with one: its limit and what the statistic means", () => {
    const peaks = Array.from({ length: 200 }, (_, index) => index);
    const key = placeboKey("s/noise", signal, policy.watchMs);
    const calibration = {
      series: [],
      family: peaks,
      isLogarithm: false,
      limit: 189.5,
      familySpread: null,
    };
    const evidence = last({
      seasons: new Map(),
      placebos: new Map([[key, calibration]]),
      digest: "d",
    });
    expect(evidence.verdict).toBe("healthy");
    expect(evidence.limit).toBe(189.5);
    expect(evidence.placebo!.source).toBe("family");
    expect(evidence.placebo!.p!).toBeGreaterThan(0.05);
    expect(evidence.reason).not.toContain("no placebo history");
  });
});
