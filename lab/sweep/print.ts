/** A sweep as a terminal shows it: the frontier, the anchors, the warnings, the advice. */

import type { JsonObject } from "../../engine/index.ts";
import { Table } from "console-table-printer";
import { differenceSentences, fitting } from "../compare/print.ts";
import { formatValue } from "../compare/words.ts";
import { counted } from "../counted.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";
import type { Field } from "../score/fields.ts";
import { groupNames } from "./alike.ts";
import { identifiedText, LESS_THAN_HALF } from "../score/identified.ts";
import { groupsOn, type ObjectiveName, type Reasons, type Scores } from "./frontier.ts";
import type { Sweep } from "./sweep.ts";
import { budgetText, keepText, LIMIT_WORDS } from "./words.ts";

/** Titles of the columns, in full and where the window is narrow. */
const TITLES: JsonObject<readonly [full: string, short: string]> = {
  cost: ["cost of 100", "cost/100"],
  recovery: ["recovery, at most 60m", "recovery"],
  wrong: ["false-positive rate", "wrong"],
  missed: ["missed", "missed"],
  night: ["night pages a week", "nights"],
  share: ["on frontier", "frontier"],
  gate: ["limits", "limits"],
};

/** @param columns how wide the window is, in characters */
export function sweepText(sweep: Sweep, columns = TERMINAL_COLUMNS): string {
  const short = (): string =>
    `${frontierTable(sweep, 1)}\n` +
    "recovery: at most 60m; wrong: false-positive rate; nights: pages a week.";
  return [
    answerOf(sweep),
    "",
    headline(sweep),
    fitting(frontierTable(sweep, 0), short, columns),
    ...(isHidden(sweep) ? [LESS_THAN_HALF] : []),
    ...[...sweep.landscape.warnings].map((warning) => `!  ${warning}`),
    "",
    ...adviceLines(sweep),
  ].join("\n");
}

/** What comes of it, in a sentence; the advice below the table says why. */
function answerOf({ base: { policy }, recommendation, variations }: Sweep): string {
  const tried = counted(variations.length, "variation");
  const { verdict, candidate, refused } = recommendation;
  if (verdict === "nothing" && refused !== null) {
    const { name } = variations[refused]!;
    return `${keepText(policy, name)}; ${tried} compared.`;
  }
  if (verdict === "nothing") return `Nothing beats ${policy} as it is: ${tried} compared.`;
  if (verdict !== "recommended") {
    return `This history cannot tell which of ${tried} is better than ${policy}.`;
  }
  const changes = variations[candidate!]!.changes.map(({ path, to }) => `${path} to ${to}`);
  return `Change ${policy}: ${changes.join(", ")}; ${tried} compared.`;
}

/** Is a score that the table shows less than half identified? */
function isHidden(sweep: Sweep): boolean {
  const shown = [0, ...groupsOf(sweep).map(([first]) => first!)];
  return shown.some((place) => Object.keys(sweep.frontier.reasons[place]!).length > 0);
}

/** Policies of the frontier that come to the same: one row of the table. */
type Group = readonly number[];

/** Only those of which a policy is scored as `compare` does; that one comes first. */
function groupsOf({ frontier, scores, compared }: Sweep): readonly Group[] {
  const known = new Set(compared);
  const costOf = ([first]: Group): number => scores[first!]!.cost;
  return groupsOn(frontier)
    .map((group) => [
      ...group.filter((place) => known.has(place)),
      ...group.filter((place) => !known.has(place)),
    ])
    .filter(([first]) => known.has(first!))
    .sort((a, b) => costOf(a) - costOf(b));
}

function headline(sweep: Sweep): string {
  const { variations, frontier } = sweep;
  const onFrontier = frontier.members.filter((place) => place > 0).length;
  const groups = groupsOf(sweep);
  const inRows = groups.flat().filter((place) => place > 0).length;
  const said = [
    ...(inRows < onFrontier ? [`${inRows} shown; --json has all`] : []),
    ...(groups.length < inRows ? ["those that come to the same share a row"] : []),
  ];
  const more = said.length === 0 ? "" : ` (${said.join("; ")})`;
  return `${counted(variations.length, "variation")}, ${onFrontier} of them on the frontier${more}`;
}

