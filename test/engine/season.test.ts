/** A day like the days before it is no harm, whenever a deployment starts and samples are known. */

import { expect, test } from "vitest";
import { prepareSeason, DAY_MS } from "../../engine/detect/baseline/season.ts";
import {
  advanceWatch,
  seriesKey,
  startWatch,
  takeColumns,
  withContext,
  type Deployment,
  type Policy,
  type SampleColumn,
  type SeasonProfile,
  type SignalEvidence,
} from "../../engine/index.ts";
import { measuredText } from "../../engine/explain/measured.ts";
import { policyOf } from "./policyFile.ts";
import { normals } from "./seeded.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const policyWith = (season: boolean): Policy =>
  policyOf({
    policy: "p",
    owner: "o",
    watch: "60m",
    signals: { one: { metric: "latency", tolerance: "10%", detector: { kind: "cusum", season } } },
    assign: [{ otherwise: "full" }],
  });
const series = { service: "api", metric: "latency", version: null, percentagePoint: 1 };

interface Recorded {
  readonly stepMs: number;
  readonly delayMs: number;
  readonly days: number;
  /** By sample; NaN is none at all, as an API that gives no row for it. */
  readonly valueAt: (atMs: number) => number;
}

const noise = normals(5, 60_000);
/** Up by half within two hours from nine on, every day. */
const rising = (atMs: number): number => {
  const hour = (atMs / HOUR_MS) % 24;
  const risen = Math.max(0, Math.min(1, (hour - 9) / 2));
  return 100 * (1 + 0.5 * risen) * Math.exp(0.02 * noise[Math.floor(atMs / 15_000) % 60_000]!);
};

function judged(policy: Policy, startedAtMs: number, recorded: Recorded): SignalEvidence {
  const { stepMs, delayMs, days, valueAt } = recorded;
  const fromMs = startedAtMs - (startedAtMs % stepMs) - days * DAY_MS - 3 * HOUR_MS;
  const atMs: number[] = [];
  for (let at = fromMs; at < startedAtMs + HOUR_MS; at += stepMs) {
    if (Number.isFinite(valueAt(at))) atMs.push(at);
  }
  const values = atMs.map(valueAt);
  const column: SampleColumn = { series, atMs, knownAtMs: atMs.map((at) => at + delayMs), values };
  const earlier = atMs.findIndex((at) => at > startedAtMs - 20 * HOUR_MS);
  const past = { atMs: atMs.slice(0, earlier), values: values.slice(0, earlier) };
  const season = prepareSeason(past, startedAtMs - HOUR_MS, startedAtMs + HOUR_MS);
  return watchWith(policy, startedAtMs, column, season);
}

function watchWith(
  policy: Policy,
  startedAtMs: number,
  column: SampleColumn,
  season: SeasonProfile | null,
): SignalEvidence {
  const deployment: Deployment = {
    ...{ deploymentId: "d", service: "api", environment: "production", kind: "code", startedAtMs },
    ...{ version: null, author: null, team: null, criticality: null },
  };
  const seasons = new Map(season === null ? [] : [[seriesKey(column.series), season]]);
  const started = withContext(startWatch(policy, deployment, []), { seasons, digest: "d" });
  const watch = takeColumns(policy, started, [column]);
  return advanceWatch(policy, watch, watch.endsAtMs).judgements.at(-1)!.evidence;
}

const NINE_MS = 10 * DAY_MS + 9.5 * HOUR_MS;
const EACH_MINUTE: Recorded = { stepMs: MINUTE_MS, delayMs: 0, days: 8, valueAt: rising };

test.each([
  ["at once", 0, 0],
  ["when the newest sample is not known yet", 0, 20_000],
  ["as it starts in the middle of a minute", 30_500, 45_000],
  ["minutes late", 59_999, 4 * MINUTE_MS],
  ["so late that a season begins after its baseline would", 0, 12 * MINUTE_MS],
])("a season is subtracted though samples are known %s", (_, startsMs, delayMs) => {
  const evidence = judged(policyWith(true), NINE_MS + startsMs, { ...EACH_MINUTE, delayMs });
  expect(evidence.season).toEqual({ days: 7, without: null });
  expect(evidence.verdict).toBe("healthy");
  expect(judged(policyWith(false), NINE_MS, EACH_MINUTE)).toMatchObject({
    season: null,
    verdict: "breach",
  });
});

test("and though the hour before has a gap without rows", () => {
  const gapMs = NINE_MS - 40 * MINUTE_MS;
  const valueAt = (at: number): number =>
    at >= gapMs && at < gapMs + 25 * MINUTE_MS ? Number.NaN : rising(at);
  const evidence = judged(policyWith(true), NINE_MS, { ...EACH_MINUTE, valueAt });
  expect(evidence).toMatchObject({ season: { days: 7 }, verdict: "healthy" });
  expect(evidence.baselineSamples).toBeLessThan(60);
});

test.each([
  ["days are too few", { ...EACH_MINUTE, days: 2 }, "none was prepared"],
  ["samples come too seldom", { ...EACH_MINUTE, stepMs: 5 * MINUTE_MS }, "begins later"],
  [
    "the hour is not like the same hour before",
    {
      ...EACH_MINUTE,
      valueAt: (at: number): number => (at > NINE_MS - 20 * HOUR_MS ? 100 + (at % 7) : rising(at)),
    },
    "did not follow it",
  ],
])("evidence and its text say why there is none: %s", (_, recorded, why) => {
  const policy = policyWith(true);
  const evidence = judged(policy, NINE_MS, recorded);
  expect(evidence.season!.days).toBe(0);
  expect(evidence.season!.without).toContain(why);
  expect(measuredText(policy.signals[0]!, evidence)).toContain(
    `no season: ${evidence.season!.without}`,
  );
});
