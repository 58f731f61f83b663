/** Runs the policies of a scenario over a history, and compares the scores with `expect`. */

import { formatTime, type JsonObject } from "../../engine/index.ts";
import { silent, type Progress } from "../progress.ts";
import { pairOf } from "../compare/again.ts";
import { differencesOf, type Difference as Compared } from "../compare/compare.ts";
import {
  evaluate,
  type EvaluateOptions,
  type Evaluated,
  type Evaluation,
} from "../compare/evaluate.ts";
import type { History } from "../history/open.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { PEOPLE_WORDS } from "../people/choose.ts";
import { Problem } from "../problem.ts";
import { loadCosts, rollbackWorth } from "../score/costs.ts";
import { nearestNames } from "../explain/nearest.ts";
import { placeIn } from "../yaml.ts";
import {
  boundDifference,
  deploymentDifferences,
  fieldOf,
  type Difference,
  type Happened,
  type Path,
  type ScoredExpectation,
  type Times,
} from "./expectation.ts";
import type { Expected } from "./readExpectation.ts";
import { pathOf, type ScoredScenario } from "./read.ts";
import type { NamedPolicy } from "./policies.ts";

const IN_FULL: Times = { read: (text) => Date.parse(text), write: formatTime };

/** The defaults of every command that scores. */
const REPLICATES = 1000;
const DRAWS = 5;
const SEED = 1;

/** Verdicts by the model of what history hid as well. */
export const MODELLED = { modelled: { limits: [] } } as const;

interface ScenarioRun extends Pick<EvaluateOptions, "compared" | "modelled" | "scoresOnly"> {
  /** Used instead of the scenario's own, with the same names. */
  readonly policies?: readonly NamedPolicy[];
  readonly progress?: Progress;
}

export function evaluateScenario(
  scenario: ScoredScenario,
  history: History,
  { policies = scenario.policies, progress = silent, ...rest }: ScenarioRun,
): Promise<Evaluation> {
  const { people = "absent", costs, effect, draws, replicates, seed } = scenario.written;
  const isWord = (PEOPLE_WORDS as readonly string[]).includes(people);
  return evaluate(
    history,
    policies.map(({ policy }) => policy),
    {
      people: isWord ? people : pathOf(scenario, people),
      ...(costs === undefined ? {} : { costs: loadCosts(pathOf(scenario, costs)) }),
      effect: effect ?? "hold",
      draws: draws ?? DRAWS,
      replicates: replicates ?? REPLICATES,
      seed: seed ?? SEED,
      progress,
      ...rest,
    },
  );
}

/** @throws Problem when an expectation names a deployment that does not exist */
export async function scoredDifferences(
  scenario: ScoredScenario,
  { policy, path, expectation }: Expected<ScoredExpectation>,
  evaluation: Evaluation,
): Promise<Difference[]> {
  const own = evaluatedOf(evaluation, policy);
  const { scores = {}, against = {}, deployments = {} } = expectation;
  const verdicts: Difference[] = [];
  for (const [baseline, wanted] of Object.entries(against)) {
    verdicts.push(...(await verdictDifferences(baseline, wanted, own, evaluation)));
  }
  return [
    ...Object.entries(scores).flatMap(([name, bound]) => {
      const value = own.scored.values.get(name)!;
      const { unit } = fieldOf(name)!;
      return boundDifference(["scores", name], bound, unit, Number.isNaN(value) ? null : value);
    }),
    ...verdicts,
    ...Object.entries(deployments).flatMap(([id, wanted]) => {
      const outcome = own.outcomes.find(({ deploymentId }) => deploymentId === id);
      if (outcome === undefined) throw unknownDeployment(scenario, path, id, own);
      const { rollbackCost, spikeCost, ...rest } = wanted;
      const worth = rollbackWorth(outcome, evaluation.manifest.costs);
      const below = (one: Difference): Difference => ({
        ...one,
        path: ["deployments", id, ...one.path],
      });
      return [
        ...deploymentDifferences(rest, happenedTo(outcome), IN_FULL),
        ...(rollbackCost === undefined
          ? []
          : boundDifference(["rollbackCost"], rollbackCost, "cost", worth.rollbackCost)),
        ...(spikeCost === undefined
          ? []
          : boundDifference(["spikeCost"], spikeCost, "cost", worth.spikeCost)),
      ].map(below);
    }),
  ];
}

export function evaluatedOf({ policies }: Evaluation, name: string): Evaluated {
  return policies.find(({ policy }) => policy.policy === name)!;
}

/** The differences in every score between two policies of the scenario. */
async function comparedWith(
  baseline: Evaluated,
  candidate: Evaluated,
  { policies, differences, scoring, hidden, again }: Evaluation,
): Promise<readonly Compared[]> {
  const [before, after] = [policies.indexOf(baseline), policies.indexOf(candidate)];
  if (before === 0 && after > 0) {
    const { policy } = candidate.policy;
    return differences.filter(({ candidatePolicy }) => candidatePolicy === policy);
  }
  const pair = again === null ? null : await pairOf(again, before, after);
  return differencesOf(baseline, candidate, { scoring, hidden, again: pair });
}

async function verdictDifferences(
  baseline: string,
  verdicts: JsonObject<string>,
  own: Evaluated,
  evaluation: Evaluation,
): Promise<Difference[]> {
  const compared = await comparedWith(evaluatedOf(evaluation, baseline), own, evaluation);
  return Object.entries(verdicts).flatMap(([name, wanted]) => {
    const { verdict, low, high } = compared.find(({ field }) => field === name)!;
    if (verdict === wanted) return [];
    const interval = low === null || high === null ? "" : ` (95 %: ${low} to ${high})`;
    return [
      {
        path: ["against", baseline, name],
        expected: [wanted],
        actual: [`${verdict}${interval}`],
        becomes: verdict,
      },
    ];
  });
}

function happenedTo(outcome: Outcome): Happened {
  return {
    end: outcome.end,
    commands: null,
    tier: outcome.tier,
    mode: outcome.mode,
    timesMs: {
      detected: outcome.detectedAtMs,
      proposed: outcome.proposedAtMs,
      decided: outcome.decidedAtMs,
      executed: outcome.executedAtMs,
      recovered: outcome.recoveredAtMs,
      withoutTags: outcome.untaggedProposedAtMs,
    },
  };
}

function unknownDeployment(
  { source }: ScoredScenario,
  path: Path,
  id: string,
  { outcomes }: Evaluated,
): Problem {
  const near = nearestNames(
    id,
    outcomes.map(({ deploymentId }) => deploymentId),
    3,
  );
  return new Problem(`there is no deployment ${id}`, {
    file: source.file,
    ...placeIn(source, [...path, "deployments", id]),
    cure: `The nearest ids are ${near.join(", ")}.`,
  });
}
