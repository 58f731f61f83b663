/** A sweep as a terminal shows it: the frontier, the anchors, the warnings, the advice. */

import { Table } from "console-table-printer";
import { differenceSentences, fitting, TERMINAL_COLUMNS } from "../compare/print.ts";
import type { Scores } from "./frontier.ts";
import type { Sweep } from "./sweep.ts";

const ROWS_AT_MOST = 15;

/** Titles of the columns, in full and where the window is narrow. */
const TITLES: Readonly<Record<string, readonly [full: string, short: string]>> = {
  cost: ["cost of 100", "cost/100"],
  recovery: ["recovery, min", "min"],
  wrong: ["false-positive rate", "wrong"],
  missed: ["missed", "missed"],
  night: ["night pages a week", "nights"],
  share: ["on frontier", "frontier"],
};

/** @param columns how wide the window is, in characters */
export function sweepText(sweep: Sweep, columns = TERMINAL_COLUMNS): string {
  const short = (): string =>
    `${frontierTable(sweep, 1)}\n` +
    "min: to recovery; wrong: false-positive rate; nights: pages a week.";
  return [
    headline(sweep),
    fitting(frontierTable(sweep, 0), short, columns),
    ...[...sweep.landscape.warnings].map((warning) => `!  ${warning}`),
    "",
    ...adviceLines(sweep),
  ].join("\n");
}

function headline({ variations, frontier }: Sweep): string {
  const onFrontier = frontier.members.filter((place) => place > 0).length;
  const shown = onFrontier > ROWS_AT_MOST ? ` (${ROWS_AT_MOST} shown; --json has all)` : "";
  return `${variations.length} variations, ${onFrontier} of them on the frontier${shown}`;
}

function frontierTable(
  { base, variations, scores, frontier, anchors }: Sweep,
  titles: 0 | 1,
): string {
  const nameOf = (place: number): string =>
    place === 0 ? `${base.policy} (now)` : variations[place - 1]!.name;
  const table = new Table({
    columns: [
      { name: "policy", alignment: "left" },
      ...Object.entries(TITLES).map(([name, both]) => {
        return { name, title: both[titles], alignment: "right" as const };
      }),
    ],
    shouldDisableColors: true,
  });
  const add = (policy: string, own: Scores, share: string): void => {
    table.addRow({
      policy,
      cost: shown(own.cost, 0),
      recovery: shown(own.recoveryMinutes, 1),
      wrong: shown(100 * own.falsePositiveRate, 1, " %"),
      missed: shown(100 * own.missRate, 1, " %"),
      night: shown(own.nightPages, 1),
      share,
    });
  };
  const shareOf = (place: number): string =>
    `${(100 * frontier.membership[place]!).toFixed(0)} %${place === frontier.knee ? " knee" : ""}`;
  const shownMembers = [...frontier.members]
    .filter((place) => place > 0)
    .sort((a, b) => frontier.membership[b]! - frontier.membership[a]! || costOf(a) - costOf(b))
    .slice(0, ROWS_AT_MOST)
    .sort((a, b) => costOf(a) - costOf(b));
  function costOf(place: number): number {
    return scores[place]!.cost;
  }
  add(nameOf(0), scores[0]!, shareOf(0));
  for (const place of shownMembers) add(nameOf(place), scores[place]!, shareOf(place));
  for (const { name, scores: own } of anchors) add(`· ${name}`, own, "");
  return table.render();
}

function adviceLines({ recommendation: found, periods, variations, comparison }: Sweep): string[] {
  const lines: string[] = [];
  if (found.verdict === "recommended") {
    const chosen = variations[found.candidate!]!;
    lines.push("Recommended change:");
    for (const { path, from, to } of chosen.changes) lines.push(`  ${path}: ${from} → ${to}`);
    for (const reason of found.reasons) lines.push(`  because ${reason}.`);
    if (comparison !== null) lines.push("", ...differenceSentences(comparison));
  } else if (found.verdict === "nothing") {
    lines.push("Nothing beats what you have.", `  Why: ${found.reasons.join("; ")}.`);
  } else {
    lines.push("No recommendation.", `  Why: ${found.reasons.join("; ")}.`);
  }
  if (found.verdict !== "cannot say") lines.push(`  Validated: ${periods.how}.`);
  if (found.detectable !== null) {
    lines.push(
      `  A sweep of so many on this history finds cost differences above ` +
        `${found.detectable.toFixed(0)} for 100 deployments, four times in five.`,
    );
  }
  return lines;
}

function shown(value: number, digits: number, unit = ""): string {
  return Number.isNaN(value) ? "–" : `${value.toFixed(digits)}${unit}`;
}
