/** Scorecards, differences and flips as a terminal shows them. */

import { own, jsonObject, type JsonObject } from "../../engine/index.ts";
import { Table } from "console-table-printer";
import { causeLines } from "../causes/words.ts";
import { counted, countText } from "../counted.ts";
import { getOrMake } from "../getOrMake.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";
import { isUnlabelled, isWasted, rollbackWorth } from "../score/costs.ts";
import { FIELDS, type Field } from "../score/fields.ts";
import { identifiedText, LESS_THAN_HALF } from "../score/identified.ts";
import { estimateIn, type Bounds, type Estimate } from "../score/scorecard.ts";
import type { Difference, Flip } from "./compare.ts";
import type { Answer, Answered } from "./answer.ts";
import { coinLine } from "./coinWords.ts";
import { flippedOf, type Flipped } from "./flipped.ts";
import {
  formatValue,
  IN_WORDS,
  VERDICT_MARKS,
  ONLY_WHERE_ANY,
  resolution,
  sentence,
  SHOWN,
} from "./words.ts";

function estimateOf({ scored }: Answered, name: string): Estimate {
  return estimateIn(scored.scorecard, name);
}

/** A value without its interval; it is said where less than half of it is identified. */
function valueCell(unit: Field["unit"], { value, reason }: Estimate): string {
  if (value === null) return "–";
  const text = formatValue(unit, value);
  return reason === undefined ? text : `${text} (${identifiedText(reason)})`;
}

function cell(unit: Field["unit"], estimate: Estimate): string {
  if (estimate.value === null) return "–";
  const value = valueCell(unit, estimate);
  if (estimate.low === null || estimate.high === null || estimate.low === estimate.high)
    return value;
  return `${value} [${formatValue(unit, estimate.low)}, ${formatValue(unit, estimate.high)}]`;
}

/** A table as it is, or a shorter one where it would break over the edge. */
export function fitting(table: string, shorter: () => string, columns: number): string {
  return table.indexOf("\n") <= columns ? table : shorter();
}

/**
 * Policies as columns; 95 % intervals in brackets where `columns` characters are wide
 * enough for them.
 *
 * @param all every row, or the eight that are asked for first
 */
export function scorecardTable(
  policies: readonly Answered[],
  columns = TERMINAL_COLUMNS,
  all = true,
): string {
  const full = renderScorecard(policies, cell, all);
  const hidden = SHOWN.some(([name]) =>
    policies.some((one) => estimateOf(one, name).reason !== undefined),
  );
  const table = fitting(
    full,
    () => {
      const short = renderScorecard(policies, valueCell, all);
      const wanted = full.indexOf("\n");
      return `${short}\nIntervals are in --json, or in a window ${wanted} columns wide.`;
    },
    columns,
  );
  const notes = [
    ...(hidden ? [LESS_THAN_HALF] : []),
    ...(all ? [] : ["--all has every row, and between which bounds no model moves them."]),
  ];
  return [table, ...notes].join("\n");
}

const ROWS_AT_MOST = 8;
/** The rows that are asked for first; the last gives way where there are too many. */
const BRIEF = new Set([
  "regressions",
  "rollbacks",
  "truePositiveRollbacks",
  "falsePositiveRollbacks",
  "unlabelledRollbacks",
  "missRate",
  "mttr",
  "pagesPerWeek",
  "cost",
]);

function renderScorecard(
  policies: readonly Answered[],
  show: (unit: Field["unit"], estimate: Estimate) => string,
  all: boolean,
): string {
  const table = new Table({
    columns: [
      { name: "field", title: "", alignment: "left" },
      ...policies.map(({ policy }, at) => ({
        name: String(at),
        title: policy.policy,
        alignment: "left" as const,
      })),
    ],
    shouldDisableColors: true,
  });
  const rows = SHOWN.filter(
    ([name]) =>
      !ONLY_WHERE_ANY.has(name) || policies.some((one) => estimateOf(one, name).value !== 0),
  );
  const brief = rows.filter(([name]) => BRIEF.has(name)).slice(0, ROWS_AT_MOST);
  for (const [name, title] of all ? rows : brief) {
    const field = FIELDS.find((one) => one.name === name)!;
    const cells = policies.map((one) => show(field.unit, estimateOf(one, name)));
    table.addRow(rowOf(title, cells));
    if (!all) continue;
    addBounds(table, name, field, policies);
    if (name === "mttr") addSensitivity(table, policies);
  }
  return table.render();
}

