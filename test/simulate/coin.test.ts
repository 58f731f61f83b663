/**
 * A history that a policy with a coin made: what it says of another policy by weighting, against
 * what that policy truly does in the same worlds.
 */

import { expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { createWorld } from "../../datasets/world/index.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { knownFrom } from "../../lab/replay/known.ts";
import { evaluateLives, historyOf, knownOn, live, wholeOf } from "../../lab/simulate/closedLoop.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { ROOT } from "../history/samples.ts";
import { policyFile, WORLD_FILE } from "../history/smallWorld.ts";

const SOAK = process.env["SOAK"] !== undefined;
const FIELDS = ["mttr", "timeToRecovery.restrictedMean60m", "falsePositiveShare", "missRate"];
/** Bootstrap samples and draws. */
const MANY = { replicates: 400, draws: 5 };
const FEW = { replicates: 20, draws: 2 };
const FITTED = `${ROOT}/datasets/worlds/fitted.yaml`;

/** Waits to the end of the watch in so many of the deployments that it would roll back. */
function withCoin(policy: Policy, probability: number): Policy {
  const explore = { probability, upTo: 1e6, delayMs: policy.watchMs, when: null, seed: "1" };
  const name = `${policy.policy}-coin`;
  return { ...policy, policy: name, explore, digest: `${policy.digest}-${probability}` };
}

interface Held {
  readonly field: string;
  readonly truth: number;
  readonly says: { readonly value: number; readonly low: number; readonly high: number };
  readonly weightsOnly: number | null;
  readonly modelled: { readonly low: number; readonly high: number } | null;
  readonly plain: number;
  readonly waited: number;
  readonly tossed: number;
  readonly unsupported: number;
}

/** Asks a history made with a coin, of a world that lasts so many times as long as written. */
async function hold(
  worldFile: string,
  seed: number,
  one: Policy,
  other: Policy,
  probability: number,
  { replicates, draws, times }: typeof MANY & { readonly times: number },
): Promise<Held[]> {
  const { spec } = openWorld(worldFile, seed).world;
  const own = { people: { seed: spec.people.seed + seed }, length: times * spec.length };
  const stage = wholeOf(createWorld({ ...spec, ...own }, seed));
  const people = "absent";
  const lives = await live(stage, [withCoin(one, probability), one, other], people, silent);
  const common = { people, seed, progress: silent, scoresOnly: true } as const;
  const truth = await evaluateLives(stage, lives, { ...common, replicates: 1 });
  const history = historyOf(stage, lives[0]!);
  const { differences } = await evaluate(history, [one, other], {
    judgements: knownFrom(await knownOn(stage, history, lives[0]!, lives.slice(1, 3))),
    ...common,
    seed: 2 ** 31 + seed,
    replicates,
    draws,
    modelled: { limits: [] },
  });
  return differences.flatMap((difference): Held[] => {
    const { field, weighted, modelled } = difference;
    if (!FIELDS.includes(field) || weighted?.low == null) return [];
    const valueOf = (at: number): number => truth.policies[at]!.scored.values.get(field)!;
    const { low, high, waited, tossed, unsupported } = weighted;
    return [
      {
        field,
        truth: valueOf(2) - valueOf(1),
        says: { value: weighted.difference, low, high: high! },
        weightsOnly: weighted.weightsOnly.difference,
        modelled: modelled?.low == null ? null : { low: modelled.low, high: modelled.high! },
        plain: difference.difference!,
        ...{ waited, tossed, unsupported },
      },
    ];
  });
}

it("keeps propensities in a history, and weights by them", { timeout: 600_000 }, async () => {
  const one = loadPolicy(policyFile("naive-threshold"));
  const other = loadPolicy(policyFile("two-minute-override"));
  const held = await hold(WORLD_FILE, 3, one, other, 0.5, { ...FEW, times: 1 });
  const missed = held.find(({ field }) => field === "missRate") ?? held[0]!;
  expect(missed.waited).toBeGreaterThan(0);
  expect(missed.waited).toBeLessThan(missed.tossed);
  expect(missed.says.low).toBeLessThanOrEqual(missed.says.value);
});

it.runIf(SOAK)("covers the truth over many worlds", { timeout: 3_600_000 }, async () => {
  const asked = process.env["COIN"] ?? "3001,20,0.1,1";
  const [from, worlds, coin, times = 1] = asked.split(",").map(Number);
  const folder = `${ROOT}/scenarios/fidelity`;
  const pairs = (process.env["COIN_PAIRS"] ?? "double-tolerance,fourfold-tolerance").split(",");
  const one = loadPolicy(`${ROOT}/scenarios/policies/two-minute-override.yaml`);
  for (const name of pairs) {
    const other = loadPolicy(`${folder}/${name}.yaml`);
    const all = new Map<string, Held[]>();
    for (let seed = from!; seed < from! + worlds!; seed++) {
      for (const held of await hold(FITTED, seed, one, other, coin!, { ...MANY, times })) {
        all.set(held.field, [...(all.get(held.field) ?? []), held]);
      }
    }
    for (const [field, held] of all) console.info(summary(name, field, held));
  }
});

function summary(name: string, field: string, held: readonly Held[]): string {
  const mean = (of: (one: Held) => number): number =>
    held.reduce((sum, one) => sum + of(one), 0) / held.length;
  const such = mean(({ truth }) => truth);
  const share = (holds: (one: Held) => boolean): string =>
    `${((100 * held.filter(holds).length) / held.length).toFixed(0)} %`;
  const compared = held.filter(({ modelled }) => modelled !== null);
  const widths = compared
    .map(({ says, modelled }) => (says.high - says.low) / (modelled!.high - modelled!.low))
    .sort((a, b) => a - b);
  const within = (ends: { low: number; high: number } | null, value: number): boolean =>
    ends !== null && ends.low <= value && value <= ends.high;
  return JSON.stringify({
    pair: name,
    field,
    worlds: held.length,
    truth: such,
    bias: {
      modelled: mean(({ plain, truth }) => plain - truth),
      robust: mean(({ says, truth }) => says.value - truth),
      weightsOnly: mean(({ weightsOnly, truth }) => (weightsOnly ?? Number.NaN) - truth),
    },
    robustHolds: [
      share((one) => within(one.says, one.truth)),
      share((one) => within(one.says, such)),
    ],
    modelledHolds: [
      share((one) => within(one.modelled, one.truth)),
      share((one) => within(one.modelled, such)),
    ],
    widthToModelled: widths[Math.floor(widths.length / 2)],
    tossed: mean(({ tossed }) => tossed),
    waited: mean(({ waited }) => waited),
    unsupported: mean(({ unsupported }) => unsupported),
  });
}
