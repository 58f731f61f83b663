/**
 * What wrong labels do to scores. Each label of a good deployment or a regression is taken to be
 * wrong with one chance in ten, apart from the others, and the score is counted again.
 *
 * The decisions stay as they are. A good deployment that becomes a regression has no onset, so it
 * is in no time to recovery. Bias: labels that are wrong together move a score further.
 */

import { jsonObject, type JsonObject } from "../../engine/index.ts";
import type { Listed } from "../history/listed.ts";
import { isEarlyRollback, isGood, isSilent, type Outcome } from "../outcome/outcome.ts";
import { randomStream } from "../random.ts";
import { FIELDS, valueOfSums } from "./fields.ts";
import { COUNTED, type SumName } from "./sums.ts";

export const WRONG_SHARE = 0.1;
const DRAWS = 200;
/** The scores that rest on labels alone, and the mean time to recovery. */
const NAMES = ["precision", "recall", "f1", "falsePositiveRate", "missRate", "mttr"] as const;

/** Between which nine of ten draws lie; fields without a value are left out. */
export type WrongLabels = JsonObject<{ readonly low: number; readonly high: number }>;

type Part = readonly (readonly [SumName, number])[];

/** @param outcomes of the first draw, which the decisions are taken from */
export function wrongLabelsOf(outcomes: Listed<Outcome>, seed: number): WrongLabels {
  const labelled = outcomes.flatMap((outcome) =>
    isGood(outcome) || outcome.label === "regression"
      ? [{ is: asLabelled(outcome), else: asOther(outcome) }]
      : [],
  );
  const values = new Map<string, number[]>(NAMES.map((name) => [name, []]));
  const fields = FIELDS.filter(({ name }) => values.has(name));
  const random = randomStream("wrong labels", seed);
  const right = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<SumName, number>;
  for (const { is } of labelled) add(right, is, 1);
  for (let draw = 0; draw < DRAWS; draw++) {
    const sums = { ...right };
    const next = (): number =>
      1 + Math.floor(Math.log1p(-random.next()) / Math.log1p(-WRONG_SHARE));
    for (let at = next() - 1; at < labelled.length; at += next()) {
      add(sums, labelled[at]!.is, -1);
      add(sums, labelled[at]!.else, 1);
    }
    for (const field of fields) {
      const value = valueOfSums(field, sums, 1);
      if (value !== null && Number.isFinite(value)) values.get(field.name)!.push(value);
    }
  }
  return jsonObject(
    [...values].flatMap(([name, drawn]) => {
      // A score that many draws do not have has no range either.
      if (drawn.length < DRAWS / 2) return [];
      drawn.sort((a, b) => a - b);
      const quantile = (share: number): number => drawn[Math.floor(share * (drawn.length - 1))]!;
      return [[name, { low: quantile(0.05), high: quantile(0.95) }] as const];
    }),
  );
}

function add(sums: Record<SumName, number>, part: Part, times: number): void {
  for (const [name, amount] of part) sums[name] += times * amount;
}

function asLabelled(outcome: Outcome): Part {
  if (isGood(outcome)) return asGood(outcome);
  const { recoveryMs, onsetAtMs } = outcome;
  const early = isEarlyRollback(outcome);
  const timed: Part =
    recoveryMs === null || onsetAtMs === null
      ? []
      : [
          ["timed", 1],
          ["recoverySeconds", recoveryMs / 1000],
        ];
  return [...(early ? EARLY : asRegression(outcome)), ...timed];
}

const EARLY: Part = [
  ["regressions", 1],
  ["earlyRollbacks", 1],
];

/** The same deployment, had its label been the other one. */
function asOther(outcome: Outcome): Part {
  return isGood(outcome) ? asRegression(outcome) : asGood(outcome);
}

function asGood({ rolledBack }: Outcome): Part {
  return [
    ["benign", 1],
    ["falsePositiveRollbacks", rolledBack ? 1 : 0],
  ];
}

function asRegression(outcome: Outcome): Part {
  const { rolledBack } = outcome;
  return [
    ["regressions", 1],
    ["truePositiveRollbacks", rolledBack ? 1 : 0],
    ["misses", rolledBack || isSilent(outcome) ? 0 : 1],
  ];
}