/** A row of the table, whose columns are numbered: policies may have any name. */
function rowOf(field: string, cells: readonly string[]): JsonObject<string> {
  const numbered = cells.map((cell, at): [string, string] => [String(at), cell]);
  return jsonObject([["field", field], ...numbered]);
}

/** A row below a number that history's own rollbacks may flatter: between which values it lies. */
function addBounds(table: Table, name: string, field: Field, policies: readonly Answered[]): void {
  const boundsOf = ({ scored }: Answered) =>
    own(scored.scorecard, `${name}Bounds`) as Bounds | undefined;
  const differs = (found: Bounds | undefined): boolean => found?.best !== found?.worst;
  if (!policies.some((one) => differs(boundsOf(one)))) return;
  const cells = policies.map((evaluated): string => {
    const found = boundsOf(evaluated);
    if (found?.best == null || found.worst === null || !differs(found)) return "";
    const [best, worst] = [found.best, found.worst].map((value) => formatValue(field.unit, value));
    return `${best} and ${worst}`;
  });
  table.addRow(rowOf("  between", cells));
}

/** A row below MTTR: what it were had recovery after a rollback been half as long, and twice. */
function addSensitivity(table: Table, policies: readonly Answered[]): void {
  const cells = policies.map(({ scored }): string => {
    const { recoveryHalved: half, recoveryDoubled: double } =
      scored.scorecard.mttrSensitivity ?? {};
    if (half == null || double == null || half === double) return "";
    const [least, most] = [half, double].map((value) => formatValue("seconds", value));
    return `${least} and ${most}`;
  });
  const field = "  recovery ½ and 2 times";
  if (cells.some((cell) => cell !== "")) table.addRow(rowOf(field, cells));
}

/** Why each policy missed regressions, and what fooled it: two lines a policy at most. */
export function causesOfAll({ policies }: Pick<Answer, "policies">): readonly string[] {
  return policies.flatMap(({ policy, scored: { scorecard } }) =>
    causeLines(policy.policy, scorecard.causes),
  );
}

/** Of rollbacks that were not the cause's: what each cost, and what it may have been worth. */
export function wastedLines({ policies, manifest }: Answer, most: number): string[] {
  const wasted = policies[0]!.outcomes.filter(isWasted);
  const lines = wasted.slice(0, most).map((outcome) => {
    const { rollbackCost, spikeCost } = rollbackWorth(outcome, manifest.costs);
    const model = outcome.censoredAtMs === null ? "" : " (a model: history rolled back first)";
    return (
      `  ${outcome.deploymentId} (${outcome.label}): the rollback cost ` +
      `${formatValue("cost", rollbackCost!)}, the spike would have cost ` +
      `${formatValue("cost", spikeCost!)}${model}`
    );
  });
  if (wasted.length > most)
    lines.push(`  … and ${countText(wasted.length - most)} more (--json has all)`);
  return wasted.length === 0 ? [] : ["Rolled back without being the cause:", ...lines];
}

/** Of rollbacks that nobody has labelled: why, and how to say whether they were right. */
export function unlabelledLines({ policy, outcomes }: Answered, most: number): string[] {
  const found = outcomes.filter(isUnlabelled);
  if (found.length === 0) return [];
  const more = found.length - most;
  return [
    `Rolled back under ${policy.policy}, and no label says whether that was right:`,
    ...found
      .slice(0, most)
      .map(({ deploymentId, reason }) => `  ${deploymentId}: ${shortened(reason)}`),
    ...(more > 0 ? [`  … and ${countText(more)} more (--json has all)`] : []),
    "  Say good or bad of them in labels.csv (deployment_id,label), and import again.",
  ];
}

type Named = Pick<Answered, "policy">;

/** Policies and what sets them apart: a whole answer, or no more than this of one. */
export interface Compared extends Pick<Answer, "differences" | "pairs"> {
  readonly policies: readonly Named[];
}

