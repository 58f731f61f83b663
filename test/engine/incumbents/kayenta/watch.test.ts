/** Kayenta in the controller: the new version's series against those of the old one. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deployment, Event, Policy, SampleColumn } from "../../../../engine/index.ts";
import { check } from "../../check.ts";
import { judge, replay } from "../../columnar.ts";
import { runLive, toBatches } from "../../liveHost.ts";
import { policyOf } from "../../policyFile.ts";
import { metric, MINUTE_MS, plan } from "./plans.ts";
import type { KayentaMetric, KayentaPlan } from "../../../../engine/incumbents/kayenta/plan.ts";

const START_MS = Date.UTC(2026, 6, 1, 12);

function policy(given: Partial<KayentaPlan> = {}, own: Partial<KayentaMetric> = {}): Policy {
  const quarters = { intervalMs: 15 * MINUTE_MS, metrics: [metric(own)] };
  const incumbent = { system: "kayenta", plan: plan({ ...quarters, ...given }) };
  return policyOf({ policy: "canary", owner: "payments", watch: "61m", incumbent });
}

const deployment: Deployment = {
  deploymentId: "d1",
  service: "shop",
  environment: "production",
  kind: "code",
  startedAtMs: START_MS,
  version: "2",
  author: null,
  team: null,
  criticality: null,
};

const started: Event = {
  kind: "deploymentStarted",
  atMs: START_MS,
  knownAtMs: START_MS,
  deployment,
};

/** One sample a minute; of the new version only after the start. */
function latency(version: string | null, valueAt: (minute: number) => number): SampleColumn {
  const from = version === "2" ? 0 : -60;
  const minutes = Array.from({ length: 61 - from }, (_, at) => at + from);
  const atMs = Float64Array.from(minutes, (minute) => START_MS + minute * MINUTE_MS);
  return {
    series: { service: "shop", metric: "latency", version, percentagePoint: 1 },
    atMs,
    knownAtMs: atMs,
    values: Float64Array.from(minutes, valueAt),
  };
}

const like = (minute: number): number => 100 + ((minute * 7) % 11);
const STABLE = latency("1", like);

function ends(
  columns: readonly SampleColumn[],
  given = policy(),
  of = deployment,
): readonly [number | null, string, string] {
  const judgements = judge(given, columns, of, []);
  const breach = judgements.find(({ evidence }) => evidence.verdict === "breach");
  const end = judgements.find(({ cause }) => cause === "end")!;
  const minute = breach === undefined ? null : (breach.atMs - START_MS) / MINUTE_MS;
  return [minute, end.evidence.verdict, end.evidence.reason];
}

describe("a canary analysis in the watch", () => {
  test("rolls back at the judgement that sees it, and says by which metric", () => {
    const worse = latency("2", (minute) => like(minute) * (minute > 20 ? 3 : 1));
    const last = policy({ lookbackMs: 15 * MINUTE_MS });
    const [minute, verdict, reason] = ends([STABLE, worse], last);
    expect([minute, verdict]).toEqual([45, "breach"]);
    expect(reason).toContain("Kayenta: fails judgement 3: the score 0 is not above 50: latency");
  });

  test("sees it later where it looks at all time since the start", () => {
    const worse = latency("2", (minute) => like(minute) * (minute > 20 ? 3 : 1));
    expect(ends([STABLE, worse]).slice(0, 2)).toEqual([60, "breach"]);
  });

  test("is healthy where both versions are alike", () => {
    const [minute, verdict] = ends([STABLE, latency("2", (at) => like(at + 3))]);
    expect([minute, verdict]).toEqual([null, "healthy"]);
  });

  test("compares the same instants: both versions worse is no difference", () => {
    const rises = (minute: number): number => like(minute) * (minute > 20 ? 3 : 1);
    const [minute, verdict] = ends([latency("1", rises), latency("2", rises)]);
    expect([minute, verdict]).toEqual([null, "healthy"]);
  });

  test("never calls a canary without data healthy, also where Kayenta promotes it", () => {
    const silent = ends([STABLE], policy({}, { nanStrategy: "replace", direction: "increase" }));
    expect(silent.slice(0, 2)).toEqual([null, "noData"]);
    expect(ends([STABLE]).slice(0, 2)).toEqual([15, "breach"]);
  });

  test("does not judge where the history cannot tell the versions apart", () => {
    const plain = latency(null, like);
    expect(ends([plain])).toEqual([null, "noData", expect.stringContaining("by version")]);
    const unknown = { ...deployment, version: null };
    const [minute, verdict, reason] = ends([STABLE], policy(), unknown);
    expect([minute, verdict]).toEqual([null, "noData"]);
    expect(reason).toContain("which version is new");
  });

  test("does not judge a new version that no other one serves beside", () => {
    const ended = latency("1", (minute) => (minute < 0 ? like(minute) : NaN));
    const [minute, verdict, reason] = ends([ended, latency("2", like)]);
    expect([minute, verdict]).toEqual([null, "noData"]);
    expect(reason).toContain("no other version served");
    // It did for a while: what was seen until then is no health either.
    const half = latency("1", (minute) => (minute < 20 ? like(minute) : NaN));
    const sliding = policy({ lookbackMs: 15 * MINUTE_MS });
    expect(ends([half, latency("2", like)], sliding)[1]).toBe("inconclusive");
  });
});

test("decides live as from whole columns", () => {
  const values = fc.array(fc.constantFrom(90, 100, 110, 400, Number.NaN), {
    minLength: 121,
    maxLength: 121,
  });
  const policies = fc.constantFrom(
    policy(),
    policy({ lookbackMs: 10 * MINUTE_MS, beginAfterMs: 5 * MINUTE_MS }),
    policy({ baselineOffsetMs: 20 * MINUTE_MS }, { critical: true, nanStrategy: "replace" }),
  );
  check(
    fc.property(policies, values, values, (given, old, fresh) => {
      const columns = [
        latency("1", (minute) => old[minute + 60]!),
        latency("2", (minute) => fresh[minute + 60]!),
      ];
      const live = runLive(given, [started, ...toBatches(columns)]);
      const others = live.steps
        .map(({ event }) => event)
        .filter(({ kind }) => kind !== "samplesTaken" && kind !== "clockAdvanced");
      expect(live.records).toEqual(replay(given, columns, others, null).records);
      expect(live.records.length).toBeGreaterThan(1);
    }),
  );
});
