/** Pairs of policies whose verdicts are held against the truth: the file, and what is counted. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silent } from "../../lab/progress.ts";
import { storedAnswers } from "../../lab/scale/answers.ts";
import { Store } from "../../lab/scale/store.ts";
import type { ScoreHeld, WorldResult, WorldTask } from "../../lab/simulate/oneWorld.ts";
import { fidelityOf, liveManyWorlds } from "../../lab/simulate/fidelity.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { loadPairs, type HeldPair } from "../../lab/simulate/pairs.ts";
import { pairsTable } from "../../lab/simulate/pairsTable.ts";
import { contains, exactInterval, verdictsOf } from "../../lab/simulate/verdicts.ts";
import { ROOT } from "../history/samples.ts";
import { hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, WORLD_FILE } from "../history/smallWorld.ts";

/** Processes have to start, on machines that do other things as well. */
const PATIENCE_MS = 120_000;

const NAIVE = policyFile("naive-threshold");
const LOGGING = policyFile("plain-window");
const FILE = join(ROOT, "scenarios/fidelity/pairs.yaml");

describe("a file of pairs", () => {
  it("has twelve for the fitted world and four for the adversarial one, beside itself", () => {
    expect(loadPairs(FILE, "fitted")).toHaveLength(12);
    expect(loadPairs(FILE, "adversarial")).toHaveLength(4);
    expect(loadPairs(FILE, "fitted")[9]).toEqual({
      history: join(ROOT, "scenarios/fidelity/deaf.yaml"),
      asked: join(ROOT, "scenarios/policies/two-minute-override.yaml"),
    });
  });

  it.each(["quarter", "seeds", "constructor"])("has none for %s, and says for which", (world) => {
    expect(() => loadPairs(FILE, world)).toThrow(/It has pairs for fitted, adversarial/);
  });
});

/** A world in which the difference truly is `truth`, and the replay says `said` on a ground. */
function world(
  truth: number,
  said: number,
  ground: ScoreHeld["ground"],
  verdict: ScoreHeld["verdict"] = said < 0 ? "better" : "worse",
): WorldResult {
  const score: ScoreHeld = {
    score: "mttr",
    logTruth: 100,
    logEstimate: 100,
    truth: 100 + truth,
    estimate: 100 + said,
    low: 0,
    high: 200,
    best: null,
    worst: null,
    differenceLow: -100,
    differenceHigh: 100,
    verdict,
    ground,
    differenceError: 5,
  };
  const asked = [{ policy: "b", identifiedShare: 0.5, scores: [score] }];
  return { seed: 1, deployments: 10, regressions: 2, asked };
}

describe("verdicts", () => {
  const results = [
    world(-29, -10, "identified"),
    world(-31, -10, "modelled"),
    world(-31, 10, "modelled"),
    world(-29, -10, null, "not distinguishable"),
  ];
  const [mttr] = verdictsOf("b", results);

  it("are held against the mean of such worlds, by ground", () => {
    expect(mttr!.difference).toBe(-30);
    expect(mttr!.resolution).toBeCloseTo(2.8 * 5, 9);
    expect(mttr!.given).toEqual([
      { ground: "identified", given: 1, wrong: 0 },
      { ground: "modelled", given: 2, wrong: 1 },
      { ground: null, given: 0, wrong: 0 },
    ]);
  });

  it("are decisive where one world can show the difference, and silence is not right", () => {
    expect(mttr!.beyondOnce).toEqual({ worlds: 4, right: 2 });
    expect(mttr!.beyondTwice).toEqual({ worlds: 4, right: 2 });
    // One world resolves 14: -20 is beyond once, -10 is not.
    const [less] = verdictsOf("b", [world(-19, -10, null), world(-21, -10, null)]);
    expect([less!.beyondOnce.worlds, less!.beyondTwice.worlds]).toEqual([2, 0]);
    const [least] = verdictsOf("b", [world(-9, -10, null), world(-11, -10, null)]);
    expect(least!.beyondOnce).toEqual({ worlds: 0, right: 0 });
  });

  it("counts nothing to find where the worlds do not settle the sign", () => {
    // Mean -20 with a standard error of 15.
    const [open] = verdictsOf("b", [world(-5, -10, null), world(-35, -10, null)]);
    expect(open!.beyondOnce).toEqual({ worlds: 0, right: 0 });
  });

  it("counts nothing to find where the policies do not differ", () => {
    const [none] = verdictsOf("b", [world(0, -10, "modelled"), world(0, 0, null, "no evidence")]);
    expect(none!.beyondOnce).toEqual({ worlds: 0, right: 0 });
    expect(none!.difference).toBe(0);
  });

  it("are summed by ground under the table", () => {
    const lines = pairsTable([
      { ...fidelityOf("a", "b", results), verdicts: verdictsOf("b", results) },
    ]);
    expect(lines[0]).toMatch(/^\d+ verdicts? on 1 pair of policies, \d+ of them wrong\.$/);
    expect(lines.find((line) => line.startsWith("| a → b | mean time to recovery"))).toContain(
      "| 3, 1 | 50 % (3-97) / 50 % (3-97) |",
    );
    expect(lines.at(-1)).toContain("identified: 1 given, 0 wrong, 0 % (0-99)");
    expect(lines.at(-1)).toContain("modelled: 2 given, 1 wrong, 50 % (0-100)");
  });
});

