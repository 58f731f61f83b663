/** The value of tags as a terminal shows it. */

import { Table } from "console-table-printer";
import { formatDuration, jsonObject, own, type JsonObject } from "../../engine/index.ts";
import type { Difference } from "../compare/compare.ts";
import { fitting } from "../compare/print.ts";
import { TERMINAL_COLUMNS } from "../terminal.ts";
import { formatDifference, formatEnds, formatValue } from "../compare/words.ts";
import { FIELDS, type Field } from "../score/fields.ts";
import type { Change } from "./credit.ts";
import type { Effect, Factorial } from "./factorial.ts";
import type { KindInventory } from "./inventory.ts";
import type { ArmValue, KindValue, TagValue } from "./value.ts";
import { tagsHeadline, unreadText } from "./brief.ts";
import { removedText } from "./removed.ts";
import { counted } from "../counted.ts";

/** Two tables, because one would be twice as wide as a window. */
const SHOWN: readonly (readonly (readonly [string, string])[])[] = [
  [
    ["falsePositiveRollbacks", "false-positive rollbacks"],
    ["falsePositiveRate", "false-positive rate"],
    ["missRate", "regressions missed"],
    ["timeToRecovery.restrictedMean60m", "recovery, at most 60m"],
  ],
  [
    ["mttr", "time to recovery"],
    ["pages", "pages"],
    ["nightPages", "night pages"],
    ["cost", "cost"],
  ],
];

const TITLES = new Map(SHOWN.flat());

const OPEN_LEGEND =
  "Saved, masked and delayed are rollbacks that are known to have differed; open: those that " +
  "history hid, or that rest on answers nobody recorded.";

const NAMES_SHOWN = 8;
const CANNOT_SAY = "cannot say";

/** @param columns how wide the window is: narrow tables leave the intervals to --json */
export function tagsText(value: TagValue, columns = TERMINAL_COLUMNS): string {
  const lines: string[] = [];
  const { policy, tags, arms } = value;
  const unread = unreadText(value);
  if (unread !== null) return unread;
  lines.push(
    tagsHeadline(value),
    "",
    `${counted(tags.length, "tag")}, read by ${policy.policy}. Differences are against no tags.`,
  );
  if (!value.labelled) {
    lines.push("No deployment is labelled: what tags saved or masked this history cannot say.");
  }
  for (const fields of SHOWN) {
    const narrow = (): string => armTable(arms, fields, false);
    lines.push(fitting(armTable(arms, fields, true), narrow, columns));
  }
  lines.push(intervalsSay(arms));
  lines.push(...armNotes(arms));
  lines.push("", ...factorialLines(value.factorial, columns));
  lines.push("", "By kind of tag (a deployment may have several; alone, and what only it does):");
  lines.push(kindTable(value.kinds), OPEN_LEGEND);
  for (const { kind } of value.kinds.filter(({ read }) => !read)) {
    lines.push(`  ${kind}: nothing in ${policy.policy} reads it.`);
  }
  lines.push("", ...changeLines(value));
  lines.push("", ...hygieneLines(value));
  return lines.join("\n");
}

/** What the intervals of the tables cover. */
function intervalsSay(arms: readonly ArmValue[]): string {
  const shown = new Set(SHOWN.flat().map(([name]) => name));
  const isModelled = arms
    .flatMap(({ againstNone, againstRecorded }) => [...againstNone, ...againstRecorded])
    .some(({ field, ground, modelled }) => {
      return shown.has(field) && modelled !== null && ground !== "identified";
    });
  const covered = isModelled
    ? "what history's own rollbacks hid, some by the model of it: `ground` in --json says which"
    : "all that history's own rollbacks hid (--json has them too)";
  return `Intervals cover sampling and ${covered}.`;
}

function armTable(
  arms: readonly ArmValue[],
  columns: readonly (readonly [string, string])[],
  intervals: boolean,
): string {
  const table = new Table({
    columns: [
      { name: "arm", title: "", alignment: "left" },
      ...columns.map(([name, title]) => ({ name, title, alignment: "left" as const })),
    ],
    shouldDisableColors: true,
  });
  for (const { arm, evaluated, againstNone } of arms) {
    const cells = columns.map(([name]): [string, string] => {
      const field = FIELDS.find((one) => one.name === name)!;
      const known = evaluated.scored.values.get(name)!;
      const difference = againstNone.find((one) => one.field === name);
      const cell = Number.isNaN(known)
        ? CANNOT_SAY
        : `${formatValue(field.unit, known)}${differenceText(difference, intervals)}`;
      return [name, cell];
    });
    table.addRow({ arm, ...jsonObject(cells) });
  }
  return table.render();
}

function differenceText(difference: Difference | undefined, intervals = true): string {
  if (difference === undefined || difference.difference === null) return "";
  const { unit, verdict } = difference;
  const ends = intervals ? formatEnds(difference) : null;
  const shown = verdict === "too few to tell" ? `, ${verdict}` : ` [${ends?.join(", ")}]`;
  const interval = ends === null ? "" : shown;
  return ` (${formatDifference(unit, difference.difference)}${interval})`;
}

function armNotes(arms: readonly ArmValue[]): string[] {
  return arms.slice(2).map(({ arm, says, endOtherwise, againstRecorded }) => {
    const found = againstRecorded.find(({ field }) => field === "falsePositiveRollbacks");
    const ends =
      endOtherwise === 0 ? "ends everything as recorded" : `ends ${endOtherwise} otherwise`;
    const verdict =
      found?.difference == null
        ? ""
        : `, false positives${differenceText(found)} against as recorded: ${found.verdict}`;
    return `  ${arm} (${says}): ${ends}${verdict}.`;
  });
}

