/**
 * The same policies on the same history, evaluated again for verdicts by the model of what history
 * hid: under other models of it, and with known deployments hidden to test the model. The samples
 * are judged once; only what is hidden is read again.
 */

import type { Policy } from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import type { Recovery } from "../outcome/recovery.ts";
import { endedWithin } from "../outcome/unaided.ts";
import { HALF_LIFE_SAMPLES } from "../replay/excursions.ts";
import type { Plan } from "../replay/plan.ts";
import { EFFECT_RULES, type EffectRule } from "../replay/splice.ts";
import { larger, sizesAtCut } from "./bySize.ts";
import type { Draws } from "./changes.ts";
import { holdOut, usualDelayMs, type HeldOut } from "./heldOut.ts";
import type { Drawn, EvaluatedAgain, PairAgain } from "./modelled.ts";
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
  const { recovery, told } = options;
  const { replayed, passing } = found;
  if (replayed.imagined.every(({ size }) => size === 0)) return null;
  const again = {
    ...options,
    ...(told === undefined ? {} : { told: { ...told, given: told.given.slice(0, told.scored) } }),
    judged: policies.map((_policy, index) => replayed.policies[index]!.judged),
  };
  const drawsUnder = async (past: Past, own: Partial<ReplayOptions>): Promise<Drawn> => {
    const { drawsIf } = await replayOutcomes(past, policies, { ...again, ...own });
    return policies.map((_policy, index) => drawsIf(recovery)(index));
  };
  const outcomes = policies.map((_policy, index) => found.first(index));
  const hidden = holdOut(history, replayed.plan, outcomes, recovery);
  const drawsCut = (
    { past, places }: Pick<HeldOut, "past" | "places">,
    effect: EffectRule,
  ): Promise<Drawn> => drawsUnder(past, { effect, again: places, only: places });
  const testedUnder = async (effect: EffectRule): Promise<Drawn | null> =>
    hidden === null ? null : drawsCut(hidden, effect);
  const tosses = tossesIn(history, replayed.plan);
  const tossed = cutAtTosses(history, replayed.plan, tosses, recovery);
  const models: EvaluatedAgain["models"][number][] = [];
  for (const effect of EFFECT_RULES) {
    if (effect === found.effect) continue;
    models.push({
      weight: effect === "decay" ? await decayed(history, replayed.plan, recovery) : 1,
      policies: await drawsUnder(history, { effect, passing }),
      tested: await testedUnder(effect),
    });
  }
  const coins = tossed === null ? null : { tosses, cut: await drawsCut(tossed, found.effect) };
  const sizes = again.judged.map((judged) =>
    sizesAtCut(replayed.plan, judged, (id) => hidden?.atMsOf.get(id)),
  );
  const ids = new Set(hidden?.atMsOf.keys());
  return { ids, tested: await testedUnder(found.effect), sizes, models, coins };
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

/** What was evaluated again of two of the policies. */
export function pairOf(
  { ids, tested, sizes, models, coins }: EvaluatedAgain,
  baseline: number,
  candidate: number,
): PairAgain {
  const two = (policies: Drawn): Draws => ({
    baseline: policies[baseline]!,
    candidate: policies[candidate]!,
  });
  const orNone = (policies: Drawn | null): Draws | null =>
    policies === null ? null : two(policies);
  return {
    ids,
    tested: orNone(tested),
    sizes: larger(sizes[baseline]!, sizes[candidate]!),
    models: models.map((one) => ({
      weight: one.weight,
      draws: two(one.policies),
      tested: orNone(one.tested),
    })),
    coins: coins === null ? null : { tosses: coins.tosses, cut: two(coins.cut) },
  };
}
