/** Deployments of a world: near its file's numbers, far enough apart, alike alone and together. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  affecting,
  deploymentById,
  deploymentsBetween,
  EFFECT_MAX_MS,
  serviceTags,
  SPACING_MS,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import { localHour } from "../../lab/localTime.ts";
import { quarter, small } from "./worlds.ts";

const HOUR_MS = 3_600_000;
const world = quarter();
const all = deploymentsBetween(world, null, world.startMs, world.endMs);

function share(of: readonly WorldDeployment[], test: (one: WorldDeployment) => boolean): number {
  return of.filter(test).length / of.length;
}

describe("the quarter", () => {
  it("has about 2,600 deployments, 5-6 % of them regressions", () => {
    for (const seed of [7, 8, 9]) {
      const other = quarter(seed);
      const found = deploymentsBetween(other, null, other.startMs, other.endMs);
      expect(found.length).toBeGreaterThan(2450);
      expect(found.length).toBeLessThan(2750);
      // Three standard deviations of a binomial either side of 5.5 %.
      expect(share(found, ({ label }) => label === "regression")).toBeGreaterThan(0.042);
      expect(share(found, ({ label }) => label === "regression")).toBeLessThan(0.069);
    }
  });

  it("has the mix of kinds, rollouts and surprises the file asks for", () => {
    for (const [kind, wanted] of Object.entries(world.spec.deployments.kinds)) {
      expect(Math.abs(share(all, (one) => one.kind === kind) - wanted)).toBeLessThan(0.03);
    }
    expect(share(all, ({ stages }) => stages.length === 1)).toBeCloseTo(0.4, 1);
    const good = all.filter(({ label }) => label !== "regression");
    expect(share(good, ({ cause }) => cause === "cache_transient")).toBeCloseTo(0.1, 1);
    expect(share(good, ({ cause }) => cause === "clean")).toBeGreaterThan(0.7);
  });

  it("deploys in business hours, migrations at night, about a tenth off hours", () => {
    const hourOf = (one: WorldDeployment): number =>
      localHour(world.byName.get(one.service)!.timezone, one.startedAtMs);
    const business = (one: WorldDeployment): boolean => hourOf(one) >= 9 && hourOf(one) < 18;
    const changes = all.filter(({ kind }) => kind !== "migration");
    expect(share(changes, business)).toBeGreaterThan(0.86);
    expect(share(changes, business)).toBeLessThan(0.96);
    const migrations = all.filter(({ kind }) => kind === "migration");
    expect(share(migrations, (one) => hourOf(one) >= 22.9 || hourOf(one) < 4)).toBeGreaterThan(0.7);
  });

  it("tags most expected rises rightly, and few regressions", () => {
    // Several seeds, because one quarter has only some sixty expected rises.
    const worlds = [7, 8, 9, 10].map((seed) => quarter(seed));
    const every = worlds.flatMap((one) => deploymentsBetween(one, null, one.startMs, one.endMs));
    const expected = every.filter(({ label }) => label === "expected_change");
    const rise = (one: WorldDeployment): number =>
      100 *
      one.effects.find((e) => e.metric === "latency_p95_ms" && e.service === one.service)!.size;
    const tagOf = (one: WorldDeployment) =>
      one.tags.find(({ tag }) => tag === "expected_latency_increase");
    const right = share(expected, (one) => {
      const size = Number(tagOf(one)?.value.replace("%", ""));
      return (
        tagOf(one)?.deploymentId === one.deploymentId &&
        size >= rise(one) &&
        size < rise(one) + 5.01
      );
    });
    expect(right).toBeGreaterThan(0.78);
    expect(right).toBeLessThan(0.93);
    expect(share(expected, (one) => tagOf(one)?.deploymentId === null)).toBeGreaterThan(0.01);
    const bad = every.filter(({ label }) => label === "regression");
    expect(share(bad, (one) => tagOf(one) !== undefined)).toBeLessThan(0.02);
    const tags = every.flatMap((one) => one.tags.map((tag) => tag.knownAtMs > one.startedAtMs));
    expect(tags.filter(Boolean).length / tags.length).toBeCloseTo(0.1, 1);
  });

  it("finds a tag that landed on another service from that service", () => {
    const owner = all.find(({ tags }) => tags.some(({ deploymentId }) => deploymentId === null))!;
    const tag = owner.tags.find(({ deploymentId }) => deploymentId === null)!;
    expect(tag.service).not.toBe(owner.service);
    const found = serviceTags(
      world,
      tag.service,
      tag.validFromMs! + HOUR_MS,
      tag.validFromMs! + 2 * HOUR_MS,
    );
    expect(found).toContainEqual(tag);
  });
});

describe("every deployment", () => {
  it("starts at least four hours from the next one of its service", () => {
    for (const { name } of world.services) {
      const own = all.filter(({ service }) => service === name);
      own.slice(1).forEach((one, i) => {
        expect(one.startedAtMs - own[i]!.startedAtMs).toBeGreaterThanOrEqual(SPACING_MS);
      });
    }
  });

  it("has an identifier of its own, under which it is found", () => {
    expect(new Set(all.map(({ deploymentId }) => deploymentId)).size).toBe(all.length);
    for (const one of all.slice(0, 200)) {
      expect(deploymentById(quarter(), one.deploymentId)).toEqual(one);
    }
    expect(deploymentById(world, "checkout-20260704-9")).toBeNull();
    expect(deploymentById(world, "nothing")).toBeNull();
  });

  it("has effects that begin after the rollout and end within 150 min", () => {
    for (const { effects, startedAtMs, finishedAtMs } of all) {
      for (const { onsetMs, endsMs } of effects) {
        expect(startedAtMs + onsetMs).toBeGreaterThanOrEqual(finishedAtMs);
        expect(endsMs).toBeGreaterThan(onsetMs);
        expect(endsMs).toBeLessThanOrEqual(EFFECT_MAX_MS);
      }
    }
  });

  it("harms callers only away from the callers' own deployments", () => {
    const reaching = all.filter((one) =>
      one.effects.some(({ service }) => service !== one.service),
    );
    expect(reaching.length).toBeGreaterThan(5);
    for (const one of reaching) {
      for (const service of new Set(one.effects.map((effect) => effect.service))) {
        if (service === one.service) continue;
        expect(world.byName.get(service)!.dependsOn).toContain(one.service);
        const from = one.startedAtMs - HOUR_MS;
        const to = one.startedAtMs + EFFECT_MAX_MS + HOUR_MS;
        expect(deploymentsBetween(world, service, from, to)).toEqual([]);
      }
    }
  });

  it("leaves room for a baseline and a watch at the world's edges", () => {
    for (const { startedAtMs } of all) {
      expect(startedAtMs).toBeGreaterThanOrEqual(world.startMs + HOUR_MS);
      expect(startedAtMs).toBeLessThanOrEqual(world.endMs - SPACING_MS);
    }
  });
});

describe("random access", () => {
  it("gives the same deployments for any window alone", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...world.services.map(({ name }) => name)),
        fc.integer({ min: 0, max: 90 * 24 }),
        fc.integer({ min: 1, max: 200 }),
        (service, hour, hours) => {
          const from = world.startMs + hour * HOUR_MS;
          const to = from + hours * HOUR_MS;
          const alone = deploymentsBetween(quarter(), service, from, to);
          const cut = all.filter(
            (one) => one.service === service && one.startedAtMs >= from && one.startedAtMs < to,
          );
          expect(alone).toEqual(cut);
        },
      ),
      { seed: 1, numRuns: 40 },
    );
  });

  it("names exactly the deployments that touch a window", () => {
    const service = all.find(({ effects }) => effects.length > 0)!.service;
    const one = affecting(world, service, world.startMs, world.endMs)[0]!;
    const effect = one.effects.find((each) => each.service === service)!;
    const onset = one.startedAtMs + effect.onsetMs;
    const ids = (from: number, to: number): string[] =>
      affecting(world, service, from, to).map(({ deploymentId }) => deploymentId);
    expect(ids(onset, onset + 60_000)).toContain(one.deploymentId);
    expect(ids(one.startedAtMs - HOUR_MS, one.startedAtMs)).not.toContain(one.deploymentId);
  });

  it("is another world with another seed, the same with the same", () => {
    const list = (seed: number): readonly WorldDeployment[] => {
      const made = small(seed);
      return deploymentsBetween(made, null, made.startMs, made.endMs);
    };
    expect(list(7)).toEqual(list(7));
    expect(list(7)).not.toEqual(list(8));
  });
});

describe("services", () => {
  it("depend on each other without a circle", () => {
    const open = new Set<string>();
    const closed = new Set<string>();
    const visit = (name: string): void => {
      if (closed.has(name)) return;
      expect(open.has(name)).toBe(false);
      open.add(name);
      for (const next of world.byName.get(name)!.dependsOn) visit(next);
      open.delete(name);
      closed.add(name);
    };
    for (const { name } of world.services) visit(name);
    expect(world.services.some(({ dependsOn }) => dependsOn.length > 0)).toBe(true);
  });

  it("are forty in eight teams", () => {
    expect(world.services).toHaveLength(40);
    expect(new Set(world.services.map(({ team }) => team)).size).toBe(8);
    expect(new Set(world.services.map(({ name }) => name)).size).toBe(40);
  });
});
