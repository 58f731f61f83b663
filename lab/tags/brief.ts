/** What tags were worth, first: an answer in a sentence, seven arms, and who was masked. */

import { Table } from "console-table-printer";
import { surely } from "../compare/headline.ts";
import { formatDifference, formatValue } from "../compare/words.ts";
import { counted, countText } from "../counted.ts";
import { FIELDS } from "../score/fields.ts";
import { AS_RECORDED, NONE } from "./arms.ts";
import type { Change } from "./credit.ts";
import type { ArmValue, TagValue } from "./value.ts";

const NAMED = 5;
const CANNOT_SAY = "cannot say";

/** What a manager asks of each arm; three columns fit into 80 characters. */
const ASKED = [
  ["falsePositiveRollbacks", "wrong rollbacks"],
  ["missRate", "regressions missed"],
  ["cost", "cost"],
] as const;

/** Half of the tags and twice their windows say little more than these: `--all` has them. */
const FIRST_ARMS = new Set([
  NONE,
  AS_RECORDED,
  "correct only",
  "wrong service",
  "twice the size",
  "10 minutes late",
  "stale",
]);

type Did = Change["did"];

/** What the tags did for good deployments and to regressions, and whether that is surely better. */
export function tagsHeadline({ policy, arms, changes, labelled }: TagValue): string {
  const name = policy.policy;
  if (!labelled) {
    return `What tags are worth to ${name} this history cannot say: no deployment is labelled.`;
  }
  const of = (did: Did): number => changes.filter((change) => change.did === did).length;
  const parts = [
    `kept ${counted(of("saved"), "good deployment")} from a rollback`,
    `masked ${counted(of("masked"), "regression")}`,
    ...(of("delayed") === 0 ? [] : [`delayed the rollback of ${countText(of("delayed"))}`]),
    ...(of("harmed") === 0 ? [] : [`had ${countText(of("harmed"))} good ones rolled back`]),
  ];
  const did = `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)!}`;
  const recorded = arms.find(({ arm }) => arm === AS_RECORDED)!;
  const sure = surely(recorded.againstNone);
  const than =
    sure === null
      ? "whether such tags are better than none, this history cannot tell"
      : `against none they are ${sure}`;
  return `Under ${name} the tags ${did}; ${than}.`;
}

/** Why there is nothing to value, and what to write; null where the policy reads a tag. */
export function unreadText({ policy, tags, kinds }: TagValue): string | null {
  if (kinds.some(({ read }) => read)) return null;
  const names = kinds.map(({ kind }) => kind).join(", ");
  return (
    `${counted(tags.length, "tag")}, and ${policy.policy} reads none of them (${names}): ` +
    "it does the same with them and without.\n" +
    "Write under `context` what a tag may do, or name it in a `when`."
  );
}

/** The answer, and the arms it rests on. */
export function tagsBrief(value: TagValue): string {
  const { arms, changes, overWide, stale } = value;
  const unread = unreadText(value);
  if (unread !== null) return unread;
  const sizes = [
    ...(overWide.length === 0 ? [] : [`${counted(overWide.length, "kind")} too wide`]),
    ...(stale.length === 0 ? [] : [`${countText(stale.length)} stale`]),
  ];
  return [
    tagsHeadline(value),
    "",
    armTable(arms.filter(({ arm }) => FIRST_ARMS.has(arm))),
    "In brackets: against no tags.",
    ...namesOf(changes, "masked", "Masked"),
    ...namesOf(changes, "delayed", "Delayed"),
    ...(sizes.length === 0 ? [] : [`Tags to look at: ${sizes.join(", ")}.`]),
    "--all has every arm with its intervals, each kind of tag, and each deployment by name.",
  ].join("\n");
}

function namesOf(changes: readonly Change[], did: Did, words: string): string[] {
  const mine = changes.filter((change) => change.did === did);
  if (mine.length === 0) return [];
  const names = mine.slice(0, NAMED).map(({ deploymentId }) => deploymentId);
  const more = mine.length - names.length;
  return [`${words}: ${names.join(", ")}${more > 0 ? ` and ${countText(more)} more` : ""}.`];
}

function armTable(arms: readonly ArmValue[]): string {
  const table = new Table({
    columns: ["", ...ASKED.map(([, title]) => title)].map((name) => ({
      name,
      alignment: "left" as const,
    })),
    shouldDisableColors: true,
  });
  for (const { arm, evaluated, againstNone } of arms) {
    const cells = ASKED.map(([name, title]): [string, string] => {
      const { unit } = FIELDS.find((field) => field.name === name)!;
      const known = evaluated.scored.values.get(name)!;
      if (Number.isNaN(known)) return [title, CANNOT_SAY];
      const difference = againstNone.find(({ field }) => field === name)?.difference ?? null;
      const change = difference === null ? "" : ` (${formatDifference(unit, difference)})`;
      return [title, `${formatValue(unit, known)}${change}`];
    });
    table.addRow({ "": arm, ...Object.fromEntries(cells) });
  }
  return table.render();
}
