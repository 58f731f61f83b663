/**
 * Synthetic canaries of real series: every other sample of a recorded series is the old version,
 * the rest the new one, so that both share what really happened. Defects are injected into the new
 * half, and harmless disturbances into both. The comparison of versions against before and after
 * with the same detector, each with the limit at which it flags the same share of the harmless
 * ones.
 *
 * The recordings are not in the repository; without them these tests are skipped. `SOAK=1` prints
 * the table of lab/detectBench/README.md.
 */

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Deployment, Policy, SampleColumn } from "../../engine/index.ts";
import { advanceWatch, startWatch, takeColumns } from "../../engine/detect/watch.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import { SOAK } from "../detectors/noise.ts";
import { policyOf } from "../engine/policyFile.ts";

const data = resolve(import.meta.dirname, "../../../shared/data");
const PAST = 60;
const WATCH = 30;
const STEP_MS = 60_000;
const RUNS = SOAK ? 400 : 80;
/** The limit of a CUSUM where a policy says none. */
const QUOTED_LIMIT = 8;
/** Of the harmless canaries, so many may be flagged. */
const FALSE_SHARE = 0.03;

/** The values of each series of a recording that has enough of them, in order. */
function seriesOf(name: string, isWanted: (metric: string) => boolean): readonly number[][] {
  const text = gunzipSync(readFileSync(join(data, name, "metrics.csv.gz"))).toString("utf8");
  const found = new Map<string, [string, number][]>();
  for (const line of text.split("\n").slice(1)) {
    const [service, metric, ts, value] = line.split(",");
    if (metric === undefined || !isWanted(metric)) continue;
    const key = `${service} ${metric}`;
    const list = found.get(key) ?? [];
    list.push([ts!, Number(value)]);
    found.set(key, list);
  }
  return [...found.values()]
    .map((list) => list.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value))
    .filter((values) => values.length >= 2 * (PAST + WATCH) && values.every((one) => one > 0));
}

interface Halves {
  readonly old: number[];
  readonly fresh: number[];
}

type Inject = (halves: Halves, random: RandomStream) => void;

/** Multiplies samples from `from` on by what `times` says of the samples since. */
function scale(values: number[], from: number, times: (since: number) => number): void {
  for (let at = from; at < values.length; at++) values[at]! *= times(at - from);
}

const onset = (random: RandomStream): number => Math.floor(random.between(2, 10));

/** Disturbances of both versions, and what the new one does. */
const HARMLESS: Readonly<Record<string, Inject>> = {
  nothing: () => undefined,
  "shock of both": ({ old, fresh }, random) => {
    const from = onset(random);
    const size = random.between(1.3, 2.5);
    for (const half of [old, fresh]) scale(half, half === old ? PAST + from : from, () => size);
  },
  "drift of both": ({ old, fresh }, random) => {
    const rate = random.between(0.01, 0.04);
    scale(old, PAST, (since) => 1 + rate * since);
    scale(fresh, 0, (since) => 1 + rate * since);
  },
};
const HARM: Readonly<Record<string, Inject>> = {
  step: ({ fresh }, random) => {
    const size = random.between(1.4, 2);
    scale(fresh, onset(random), () => size);
  },
  "step in a shock": ({ old, fresh }, random) => {
    HARMLESS["shock of both"]!({ old, fresh }, random);
    scale(fresh, onset(random), () => 1.7);
  },
  leak: ({ fresh }, random) => {
    const rate = random.between(0.03, 0.06);
    scale(fresh, 0, (since) => 1 + rate * since);
  },
  spikes: ({ fresh }, random) => {
    scale(fresh, onset(random), (since) => (since % 3 === 0 ? 4 : 1));
  },
};

function canary(from: readonly number[], inject: Inject, random: RandomStream): Halves {
  const first = 2 * Math.floor(random.between(0, (from.length - 2 * (PAST + WATCH)) / 2));
  const cut = from.slice(first, first + 2 * (PAST + WATCH));
  const halves = {
    old: cut.filter((_, at) => at % 2 === 0),
    fresh: cut.filter((_, at) => at % 2 === 1).slice(PAST),
  };
  inject(halves, random);
  return halves;
}

