/** How many deployments have a part in a difference that is assumed, by field. */

import type { Label } from "../history/tables.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import { tidy } from "../score/intervals.ts";
import type { Given } from "./bounds.ts";
import type { AssumedIn } from "./compare.ts";
import type { Evaluated } from "./evaluate.ts";

/** Fields that rest on deployments of some labels alone. */
const GOOD: readonly Label[] = ["benign", "expected_change"];
const BAD: readonly Label[] = ["regression"];
const LABELLED = [...GOOD, ...BAD];
const RESTS_ON: ReadonlyMap<string, readonly Label[]> = new Map([
  ["falsePositiveRollbacks", GOOD],
  ["falsePositiveRate", GOOD],
  ["truePositiveRollbacks", BAD],
  ["missRate", BAD],
  ["recall", BAD],
  ["harmfulOverrides", BAD],
  ["tagMasked", BAD],
  ["mttr", BAD],
  ["falsePositiveShare", LABELLED],
  ["precision", LABELLED],
  ["f1", LABELLED],
  ["unrelatedRollbacks", ["unrelated_incident"]],
]);

/** Does a field rest on deployments of this label? */
export function restsOn(field: string, label: Label): boolean {
  const labels = field.startsWith("timeTo") ? BAD : RESTS_ON.get(field);
  return labels === undefined || labels.includes(label);
}

/** Does the field depend on when a regression was over? */
const isOfRecovery = (field: string): boolean =>
  field === "mttr" || field === "cost" || field.startsWith("timeToRecovery.");

/** Counts what was assumed of each draw. */
export function assumptionsOf(
  baseline: Evaluated,
  candidate: Evaluated,
): { readonly add: (given: readonly Given[]) => void; readonly of: (field: string) => AssumedIn } {
  const counts = new Map<string, number>();
  const draws = baseline.draws.length;
  let modelled = 0;
  baseline.draws.forEach((outcomes, draw) => {
    const others = standingFor(candidate.draws[draw]!);
    standingFor(outcomes).forEach((outcome, place) => {
      const isModelled = [outcome, others.at(place)!].some(
        ({ label, evidence, censoredAtMs }) =>
          label === "regression" && evidence === "modelled" && censoredAtMs === null,
      );
      if (isModelled) modelled += 1 / draws;
    });
  });
  return {
    add: (given) => {
      for (const { label, how } of given) {
        const key = `${how} ${label}`;
        counts.set(key, (counts.get(key) ?? 0) + 1 / draws);
      }
    },
    of: (field) => {
      const count = (how: string): number => {
        let sum = 0;
        for (const [key, n] of counts) {
          const [kind, label] = key.split(" ") as [string, Label];
          if (kind === how && restsOn(field, label)) sum += n;
        }
        return tidy(sum);
      };
      return {
        bounded: count("bounded"),
        alike: count("alike"),
        modelled: isOfRecovery(field) ? tidy(modelled) : 0,
      };
    },
  };
}
