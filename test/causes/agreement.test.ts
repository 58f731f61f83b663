/**
 * Causes against the truth of generated worlds, whose history let everything run. `SOAK=1` makes
 * the tables of lab/causes/README.md: twenty worlds, seeds 101 to 120.
 */

import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { causesByDeployment } from "../../lab/causes/look.ts";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { getOrMake } from "../../lab/getOrMake.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { historyOf, live, wholeOf } from "../../lab/simulate/closedLoop.ts";
import { freshWorld, ROOT, shipped } from "../history/smallWorld.ts";
import { isTouched, surpriseOf, worldDeployments } from "./truths.ts";

const SOAK = process.env["SOAK"] === "1";
const SEEDS = Array.from({ length: SOAK ? 20 : 2 }, (_, at) => 101 + at);
const POLICIES = ["two-minute-override", "default", "naive-threshold"];

/** By truth, then by cause: how many. */
class Table {
  readonly #rows = new Map<string, Map<string, number>>();

  add(truth: string, cause: string): void {
    const row = getOrMake(this.#rows, truth, () => new Map<string, number>());
    row.set(cause, (row.get(cause) ?? 0) + 1);
  }

  of(truth: string, ...causes: readonly string[]): number {
    const row = this.#rows.get(truth) ?? new Map<string, number>();
    return causes.reduce((sum, cause) => sum + (row.get(cause) ?? 0), 0);
  }

  lines(): readonly string[] {
    return [...this.#rows].sort().map(([truth, row]) => {
      const cells = [...row].sort(([, a], [, b]) => b - a).map(([cause, n]) => `${cause} ${n}`);
      return `${truth}: ${cells.join(", ")}`;
    });
  }
}

const misses = new Table();
const fooled = new Table();
const evaluations: Evaluation[] = [];

async function addWorld(seed: number): Promise<void> {
  const policies = POLICIES.map(shipped);
  const { world } = freshWorld(seed);
  const stage = wholeOf(world);
  const deaf = loadPolicy(join(ROOT, "scenarios/fidelity/deaf.yaml"));
  const [life] = await live(stage, [deaf], "absent", silent);
  const history = historyOf(stage, life!);
  const options = { people: "absent", seed, replicates: 1, progress: silent } as const;
  const made = await evaluate(history, policies, options);
  evaluations.push(made);
  const truths = worldDeployments(world);
  const { plan } = made.replay;
  const found = await causesByDeployment(history, plan, made.policies);
  found.forEach((own, at) => {
    const outcomeOf = new Map(made.policies[at]!.outcomes.map((one) => [one.deploymentId, one]));
    for (const { deploymentId, cause } of own.misses) {
      const truth = truths.get(deploymentId)!;
      const planned = plan.deployments.at(plan.places.get(deploymentId)!)!;
      const touched = isTouched(truth, policies[at]!, planned) ? "touched" : "untouched";
      misses.add(touched, cause);
      misses.add(truth.cause, cause);
    }
    for (const { deploymentId, cause } of own.falseRollbacks) {
      const { signals } = outcomeOf.get(deploymentId)!;
      const planned = plan.deployments.at(plan.places.get(deploymentId)!)!;
      const accusing = policies[at]!.signals.filter(({ name }) => signals.includes(name));
      const asked = { ...policies[at]!, signals: accusing };
      fooled.add(surpriseOf(truths.get(deploymentId)!, asked, planned), cause);
    }
  });
}

beforeAll(
  async () => {
    for (const seed of SEEDS) await addWorld(seed);
    if (SOAK) console.log([...misses.lines(), "", ...fooled.lines()].join("\n"));
  },
  SOAK ? 600_000 : 120_000,
);

it("tells what passed by itself from what stayed", () => {
  const passing = fooled.of("passes", "passing", "lasting");
  const lasting = fooled.of("stays", "passing", "lasting");
  expect(passing).toBeGreaterThan(4);
  expect(lasting).toBeGreaterThan(4);
  expect(fooled.of("passes", "passing") / passing).toBeGreaterThan(0.8);
  expect(fooled.of("stays", "lasting") / lasting).toBeGreaterThan(0.8);
});

it("calls it noise where nothing happened", () => {
  const nothing = fooled.of("nothing", "passing", "lasting", "noise");
  expect(nothing).toBeGreaterThan(8);
  expect(fooled.of("nothing", "noise") / nothing).toBeGreaterThan(0.8);
});

it("calls a regression too late where it began after the watch", () => {
  expect(misses.of("delayed", "tooLate")).toBeGreaterThan(0);
  expect(misses.of("touched", "tooLate")).toBe(0);
});

it("counts what the scorecard counts", () => {
  const sum = (of: readonly { readonly count: number }[]): number =>
    of.reduce((total, { count }) => total + count, 0);
  for (const { policies } of evaluations) {
    for (const { scored } of policies) {
      const { causes, missRate } = scored.scorecard as typeof scored.scorecard & {
        missRate: { value: number; n: number };
      };
      expect(sum(causes!.misses)).toBeCloseTo(missRate.value * missRate.n, 6);
      expect(sum(causes!.falseRollbacks)).toBe(scored.values.get("falsePositiveRollbacks"));
    }
  }
});