/** The limit is out of reach, because a statistic is held below twice its limit. */
const policy: Policy = policyOf({
  policy: "canary",
  owner: "nobody",
  watch: `${WATCH}m`,
  signals: {
    judged: { metric: "m", tolerance: "10%", detector: { kind: "cusum", limit: 1000 }, hold: "0s" },
  },
  assign: [{ otherwise: "full" }],
});

const deployment: Deployment = {
  deploymentId: "d",
  service: "s",
  environment: "production",
  kind: "code",
  startedAtMs: PAST * STEP_MS,
  version: "new",
  author: null,
  team: null,
  criticality: null,
};

/** The largest statistic of the new half: beside the old one, or after the old one's past alone. */
function peakOf({ old, fresh }: Halves, beside: boolean): number {
  const column = (version: string, from: number, values: readonly number[]): SampleColumn => {
    const atMs = values.map((_, at) => (from + at) * STEP_MS);
    const series = { service: "s", metric: "m", version, percentagePoint: 0.01 };
    return { series, atMs, knownAtMs: atMs, values };
  };
  const columns = [column("old", 0, beside ? old : old.slice(0, PAST)), column("new", PAST, fresh)];
  const watch = takeColumns(policy, startWatch(policy, deployment, []), columns);
  const { judgements } = advanceWatch(policy, watch, watch.endsAtMs);
  return judgements.find(({ cause }) => cause === "end")!.evidence.statistic ?? 0;
}

/** Peaks by family, for one way to judge. */
function peaksOf(
  all: readonly number[][],
  families: Readonly<Record<string, Inject>>,
  beside: boolean,
) {
  return Object.entries(families).map(([name, inject]) => {
    const peaks = Array.from({ length: RUNS }, (_, run) => {
      const random = randomStream("synthetic canary", name, run);
      return peakOf(canary(all[run % all.length]!, inject, random), beside);
    });
    return { name, peaks };
  });
}

/** The share found in each family of harm, at the limit that flags FALSE_SHARE of the harmless. */
function foundBy(all: readonly number[][], beside: boolean) {
  const harmless = peaksOf(all, HARMLESS, beside);
  const peaks = harmless.flatMap((family) => family.peaks).sort((a, b) => b - a);
  const limit = peaks[Math.floor(FALSE_SHARE * peaks.length)]!;
  const share = (some: readonly number[]): number =>
    some.filter((peak) => peak > limit).length / some.length;
  const shares = (families: typeof harmless) =>
    new Map(families.map(({ name, peaks: some }) => [name, share(some)]));
  return {
    limit,
    harmless: shares(harmless),
    harm: shares(peaksOf(all, HARM, beside)),
    quoted: new Map(
      harmless.map(({ name, peaks: some }) => [
        name,
        some.filter((one) => one > QUOTED_LIMIT).length / RUNS,
      ]),
    ),
  };
}

const RECORDINGS = [
  ["nezha latency", "nezha-onlineboutique", (metric: string) => metric.startsWith("latency_p90")],
  ["nezha memory", "nezha-onlineboutique", (metric: string) => metric.startsWith("memory")],
  ["nab-aws cpu", "nab-aws", (metric: string) => metric === "cpu_utilization"],
] as const;

describe.skipIf(!existsSync(data))("synthetic canaries (skipped without ../shared/data)", () => {
  test.each(RECORDINGS)("of %s", (title, name, isWanted) => {
    const all = seriesOf(name, isWanted);
    expect(all.length).toBeGreaterThan(3);
    const beside = foundBy(all, true);
    const before = foundBy(all, false);
    for (const [family, share] of beside.harm) {
      expect(share, family).toBeGreaterThanOrEqual(before.harm.get(family)!);
    }
    const mean = (shares: ReadonlyMap<string, number>): number =>
      [...shares.values()].reduce((sum, one) => sum + one, 0) / shares.size;
    expect(mean(beside.harm)).toBeGreaterThan(mean(before.harm) + 0.2);
    // At the limit that the policy quotes, too.
    expect(mean(beside.quoted)).toBeLessThan(0.06);
    if (!SOAK) return;
    const cells = (one: typeof beside): string =>
      [...one.harmless.values(), ...one.harm.values(), ...one.quoted.values(), one.limit]
        .map((value) => value.toFixed(2))
        .join(" | ");
    console.log(
      `| ${title} | versions | ${cells(beside)} |\n| | before and after | ${cells(before)} |`,
    );
  });
});