function frontierTable(sweep: Sweep, titles: 0 | 1): string {
  const { base, scores, frontier, anchors } = sweep;
  const table = new Table({
    columns: [
      { name: "policy", alignment: "left" },
      ...Object.entries(TITLES).map(([name, both]) => {
        return { name, title: both[titles], alignment: "right" as const };
      }),
    ],
    shouldDisableColors: true,
  });
  const held = new Map(sweep.gated.map(({ place, gate }) => [place, LIMIT_WORDS[gate.verdict]]));
  const add = (policy: string, own: Scores, share: string, why: Reasons = {}, gate = ""): void => {
    const known = (text: string, name: ObjectiveName): string =>
      why[name] === undefined ? text : `${text} (${identifiedText(why[name])})`;
    table.addRow({
      policy,
      cost: known(shown("cost", own.cost), "cost"),
      recovery: known(shown("seconds", 60 * own.recoveryMinutes), "recoveryMinutes"),
      wrong: known(shown("share", own.falsePositiveRate), "falsePositiveRate"),
      missed: shown("share", own.missRate),
      night: known(shown("perWeek", own.nightPages), "nightPages"),
      share,
      gate,
    });
  };
  const shareOf = (group: Group): string => {
    const knee = group.some((place) => place === frontier.knee) ? " knee" : "";
    return `${(100 * frontier.membership[group[0]!]!).toFixed(0)} %${knee}`;
  };
  const words = groupNames(sweep);
  const groups = groupsOf(sweep);
  const withBase = groups.find((group) => group.includes(0));
  add(`${base.policy} (now)`, scores[0]!, shareOf(withBase ?? [0]), frontier.reasons[0]);
  if (withBase !== undefined) table.addRow({ policy: `  the same: ${words(withBase)}` });
  for (const group of groups) {
    if (group === withBase) continue;
    const [first] = group as [number];
    add(words(group), scores[first]!, shareOf(group), frontier.reasons[first], held.get(first));
  }
  for (const { name, scores: own } of anchors) add(`· ${name}`, own, "");
  return table.render();
}

function adviceLines(sweep: Sweep): string[] {
  const { recommendation: found, periods, variations, comparison, gate } = sweep;
  const lines: string[] = [];
  if (found.verdict === "recommended") {
    const chosen = variations[found.candidate!]!;
    lines.push("Recommended change:");
    for (const { path, from, to } of chosen.changes) lines.push(`  ${path}: ${from} → ${to}`);
    const own = found.refused === null ? found.reasons : found.reasons.slice(0, -1);
    for (const reason of own) lines.push(`  because ${reason}.`);
    // The last one says of another policy why it is not recommended.
    for (const reason of found.reasons.slice(own.length)) lines.push(`  ${reason}.`);
    if (gate !== null) lines.push(`  ${budgetText(gate)}`);
    if (comparison !== null) lines.push("", ...differenceSentences(comparison));
  } else if (found.verdict === "nothing") {
    lines.push("Why nothing is better:", `  ${found.reasons.join("; ")}.`);
  } else {
    lines.push("Why there is no recommendation:", `  ${found.reasons.join("; ")}.`);
  }
  if (found.verdict !== "cannot say") lines.push(`  Validated: ${periods.how}.`);
  if (found.detectable !== null) {
    lines.push(
      `  A sweep of so many on this history finds cost differences above ` +
        `${formatValue("cost", found.detectable)} for 100 deployments, four times in five.`,
    );
  }
  return lines;
}

function shown(unit: Field["unit"], value: number): string {
  return Number.isNaN(value) ? "–" : formatValue(unit, value);
}
