/** The shipped worlds are what datasets/README.md says of them, and show what they are for. */

import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createWorld,
  deliveriesOf,
  deploymentById,
  deploymentsBetween,
  generateSamples,
  KNOWN_DELAY_MS,
  knownDelaysMs,
  metricsOf,
  NO_INTERVENTIONS,
  parseWorld,
  truthTables,
  type Interventions,
  type World,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import { shiftAt } from "../../lab/people/model.ts";

const FOLDER = new URL("../../datasets/", import.meta.url);
const README = readFileSync(new URL("README.md", FOLDER), "utf8");
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function shipped(name: string, seed = 7): World {
  const file = new URL(`worlds/${name}.yaml`, FOLDER);
  return createWorld(parseWorld(readFileSync(file, "utf8"), `${name}.yaml`), seed);
}

function everyDeployment(world: World): readonly WorldDeployment[] {
  return deploymentsBetween(world, null, world.startMs, world.endMs);
}

const worlds = new Map<string, World>();
/** With seed 7, made once. */
function seven(name: string): World {
  const world = worlds.get(name) ?? shipped(name);
  worlds.set(name, world);
  return world;
}

const ROWS = [...README.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)]
  .map(([, name, cells]) => ({
    name: name!,
    cells: cells!.split(" | "),
  }))
  .filter(({ cells }) => cells.length === 4);

/** Size, deployments and share of regressions with seeds 7, 8 and 9, as the table has them. */
function factsOf(name: string): readonly string[] {
  const made = [seven(name), shipped(name, 8), shipped(name, 9)].map((world) => {
    const all = everyDeployment(world);
    const bad = all.filter(({ label }) => label === "regression").length;
    return { deployments: all.length, percent: ((100 * bad) / all.length).toFixed(1) };
  });
  const { services, startMs, endMs } = seven(name);
  const teams = new Set(services.map(({ team }) => team)).size;
  return [
    `${services.length} in ${teams} teams, ${(endMs - startMs) / DAY_MS} d`,
    made.map(({ deployments }) => deployments).join(", "),
    `${made.map(({ percent }) => percent).join(", ")} %`,
  ];
}

describe("datasets/README.md", () => {
  it("has the seven worlds that are wanted, and no world that is not there", () => {
    const names = ROWS.map(({ name }) => name);
    const wanted = ["quarter", "growth", "night", "migrations", "shock", "low-traffic"];
    expect(names).toEqual(expect.arrayContaining([...wanted, "adversarial"]));
    const files = readdirSync(new URL("worlds", FOLDER)).map((file) => file.replace(".yaml", ""));
    expect(files).toEqual(expect.arrayContaining(names));
  });

  it.each(ROWS)("tells the facts about $name", ({ name, cells }) => {
    expect(cells.slice(0, 3)).toEqual(factsOf(name));
    expect(seven(name).spec.why).toBeDefined();
  });
});

describe("a window of a shipped world", () => {
  /** Rolls back two in three, before or after the rollout is complete. */
  const acts =
    (world: World): Interventions =>
    (id) => {
      const { startedAtMs, deploymentId } = deploymentById(world, id)!;
      const third = deploymentId.length % 3;
      return third === 0 ? null : startedAtMs + third * 12 * MINUTE_MS;
    };

  it.each(["adversarial", "shock", "low-traffic", "migrations", "fitted"])(
    "is alone as in %s",
    (name) => {
      const world = seven(name);
      fc.assert(
        fc.property(
          fc.constantFrom(...world.services.map((service) => service.name)),
          fc.constantFrom(...metricsOf(world)),
          fc.integer({ min: 0, max: 6 * 1440 }),
          fc.integer({ min: 1, max: 1440 }),
          (service, metric, after, length) => {
            const from = world.startMs + after * MINUTE_MS;
            const to = from + length * MINUTE_MS;
            const read = (of: World, fromMs: number, toMs: number): Float32Array =>
              generateSamples(of, service, metric, fromMs, toMs, acts(of));
            // A world made afresh, so that no memo of the whole can help.
            const alone = read(createWorld(world.spec, world.seed), from, to);
            const within = read(world, world.startMs, to + DAY_MS / 2);
            expect(alone).toEqual(within.slice(after, after + length));
          },
        ),
        { seed: 1, numRuns: 12 },
      );
    },
  );
});

