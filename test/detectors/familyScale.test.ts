/** A short history borrows its family's scale where one was prepared. */

import { describe, expect, test } from "vitest";
import { familySpread } from "../../engine/detect/baseline/familyScale.ts";
import { placeboKey } from "../../engine/detect/evidence/limit.ts";
import { observeBaseline } from "../../engine/detect/baseline/residual.ts";
import { startWatch, takeColumns, withContext } from "../../engine/detect/watch.ts";
import { MINUTE_MS, quietPolicy } from "./placeboWorld.ts";

test("is the median of the services' medians, from three services on", () => {
  expect(familySpread([[1, 9, 2], [5], [3, 4]])).toBe(3.5);
  expect(familySpread([[1], [5], []])).toBeNull();
});

describe("a baseline", () => {
  const times = (count: number) => Array.from({ length: count }, (_, index) => index * MINUTE_MS);
  const spread = (count: number, family: number | null): number =>
    observeBaseline(times(count), times(count).fill(100), "log", 1, null, family).spread;

  test("of four samples borrows it, and pays for its uncertain level", () => {
    // sqrt(1 + 1/4) = 1.118034 in R
    expect(spread(4, 0.2)).toBeCloseTo(0.2 * 1.118034, 6);
    expect(spread(4, null)).toBeCloseTo(0.04 * 1.118034, 6);
  });

  test("with a history of its own does not", () => {
    expect(spread(20, 0.2)).toBe(0.02);
  });
});

test("reaches the watch through what was prepared", () => {
  const policy = quietPolicy("{ kind: cusum }", "5%");
  const signal = policy.signals[0]!;
  const deployment = {
    ...{ deploymentId: "d", service: "s", environment: "production", kind: "code" as const },
    ...{ startedAtMs: 4 * MINUTE_MS, version: null, author: null, team: null, criticality: null },
  };
  const atMs = Float64Array.from({ length: 8 }, (_, index) => index * MINUTE_MS);
  const series = { service: "s", metric: "noise", version: null, percentagePoint: 1 };
  const column = { series, atMs, knownAtMs: atMs, values: atMs.map(() => 7) };
  const limit = { series: [], family: [], isLogarithm: false, limit: 8, familySpread: 3 };
  const placebos = new Map([[placeboKey("s/noise", signal, policy.watchMs), limit]]);
  const spreadWith = (context: Parameters<typeof withContext>[1]): number => {
    const watch = withContext(startWatch(policy, deployment, []), context);
    const taken = takeColumns(policy, watch, [column]);
    return taken.signals.get("noise")!.tracks.get("s/noise")!.baseline!.spread;
  };
  expect(spreadWith({ seasons: new Map(), placebos, digest: "d" })).toBeCloseTo(3 * 1.118034, 5);
  expect(spreadWith({ seasons: new Map(), digest: "d" })).toBeCloseTo(0.15 * 1.118034, 5);
});
