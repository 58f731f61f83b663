/** Judges from samples, in this process, and keeps nothing: what all other judgements equal. */

import { detect } from "./detect.ts";
import type { Judgements } from "./judgements.ts";
import { planReplay } from "./plan.ts";

export const direct: Judgements = {
  async of(history, policies, progress, asked) {
    const { samples, lookBackAtMostMs, ...options } = asked;
    const plan = await planReplay(history, policies, lookBackAtMostMs);
    const detection = await detect(history, plan, policies, progress, {
      ...options,
      seen: samples?.seen,
      inColumns: policies.length === 1,
    });
    return { plan, ...detection };
  },
};
