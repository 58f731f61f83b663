/** The JSON of `sweep`: absent values are null. */

import { tidy } from "../score/intervals.ts";
import { groupNames } from "./alike.ts";
import type { Scores } from "./frontier.ts";
import type { Gated } from "./gated.ts";
import type { Sweep } from "./sweep.ts";

export function sweepDocument(sweep: Sweep) {
  const { variations, scores, frontier, recommendation: found, periods } = sweep;
  const nameOf = (place: number | null): string | null =>
    place === null ? null : place === 0 ? sweep.base.policy : variations[place - 1]!.name;
  const candidateName = (at: number | null): string | null => nameOf(at === null ? null : at + 1);
  const { best } = found;
  const together = groupNames(sweep);
  const compared = new Set(sweep.compared);
  const held = new Map(sweep.gated.map((one) => [one.place, one]));
  return {
    manifest: sweep.manifest,
    incumbent: {
      policy: sweep.base.policy,
      scores: scoresDocument(scores[0]!),
      intervals: frontier.intervals[0]!,
      reasons: frontier.reasons[0]!,
    },
    variations: variations.map(({ name, changes, policy }, index) => ({
      name,
      digest: policy.digest,
      changes,
      scores: scoresDocument(scores[index + 1]!),
      intervals: frontier.intervals[index + 1]!,
      reasons: frontier.reasons[index + 1]!,
      onFrontier: frontier.members.includes(index + 1),
      frontierShare: nullable(frontier.membership[index + 1]!),
      /** Is it scored as `compare` does? Else what history hid counts as not rolled back. */
      compared: compared.has(index + 1),
      /** What the budget says of the change; null where it was not asked. */
      gate: gateDocumentOf(held.get(index + 1)),
    })),
    anchors: sweep.anchors.map(({ name, what, scores: own }) => ({
      name,
      what,
      scores: scoresDocument(own),
    })),
    frontier: frontier.members.map((place) => ({
      policy: nameOf(place),
      share: nullable(frontier.membership[place]!),
    })),
    /** Those that come to the same on this history, and what they are called together. */
    alike: frontier.alike
      .filter(({ length }) => length > 1)
      .map((group) => ({ name: together(group), policies: group.map(nameOf) })),
    knee: nameOf(frontier.knee),
    landscape: sweep.landscape,
    validation: {
      how: periods.how,
      folds: found.folds.map(({ chosen, train, test }) => ({
        chosen: candidateName(chosen),
        trainCostDifference: nullable(train),
        testCostDifference: nullable(test),
      })),
    },
    recommendation: {
      verdict: found.verdict,
      policy: candidateName(found.candidate),
      /** The choice by cost, where it is not within the limits. */
      refused: candidateName(found.refused),
      changes: found.candidate === null ? [] : variations[found.candidate]!.changes,
      reasons: found.reasons,
      best:
        best === null
          ? null
          : {
              policy: candidateName(best.candidate),
              costDifference: nullable(best.difference),
              chanceByLuck: nullable(best.p),
            },
      sealedCostDifference: found.sealed === null ? null : nullable(found.sealed),
      detectableCostDifference: found.detectable === null ? null : nullable(found.detectable),
    },
    differences: sweep.comparison?.differences ?? null,
    /** What the budget says of what is recommended. */
    gate: sweep.gate,
  };
}

function gateDocumentOf(one: Gated | undefined) {
  if (one === undefined) return null;
  const { verdict, checks } = one.gate;
  return { verdict, sentence: one.change.sentence, checks };
}

function scoresDocument(scores: Scores): Record<keyof Scores, number | null> {
  return Object.fromEntries(
    Object.entries(scores).map(([name, value]) => [name, nullable(value as number)]),
  ) as Record<keyof Scores, number | null>;
}

function nullable(value: number): number | null {
  return Number.isFinite(value) ? tidy(value) : null;
}
