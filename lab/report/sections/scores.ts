/** The sections with scorecards and differences, for the whole quarter and for its parts. */

import { own } from "../../../engine/index.ts";
import { fieldWords, formatValue, ONLY_WHERE_ANY, resolution, SHOWN } from "../../compare/words.ts";
import { meaningLine } from "../../compare/meanings.ts";
import { LESS_THAN_HALF } from "../../score/identified.ts";
import { estimateIn, type Bounds, type Scorecard } from "../../score/scorecard.ts";
import { caution, paragraph, type Block, type Column, type Row, type Section } from "../blocks.ts";
import { PART_FIELDS, type BrokenBy, type PartScores } from "../breakdown.ts";
import type { ReportDocument } from "../document.ts";
import { differenceCells, estimateCell, fieldOf } from "./estimate.ts";

const KNOWN = ["observedShare", "modelledShare", "boundedShare", "unknownShare"];
const KNOWN_BY = SHOWN.filter(([name]) => KNOWN.includes(name));

/** The rows of the scorecard, grouped by the question that they answer. */
const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ["What there was", ["deployments", "regressions", "undecidable", "silent"]],
  ["What it did", ["proposals", "rollbacks", "overrides"]],
  [
    "Was it right",
    [
      "truePositiveRollbacks",
      "falsePositiveRollbacks",
      "unrelatedRollbacks",
      "unlabelledRollbacks",
      "falsePositiveShare",
      "falsePositiveRate",
      "missRate",
    ],
  ],
  ["How fast", ["mttr", "timeToRecovery.median", "timeToRollback.median"]],
  ["How far it is known", KNOWN],
];

const FACTS = new Set(["deployments", "regressions"]);

/** Does the card show a score that is less than half identified? */
function hasHidden(card: Scorecard): boolean {
  return SHOWN.some(([name]) => estimateIn(card, name).reason !== undefined);
}

type Comparison = NonNullable<ReportDocument["comparison"]>;

/** Of the policy in force, then of the proposed one. */
export function cardsOf({
  scorecards,
  manifest,
}: Comparison): readonly [Scorecard, ...Scorecard[]] {
  const [current, ...others] = manifest.policies.map(({ name }) => own(scorecards, name)!);
  return [current!, ...others];
}

export function scoresSection({ comparison, policies }: ReportDocument): Section {
  const blocks: Block[] = [];
  if (comparison === null) blocks.push(caution("Nothing was replayed: there are no scores."));
  else {
    const names = policies.map(({ name }) => name);
    blocks.push(
      paragraph(
        names[1] === undefined
          ? `Every deployment of the quarter under ${names[0]!}, the policy in force. Below each ` +
              "number stands its 95 % interval."
          : `Every deployment of the quarter under ${names[0]!} (in force) and ${names[1]} ` +
              "(proposed). Below each number stands its 95 % interval. A difference is drawn " +
              "against zero, better to the right. It is called better or worse only where the " +
              "whole interval, with what past rollbacks hid, lies on one side.",
      ),
      scoreTable(
        names.length === 1 ? "Scorecard" : "Scorecards and paired differences",
        GROUPS,
        comparison,
        names,
      ),
    );
    blocks.push(paragraph(meaningLine(KNOWN_BY.map(([, title]) => title).join("\n"))!));
    const able = resolution(comparison.differences);
    if (able !== null) blocks.push(paragraph(able));
    const rough = estimateIn(cardsOf(comparison)[0], "deployments").why;
    if (cardsOf(comparison).some(hasHidden)) blocks.push(caution(LESS_THAN_HALF));
    if (rough !== undefined) {
      blocks.push(caution(`All intervals here are rough: ${rough}.`));
    }
  }
  return { id: "scores", title: "Scorecards", blocks };
}

/** @param groups fields under headings */
export function scoreTable(
  caption: string,
  groups: readonly (readonly [string, readonly string[]])[],
  comparison: Comparison,
  names: readonly string[],
): Block {
  const cards = cardsOf(comparison);
  const rows: Row[] = [];
  const places = new Map<number, string>();
  for (const [title, fields] of groups) {
    if (groups.length > 1) places.set(rows.length, title);
    for (const name of fields) {
      const estimates = cards.map((card) => estimateIn(card, name));
      if (ONLY_WHERE_ANY.has(name) && estimates.every(({ value }) => value === 0)) continue;
      const field = fieldOf(name);
      rows.push([
        SHOWN.find(([shown]) => shown === name)?.[1] ?? fieldWords(name),
        ...estimates.map((estimate) =>
          // A count of deployments is a fact, not an estimate: it has no interval.
          FACTS.has(name)
            ? estimateCell(field, { ...estimate, low: estimate.value, high: estimate.value })
            : estimateCell(field, estimate),
        ),
        ...(names.length === 1
          ? []
          : differenceCells(comparison.differences.find((one) => one.field === name))),
      ]);
      const between = boundsRow(name, cards);
      if (between !== null) rows.push(between);
    }
  }
  return { kind: "table", caption, columns: columnsOf(names), rows, groups: places };
}

