/**
 * The same policies on the same history, evaluated again for verdicts by the model of what history
 * hid: under other models of it, and with known deployments hidden to test the model. The samples
 * are judged once; only what is hidden is read again.
 */

import type { Policy } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Recovery } from "../outcome/recovery.ts";
import { endedWithin } from "../outcome/unaided.ts";
import { HALF_LIFE_SAMPLES } from "../replay/excursions.ts";
import type { Plan } from "../replay/plan.ts";
import type { Replay } from "../replay/replay.ts";
import { EFFECT_RULES, type EffectRule } from "../replay/splice.ts";
import type { EvaluateOptions, Evaluated, Evaluation } from "./evaluate.ts";
import { holdOut, usualDelayMs } from "./heldOut.ts";
import type { EvaluatedAgain, PairAgain } from "./modelled.ts";
import type { Draws } from "./changes.ts";

type Evaluate = (
  history: Past,
  policies: readonly Policy[],
  options: EvaluateOptions,
) => Promise<Pick<Evaluation, "policies">>;

/** The options of an evaluation, with what it made of them. */
interface Settled extends Omit<EvaluateOptions, "modelled" | "digestSamples"> {
  readonly recovery: Recovery;
  readonly effect: EffectRule;
}

/**
 * @param evaluate the main path, which is run again
 * @param drawn the outcomes of a policy of the evaluation, once for each draw
 * @returns null where history hid nothing from these policies
 */
export async function evaluateAgain(
  evaluate: Evaluate,
  history: Past,
  policies: readonly Policy[],
  options: Settled,
  replayed: Replay,
  drawn: (policy: number) => readonly Listed<Outcome>[],
): Promise<EvaluatedAgain | null> {
  if (replayed.imagined.every(({ size }) => size === 0)) return null;
  const judged = replayed.policies.map((one) => one.judged);
  const again = { ...options, judged, scoresOnly: true, compared: false } as const;
  const outcomes = policies.map((_policy, index) => drawn(index)[0]!);
  const hidden = holdOut(history, replayed.plan, outcomes, options.recovery);
  const policiesUnder = async (effect: EffectRule): Promise<readonly Evaluated[]> =>
    (await evaluate(history, policies, { ...again, effect })).policies;
  const testedUnder = async (effect: EffectRule): Promise<readonly Evaluated[] | null> =>
    hidden === null
      ? null
      : (
          await evaluate(hidden.past, policies, {
            ...again,
            effect,
            again: hidden.places,
            only: hidden.places,
          })
        ).policies;
  const models: EvaluatedAgain["models"][number][] = [];
  for (const effect of EFFECT_RULES) {
    if (effect === options.effect) continue;
    const weight = effect === "decay" ? await decayed(history, replayed.plan, options.recovery) : 1;
    models.push({
      weight,
      policies: await policiesUnder(effect),
      tested: await testedUnder(effect),
    });
  }
  return { ids: hidden?.ids ?? new Set(), tested: await testedUnder(options.effect), models };
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
  { ids, tested, models }: EvaluatedAgain,
  baseline: number,
  candidate: number,
): PairAgain {
  const two = (policies: readonly Evaluated[]): Draws => ({
    baseline: policies[baseline]!.draws,
    candidate: policies[candidate]!.draws,
  });
  const orNone = (policies: readonly Evaluated[] | null): Draws | null =>
    policies === null ? null : two(policies);
  return {
    ids,
    tested: orNone(tested),
    models: models.map((one) => ({
      weight: one.weight,
      draws: two(one.policies),
      tested: orNone(one.tested),
    })),
  };
}
