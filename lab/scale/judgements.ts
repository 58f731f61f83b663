/**
 * The port `Judgements` through the store and the workers, where that is possible. It is not where
 * a policy has other tags than the history's (they may depend on the judgements of others), where
 * single deployments are judged again, and where the past is not exactly what is in its directory
 * (a world makes its samples when they are read; a redacted history has other rows): `direct` then.
 */

import type { Policy } from "../../engine/index.ts";
import { isStored, type History } from "../history/open.ts";
import { direct } from "../replay/direct.ts";
import type { Judgements } from "../replay/judgements.ts";
import { planReplay, type Plan } from "../replay/plan.ts";
import { storedAnswers } from "./answers.ts";
import { basisOf } from "./identity.ts";
import { judgeByShards } from "./judge.ts";
import type { Scale } from "./scale.ts";

export function storedJudgements(scale: Scale): Judgements {
  return {
    async of(history, policies, progress, asked) {
      const isLarge = isStored(history) && history.manifest.samples >= scale.leastSamples;
      if (!isLarge) return direct.of(history, policies, progress, asked);
      const { futures = null, given = [], known = null, glances = false } = asked;
      const { samples, lookBackAtMostMs } = asked;
      const isPlain = given.length === 0 && known?.again === undefined;
      if (!isPlain) return direct.of(history, policies, progress, asked);
      const past = withStoredSteps(scale, history);
      const plan = await planReplay(past, policies, lookBackAtMostMs);
      const { digests, ...judged } = await judgeByShards(history, plan, policies, {
        store: scale.store,
        work: scale.work(history),
        basis: basisOf(history),
        shardWindows: scale.shardWindows,
        lookBackAtMostMs: lookBackAtMostMs ?? null,
        futures,
        digests: samples !== undefined && known === null,
        judged: known?.judged ?? null,
        glances,
        progress,
      });
      for (const seen of digests) samples?.add(seen);
      return { plan, ...judged };
    },
  };
}

/** `planReplay` with the stored spacing of the series; see `withStoredSteps`. */
export function planThrough(
  scale: Scale,
  history: History,
  policies: readonly Policy[],
): Promise<Plan> {
  const isSmall = history.manifest.samples < scale.leastSamples;
  return planReplay(isSmall ? history : withStoredSteps(scale, history), policies);
}

/**
 * The history with the spacing of its series stored. That is all a plan needs of the index of
 * blocks, which then need not be read where all judgements are stored.
 */
function withStoredSteps(scale: Scale, history: History): History {
  const make = async (): Promise<{ readonly series: Float64Array; readonly ms: Float64Array }> => {
    const steps = await history.stepsMs();
    return { series: Float64Array.from(steps.keys()), ms: Float64Array.from(steps.values()) };
  };
  const stepsMs = async (): Promise<ReadonlyMap<number, number>> => {
    const asked = { past: history, kind: "steps", question: () => null };
    const { series, ms } = (await storedAnswers(scale).answer(asked, make)).answer;
    return new Map(Array.from(series, (one, at) => [one, ms[at]!]));
  };
  return { ...history, stepsMs };
}
