/** A series that went to many times its level for a short time is never called healthy. */

import { describe, expect, test } from "vitest";
import { advanceWatch, startWatch, takeColumns, type SignalEvidence } from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";
import { deployed } from "./deployed.ts";

const MINUTE_MS = 60_000;
const START_MS = 60 * MINUTE_MS;
const deployment = deployed(START_MS);

/** The last judgement of an hour at `level` with `during` in three of its minutes. */
function judged(
  level: number,
  during: number,
  signal: object,
): { last: SignalEvidence; breached: boolean } {
  const policy = policyOf({
    policy: "p",
    owner: "o",
    watch: "60m",
    signals: { one: { metric: "m", worse: "both", ...signal } },
    assign: [{ otherwise: "full" }],
  });
  const atMs = Float64Array.from({ length: 120 }, (_, index) => index * MINUTE_MS);
  const values = atMs.map((_, index) => {
    const noise = 1 + (((index * 7) % 11) - 5) / 500;
    return index >= 80 && index < 83 ? during : level * noise;
  });
  const series = { service: "api", metric: "m", version: null, percentagePoint: 0.01 };
  const watch = takeColumns(policy, startWatch(policy, deployment, []), [
    { series, atMs, knownAtMs: atMs, values },
  ]);
  const { judgements } = advanceWatch(policy, watch, watch.endsAtMs);
  const breached = judgements.some(({ evidence }) => evidence.verdict === "breach");
  return { last: judgements.at(-1)!.evidence, breached };
}

describe("three minutes far out", () => {
  const LATE = { detector: { kind: "cusum", clip: 1, limit: 8 }, hold: "10m" };

  test.each([
    [100, 1017],
    [100, 2],
    [-100, 817],
    [-100, -1017],
  ])("of a series at %d: %d is not healthy where no breach was found", (level, during) => {
    const { last, breached } = judged(level, during, { ...LATE, tolerance: "10%" });
    expect(breached).toBe(false);
    expect(last.verdict).toBe("inconclusive");
    expect(Math.sign(last.effect!)).toBe(Math.sign(during - level));
  });

  test("of less than three times, or in percentage points, is what it was", () => {
    expect(judged(100, 180, { ...LATE, tolerance: "10%" }).last.verdict).toBe("healthy");
    expect(judged(0.01, 0.1, { ...LATE, tolerance: "1pp" }).last.verdict).toBe("healthy");
  });

  test.each([
    [100, 1017],
    [-100, 817],
    [-100, -1017],
    [0, 40],
    [0, -40],
  ])("at %d is a breach to an outlier test: %d", (level, during) => {
    const tolerance = { change: "10%", atLeast: 5 };
    const outlier = { detector: { kind: "outlier" }, hold: "0s", tolerance };
    const { last, breached } = judged(level, during, outlier);
    expect(breached).toBe(true);
    expect(last.reason).toMatch(level === 0 ? /where it was 0/ : /%/);
  });
});