function effectText(unit: Field["unit"], { value, low, high }: Effect): string {
  if (value === null) return CANNOT_SAY;
  const interval =
    low === null || high === null
      ? ""
      : ` [${formatDifference(unit, low)}, ${formatDifference(unit, high)}]`;
  return `${formatDifference(unit, value)}${interval}`;
}

function factorialLines(factorial: readonly Factorial[] | null, columns: number): string[] {
  if (factorial === null) return ["Tags by modes: the policy has no modes."];
  const arms = ["neither", "tags", "modes", "both"];
  const effects = ["of tags", "of modes", "together only"];
  const table = fitting(
    factorialTable(factorial, [...arms, ...effects]),
    () =>
      fitting(factorialTable(factorial, arms), () => factorialTable(factorial, effects), columns),
    columns,
  );
  const falsePositives = factorial.find(({ field }) => field === "falsePositiveRollbacks")!;
  return ["Tags by modes (intervals cover sampling alone):", table, removedText(falsePositives)];
}

function factorialTable(factorial: readonly Factorial[], columns: readonly string[]): string {
  const table = new Table({
    columns: ["", ...columns].map((name) => ({ name, alignment: "left" as const })),
    shouldDisableColors: true,
  });
  for (const one of factorial) {
    const { unit } = FIELDS.find(({ name }) => name === one.field)!;
    const cell = (value: number | null): string =>
      value === null ? CANNOT_SAY : formatValue(unit, value);
    const row: JsonObject<string> = {
      neither: cell(one.neither),
      tags: cell(one.tagsOnly),
      modes: cell(one.modesOnly),
      both: cell(one.both),
      "of tags": effectText(unit, one.tags),
      "of modes": effectText(unit, one.modes),
      "together only": effectText(unit, one.interaction),
    };
    table.addRow({
      "": TITLES.get(one.field) ?? one.field,
      ...Object.fromEntries(columns.map((name) => [name, own(row, name)!])),
    });
  }
  return table.render();
}

function kindTable(kinds: readonly KindValue[]): string {
  const rows = [
    "kind",
    "tags",
    "saved",
    "masked",
    "delayed",
    "open",
    "coverage",
    "width",
    "self-issued",
  ];
  const table = new Table({
    columns: rows.map((name) => ({ name, alignment: "left" as const })),
    shouldDisableColors: true,
  });
  for (const one of kinds) {
    const { alone, only } = one;
    table.addRow({
      kind: one.kind,
      tags: one.tags,
      saved: `${alone.saved} (${only.saved} only it)`,
      masked: `${alone.masked} (${only.masked})`,
      delayed: `${alone.delayed}${delayText(alone.delaySeconds)}`,
      open: alone.open,
      coverage: one.coverage === null ? "–" : formatValue("share", one.coverage),
      width: one.medianWidthRatio === null ? "–" : one.medianWidthRatio.toFixed(2),
      "self-issued": selfIssuedText(one),
    });
  }
  return table.render();
}

function selfIssuedText({ selfIssued, ownerless, refused }: KindInventory): string {
  const notes = [
    ...(ownerless === 0 ? [] : [`${ownerless} without an owner`]),
    ...(refused && selfIssued > 0 ? ["refused"] : []),
  ];
  return notes.length === 0 ? String(selfIssued) : `${selfIssued} (${notes.join(", ")})`;
}

function delayText(seconds: number): string {
  return seconds === 0 ? "" : ` by ${formatDuration(seconds * 1000)}`;
}

const IN_WORDS: Readonly<Record<Change["did"], string>> = {
  saved: "Good deployments that tags kept from a rollback",
  harmed: "Good deployments rolled back only because of tags",
  masked: "Regressions that tags masked",
  delayed: "Regressions that tags delayed",
  hastened: "Regressions rolled back sooner with tags",
  caught: "Regressions rolled back only with tags",
};

function changeLines({ changes, teams }: TagValue): string[] {
  const lines = Object.entries(IN_WORDS).flatMap(([did, words]) => {
    const mine = changes.filter((change) => change.did === did);
    if (mine.length === 0) return [];
    const names = mine.map(({ deploymentId, seconds, open }) => {
      const how = seconds === null ? "" : ` by ${formatDuration(seconds * 1000)}`;
      return `${deploymentId}${how}${open ? " (a model)" : ""}`;
    });
    return [`${words}: ${mine.length}`, ...listed(names)];
  });
  if (lines.length === 0) return ["No labelled deployment ends differently with tags."];
  const byTeam = teams.map(
    ({ team, saved, masked, delayed, delaySeconds, open }) =>
      `${team ?? "no team"}: saved ${saved}, masked ${masked}, ` +
      `delayed ${delayed}${delayText(delaySeconds)}${open === 0 ? "" : `, open ${open}`}`,
  );
  return [...lines, "By team:", ...byTeam.map((line) => `  ${line}`)];
}

function hygieneLines({ overWide, stale }: TagValue): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;
  const wide = overWide.map(
    ({ kind, service, tags, medianWidthRatio, medianDeclared, suggested }) =>
      `${kind} on ${service} (${tags}): declares ${percent(medianDeclared)}, ` +
      `${percent(medianWidthRatio)} of it happens; ${percent(suggested)} would do`,
  );
  const old = stale.map(
    ({ tag, service, deploymentId, why }) => `${tag} on ${deploymentId ?? service}: ${why}`,
  );
  return [
    ...(wide.length === 0 ? ["No tag is too wide."] : ["Too wide:", ...listed(wide)]),
    ...(old.length === 0 ? ["No tag is stale."] : ["Stale:", ...listed(old)]),
  ];
}

function listed(names: readonly string[]): string[] {
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `  ${name}`);
  const more = names.length - shown.length;
  return more > 0 ? [...shown, `  … and ${more} more (--json has all)`] : shown;
}