describe("an exact interval of a share", () => {
  // scipy: binomtest(count, n).proportion_ci(0.99)
  it.each([
    [103, 103, true], // 0.9499 to 1
    [104, 104, false], // 0.9503 to 1
    [88, 100, false], // 0.7730 to 0.9490
    [89, 100, true], // 0.7855 to 0.9555
    [16, 20, true], // 0.4934 to 0.9642
    [15, 20, false], // 0.4402 to 0.9417
    [0, 20, false],
  ] as const)("of %i in %i holds 0.95: %s", (count, n, holds) => {
    expect(contains(count, n, 0.95)).toBe(holds);
    const { low, high } = exactInterval(count, n);
    expect(low <= 0.95 && high >= 0.95).toBe(holds);
  });

  it("has the ends that the binomial distribution gives it", () => {
    // scipy: binomtest(16, 20).proportion_ci(0.99), and of 0 in 20
    expect(exactInterval(16, 20).low).toBeCloseTo(0.4934, 4);
    expect(exactInterval(16, 20).high).toBeCloseTo(0.9642, 4);
    expect(exactInterval(0, 20)).toMatchObject({ low: 0 });
    expect(exactInterval(0, 20).high).toBeCloseTo(1 - 0.005 ** (1 / 20), 4);
  });
});

const TASK: WorldTask = {
  worldFile: WORLD_FILE,
  seed: 3,
  logPolicy: NAIVE,
  asked: [LOGGING],
  people: "modelled",
  replicates: 100,
  draws: 1,
  effect: "hold",
};
const ONE = { worlds: 1, workers: 1, progress: silent };
const answersIn = (store: Store) => storedAnswers({ store, leastSamples: 0 });

describe("worlds that are kept", () => {
  it("are lived once, and each way of asking by itself", { timeout: PATIENCE_MS }, async () => {
    const directory = temporaryDirectory();
    const first = new Store(directory);
    const lived = await liveManyWorlds(TASK, { ...ONE, answers: answersIn(first) });
    expect(first.use).toMatchObject({ found: 0, made: 1 });
    const second = new Store(directory);
    expect(await liveManyWorlds(TASK, { ...ONE, answers: answersIn(second) })).toEqual(lived);
    expect(second.use).toMatchObject({ found: 1, made: 0 });
    await liveManyWorlds({ ...TASK, people: "absent" }, { ...ONE, answers: answersIn(second) });
    await liveManyWorlds({ ...TASK, seed: 2 }, { ...ONE, worlds: 2, answers: answersIn(second) });
    expect(second.use.made).toBe(2);
  });
});

describe("hindsight simulate --pairs", () => {
  it("refuses a policy that is not of a pair", async () => {
    const words = ["simulate", WORLD_FILE, "--pairs", FILE, "--log-policy", NAIVE];
    const { code, stderr } = await hindsight(words);
    expect(code).toBe(2);
    expect(stderr).toContain("--log-policy has no meaning together with --pairs");
  });

  it(
    "answers for each pair as if it were asked alone",
    async () => {
      const file = join(temporaryDirectory(), "pairs.yaml");
      const pairs = [
        { history: LOGGING, asked: NAIVE },
        { history: NAIVE, asked: LOGGING },
      ];
      const { spec } = openWorld(WORLD_FILE, 3).world;
      writeFileSync(file, JSON.stringify({ [spec.world]: pairs }));
      const how = ["--worlds", "1", "--seed", "3", "--replicates", "100", "--draws", "1"];
      const words = ["simulate", WORLD_FILE, ...how, "--pairs", file, "--json"];
      const { stdout } = await hindsight(words);
      const held = JSON.parse(stdout) as { pairs: HeldPair[] };
      expect(held.pairs.map(({ logPolicy, asked }) => [logPolicy, asked])).toEqual([
        ["plain-window", "naive-threshold"],
        ["naive-threshold", "plain-window"],
      ]);
      const alone = await liveManyWorlds(TASK, ONE);
      expect(held.pairs[1]).toEqual({
        ...fidelityOf("naive-threshold", "plain-window", alone),
        verdicts: verdictsOf("plain-window", alone),
      });
    },
    PATIENCE_MS,
  );
});
