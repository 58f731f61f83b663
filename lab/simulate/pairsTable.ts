/** Prints how far verdicts can be trusted: one Markdown table, and its sums. */

import { counted, countText } from "../counted.ts";
import { formatDifference } from "../compare/words.ts";
import { FIELDS } from "../score/fields.ts";
import type { Measured, ScoreFidelity } from "./fidelity.ts";
import { TITLES } from "./fidelityTable.ts";
import type { HeldPair } from "./pairs.ts";
import { contains, exactInterval, type VerdictFidelity } from "./verdicts.ts";

/** What intervals are made to hold. */
const LEVEL = 0.95;
const GROUND_NAMES = { identified: "identified", modelled: "modelled", none: "no ground named" };

/**
 * A row for each pair and score. Behind a share stands its exact 99 % interval; with `!` that does
 * not contain 95 %.
 */
export function pairsTable(pairs: readonly HeldPair[]): readonly string[] {
  const all = pairs.flatMap(({ verdicts }) => verdicts.flatMap(({ given }) => given));
  const given = all.reduce((sum, one) => sum + one.given, 0);
  const wrong = all.reduce((sum, one) => sum + one.wrong, 0);
  return [
    `${counted(given, "verdict")} on ${counted(pairs.length, "pair")} of policies, ` +
      `${countText(wrong)} of them wrong.`,
    "",
    "| pair | score | bias ± s.e. | own: this world / such | difference: this world / such | " +
      "true difference (resolved) | verdicts, wrong | right beyond once / twice |",
    `|${"---|".repeat(8)}`,
    ...pairs.flatMap(({ logPolicy, asked, scores, verdicts }) =>
      scores.map((score, at) => {
        const name = at === 0 ? `${logPolicy} → ${asked}` : "";
        return `| ${name} | ${rowOf(score, verdicts[at]!).join(" | ")} |`;
      }),
    ),
    "",
    ...sums(pairs),
  ];
}

function rowOf(score: ScoreFidelity, verdict: VerdictFidelity): readonly string[] {
  const { unit } = FIELDS.find(({ name }) => name === score.score)!;
  const difference = (number: number | null): string =>
    number === null ? "–" : formatDifference(unit, number);
  const { coverage } = score;
  const all = verdict.given.reduce(
    (sum, { given, wrong }) => ({ given: sum.given + given, wrong: sum.wrong + wrong }),
    { given: 0, wrong: 0 },
  );
  return [
    TITLES[score.score].trim(),
    biasOf(score.biasShare),
    `${held(coverage.thisWorld)} / ${held(coverage.suchWorlds)}`,
    `${held(coverage.differenceThisWorld)} / ${held(coverage.differenceSuchWorlds)}`,
    `${difference(verdict.difference)} (${difference(verdict.resolution).replace("+", "")})`,
    `${all.given}, ${all.wrong}`,
    `${decided(verdict.beyondOnce)} / ${decided(verdict.beyondTwice)}`,
  ];
}

function biasOf({ value, standardError }: Measured): string {
  if (value === null) return "–";
  const [points, error] = [value, standardError ?? 0].map((one) => (100 * one).toFixed(1));
  return `${value > 0 ? "+" : ""}${points!} ± ${error!} %`;
}

function held({ value, worlds }: Measured): string {
  if (value === null) return "–";
  const count = Math.round(value * worlds);
  return `${share(count, worlds)}${contains(count, worlds, LEVEL) ? "" : " !"}`;
}

function decided({ worlds, right }: VerdictFidelity["beyondOnce"]): string {
  return worlds === 0 ? "–" : share(right, worlds);
}

/** A share with its exact interval. */
function share(count: number, n: number): string {
  const { low, high } = exactInterval(count, n);
  return `${percent(count / n)} (${(100 * low).toFixed(0)}-${(100 * high).toFixed(0)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Coverage of all cells together, decisiveness, and wrong verdicts by ground. */
function sums(pairs: readonly HeldPair[]): readonly string[] {
  const cells = pairs.flatMap(({ scores }) => scores.map(({ coverage }) => coverage));
  const verdicts = pairs.flatMap((one) => one.verdicts);
  const covered = (which: keyof ScoreFidelity["coverage"]): string => {
    const known = cells.map((one) => one[which]).filter(({ value }) => value !== null);
    const [holds, n] = [
      known.reduce((sum, { value, worlds }) => sum + value! * worlds, 0),
      known.reduce((sum, { worlds }) => sum + worlds, 0),
    ];
    const fit = known.filter(({ value, worlds }) =>
      contains(Math.round(value! * worlds), worlds, LEVEL),
    );
    const pooled = n === 0 ? "–" : `${((100 * holds) / n).toFixed(1)} % of ${n}`;
    return `${pooled}; 95 % is possible in ${fit.length} of ${known.length} cells`;
  };
  const beyond = (which: "beyondOnce" | "beyondTwice"): string => {
    const worlds = verdicts.reduce((sum, one) => sum + one[which].worlds, 0);
    const right = verdicts.reduce((sum, one) => sum + one[which].right, 0);
    return worlds === 0
      ? "no such difference"
      : `${right} of ${worlds} right, ${share(right, worlds)}`;
  };
  const wrong = ([key, name]: [string, string]): string => {
    const own = verdicts.flatMap((one) =>
      one.given.filter(({ ground }) => (ground ?? "none") === key),
    );
    const given = own.reduce((sum, one) => sum + one.given, 0);
    const bad = own.reduce((sum, one) => sum + one.wrong, 0);
    return `${name}: ${given} given, ${bad} wrong${given === 0 ? "" : `, ${share(bad, given)}`}`;
  };
  return [
    `* Intervals of scores hold such worlds' mean: ${covered("suchWorlds")}.`,
    `* Intervals of differences hold such worlds' mean: ${covered("differenceSuchWorlds")}.`,
    `* Decisive where the true difference is beyond what one world resolves by sampling alone: ` +
      `${beyond("beyondOnce")}; beyond twice that: ${beyond("beyondTwice")}.`,
    `* Verdicts by ground: ${Object.entries(GROUND_NAMES).map(wrong).join("; ")}.`,
  ];
}
