/**
 * Writes the draft: a policy in YAML whose comments say where each number is from, on what it
 * rests, and what it cannot watch.
 */

import { formatDuration, formatNumber, formatShare } from "../../engine/index.ts";
import { counted } from "../counted.ts";
import {
  baselineMsOf,
  durationText,
  floorOf,
  signalOf,
  type Ladder,
  type Written,
} from "./candidates.ts";
import type { Choice, Chosen } from "./choose.ts";
import type { Group, Unwatched } from "./look.ts";

export interface FalseAlarms {
  readonly count: number;
  readonly per: "day" | "week" | "month";
}

export interface Drafted {
  readonly history: string;
  readonly digest: string;
  readonly owner: string;
  readonly falseAlarms: FalseAlarms;
  /** Deployments a week, of the history or assumed. */
  readonly perWeek: number;
  readonly isAssumed: boolean;
  /** Of quiet watches that may be flagged. */
  readonly share: number;
  readonly watchMs: number;
  readonly chosen: Chosen;
  /** Where in `chosen.pasts` these are; null where there are none. */
  readonly places: { readonly quiet: number | null; readonly benign: number | null };
  readonly groups: readonly Group[];
  readonly unwatched: readonly Unwatched[];
  /** Null without labels. */
  readonly caught: Caught | null;
}

/** What the draft does on the labelled deployments of the same history. */
export interface Caught {
  readonly bad: number;
  readonly badFlagged: number;
  readonly badUnjudged: number;
  readonly good: number;
  readonly goodFlagged: number;
  readonly goodUnjudged: number;
}

/** A detector that flags more good deployments than this is none, however few there are. */
export const SHARE_AT_MOST = 0.1;

/** Fewer quiet watches cannot show a share this small. */
const SHOWS = 3;

export function draftText(drafted: Drafted): string {
  const kept = drafted.chosen.choices.filter(({ chosen }) => chosen !== null);
  return [
    ...header(drafted),
    "policy: suggested",
    `owner: ${JSON.stringify(drafted.owner)} # answers for every action of this policy`,
    `watch: ${durationText(drafted.watchMs)} # ${watchSays(drafted)}`,
    "",
    "signals:",
    ...drafted.groups.flatMap((group) =>
      kept.flatMap((choice) =>
        choice.ladder.group === group ? signalLines(choice, drafted.chosen) : [],
      ),
    ),
    "fusion: any # one signal in breach is enough",
    "",
    "tiers:",
    `  override: { window: ${windowOf(kept)} } # as long as the longest hold, so that people ` +
      `can look`,
    "",
    "assign:",
    "  - otherwise: override # people may say no within the window; `observe` only pages",
    "",
    "guardrails:",
    "  never: [{ when: { tags: { irreversible: true } } }] # no machine undoes what cannot be " +
      "undone",
    "  toleranceAtMost: 200% # of what tags and modes may lift a tolerance to",
    "",
    ...unwatchedLines(drafted),
    "",
  ].join("\n");
}

/** Two minutes, or as long as a breach takes to be believed. */
function windowOf(kept: readonly Choice[]): string {
  const holds = kept.map(({ ladder, chosen }) => chosen!.rung.hold * ladder.group.stepMs);
  return durationText(Math.max(120_000, ...holds));
}

function header(drafted: Drafted): string[] {
  const { falseAlarms, perWeek, isAssumed, share, caught } = drafted;
  const weeks = isAssumed ? "assumed, as it has none: one of each service" : "of this history";
  return wrapped([
    `Drafted by hindsight policy suggest for ${oneLine(drafted.history)} ` +
      `(${drafted.digest.slice(0, 12)}).`,
    `Asked for at most ${counted(falseAlarms.count, "false alarm")} a ${falseAlarms.per}. ` +
      `With ${formatNumber(Number(perWeek.toPrecision(3)))} deployments a week (${weeks}) ` +
      `that is ${percent(share)} of the good ones` +
      `${share < SHARE_AT_MOST ? "" : ", the most that is ever allowed"}.`,
    ...chosenOn(drafted),
    ...(caught === null
      ? [
          "There are no labels: what it would have caught is unknown, and so is how often a good " +
            "deployment disturbs for a moment, which quiet watches do not show. Label some, " +
            "and ask again.",
        ]
      : [caughtText(caught)]),
    "Each signal is the most sensitive setting that keeps to this. Next: hindsight policy " +
      "check, and hindsight compare beside the policy you have.",
  ]);
}

/** Where it was tried, and how far that goes. */
function chosenOn({ chosen, places, share }: Drafted): string[] {
  const [quiet, benign] = [places.quiet, places.benign].map((at) =>
    at === null ? null : chosen.pasts[at]!,
  );
  const limit = ({ watches }: { readonly watches: number }): string =>
    watches >= SHOWS / share
      ? ""
      : ` So few cannot show a share of ${percent(share)}: expect up to ` +
        `${percent(SHOWS / watches)}.`;
  const lines: string[] = [];
  if (quiet == null) {
    lines.push("No service was left alone for as long as a baseline and a watch take.");
  } else {
    const watches = counted(quiet.watches, "quiet watch", "quiet watches");
    lines.push(
      `Chosen on ${watches}, away from deployments and incidents: it flags ${quiet.flagged} of ` +
        `them.${limit(quiet)}`,
    );
  }
  if (benign != null) {
    lines.push(
      `And on ${counted(benign.watches, "deployment")} labelled benign: it flags ` +
        `${benign.flagged}.` +
        limit(benign),
    );
  }
  if (quiet == null && benign == null) {
    lines.push("Nothing could be tried: its settings are the least sensitive ones.");
  }
  return lines;
}

