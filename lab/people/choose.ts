/** Chooses the responder that `--people` names. */

import { readFileSync } from "node:fs";
import { countText } from "../counted.ts";
import type { Past } from "../history/open.ts";
import { servicesById } from "../history/places.ts";
import { formatShare } from "../../engine/index.ts";
import type { HistoryManifest } from "../history/tables.ts";
import { Problem } from "../problem.ts";
import { fitPeople } from "./fit.ts";
import { DEFAULT_RESPONDER, type ResponderModel, type Shift } from "./model.ts";
import { modelled, type Asked } from "./modelled.ts";
import { loadPeople } from "./peopleFile.ts";
import { perfect } from "./perfect.ts";
import { absent, answeredIn, recorded, type Responder } from "./recorded.ts";
import type { Odds, Rightness } from "./rightness.ts";

export const PEOPLE_WORDS = ["absent", "recorded", "modelled", "perfect"] as const;

/** One of `PEOPLE_WORDS`, or the path of a people file. */
export type PeopleChoice = string;

export interface People {
  /** For the manifest: who they are, and where the numbers come from. */
  readonly from: string;
  /** Null where answers are not random; then every replicate is the same. */
  readonly model: ResponderModel | null;
  /** How long history waited for an answer at most; null where people are not fitted to it. */
  readonly seenUntilMs: number | null;
  readonly responder: (replicate: number) => Responder;
}

/** Who answered, as a manifest says it: a people file may be another one tomorrow. */
export interface PeopleAsked {
  readonly people: PeopleChoice;
  readonly peopleFrom: string;
  readonly peopleModel: ResponderModel | null;
}

export function peopleAsked(people: PeopleChoice, { from, model }: People): PeopleAsked {
  return { people, peopleFrom: from, peopleModel: model };
}

/** What the choice stands for: one of the words, or what the file says now. */
export function peopleContent(choice: PeopleChoice): string | { readonly file: string } {
  const isWord = (PEOPLE_WORDS as readonly string[]).includes(choice);
  return isWord ? choice : { file: readFileSync(choice, "utf8") };
}

/** Is it luck who answers and when? So it is of a model and of a file. */
export function isDrawn(choice: PeopleChoice): boolean {
  return !["absent", "recorded", "perfect"].includes(choice);
}

/**
 * Checks the choice before the long work begins.
 *
 * @param rows how many rows the history's tables have
 * @throws Problem when there are no recorded answers to play back, or the file is wrong
 */
export function checkPeople(
  choice: PeopleChoice,
  dir: string,
  { decisions, proposals = 0 }: HistoryManifest["rows"],
): void {
  if (choice === "recorded") checkRecorded(dir, decisions + proposals);
  else modelOfFile(choice);
}

/**
 * What a people file says; null for one of `PEOPLE_WORDS`.
 *
 * @throws Problem when the file is wrong
 */
export function modelOfFile(choice: PeopleChoice): ResponderModel | null {
  return PEOPLE_WORDS.some((word) => word === choice) ? null : loadPeople(choice);
}

/** @param rows that an answer may be in */
function checkRecorded(dir: string, rows: number): void {
  if (rows > 0) return;
  throw new Problem("this history has no recorded decisions and no answered proposals", {
    file: dir,
    cure: "Use --people absent or modelled, or import decisions.csv.",
  });
}

/** @throws Problem when there are no recorded answers to play back, or the file is wrong */
export function choosePeople(history: Past, choice: PeopleChoice, seed: number): People {
  const { tables } = history;
  const same = (from: string, responder: Responder): People => ({
    from,
    model: null,
    seenUntilMs: null,
    responder: () => responder,
  });
  const drawn = (from: string, model: ResponderModel, seenUntilMs: number | null): People => ({
    from,
    model,
    seenUntilMs,
    responder: (replicate) => modelled(about, seed, replicate, model),
  });
  const about = askedAbout(history);
  const answered = answeredIn(tables.proposals).length;
  switch (choice) {
    case "absent":
      return same("no answers", absent);
    case "recorded":
      checkRecorded(history.dir, tables.decisions.length + answered);
      return same(
        answered === 0
          ? "the recorded answers"
          : `the recorded answers, ${countText(answered)} of them to proposals of agents`,
        recorded(tables.decisions, tables.proposals),
      );
    case "perfect":
      return same(
        "always right, at once",
        perfect((id) => about(id).truthIsBad),
      );
    case "modelled": {
      const { model, seen, seenUntilMs, rightness } = fitPeople(
        tables.decisions,
        about,
        DEFAULT_RESPONDER,
      );
      const counts = (["business", "evening", "night"] as const).map(
        (shift: Shift) => `${shift} ${seen[shift].answers} of ${seen[shift].questions}`,
      );
      const any = Object.values(seen).some(({ questions }) => questions > 0);
      return drawn(
        any
          ? `fitted to this history's answers (${counts.join(", ")})${rightText(rightness)}`
          : "documented defaults",
        model,
        any ? seenUntilMs : null,
      );
    }
    default:
      return drawn(`the people file ${choice}`, loadPeople(choice), null);
  }
}

/** How often people are right, in words; empty where the answers cannot tell. */
function rightText(rightness: Rightness | null): string {
  if (rightness === null) return "";
  const say = (odds: Odds): string =>
    `${formatShare(odds.value)} [${formatShare(odds.low)}, ${formatShare(odds.high)}] of ` +
    `${odds.answers}`;
  const { overrideIfGood, overrideIfBad } = rightness;
  return `; they stop ${say(overrideIfGood)} wrong and ${say(overrideIfBad)} right rollbacks`;
}

function askedAbout({ tables }: Past): (deploymentId: string) => Asked {
  const services = new Map(tables.services.map((row) => [row.service, row]));
  const serviceOf = servicesById(tables.deployments);
  const labels = new Map(tables.labels.map(({ deploymentId, label }) => [deploymentId, label]));
  return (deploymentId) => {
    const service = services.get(serviceOf(deploymentId) ?? "");
    const label = labels.get(deploymentId) ?? "unknown";
    return {
      timezone: service?.timezone ?? null,
      team: service?.team ?? null,
      truthIsBad: label === "unknown" ? null : label === "regression",
    };
  };
}
