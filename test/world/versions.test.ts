/** Series of two versions side by side: who serves when, and what each of them shows. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  apiOutagesBetween,
  createWorld,
  deploymentsBetween,
  FIRST_VERSION,
  generateSamples,
  METRICS,
  NO_INTERVENTIONS,
  parseWorld,
  seriesStretches,
  versionsBetween,
  type Interventions,
  type Metric,
  type World,
  type WorldDeployment,
} from "../../datasets/world/index.ts";

const FILE = "datasets/worlds/canary.yaml";
const TEXT = readFileSync(new URL(`../../${FILE}`, import.meta.url), "utf8");
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const world = createWorld(parseWorld(TEXT, FILE), 7);
const all = deploymentsBetween(world, null, world.startMs, world.endMs);

/** Rolls one in three back, ten minutes after its start. */
const acts: Interventions = (id) => {
  const one = all.find(({ deploymentId }) => deploymentId === id)!;
  return id.length % 3 === 0 ? one.startedAtMs + 10 * MINUTE_MS : null;
};

/** The share of each version in the sample at a time, read off the throughput of its series. */
function served(of: World, service: string, atMs: number, ends: Interventions) {
  const from = [atMs, atMs + of.stepMs] as const;
  const whole = generateSamples(of, service, "throughput_rps", ...from, ends)[0]!;
  return versionsBetween(of, service, atMs - of.stepMs, atMs + of.stepMs, ends).map(
    ({ version }) => ({
      version,
      share: generateSamples(of, service, "throughput_rps", ...from, ends, version)[0]! / whole,
    }),
  );
}

/** Samples of one version of a deployment's service, from its start. */
function after(
  one: WorldDeployment,
  metric: Metric,
  version: string,
  minutes: number,
  ends: Interventions = NO_INTERVENTIONS,
): readonly number[] {
  const { service, startedAtMs } = one;
  const toMs = startedAtMs + minutes * MINUTE_MS;
  return [...generateSamples(world, service, metric, startedAtMs, toMs, ends, version)];
}

function before({ service, startedAtMs }: WorldDeployment): string {
  const at = startedAtMs - MINUTE_MS;
  return versionsBetween(world, service, at, at + 1, NO_INTERVENTIONS)[0]!.version;
}

const finite = (values: readonly number[]): readonly number[] => values.filter(Number.isFinite);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const staged = (cause: string): WorldDeployment =>
  all.find((one) => one.cause === cause && one.stages.length > 1 && one.stages[0]!.share! < 1)!;

describe("the versions of a service", () => {
  it("share its traffic by the stages of each rollout", () => {
    const canary = all.find(({ stages, cause }) => cause === "clean" && stages[0]!.share === 0.05)!;
    expect(canary.stages.map(({ share }) => share)).toEqual([0.05, 0.25, 0.5, 1]);
    for (const { share, atMs } of canary.stages) {
      const shares = served(world, canary.service, atMs + 5 * MINUTE_MS, NO_INTERVENTIONS);
      const fresh = shares.find(({ version }) => version === canary.version)!;
      expect(Math.abs(fresh.share - share!)).toBeLessThan(0.1);
      expect(shares.map(({ version }) => version)).toHaveLength(share === 1 ? 1 : 2);
    }
  });

  it("hold all of the traffic at any time, whatever was rolled back", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...world.services.map(({ name }) => name)),
        fc.integer({ min: 0, max: 14 * 1440 - 2 }),
        (service, minute) => {
          const atMs = world.startMs + minute * MINUTE_MS;
          const shares = versionsBetween(world, service, atMs, atMs + 1, acts).map(
            (one) => one.shares.findLast((change) => change.atMs <= atMs)!.share,
          );
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
          expect(shares.length).toBeLessThanOrEqual(2);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  it("give everything back to the old version with a rollback", () => {
    const one = all.find((each) => acts(each.deploymentId) !== null && each.stages.length > 1)!;
    const atMs = acts(one.deploymentId)! + 20 * MINUTE_MS;
    const old = versionsBetween(world, one.service, one.startedAtMs - 1, one.startedAtMs, acts);
    const now = versionsBetween(world, one.service, atMs, atMs + 1, acts);
    expect(now.map(({ version }) => version)).toEqual(old.map(({ version }) => version));
    expect(now[0]!.version).not.toBe(one.version);
  });

  it("begin with one that was there before the first deployment", () => {
    const { startMs } = world;
    for (const { name } of world.services) {
      const [first] = versionsBetween(world, name, startMs, startMs + HOUR_MS, NO_INTERVENTIONS);
      expect(first!.version).toBe(FIRST_VERSION);
    }
  });

  it("have samples in their own stretch alone, and any window is as it is in the whole", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...world.services.map(({ name }) => name)),
        fc.constantFrom(...METRICS),
        fc.integer({ min: 600, max: 13 * 1440 }),
        fc.integer({ min: 1, max: 600 }),
        fc.nat(),
        (service, metric, first, length, pick) => {
          const fromMs = world.startMs + first * MINUTE_MS;
          const toMs = fromMs + length * MINUTE_MS;
          const fresh = createWorld(world.spec, world.seed);
          const whole = { fromMs: world.startMs, toMs: world.endMs };
          const stretches = seriesStretches(world, service, whole, acts);
          const near = stretches.filter((one) => one.toMs > fromMs && one.fromMs < toMs);
          // One that serves in the window, or any: then there is no sample.
          for (const from of [near, stretches]) {
            const { version, ...stretch } = from[pick % from.length]!;
            const read = (of: World, from: number, to: number) =>
              generateSamples(of, service, metric, from, to, acts, version);
            const alone = read(fresh, fromMs, toMs);
            const within = read(world, fromMs - 10 * HOUR_MS, toMs + 10 * HOUR_MS);
            expect(alone).toEqual(within.slice(600, 600 + length));
            alone.forEach((value, i) => {
              const atMs = fromMs + i * MINUTE_MS;
              if (atMs < stretch.fromMs || atMs >= stretch.toMs) expect(value).toBeNaN();
            });
          }
        },
      ),
      { seed: 1, numRuns: 12 },
    );
  });

  it("move alike where nothing is wrong with the new one", () => {
    const clean = all.filter(({ cause, stages }) => cause === "clean" && stages.length > 2);
    const both = clean.map((one) => {
      const log = (version: string) => after(one, "latency_p95_ms", version, 40).map(Math.log);
      const [fresh, old] = [log(one.version), log(before(one))];
      return fresh.flatMap((value, i) =>
        Number.isFinite(value - old[i]!) ? [value - old[i]!] : [],
      );
    });
    expect(Math.abs(mean(both.map(mean)))).toBeLessThan(0.02);
  });
});

