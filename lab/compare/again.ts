/**
 * The same policies on the same history, evaluated again for verdicts by the model of what history
 * hid: under other models of it, and with known deployments hidden to test the model. The samples
 * are judged once; only what is hidden is read again.
 */

import type { Policy } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import type { Recovery } from "../outcome/recovery.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { endedWithin } from "../outcome/unaided.ts";
import { HALF_LIFE_SAMPLES } from "../replay/excursions.ts";
import { knownFrom } from "../replay/known.ts";
import type { Plan } from "../replay/plan.ts";
import { EFFECT_RULES, type EffectRule } from "../replay/splice.ts";
import { larger, sizesAtCut } from "./bySize.ts";
import type { Draws } from "./changes.ts";
import { holdOut, usualDelayMs, type HeldOut } from "./heldOut.ts";
import type { Drawn, EvaluatedAgain, PairAgain, Test } from "./modelled.ts";
import { cutAtTosses, tossesIn } from "./tosses.ts";
import { replayOutcomes, type ReplayedOutcomes, type ReplayOptions } from "./outcomes.ts";

/**
 * @param policies those that are scored
 * @param found what the evaluation made of them
 * @returns null where history hid nothing from these policies
 */
export async function evaluateAgain(
  history: Past,
  policies: readonly Policy[],
  options: ReplayOptions & { readonly recovery: Recovery },
  found: ReplayedOutcomes,
): Promise<EvaluatedAgain | null> {
  const { recovery } = options;
  const { replayed, passing } = found;
  if (replayed.imagined.every(({ size }) => size === 0)) return null;
  const all = policies.map((_policy, index) => index);
  const drawsUnder = async (
    past: Past,
    own: Partial<ReplayOptions>,
    asked = all,
    again?: ReadonlySet<number>,
  ): Promise<readonly (readonly Listed<Outcome>[])[]> => {
    const judged = asked.map((index) => replayed.policies[index]!.judged);
    const some = asked.map((index) => policies[index]!);
    const judgements = knownFrom({ judged, again }, options.judgements);
    const asking = { ...toldOnly(options, asked), ...own, judgements };
    const { drawsIf } = await replayOutcomes(past, some, asking);
    return asked.map((_index, at) => drawsIf(recovery)(at));
  };
  const drawsCut = (
    { past, places }: Pick<HeldOut, "past" | "places">,
    effect: EffectRule,
    asked = all,
  ): Promise<Drawn> => drawsUnder(past, { effect, only: places }, asked, places);
  const tosses = tossesIn(history, replayed.plan);
  const tossed = cutAtTosses(history, replayed.plan, tosses, recovery);
  const models: EvaluatedAgain["models"][number][] = [];
  const others = EFFECT_RULES.filter((effect) => effect !== found.effect);
  for (const effect of others) {
    models.push({
      weight: effect === "decay" ? await decayed(history, replayed.plan, recovery) : 1,
      policies: await drawsUnder(history, { effect, passing }),
    });
  }
  const coins = tossed === null ? null : { tosses, cut: await drawsCut(tossed, found.effect) };
  const firsts = new Map<number, Listed<Outcome>>();
  const cuts = new Map<string, Cut>();
  const cutBy = (one: number, other: number): Cut =>
    getOrMake(cuts, `${one} ${other}`, () => {
      const pair = [one, other];
      const { deployments } = replayed.plan;
      const watchMs = Math.max(...pair.map((index) => policies[index]!.watchMs));
      const outcomes = pair.map((at) => getOrMake(firsts, at, () => found.first(at)));
      const hidden = holdOut(history, deployments, watchMs, outcomes, recovery);
      return { hidden, key: JSON.stringify([...(hidden?.atMsOf ?? [])]) };
    });
  // Pairs that cut the same deployments short at the same times share what is drawn of them.
  const known = new Map<string, ReadonlyMap<number, Drawn[number]>>();
  const drawnOf = async (
    [one, other]: readonly [number, number],
    { hidden, key }: Cut,
    effect: EffectRule,
  ): Promise<Test["tested"]> => {
    if (hidden === null) return null;
    const before = known.get(`${effect} ${key}`);
    if (before?.has(one) === true && before.has(other)) return before;
    const alike = all.filter((at) => at !== one && cutBy(...inOrder(one, at)).key === key);
    const missing = [one, ...alike].filter((at) => before?.has(at) !== true);
    // Who is told other tags is told them by what the first policy saw, so that one is there too.
    const asked = options.told === undefined ? missing : [...new Set([0, ...missing])];
    const made = await drawsCut(hidden, effect, asked);
    const drawn = new Map([
      ...(before ?? []),
      ...asked.map((index, at) => [index, made[at]!] as const),
    ]);
    known.set(`${effect} ${key}`, drawn);
    return drawn;
  };
  const test = async (one: number, other: number): Promise<Test> => {
    const { deployments } = replayed.plan;
    const cut = cutBy(one, other);
    const [sizes, sizesOfOther] = [one, other].map((index) => {
      const { judged } = replayed.policies[index]!;
      return sizesAtCut(deployments, judged, (id) => cut.hidden?.atMsOf.get(id));
    });
    const under = (effect: EffectRule): Promise<Test["tested"]> =>
      drawnOf([one, other], cut, effect);
    return {
      ids: new Set(cut.hidden?.atMsOf.keys()),
      sizes: larger(sizes!, sizesOfOther!),
      tested: await under(found.effect),
      models: await inTurn(others, under),
    };
  };
  const tests = new Map<string, Promise<Test>>();
  return {
    models,
    coins,
    test: (one, other) => {
      const [first, second] = inOrder(one, other);
      return getOrMake(tests, `${first} ${second}`, () => test(first, second));
    },
  };
}

