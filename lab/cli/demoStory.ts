/**
 * The demo in one screen: what was in force, the rollback of an announced migration in it, what the
 * other policies would have changed, which of them to adopt, and what this history cannot tell.
 *
 * Law: every number and every verdict is computed from the evaluation; none is written here.
 */

import { formatDuration, type ContextTag } from "../../engine/index.ts";
import type { Difference } from "../compare/compare.ts";
import type { Evaluated, Evaluation } from "../compare/evaluate.ts";
import { headlines } from "../compare/headline.ts";
import { formatApart, formatValue } from "../compare/words.ts";
import { counted, countText } from "../counted.ts";
import { announcedAheadMs, type AnnouncedRollback } from "../explain/announced.ts";
import { utcOffsetMs } from "../localTime.ts";
import { isOpen, type Outcome } from "../outcome/outcome.ts";
import { estimateIn } from "../score/scorecard.ts";
import type { Verdict } from "../server/contract/verdict.ts";

/** Of the second column. */
const INDENT = 10;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The other policy that is told of: its place among the policies that were evaluated. */
export function candidateOf(evaluation: Evaluation, { adopt, changes }: Verdict): number {
  const places = changes.map(({ to, verdict }, at) => ({ at: at + 1, to, verdict }));
  const adopted = places.find(({ to }) => to === adopt);
  if (adopted !== undefined) return adopted.at;
  // None passes: the one that costs least of those that the gate does not refuse.
  const costOf = (at: number): number =>
    evaluation.policies[at]!.scored.scorecard.cost.value ?? Number.POSITIVE_INFINITY;
  const open = places.filter(({ verdict }) => verdict !== "fail");
  const [best] = (open.length > 0 ? open : places).sort((a, b) => costOf(a.at) - costOf(b.at));
  return best!.at;
}

/** Lines of two columns, each to be fitted into a terminal. */
export function demoStory(
  evaluation: Evaluation,
  verdict: Verdict,
  story: AnnouncedRollback | null,
): readonly string[] {
  const at = candidateOf(evaluation, verdict);
  return [
    ["In force", inForce(evaluation)],
    ...(story === null ? [] : [[clockIn(story, story.rolledBackAtMs), night(evaluation, story)]]),
    ["Found", headlines(evaluation)[at - 1]!],
    ["Advice", advice(verdict)],
    ["Unknown", unknown(evaluation, at)],
  ].map(([label, text]) => {
    // A number stays on the line of its unit.
    const whole = text!.replaceAll(/ (?=%|pp\b)/g, "\u00a0");
    return `${label!.padEnd(INDENT - 2)}  ${whole}`;
  });
}

function inForce({ policies }: Evaluation): string {
  const { policy, scored, outcomes } = policies[0]!;
  const of = (name: string) => estimateIn(scored.scorecard, name);
  const mttr = of("mttr").value;
  const services = new Set([...outcomes].map(({ service }) => service)).size;
  return (
    `${policy.policy}, on ${counted(services, "service")} and ` +
    `${counted(outcomes.length, "deployment")}: it rolls back ` +
    `${countText(Math.round(of("falsePositiveRollbacks").value ?? 0))} of ` +
    `${counted(of("falsePositiveRate").n, "good deployment")} and misses ` +
    `${formatValue("share", of("missRate").value ?? 0)} of ` +
    counted(of("missRate").n, "regression") +
    (mttr === null ? "." : `; mean recovery ${formatValue("seconds", mttr)}.`)
  );
}

/** What people knew, what the machine saw and did, and which policies would not have asked. */
function night({ policies }: Evaluation, story: AnnouncedRollback): string {
  const { deploymentId, timezone, startedAtMs, tags, proposed, rolledBackAtMs } = story;
  const clock = (atMs: number): string => clockIn(story, atMs);
  const date = localText(timezone, startedAtMs).slice(0, 10);
  const by = tags[0]!.givenBy;
  const asked =
    proposed === null
      ? ""
      : `At ${clock(proposed.atMs)} ${proposed.justification ?? "a rollback was proposed"}; ` +
        `nobody objected in ${formatDuration(rolledBackAtMs - proposed.atMs)}. `;
  return (
    `${deploymentId} began ${date} ${clock(startedAtMs)} (${timezone ?? "UTC"}). ` +
    `${by ?? "Somebody"} had tagged it ${aheadText(announcedAheadMs(story))} before: ` +
    `${tags.map(tagText).join(", ")}. ${asked}` +
    `It was good: the rollback was wrong.${sparedBy(policies, deploymentId)}`
  );
}

