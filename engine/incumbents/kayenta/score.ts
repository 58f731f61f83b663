/**
 * The score of a canary (WeightedSumScorer.scala, ScoringHelper.scala,
 * ThresholdScoreClassifier.scala).
 */

import { own, type JsonObject } from "../../json.ts";
import type { Classified } from "./classify.ts";

/** One metric that was judged; of a query that answers several series, each is one. */
export interface MetricResult extends Classified {
  readonly name: string;
  readonly query: string;
  readonly groups: readonly string[];
  readonly muted: boolean;
  /** How many values were compared, after NaN and outliers. */
  readonly values: { readonly canary: number; readonly baseline: number };
}

export interface Score {
  readonly score: number;
  /** Why it is 0 whatever the groups say; null: it is their weighted sum. */
  readonly because: "critical" | "nodata" | null;
  /** Of 100, by group; of a group without data 0, although it counts 100. */
  readonly groups: ReadonlyMap<string, number>;
}

/** So many percent of the metrics without data fail the canary. */
const TOO_MANY_NODATA = 50;

export function scoreOf(results: readonly MetricResult[], groupWeights: JsonObject<number>): Score {
  const counted = results.filter(({ muted }) => !muted);
  const groups = groupScores(counted);
  const scores = new Map([...groups].map(([name, score]) => [name, score ?? 0]));
  const failed = counted.some(({ critical, label }) => critical && label !== "Pass");
  if (failed) return { score: 0, because: "critical", groups: scores };
  const nodata = counted.filter(({ label }) => label === "Nodata").length;
  if ((nodata / counted.length) * 100 >= TOO_MANY_NODATA) {
    return { score: 0, because: "nodata", groups: scores };
  }
  return { score: weightedSum(groups, groupWeights), because: null, groups: scores };
}

/** By group; null where none of its metrics has data. */
function groupScores(results: readonly MetricResult[]): ReadonlyMap<string, number | null> {
  const names = new Set(results.flatMap(({ groups }) => groups));
  return new Map(
    [...names].map((name) => {
      const labels = results.flatMap(({ groups, label }) =>
        groups.flatMap((group) => (group === name ? [label] : [])),
      );
      const pass = labels.filter((label) => label === "Pass").length;
      const total = labels.filter((label) => label !== "Nodata" && label !== "Error").length;
      return [name, total === 0 ? null : (pass / total) * 100];
    }),
  );
}

/** Groups without a weight share what the weights leave of 100. */
function weightedSum(
  groups: ReadonlyMap<string, number | null>,
  weights: JsonObject<number>,
): number {
  const given = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const others = [...groups.keys()].filter((name) => own(weights, name) === undefined).length;
  const share = others === 0 ? 0 : (100 - given) / others;
  let sum = 0;
  for (const [name, score] of groups) {
    const weight = own(weights, name) ?? share;
    sum += (score ?? 100) * (weight / 100);
  }
  return rounded(sum);
}

/** To two decimals, half away from zero, of the decimal digits as they are printed. */
function rounded(value: number): number {
  const digits = String(Math.abs(value));
  if (digits.includes("e")) return 0;
  return Math.sign(value) * Number(`${Math.round(Number(`${digits}e2`))}e-2`);
}

/** What the judge calls a score. Orca compares again, and there `marginal` itself fails. */
export function classificationOf(
  score: number,
  { marginal, pass }: { readonly marginal: number; readonly pass: number },
): "Pass" | "Marginal" | "Fail" {
  if (score >= pass) return "Pass";
  return score >= marginal ? "Marginal" : "Fail";
}