/** What two policies cut short to test the model, and a text that is the same for the same cuts. */
interface Cut {
  readonly hidden: HeldOut | null;
  readonly key: string;
}

function inOrder(one: number, other: number): readonly [number, number] {
  return one < other ? [one, other] : [other, one];
}

/** The options for some of the policies alone. */
function toldOnly(options: ReplayOptions, asked: readonly number[]): ReplayOptions {
  const { told } = options;
  if (told === undefined) return options;
  return { ...options, told: { ...told, given: asked.map((index) => told.given[index] ?? null) } };
}

/** One after the other: each reads samples, and two at once would need twice the memory. */
async function inTurn<One, Made>(
  all: readonly One[],
  make: (one: One) => Promise<Made>,
): Promise<Made[]> {
  const made: Made[] = [];
  for (const one of all) made.push(await make(one));
  return made;
}

/**
 * How far this history agrees that an effect is half gone after some samples: the share of its
 * regressions that ended so soon, of those that it let run as long as others before it acted. One
 * where it cannot say.
 */
async function decayed(history: Past, plan: Plan, { unaided }: Recovery): Promise<number> {
  const delayMs = usualDelayMs(history.tables, plan.deployments);
  const steps = [...(await history.stepsMs()).values()].sort((a, b) => a - b);
  const stepMs = steps[Math.floor(steps.length / 2)];
  if (delayMs === null || stepMs === undefined) return 1;
  return endedWithin(unaided, delayMs, HALF_LIFE_SAMPLES * stepMs) ?? 1;
}

/**
 * What was evaluated again of two of the policies. What is said of two is the same whichever others
 * are evaluated beside them, so the model is tested on what these two would have cut short.
 */
export async function pairOf(
  { models, coins, test }: EvaluatedAgain,
  baseline: number,
  candidate: number,
): Promise<PairAgain> {
  const two = (policies: Drawn): Draws => ({
    baseline: policies[baseline]!,
    candidate: policies[candidate]!,
  });
  const tests = await test(baseline, candidate);
  const orNone = (tested: Test["tested"]): Draws | null =>
    tested === null ? null : { baseline: tested.get(baseline)!, candidate: tested.get(candidate)! };
  return {
    ids: tests.ids,
    tested: orNone(tests.tested),
    sizes: tests.sizes,
    models: models.map(({ weight, policies }, at) => ({
      weight,
      draws: two(policies),
      tested: orNone(tests.models[at]!),
    })),
    coins: coins === null ? null : { tosses: coins.tosses, cut: two(coins.cut) },
  };
}
