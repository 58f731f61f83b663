/** What a difference would be, had single deployments ended otherwise under two policies. */

import type { Listed } from "../history/listed.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Field } from "../score/fields.ts";
import { add, newRow, type RowChange, type RowScores, type Totals } from "../score/rows.ts";
import { kindOf, type Kind } from "./kinds.ts";

/** Outcomes of two policies by draw, as they are or as they are assumed. */
export interface Draws {
  readonly baseline: readonly Listed<Outcome>[];
  readonly candidate: readonly Listed<Outcome>[];
}

/** One deployment, and what changes where it ends otherwise. */
export interface Change extends RowChange {
  readonly deploymentId: string;
  readonly kind: Kind;
}

/** One deployment, and what changes in each of the ways in which it may have ended. */
export interface Ways {
  readonly deploymentId: string;
  readonly kind: Kind;
  readonly ways: readonly RowChange[];
}

/**
 * What changes where other outcomes take the place of these, by deployment.
 *
 * @param places of the deployments that may differ, in the lists of outcomes
 * @param services in the order of the rows
 */
export function changesBetween(
  is: Draws,
  becomes: Draws,
  places: Iterable<number>,
  services: readonly string[],
  scores: RowScores,
): Change[] {
  const serviceAt = placesOf(services);
  return Array.from(places, (place): Change => {
    const { deploymentId, service, label } = is.baseline[0]!.at(place)!;
    const change = (side: keyof Draws): Float64Array => {
      const row = meanRow(becomes[side], place, scores);
      add(row, meanRow(is[side], place, scores), -1);
      return row;
    };
    return {
      deploymentId,
      kind: kindOf(label),
      service: serviceAt.get(service)!,
      baseline: change("baseline"),
      candidate: change("candidate"),
    };
  });
}

/**
 * The ways in which deployments may have ended under both policies: each draw of each model of what
 * history hid is one. Both policies meet the same continuation in it, so policies that are nearly
 * the same end nearly alike whatever it is.
 */
export function waysOf(
  is: Draws,
  models: readonly Draws[],
  places: Iterable<number>,
  services: readonly string[],
  scores: RowScores,
): Ways[] {
  const serviceAt = placesOf(services);
  return Array.from(places, (place): Ways => {
    const { deploymentId, service, label } = is.baseline[0]!.at(place)!;
    const [before, after] = [
      meanRow(is.baseline, place, scores),
      meanRow(is.candidate, place, scores),
    ];
    const ways = new Map<string, RowChange>();
    for (const { baseline, candidate } of [is, ...models]) {
      baseline.forEach((outcomes, draw) => {
        const one = scores.rowOf(outcomes.at(place)!);
        const other = scores.rowOf(candidate[draw]!.at(place)!);
        add(one, before, -1);
        add(other, after, -1);
        const way = { service: serviceAt.get(service)!, baseline: one, candidate: other };
        ways.set(`${one.join()} ${other.join()}`, way);
      });
    }
    return { deploymentId, kind: kindOf(label), ways: [...ways.values()] };
  });
}

/**
 * By how much one change alone moves the difference of a field.
 *
 * @param from the difference of these totals
 */
function moveOf(
  field: Field,
  { baseline, candidate }: Totals,
  from: number,
  change: RowChange,
  scores: RowScores,
): number {
  const [before, after] = [baseline.slice(), candidate.slice()];
  add(before, change.baseline);
  add(after, change.candidate);
  const move = scores.differenceOf(field, { baseline: before, candidate: after }) - from;
  return Number.isNaN(move) ? 0 : move;
}

/** By how much each of some changes moves it, each alone. */
export function movesOf(
  field: Field,
  totals: Totals,
  changes: readonly RowChange[],
  scores: RowScores,
): number[] {
  const from = scores.differenceOf(field, totals);
  return changes.map((change) => moveOf(field, totals, from, change, scores));
}

function meanRow(
  draws: readonly Listed<Outcome>[],
  place: number,
  scores: RowScores,
): Float64Array {
  const row = newRow();
  for (const outcomes of draws) add(row, scores.rowOf(outcomes.at(place)!), 1 / draws.length);
  return row;
}

function placesOf(services: readonly string[]): ReadonlyMap<string, number> {
  return new Map(services.map((service, at) => [service, at]));
}
