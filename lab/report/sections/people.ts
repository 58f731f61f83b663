/** The sections on what each policy asks of people, and on cost. */

import { own, type JsonObject } from "../../../engine/index.ts";
import { formatValue } from "../../compare/words.ts";
import { caution, paragraph, type Block, type Row, type Section } from "../blocks.ts";
import type { ReportDocument } from "../document.ts";
import { cardsOf, scoreTable } from "./scores.ts";

const ASKED_OF_PEOPLE = [
  "pages",
  "pagesPerWeek",
  "nightPages",
  "approvals",
  "approvalsExpired",
  "escalations",
  "overrides",
  "harmfulOverrides",
  "toilHours",
];

const ANSWER: JsonObject<string> = {
  absent:
    "People are not simulated in this replay: every window times out and every approval " +
    "expires. With people who answer, fewer approvals expire and some rollbacks are overridden.",
  recorded:
    "People answer as recorded. Where history has no answer, the outcome counts as unknown.",
  modelled:
    "People are a model fitted to how fast those of this history answered; how often they are " +
    "right is an assumption.",
  perfect: "People answer at once and are always right: an upper bound, not a forecast.",
};

export function peopleSection({ comparison, policies, asked }: ReportDocument): Section {
  const blocks: Block[] = [];
  if (comparison === null) blocks.push(caution("Nothing was replayed, so there are no answers."));
  else {
    const names = policies.map(({ name }) => name);
    blocks.push(
      caution(own(ANSWER, asked.people) ?? `People answer as ${asked.people} says: an assumption.`),
      scoreTable("What people are asked", [["People", ASKED_OF_PEOPLE]], comparison, names),
      paragraph(
        "Nights are 22:00 to 07:00 where the service's team lives. Toil is counted from false " +
          "positives and pages at the hours each takes (see Cost); pages by team and month " +
          "stand under By month, team, tier and mode.",
      ),
    );
  }
  return { id: "people", title: "People", blocks };
}

const COST_PARTS: readonly (readonly [string, string])[] = [
  ["degradation", "minutes that regressions reached users"],
  ["falsePositives", "rollbacks that were wrong"],
  ["rollbacks", "carrying out rollbacks"],
  ["pages", "pages"],
  ["toil", "people's time"],
];

export function costSection({ comparison, policies, asked }: ReportDocument): Section {
  const blocks: Block[] = [];
  if (comparison === null) blocks.push(caution("Nothing was replayed: no cost was counted."));
  else {
    const { costs } = comparison.manifest;
    const cards = cardsOf(comparison);
    const names = policies.map(({ name }) => name);
    blocks.push(
      scoreTable("Cost of the quarter", [["Cost", ["cost"]]], comparison, names),
      {
        kind: "table",
        caption: "What it is made of",
        columns: [{ title: "" }, ...names.map((title) => ({ title, align: "right" as const }))],
        rows: COST_PARTS.map(([part, title]): Row => [
          title,
          ...cards.map(({ cost }) =>
            cost.value === null ? "–" : formatValue("cost", own(cost.parts, part)!),
          ),
        ]),
      },
      caution(
        (asked.costs === null
          ? "These costs are the defaults, which are assumptions and not your prices: only "
          : `These costs are those of ${asked.costs}: only `) +
          "their ratios matter. " +
          `A rollback ${costs.rollback}, a wrong one ${costs.falsePositive} more, a degraded ` +
          `minute ${costs.degradedMinute}` +
          (costs.perRevenue === undefined
            ? ""
            : ` or, where a service has one, its revenue_per_minute times ${costs.perRevenue}`) +
          `, a page ${costs.page} by day and ${costs.nightPage} by ` +
          `night, an hour of a person ${costs.toilHour}; ` +
          `${costs.hoursPerFalsePositive} hours for a false positive, ` +
          `${costs.hoursPerPage} for a page.`,
      ),
    );
  }
  return { id: "cost", title: "Cost", blocks };
}