function columnsOf([current, next]: readonly string[]): readonly Column[] {
  const first: readonly Column[] = [{ title: "" }, { title: current!, align: "right" }];
  if (next === undefined) return first;
  return [
    ...first,
    { title: next, align: "right" },
    { title: "difference", align: "right" },
    { title: "worse ← 0 → better", isChart: true },
    { title: "verdict" },
  ];
}

/** A rate's bounds over everything that history's own rollbacks may have hidden. */
function boundsRow(name: string, cards: readonly Scorecard[]): Row | null {
  const both = cards.map((card) => own(card, `${name}Bounds`) as Bounds | undefined);
  if (both.every((bounds) => bounds?.best === bounds?.worst)) return null;
  const { unit } = fieldOf(name);
  const cells = both.map((bounds) =>
    bounds?.best == null || bounds.worst === null
      ? "–"
      : `${formatValue(unit, bounds.best)} to ${formatValue(unit, bounds.worst)}`,
  );
  return [
    { text: "", below: "if all that is hidden went well, or badly" },
    ...cells.map((cell) => ({ text: "", below: cell })),
    ...(cards.length === 1 ? [] : ["", "", ""]),
  ];
}

const PARTS: readonly (readonly [BrokenBy, string, string, string])[] = [
  ["month", "By month", "no month", "When a deployment started, in UTC."],
  ["team", "By team", "no team named", "Whose service it is."],
  [
    "tier",
    "By tier",
    "nothing was asked",
    "How much the policy might do when it first asked: other deployments under each policy.",
  ],
  [
    "mode",
    "By mode",
    "no mode, or nothing asked",
    "The calendar that held when the policy first asked: other deployments under each policy.",
  ],
];

const SIDES = ["in force", "proposed"];

const SHORT: Readonly<Record<(typeof PART_FIELDS)[number], string>> = {
  deployments: "deployments",
  regressions: "regressions",
  falsePositiveRollbacks: "false positives",
  missRate: "missed",
  mttr: "recovery, mean",
  pages: "pages",
  nightPages: "night pages",
  cost: "cost",
};

export function breakdownSection({ breakdown, policies }: ReportDocument): Section {
  const blocks: Block[] = [];
  if (breakdown === null) blocks.push(caution("Nothing was replayed: there is nothing to divide."));
  else {
    blocks.push(
      paragraph(
        `In force is ${policies[0]!.name}` +
          `${policies[1] === undefined ? "" : `, proposed ${policies[1].name}`}. ` +
          "A part holds fewer deployments than the quarter, so its intervals are wider; parts " +
          "that differ by less than that differ by nothing that is known. Counts are means " +
          "over the draws, so a part may hold 0.2 of a deployment: one, in one draw of five.",
      ),
    );
    for (const [by, title, none, says] of PARTS) {
      const parts = breakdown[by];
      if (parts.length === 1 && parts[0]!.name === null) {
        blocks.push(paragraph(`${title} there is one part only: ${none}.`));
        continue;
      }
      const rows: Row[] = [];
      const groups = new Map<number, string>();
      for (const part of parts) {
        groups.set(rows.length, part.name ?? none);
        [part.current, part.candidate].forEach((scores, at) => {
          if (scores !== null) rows.push([SIDES[at]!, ...partCells(scores)]);
        });
      }
      const columns: readonly Column[] = [
        { title: "" },
        ...PART_FIELDS.map((field) => ({ title: SHORT[field], align: "right" as const })),
      ];
      blocks.push({ kind: "table", caption: `${title}: ${says}`, columns, rows, groups });
    }
  }
  return { id: "parts", title: "By month, team, tier and mode", blocks };
}

function partCells(scores: PartScores) {
  return PART_FIELDS.map((name) => {
    const estimate = scores[name];
    return FACTS.has(name)
      ? estimateCell(fieldOf(name), { ...estimate, low: estimate.value, high: estimate.value })
      : estimate.value === null
        ? { text: "–" }
        : estimateCell(fieldOf(name), estimate);
  });
}
