/** A comparison for the browser: the document of `compare --json` and what goes around it. */

import { compareDocument } from "../../compare/document.ts";
import type { Evaluation } from "../../compare/evaluate.ts";
import type { Within } from "../../compare/within.ts";
import { fieldWords, IN_WORDS, resolution, sentence } from "../../compare/words.ts";
import type { History } from "../../history/open.ts";
import type { Listed } from "../../history/listed.ts";
import type { Outcome } from "../../outcome/outcome.ts";
import { recoveryCurve } from "../../score/diagnostics.ts";
import { FIELDS } from "../../score/fields.ts";
import type { Comparison, FieldDocument } from "../contract/compare.ts";
import { factsOf } from "./facts.ts";
import { scoredOrAll } from "./scored.ts";

/** @param ids of the policies, in the order of the evaluation: the baseline first */
export function comparisonOf(
  history: History,
  evaluation: Evaluation,
  ids: readonly string[],
  within: Within | undefined,
): Comparison {
  const { manifest, scorecards, differences, flippedDeployments, flips } =
    compareDocument(evaluation);
  const [baseline, ...candidates] = evaluation.policies;
  const facts = factsOf(history);
  const rows = new Map(history.tables.deployments.map((row) => [row.deploymentId, row]));
  const before = byDeployment(baseline!.outcomes);
  const after = new Map(
    candidates.map(({ policy, outcomes }) => [policy.policy, byDeployment(outcomes)]),
  );
  return {
    state: "ready",
    policies: evaluation.policies.map(({ policy }, at) => ({ id: ids[at]!, name: policy.policy })),
    baseline: ids[0]!,
    fields: fieldDocuments(),
    scored: scoredOrAll(within, history),
    manifest: { ...manifest },
    scorecards,
    differences: differences.map((one) => ({ ...one, words: sentence(one) })),
    resolution: candidates.map(({ policy }) => ({
      candidatePolicy: policy.policy,
      words: resolution(differences.filter((one) => one.candidatePolicy === policy.policy)),
    })),
    recoveryCurves: evaluation.policies.map(({ draws }, at) => ({
      policy: ids[at]!,
      points: recoveryCurve(draws),
    })),
    flippedDeployments,
    flips: flips.map((flip) => ({
      ...flip,
      ...facts(rows.get(flip.deploymentId)!),
      baselineTier: before.get(flip.deploymentId)!.tier,
      candidateTier: after.get(flip.candidatePolicy)!.get(flip.deploymentId)!.tier,
    })),
  };
}

export function fieldDocuments(): readonly FieldDocument[] {
  return FIELDS.map(({ name, unit, better }) => ({
    name,
    words: fieldWords(name),
    unit,
    better,
    main: Object.hasOwn(IN_WORDS, name),
  }));
}

function byDeployment(outcomes: Listed<Outcome>): ReadonlyMap<string, Outcome> {
  return new Map(outcomes.map((outcome) => [outcome.deploymentId, outcome]));
}