/** ` two-minute-override and 2 others read its tags, and would not have asked.` */
function sparedBy(policies: readonly Evaluated[], deploymentId: string): string {
  const spares = (outcome: Outcome | undefined): boolean =>
    outcome !== undefined && outcome.proposedAtMs === null && outcome.untaggedProposedAtMs !== null;
  const names = policies
    .slice(1)
    .filter(({ outcomes }) => {
      return spares([...outcomes].find((one) => one.deploymentId === deploymentId));
    })
    .map(({ policy }) => policy.policy);
  const [first, ...others] = names;
  if (first === undefined) return "";
  const who = others.length === 0 ? `${first} reads` : `${first} and ${others.length} more read`;
  return ` ${who} the tags and would not have asked.`;
}

function advice({ title, sentence, adopt, changes }: Verdict): string {
  if (adopt !== null) return `${title} ${sentence}`;
  const count = (verdict: string): number =>
    changes.filter((change) => change.verdict === verdict).length;
  const [failing, open] = [count("fail"), count("inconclusive")];
  const beyond = `${failing} ${failing === 1 ? "goes" : "go"} beyond them`;
  const rest = `${open} ${open === 1 ? "is" : "are"} open`;
  return `${title} ${sentence} Of ${changes.length}, ${beyond}, ${rest}.`;
}

function unknown({ policies, differences }: Evaluation, at: number): string {
  const { policy, outcomes } = policies[at]!;
  const hidden = [...outcomes].filter(isOpen).length;
  const mine = differences.filter(({ candidatePolicy }) => candidatePolicy === policy.policy);
  const spans = [
    spanOf(mine, "missRate", "misses", ["fewer", "more"], " regressions"),
    spanOf(mine, "mttr", "recovers", ["faster", "slower"], ""),
  ].filter((span) => span !== null);
  const whatever =
    spans.length === 0
      ? ""
      : ` Whatever they hide, ${policy.policy} ${spans.join(" and ")} (95 %).`;
  return (
    `Past rollbacks hide how ${counted(hidden, "deployment")} would have gone on.${whatever} ` +
    "A dry run would tell."
  );
}

/** `recovers 13m31s faster to 52m51s slower`: for all that history may have hidden. */
function spanOf(
  differences: readonly Difference[],
  name: string,
  does: string,
  [below, above]: readonly [string, string],
  noun: string,
): string | null {
  const found = differences.find(({ field }) => field === name);
  if (found === undefined) return null;
  const { unit, identified } = found;
  if (identified.low === null || identified.high === null) return null;
  const [low, high] = [identified.low, identified.high].map(
    (by) => `${formatApart(unit, Math.abs(by), 0)[0]} ${by < 0 ? below : above}`,
  );
  return `${does} ${low!} to ${high!}${noun}`;
}

function tagText({ tag, value }: ContextTag): string {
  return value === "true" ? tag : `${tag}=${value}`;
}

function aheadText(ms: number): string {
  if (ms >= 2 * DAY_MS) return counted(Math.round(ms / DAY_MS), "day");
  if (ms >= 2 * HOUR_MS) return counted(Math.round(ms / HOUR_MS), "hour");
  return counted(Math.max(1, Math.round(ms / 60_000)), "minute");
}

const clockIn = ({ timezone }: AnnouncedRollback, atMs: number): string =>
  localText(timezone, atMs).slice(11, 16);

function localText(timezone: string | null, atMs: number): string {
  const offsetMs = timezone === null ? 0 : utcOffsetMs(timezone, atMs);
  return new Date(atMs + offsetMs).toISOString();
}