describe("growth", () => {
  const world = seven("growth");

  it("grows from 8 teams to 15, and nothing happens to a service before it is there", () => {
    const teamsAt = (day: number): number =>
      new Set(
        world.services
          .filter(({ bornAtMs }) => bornAtMs <= world.startMs + day * DAY_MS)
          .map(({ team }) => team),
      ).size;
    expect([teamsAt(0), teamsAt(28)]).toEqual([8, 15]);
    expect(teamsAt(14)).toBeGreaterThan(9);
    expect(teamsAt(14)).toBeLessThan(14);
    const bornAtMs = (name: string): number => world.byName.get(name)!.bornAtMs;
    for (const one of everyDeployment(world)) {
      expect(one.startedAtMs).toBeGreaterThan(bornAtMs(one.service) + 60 * MINUTE_MS);
    }
    for (const { service, onsetAtMs } of truthTables(world, [], NO_INTERVENTIONS).incidents) {
      expect(onsetAtMs).toBeGreaterThanOrEqual(bornAtMs(service));
    }
    const young = world.services.find((one) => one.bornAtMs > world.startMs + 7 * DAY_MS)!;
    const around = generateSamples(
      world,
      young.name,
      "saturation",
      young.bornAtMs - DAY_MS,
      young.bornAtMs + DAY_MS,
      NO_INTERVENTIONS,
    );
    expect(around.slice(0, 1440).every(Number.isNaN)).toBe(true);
    expect(around.slice(1440).filter(Number.isNaN).length).toBeLessThan(60);
  });

  it("has more deployments and more authors in its last week than in its first", () => {
    const week = (from: number): readonly WorldDeployment[] =>
      deploymentsBetween(
        world,
        null,
        world.startMs + 7 * from * DAY_MS,
        world.startMs + 7 * (from + 1) * DAY_MS,
      );
    const authors = (of: readonly WorldDeployment[]): number =>
      new Set(of.map(({ author }) => author)).size;
    expect(week(3).length / week(0).length).toBeGreaterThan(1.4);
    expect(authors(week(3))).toBeGreaterThan(authors(week(0)));
  });
});

describe("night", () => {
  it("deploys mostly when people are asleep or at home", () => {
    const world = seven("night");
    const all = everyDeployment(world);
    const late = all.filter(
      ({ service, startedAtMs }) =>
        shiftAt(world.byName.get(service)!.timezone, startedAtMs) !== "business",
    );
    expect(late.length / all.length).toBeGreaterThan(0.6);
  });
});

describe("migrations", () => {
  it("has mostly migrations, and many that a rollback would break", () => {
    const all = everyDeployment(seven("migrations"));
    const count = (test: (one: WorldDeployment) => boolean): number => all.filter(test).length;
    expect(count(({ kind }) => kind === "migration") / all.length).toBeGreaterThan(0.4);
    expect(count(({ rollbackHarms }) => rollbackHarms)).toBeGreaterThan(10);
    const tagged = ({ tags }: WorldDeployment): boolean =>
      tags.some(({ tag }) => tag === "expected_latency_increase");
    expect(count((one) => one.label === "regression" && tagged(one))).toBeGreaterThan(0);
  });
});

describe("shock", () => {
  const world = seven("shock");

  /** Correlation of two services' logarithms of traffic, first differences over ten minutes. */
  function correlation(a: string, b: string): number {
    const changes = [a, b].map((name) => {
      const values = generateSamples(
        world,
        name,
        "throughput_rps",
        world.startMs,
        world.startMs + 2 * DAY_MS,
        NO_INTERVENTIONS,
      );
      return Array.from(values.slice(10), (value, i) => Math.log(value / values[i]!));
    });
    const pairs = changes[0]!
      .map((x, i) => [x, changes[1]![i]!] as const)
      .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    const mean = (of: (pair: readonly [number, number]) => number): number =>
      pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
    return mean(([x, y]) => x * y) / Math.sqrt(mean(([x]) => x * x) * mean(([, y]) => y * y));
  }

  it("moves the traffic of a time zone together, and of two zones apart", () => {
    const of = (zone: string): readonly string[] =>
      world.services.filter(({ timezone }) => timezone === zone).map(({ name }) => name);
    const [berlin, york] = [of("Europe/Berlin"), of("America/New_York")];
    expect(correlation(berlin[0]!, berlin[1]!)).toBeGreaterThan(0.15);
    expect(Math.abs(correlation(berlin[0]!, york[0]!))).toBeLessThan(0.1);
  });

  it("carries incidents to the callers, with an incident of their own to show for it", () => {
    const { incidents } = truthTables(world, [], NO_INTERVENTIONS);
    const reached = incidents.filter(({ incidentId }) => incidentId.includes("-at-"));
    expect(reached.length).toBeGreaterThan(2);
    for (const { service, incidentId, onsetAtMs } of reached) {
      const cause = incidents.find((one) => one.incidentId === incidentId.split("-at-")[0])!;
      expect(world.byName.get(service)!.dependsOn).toContain(cause.service);
      expect(onsetAtMs).toBe(cause.onsetAtMs);
    }
  });

  it("knows some scrapes late and delivers some twice, in the order they arrive", () => {
    const [first] = world.services;
    const toMs = world.startMs + DAY_MS;
    const delays = knownDelaysMs(world, first!.name, world.startMs, toMs) as Int32Array;
    const late = delays.filter((delay) => delay !== KNOWN_DELAY_MS);
    expect(late.length / delays.length).toBeCloseTo(0.03, 1);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(MINUTE_MS);
    // A window alone is late where the whole is.
    const noon = world.startMs + DAY_MS / 2;
    expect(knownDelaysMs(world, first!.name, noon, toMs)).toEqual(delays.slice(720));
    const arrived = deliveriesOf(
      world,
      first!.name,
      "error_rate",
      world.startMs,
      toMs,
      NO_INTERVENTIONS,
    );
    const times = new Set(arrived.map(({ atMs }) => atMs));
    expect(arrived.length - times.size).toBeGreaterThan(2);
    expect(arrived.some(({ atMs }, i) => i > 0 && atMs < arrived[i - 1]!.atMs)).toBe(true);
    arrived.slice(1).forEach(({ knownAtMs }, i) => {
      expect(knownAtMs).toBeGreaterThanOrEqual(arrived[i]!.knownAtMs);
    });
  });
});