const percent = (share: number): string => formatShare(Number(Math.min(1, share).toPrecision(2)));

function caughtText(caught: Caught): string {
  const { bad, badFlagged, badUnjudged, good, goodFlagged, goodUnjudged } = caught;
  const unjudged =
    badUnjudged + goodUnjudged === 0
      ? ""
      : ` It could not judge ${badUnjudged} of the bad and ${goodUnjudged} of the good ones.`;
  return (
    `On the labels of this same history it flags ${badFlagged} of ${bad} bad deployments and ` +
    `${goodFlagged} of ${good} good ones, on which it was chosen: expect less elsewhere.${unjudged}`
  );
}

function watchSays({ groups, watchMs }: Drafted): string {
  const slowest = Math.max(0, ...groups.map(({ stepMs }) => stepMs));
  return watchMs > 3_600_000
    ? `the slowest signal has a sample every ${formatDuration(slowest)}`
    : "how long after a deployment signals are judged";
}

function signalLines({ ladder, chosen }: Choice, { pasts }: Chosen): string[] {
  const { rung, flagged } = chosen!;
  return [
    ...wrapped([aboutText(ladder)], "  "),
    ...(pasts.length === 0 ? [] : wrapped([`Alone it flags ${ofEach(flagged, pasts)}.`], "  ")),
    `  ${ladder.name}:`,
    ...Object.entries(signalOf(ladder, rung)).map(
      ([key, value]) => `    ${key}: ${flow(key, value)}`,
    ),
  ];
}

/** What is watched, and how it moves by itself. */
function aboutText({ group, harm }: Ladder): string {
  const { metrics, stepMs, noise, level, unit, season, isGuess, isRatio } = group;
  const names = metrics.map(oneLine);
  const listed =
    names.length > 4
      ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more`
      : names.join(", ");
  if (harm === "excursion") return `Short and large harm to the same: ${listed}.`;
  const size = (value: number): string =>
    `${formatNumber(Number(value.toPrecision(2)))} ` +
    (isRatio && unit === "ratio" ? "" : unit).trim();
  const seasonal =
    season === null
      ? "too short a history for a season"
      : season >= 0.2
        ? `the hour of the day explains ${formatShare(Number(season.toPrecision(2)))} of its ` +
          `changes`
        : "hardly any season";
  const guess = isGuess ? " Its role is a guess, so it is watched by name." : "";
  const floor = floorOf(group);
  const least = floor === null ? "" : ` A change of less than ${size(floor)} counts nowhere.`;
  return (
    `${listed}: a sample every ${formatDuration(stepMs)}, usually ${size(level)}, noise ` +
    `${size(noise)}, ${seasonal}; compared with the ${formatDuration(baselineMsOf(group))} ` +
    `before.${least}${guess}`
  );
}

/** `0 of 299 and 1 of 14`, in the order of the header. */
function ofEach(flagged: readonly { readonly size: number }[], pasts: Chosen["pasts"]): string {
  return flagged.map(({ size }, past) => `${size} of ${pasts[past]!.watches}`).join(" and ");
}

function unwatchedLines({ unwatched, chosen }: Drafted): string[] {
  const wild = chosen.choices.flatMap(({ ladder, chosen: own, least }) =>
    own === null
      ? [
          `${ladder.group.metrics.map(oneLine).join(", ")} (${ladder.harm}s): too wild, even ` +
            `the least ` +
            `sensitive setting flags ${ofEach(
              least.map((size) => ({ size })),
              chosen.pasts,
            )} watches`,
        ]
      : [],
  );
  const lines = [...unwatched.map(({ metric, why }) => `${oneLine(metric)}: ${why}`), ...wild];
  if (lines.length === 0) return ["# It watches every metric of this history."];
  return ["# What it does not watch, and why:", ...lines.flatMap((line) => wrapped([`* ${line}`]))];
}

/** A map in one line, as a person would write it; a metric's name is from outside. */
function flow(key: string, value: Written): string {
  if (typeof value !== "object") return key === "metric" ? JSON.stringify(value) : String(value);
  const entries = Object.entries(value).map(([inner, own]) => `${inner}: ${String(own)}`);
  return `{ ${entries.join(", ")} }`;
}

/** Names come from outside: a line break would end the comment. */
function oneLine(name: string): string {
  return JSON.stringify(name.slice(0, 120))
    .slice(1, -1)
    .replace(/[^\P{C}]|[\u2028\u2029]/gu, "?");
}

/** Comments of at most 96 letters a line. */
function wrapped(sentences: readonly string[], indent = ""): string[] {
  return sentences.flatMap((sentence) => {
    const lines: string[] = [];
    let line = "";
    for (const word of sentence.split(" ")) {
      if (line !== "" && line.length + word.length + 1 > 94 - indent.length) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    return [...lines, line].map((one) => `${indent}# ${one}`);
  });
}