/** The differences that matter, a sentence each: better and worse first, then what is open. */
export function differenceSentences({ policies, differences, pairs = [] }: Compared): string[] {
  const [baseline, ...candidates] = policies as [Named, ...Named[]];
  const againstFirst = candidates.map(({ policy }) => {
    const mine = differences.filter((one) => one.candidatePolicy === policy.policy);
    return sentencesOf(baseline.policy.policy, policy.policy, mine);
  });
  const others = pairs.map(({ baselinePolicy, candidatePolicy, differences: own }) =>
    sentencesOf(baselinePolicy, candidatePolicy, own),
  );
  return [...againstFirst, ...others].flat();
}

function sentencesOf(from: string, to: string, differences: readonly Difference[]): string[] {
  const told = differences.filter(({ field }) => Object.hasOwn(IN_WORDS, field));
  const resolved = resolution(told);
  return [
    `${to} against ${from}:`,
    ...told.flatMap((difference) => {
      const byCoin = coinLine(difference);
      return [
        `  ${VERDICT_MARKS[difference.verdict]}  ${sentence(difference)}`,
        ...(byCoin === null ? [] : [`     ${byCoin}`]),
      ];
    }),
    ...(resolved === null ? [] : [`  ${resolved}`]),
  ];
}

const MARKS: Readonly<Record<Flip["change"], string>> = {
  better: "+",
  worse: "−",
  open: "?",
  neutral: "·",
};

/** More than a window is wide where nobody looks through one; two lines of a narrow one. */
const WHY_AT_MOST = Math.max(110, TERMINAL_COLUMNS - 8);

function shortened(why: string): string {
  return why.length <= WHY_AT_MOST ? why : `${why.slice(0, WHY_AT_MOST - 1)}…`;
}

/** The first flips, as many that harm as that help where there are as many; the harmful first. */
export function flipLines(flips: readonly Flip[], most: number): string[] {
  const shown = firstOf(flips, most);
  const lines = shown.map((flip) => {
    const mark = MARKS[flip.change];
    return (
      `  ${mark} ${flip.deploymentId} (${flip.label}): ` +
      `${flip.baseline.end} → ${flip.candidate.end}` +
      `\n      ${shortened(flip.why)}`
    );
  });
  return [...lines, ...moreLine(flips.length - shown.length)];
}

function firstOf<One extends Pick<Flip, "change">>(all: readonly One[], most: number): One[] {
  const of = (change: Flip["change"]): One[] => all.filter((one) => one.change === change);
  const [worse, better] = [of("worse"), of("better")];
  const half = Math.ceil(most / 2);
  const harmful = worse.slice(0, Math.max(half, most - better.length));
  const told = [...harmful, ...better.slice(0, Math.max(0, most - harmful.length))];
  return [...told, ...of("open"), ...of("neutral")].slice(0, most);
}

function moreLine(more: number): string[] {
  return more > 0 ? [`  … and ${countText(more)} more (--json has all)`] : [];
}

/**
 * Of three policies or more: how many deployments end differently under any of them, and the first
 * ones with how they end under each.
 */
export function flippedLines(
  { policies, flips }: Pick<Answer, "policies" | "flips">,
  drawn: string,
  most: number,
): string[] {
  const [baseline, ...candidates] = policies.map(({ policy }) => policy.policy);
  const flipped = flippedOf(flips);
  const deployments = estimateOf(policies[0]!, "deployments").value ?? 0;
  const counts = candidates.map((name) => {
    const count = flips.filter(({ candidatePolicy }) => candidatePolicy === name).length;
    return `${countText(count)} under ${name}`;
  });
  const shown = firstOf(flipped, most);
  return [
    `${countText(flipped.length)} of ${counted(deployments, "deployment")} end differently than ` +
      `under ${baseline!}${drawn}: ${counts.join(", ")}.`,
    ...shown.flatMap((one) => linesOf(one, baseline!)),
    ...moreLine(flipped.length - shown.length),
  ];
}

function linesOf({ deploymentId, under, any }: Flipped<Flip>, baseline: string): string[] {
  const alike = new Map<string, Flip[]>();
  for (const flip of under.values()) {
    getOrMake(alike, `${MARKS[flip.change]} ${flip.candidate.end}`, () => []).push(flip);
  }
  return [
    `  ${deploymentId} (${any.label}): ${any.baseline.end} under ${baseline}`,
    ...[...alike].map(([end, flips]) => {
      const names = flips.map(({ candidatePolicy }) => candidatePolicy).join(", ");
      return `    ${end} under ${names}\n      ${shortened(flips[0]!.why)}`;
    }),
  ];
}
