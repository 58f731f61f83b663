/** A lesson in two to four short sentences, for a page and for a terminal. Pure. */

import { formatDuration } from "../../engine/index.ts";
import { causeWords } from "../causes/words.ts";
import { measureText } from "../counted.ts";
import type { LessonPoint, Shown } from "./lesson.ts";

type Of<Code extends LessonPoint["code"]> = Extract<LessonPoint, { readonly code: Code }>;
type Clock = (atMs: number) => string;

/** Who did something, and what came of it. */
export interface Opening {
  readonly who: string;
  readonly says: string;
}

/**
 * What the page of a deployment and `hindsight explain` begin with: what history itself did, where
 * it rolled back, then what a policy would have done.
 *
 * @param recorded the lesson of history's own rollback; empty where there was none
 */
export function openingOf(
  recorded: readonly LessonPoint[],
  policy: string,
  lesson: readonly LessonPoint[],
  clock: Clock,
): readonly Opening[] {
  const own = { who: policy, says: lessonText(lesson, clock) };
  if (recorded.length === 0) return [own];
  return [{ who: "History", says: lessonText(recorded, clock) }, own];
}

/** @param clock an instant as its reader's clock shows it */
export function lessonText(lesson: readonly LessonPoint[], clock: Clock): string {
  return lesson.map((point) => sentence(point, clock)).join(" ");
}

function sentence(point: LessonPoint, clock: Clock): string {
  switch (point.code) {
    case "ended":
      return endSentence(point, clock);
    case "tagsElsewhere": {
      const { tags, signals } = point;
      const verb = tags.length === 1 ? "covers" : "cover";
      return `${tagsText(tags)} ${verb} ${listText(signals)} only.`;
    }
    case "tagsRaised": {
      const { shown, tags, untagged } = point;
      const [without, withTags] = [untagged, shown.tolerated].map((at) => text(at, shown));
      return (
        `${tagsText(tags)} moved the limit of ${shown.signal} ` +
        `from ${without} to ${withTags}, which was not enough.`
      );
    }
    case "tagsHid":
      return `Without its tags it would have asked at ${clock(Date.parse(point.at))}.`;
    case "harm":
      return harmSentence(point);
    case "missed":
      return `Missed: ${causeWords("misses", point.cause)}.`;
    case "early":
      return "The alarm came before the harm began, so it was about something else.";
    case "wrong":
      return "The deployment was good: the rollback was wrong.";
    case "right":
      return "The deployment was good, and it was left alone.";
    case "unlabelled":
      return "The deployment has no label, so it is unknown whether the rollback was right.";
    case "unrelated":
      return "An incident of something else was going on at the time.";
    case "hidden":
      return `History's rollback at ${clock(Date.parse(point.at))} hid the rest.`;
    case "recorded": {
      const why = point.reason === null ? "" : `: ${point.reason}`;
      return `Rolled back at ${clock(Date.parse(point.at))}${why}.`;
    }
    case "announced": {
      const more = point.others === 0 ? [] : [`${point.others} more`];
      return `It had been announced: ${listText([...point.tags, ...more])}.`;
    }
  }
}

function endSentence({ end, at, shown, isBreach, reason }: Of<"ended">, clock: Clock): string {
  const when = at === null ? "" : ` at ${clock(Date.parse(at))}`;
  const why = shown === null || !isBreach ? reason : shownText(shown);
  const because = why === "" ? "." : `: ${why}.`;
  switch (end) {
    case "rolledBack":
      return `Rolled back${when}${because}`;
    case "rollbackFailed":
      return `A rollback failed${when}${because}`;
    case "overridden":
      return `A person kept it${when}${because}`;
    case "expired":
      return `A rollback was proposed${when}, and no approval came${because}`;
    case "withdrawn":
      return `A rollback was proposed${when} and withdrawn${because}`;
    case "held":
      return `Left to people${when}${because}`;
    case "superseded":
      return `The next deployment came before a decision${isBreach ? because : "."}`;
    case "undecidable":
      return "There was too little evidence for a verdict.";
    case "healthy":
    case "missed": {
      if (isBreach) return `Not rolled back, though in breach${because}`;
      if (shown === null) return "Not rolled back: no signal was in breach.";
      return isBeyond(shown)
        ? `Not rolled back: ${shownText(shown)}, but not for long enough.`
        : `Not rolled back: no signal was in breach; nearest came ${shownText(shown)}.`;
    }
  }
}

function harmSentence({ signal, lastedMs, afterRollbackMs, helped, evidence }: Of<"harm">): string {
  const modelled = evidence === "observed" ? "" : ` (${evidence})`;
  if (afterRollbackMs === null) return `The harm lasted ${spanText(lastedMs)}${modelled}.`;
  if (helped === false) {
    const what = signal === null ? "The harm" : `The harm to ${signal}`;
    const went = `went on for ${spanText(afterRollbackMs)}${modelled}`;
    return `${what} ${went}: the rollback did not help.`;
  }
  return (
    `The harm ended ${spanText(afterRollbackMs)} after the rollback, ` +
    `${spanText(lastedMs)} after it began${modelled}.`
  );
}

function isBeyond({ expected, measured, tolerated }: Shown): boolean {
  return Math.abs(measured - expected) > Math.abs(tolerated - expected);
}

/** `errors 0.5 % → 10 % (1.5 % tolerated)`. */
function shownText(shown: Shown): string {
  const { signal, expected, measured, tolerated } = shown;
  const [was, is, limit] = [expected, measured, tolerated].map((at) => text(at, shown));
  return `${signal} ${was} → ${is} (${limit} tolerated)`;
}

/** A share below zero is noise around none. */
const text = (value: number, { unit }: Shown): string =>
  measureText(unit === "ratio" || unit === "share" ? Math.max(0, value) : value, unit ?? "", 2);

const spanText = (ms: number): string =>
  ms < 60_000
    ? formatDuration(Math.max(1000, Math.round(ms / 1000) * 1000))
    : formatDuration(Math.round(ms / 60_000) * 60_000);

/** `The tag migration_window=25%`. */
const tagsText = (tags: readonly string[]): string =>
  `The ${tags.length === 1 ? "tag" : "tags"} ${listText(tags)}`;

const listText = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)!}`;