describe("low-traffic", () => {
  it("has minutes without a request, and then no latency but a throughput", () => {
    const world = seven("low-traffic");
    const lost = (metric: "latency_p95_ms" | "throughput_rps"): number => {
      const all = world.services.flatMap(({ name }) => [
        ...generateSamples(
          world,
          name,
          metric,
          world.startMs,
          world.startMs + DAY_MS,
          NO_INTERVENTIONS,
        ),
      ]);
      return all.filter(Number.isNaN).length / all.length;
    };
    expect(lost("throughput_rps")).toBeLessThan(0.02);
    expect(lost("latency_p95_ms")).toBeGreaterThan(0.05);
  });
});

describe("adversarial", () => {
  const world = seven("adversarial");
  const all = everyDeployment(world);

  it("deploys many services within half an hour", () => {
    const most = Math.max(
      ...all.map(
        ({ startedAtMs }) =>
          all.filter((one) => Math.abs(one.startedAtMs - startedAtMs) < 15 * MINUTE_MS).length,
      ),
    );
    expect(most).toBeGreaterThanOrEqual(8);
    for (const { name } of world.services) {
      const own = all.filter(({ service }) => service === name);
      own.slice(1).forEach((one, i) => {
        expect(one.startedAtMs - own[i]!.startedAtMs).toBeGreaterThanOrEqual(4 * 60 * MINUTE_MS);
      });
    }
  });

  it("counts requests up, and begins again with every restart", () => {
    const { name } = world.services[0]!;
    const read = (metric: "requests_total" | "throughput_rps", from: number): Float32Array =>
      generateSamples(world, name, metric, from, world.startMs + 5 * DAY_MS, NO_INTERVENTIONS);
    const counts = read("requests_total", world.startMs);
    const rates = read("throughput_rps", world.startMs);
    let resets = 0;
    for (let i = 1; i < counts.length; i++) {
      const grown = counts[i]! - counts[i - 1]!;
      if (grown < 0) resets++;
      else if (!Number.isNaN(grown)) expect(Math.abs(grown - 60 * rates[i]!)).toBeLessThan(1.5);
    }
    const own = all.filter(
      (one) => one.service === name && one.startedAtMs < world.startMs + 5 * DAY_MS,
    );
    expect(resets).toBeGreaterThanOrEqual(3 + own.length);
    expect(resets).toBeLessThanOrEqual(7 + own.length);
    // A window alone, from the middle of a day, is the window of the whole.
    const noon = world.startMs + 2.5 * DAY_MS;
    expect(read("requests_total", noon)).toEqual(counts.slice(2.5 * 1440));
  });

  it("has leaks below every tolerance, harm that comes and goes, and tags on everything", () => {
    const leaks = all.filter(({ cause }) => cause === "slow_leak");
    expect(leaks.length).toBeGreaterThan(0);
    for (const { effects } of leaks) {
      const p95 = effects.find(({ metric }) => metric === "latency_p95_ms")!;
      expect(((p95.endsMs - p95.onsetMs) / p95.scaleMs) * p95.size).toBeLessThan(0.095);
    }
    expect(all.some(({ cause }) => cause === "oscillation")).toBe(true);
    const tagged = all.filter(({ tags }) =>
      tags.some(({ tag }) => tag === "expected_latency_increase"),
    );
    expect(tagged.length / all.length).toBeGreaterThan(0.18);
  });
});
