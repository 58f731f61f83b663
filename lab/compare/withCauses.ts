/** The causes of what each policy missed and of its false rollbacks, beside its scores. */

import { causesOf } from "../causes/look.ts";
import type { Past } from "../history/open.ts";
import type { Plan } from "../replay/plan.ts";
import type { Evaluated } from "./evaluate.ts";

/** The same policies, their scorecards with causes. */
export async function withCauses(
  history: Past,
  plan: Plan,
  made: readonly Evaluated[],
): Promise<readonly Evaluated[]> {
  const causes = await causesOf(history, plan, made);
  return made.map((one, index): Evaluated => {
    const scorecard = { ...one.scored.scorecard, causes: causes[index]! };
    return { ...one, scored: { ...one.scored, scorecard } };
  });
}
