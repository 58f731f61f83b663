/** Prints how far a replay is off, for a terminal. */

import type { JsonObject } from "../../engine/index.ts";
import { Table } from "console-table-printer";
import { counted, countText } from "../counted.ts";
import { formatValue } from "../compare/words.ts";
import { FIELDS } from "../score/fields.ts";
import type { Measured, PairFidelity, ScoreFidelity } from "./fidelity.ts";
import type { HeldTo, WorldResult } from "./oneWorld.ts";

export const TITLES: Readonly<Record<HeldTo, string>> = {
  mttr: "mean time to recovery",
  "timeToRecovery.restrictedMean60m": "  restricted to an hour",
  falsePositiveShare: "false-positive share",
  missRate: "regressions missed",
  pagesPerWeek: "pages a week",
};

/** One policy asked about: a row for each score. */
export function fidelityTable(
  { logPolicy, asked, identifiedShare, scores }: PairFidelity,
  results: readonly WorldResult[],
): string {
  const table = new Table({
    columns: [
      { name: "score", title: "", alignment: "left" },
      { name: "truth", title: "truth", alignment: "right" },
      { name: "replay", title: "replay", alignment: "right" },
      { name: "bias", title: "bias ± s.e.", alignment: "right" },
      { name: "error", title: "in one world", alignment: "right" },
      { name: "own", title: "95 % holds", alignment: "right" },
      { name: "difference", title: "difference", alignment: "right" },
      { name: "bounds", title: "bounds hold", alignment: "right" },
      { name: "ranked", title: "ranked right", alignment: "right" },
      { name: "verdicts", title: "verdicts", alignment: "right" },
    ],
    shouldDisableColors: true,
  });
  for (const one of scores) table.addRow(rowOf(one));
  const { length } = results;
  const regressions = results.reduce((sum, result) => sum + result.regressions, 0);
  const deployments = results.reduce((sum, result) => sum + result.deployments, 0);
  return [
    headline(asked, scores, length),
    "",
    `${asked}, replayed on what ${logPolicy} left behind, against its life in the same world: ` +
      `${length} worlds, ${deployments} deployments, ${regressions} regressions, ` +
      `${percent(identifiedShare)} identified.`,
    table.render(),
    "95 % holds, difference: the interval of the score, and of its difference from the history's",
    "policy, holds this world's truth / the mean of such worlds. Verdicts: given, and wrong.",
    "",
  ].join("\n");
}

/** How often a replay's verdicts and intervals are right, and where it is off the most. */
function headline(asked: string, scores: readonly ScoreFidelity[], worlds: number): string {
  const given = scores.reduce((sum, { verdicts }) => sum + verdicts.given, 0);
  const wrong = scores.reduce((sum, { verdicts }) => sum + verdicts.wrong, 0);
  const known = scores.filter(({ biasShare }) => biasShare.value !== null);
  const [worst] = [...known].sort(
    (a, b) => Math.abs(b.biasShare.value!) - Math.abs(a.biasShare.value!),
  );
  const off =
    worst === undefined
      ? ""
      : `; it is off the most in ${TITLES[worst.score].trim()}, by ${biasText(worst.biasShare)}`;
  return (
    `A replay of ${asked} gave ${counted(given, "verdict")} in ${counted(worlds, "world")}, ` +
    `${countText(wrong)} of them wrong${off}.`
  );
}

function rowOf(one: ScoreFidelity): JsonObject<string> {
  const { unit } = FIELDS.find(({ name }) => name === one.score)!;
  const value = (number: number | null): string =>
    number === null ? "–" : formatValue(unit, number);
  const { coverage, verdicts } = one;
  return {
    score: TITLES[one.score],
    truth: value(one.truth.value),
    replay: value(one.estimate.value),
    bias: biasText(one.biasShare),
    error: one.typicalError === null ? "–" : `± ${value(one.typicalError)}`,
    own: both(coverage.thisWorld, coverage.suchWorlds),
    difference: both(coverage.differenceThisWorld, coverage.differenceSuchWorlds),
    bounds: percent(one.boundsHold),
    ranked: percent(one.rankedRight),
    verdicts: `${verdicts.given}, ${verdicts.wrong}`,
  };
}

function both(thisWorld: Measured, suchWorlds: Measured): string {
  return `${percent(thisWorld)} / ${percent(suchWorlds)}`;
}

function biasText({ value, standardError }: Measured): string {
  if (value === null) return "–";
  const sign = value > 0 ? "+" : value < 0 ? "−" : "";
  const error = standardError === null ? "" : ` ± ${(100 * standardError).toFixed(1)}`;
  return `${sign}${(100 * Math.abs(value)).toFixed(1)}${error} %`;
}

function percent({ value }: Measured): string {
  return value === null ? "–" : `${(100 * value).toFixed(value === 1 ? 0 : 1)} %`;
}
