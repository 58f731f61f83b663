/** The gate on every change from one compared policy to another, and which policy to adopt. */

import { pairOf } from "../../compare/again.ts";
import { differencesOf, flipsOf } from "../../compare/compare.ts";
import type { Evaluation } from "../../compare/evaluate.ts";
import { scoredWeeks, type Within } from "../../compare/within.ts";
import { fieldWords } from "../../compare/words.ts";
import { limitsOf, type Budget } from "../../gate/budget.ts";
import { gateOf } from "../../gate/gate.ts";
import { changeVerdict, choose } from "../../gate/verdict.ts";
import type { History } from "../../history/open.ts";
import type { Verdict } from "../contract/verdict.ts";
import { limitDocuments } from "./limits.ts";
import { scoredOrAll } from "./scored.ts";

type Change = Verdict["changes"][number];

export interface VerdictAsked {
  readonly budget: Budget;
  readonly within: Within | undefined;
  /** Of every policy by every other one, or of the first one alone. */
  readonly pairs: "baseline" | "all";
}

/** @param ids of the policies, in the order of the evaluation: the baseline first */
export async function verdictOf(
  history: History,
  evaluation: Evaluation,
  ids: readonly string[],
  { budget, within, pairs }: VerdictAsked,
): Promise<Verdict> {
  const weeks = scoredWeeks(history.manifest, within);
  const change = async (from: number, to: number): Promise<Change> => {
    const [current, next] = [evaluation.policies[from]!, evaluation.policies[to]!];
    const { scoring, hidden } = evaluation;
    const again = evaluation.again === null ? null : await pairOf(evaluation.again, from, to);
    const limits = limitsOf(budget);
    const differences = differencesOf(current, next, { scoring, hidden, again, limits });
    const flips = flipsOf(current.outcomes, next.outcomes, next.policy.policy);
    const two = { ...evaluation, policies: [current, next], differences, flips };
    const gate = gateOf(two, budget, [], weeks);
    return {
      from: ids[from]!,
      to: ids[to]!,
      ...changeVerdict(current.policy, next.policy, differences, gate),
      checks: gate.checks.map((check) => ({ ...check, words: fieldWords(check.name) })),
    };
  };
  const places = ids.map((_, at) => at);
  const froms = pairs === "all" ? places : places.slice(0, 1);
  const changes: Change[] = [];
  for (const from of froms) {
    for (const to of places) if (to !== from) changes.push(await change(from, to));
  }
  const ofFirst = changes.filter(({ from }) => from === ids[0]);
  const candidates = ofFirst.map((one, at) => {
    const { policy, scored } = evaluation.policies[at + 1]!;
    return { ...one, name: policy.policy, cost: scored.scorecard.cost.value };
  });
  const { adopt, title, sentence } = choose(evaluation.policies[0]!.policy.policy, candidates);
  return {
    state: "ready",
    scored: scoredOrAll(within, history),
    limits: limitDocuments(budget),
    adopt: candidates.find(({ name }) => name === adopt)?.to ?? null,
    title,
    sentence,
    changes,
  };
}