describe("what a bad version shows beside the old one", () => {
  it("is its harm at full strength, from its first stage on", () => {
    const one = staged("latency_step");
    const { size, onsetMs } = one.effects.find(({ metric }) => metric === "latency_p50_ms")!;
    const from = Math.ceil(onsetMs / MINUTE_MS) + 1;
    const fresh = after(one, "latency_p50_ms", one.version, 40).slice(from);
    const old = after(one, "latency_p50_ms", before(one), 40).slice(from);
    const ratio = mean(finite(fresh)) / mean(finite(old));
    expect(Math.abs(Math.log(ratio / (1 + size)))).toBeLessThan(0.1);
  });

  it("is nothing at all where it is silent, and its rollout stays where it was", () => {
    const one = staged("silent_version");
    const { onsetMs, endsMs } = one.effects[0]!;
    const silent = after(one, "latency_p95_ms", one.version, 60);
    expect(finite(silent.slice(Math.ceil(onsetMs / MINUTE_MS) + 1))).toEqual([]);
    expect(finite(after(one, "latency_p95_ms", before(one), 60)).length).toBeGreaterThan(45);
    expect(one.label).toBe("regression");
    expect(one.stages.map(({ atMs }) => atMs - one.startedAtMs)).toEqual([0, endsMs]);
  });

  it("is a saturation that grows, and nothing else, where its memory leaks", () => {
    const one = staged("memory_leak");
    const gap = (metric: Metric): number =>
      mean(finite(after(one, metric, one.version, 44).slice(30))) /
      mean(finite(after(one, metric, before(one), 44).slice(30)));
    expect(gap("saturation")).toBeGreaterThan(1.2);
    expect(Math.abs(Math.log(gap("latency_p50_ms")))).toBeLessThan(0.15);
  });

  it("is alike in both versions where a service that it calls fails by its own deployment", () => {
    const struck = all.find(
      ({ label, cause }) => label === "unrelated_incident" && cause === "clean",
    );
    const failing = all.filter(({ cause }) => cause === "failing_dependency");
    expect(failing.length).toBeGreaterThan(0);
    const hit = failing.flatMap((one) =>
      one.effects
        .filter(({ service }) => service !== one.service)
        .map(({ service }) => ({ service, one })),
    );
    const together = all.filter((caller) =>
      hit.some(
        ({ service, one }) =>
          service === caller.service &&
          one.onsetAtMs! < caller.startedAtMs + HOUR_MS &&
          one.naturalEndAtMs! > caller.startedAtMs,
      ),
    );
    expect(together.length).toBeGreaterThan(0);
    for (const { label } of together) expect(label).not.toBe("benign");
    expect(struck).toBeDefined();
  });

  it("passes where pods are replaced: a gap, then little memory and some latency", () => {
    const one = staged("pod_replacement");
    const fresh = after(one, "saturation", one.version, 40);
    const old = after(one, "saturation", before(one), 40);
    const unseen = fresh.findIndex(Number.isFinite);
    expect(unseen).toBeGreaterThan(0);
    expect(unseen).toBeLessThan(6);
    expect(fresh[unseen]!).toBeLessThan(old[unseen]!);
    expect(one.label).toBe("benign");
  });
});

it("loses every series at once in an outage of the metrics API", () => {
  const [first] = apiOutagesBetween(world, world.startMs, world.endMs);
  const { startMs, endMs } = first!;
  for (const { name } of world.services) {
    for (const { version } of versionsBetween(world, name, startMs, endMs, NO_INTERVENTIONS)) {
      const seen = generateSamples(world, name, "saturation", startMs, endMs, acts, version);
      expect(seen.length).toBeGreaterThan(0);
      expect(finite([...seen])).toEqual([]);
    }
  }
});

it("says which keys do not go together", () => {
  const complaint = (text: string): string => {
    try {
      parseWorld(text, "w.yaml");
    } catch (error) {
      return (error as Error).message;
    }
    return "no complaint";
  };
  const unstaged = complaint(TEXT.replace("stagedHarm: true", "stagedHarm: false"));
  expect(unstaged).toMatch(/^w\.yaml:\d+:\d+: telemetry\.versions: .*\n.*stagedHarm: true/);
  const counting = complaint(TEXT.replace("versions: true", "versions: true\n  counters: true"));
  expect(counting).toMatch(/^w\.yaml:\d+:\d+: telemetry\.counters: /);
  for (const wrong of ["[25%, 5%, 100%]", "[5%, 50%]"]) {
    const text = TEXT.replace("[5%, 25%, 50%, 100%]", wrong);
    expect(complaint(text)).toContain("the stages do not grow to 100%");
  }
});
