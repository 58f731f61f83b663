/**
 * Checks a report: computes its numbers again from the history and the policies that it names,
 * renders the page again, and names every place that differs.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { z } from "zod";
import { LABEL_CHOICES } from "../history/labels/choose.ts";
import { Problem } from "../problem.ts";
import { EFFECT_RULES } from "../replay/splice.ts";
import { readText } from "../yaml.ts";
import type { Asked, ReportDocument } from "./document.ts";
import { takeOut } from "./embedded.ts";
import { reportHtml } from "./html.ts";
import { reportMarkdown } from "./markdown.ts";

const ASKED = z.strictObject({
  history: z.string(),
  policy: z.string(),
  candidate: z.string().nullable(),
  quarter: z.string(),
  budget: z.string().nullable(),
  sweep: z.string().nullable(),
  costs: z.string().nullable(),
  people: z.string(),
  seed: z.int().min(0),
  replicates: z.int().min(100),
  draws: z.int().min(1),
  effect: z.enum(EFFECT_RULES),
  labels: z.enum(LABEL_CHOICES).optional(),
  lab: z.string(),
  redact: z.boolean(),
});
const DOCUMENT = z.looseObject({ format: z.literal("hindsight-report"), asked: ASKED });

export interface Read {
  readonly file: string;
  readonly asked: z.output<typeof ASKED>;
  /** The embedded JSON document. */
  readonly document: unknown;
  /** The rest of the file. */
  readonly shown: string;
}

/** @throws Problem when the file is not a report, or its embedded document cannot be read */
export function readReport(file: string): Read {
  const text = readText(file, "report", "Give the path of a report that hindsight wrote.");
  const taken = takeOut(text);
  const parsed = DOCUMENT.safeParse(taken?.document);
  if (taken === null || !parsed.success) {
    throw new Problem("this is no report, or the numbers inside it are damaged", {
      file,
      cure: "Check the HTML or Markdown that `hindsight report` wrote; a PDF cannot be checked.",
    });
  }
  return { file, asked: parsed.data.asked, document: taken.document, shown: taken.shown };
}

/** A place at which a report differs from the one made again. */
export interface Fault {
  readonly at: string;
  readonly report: string;
  readonly again: string;
}

const FAULTS_AT_MOST = 20;
const TEXT_AT_MOST = 80;

/** @returns empty where numbers and page are the same; else at most `FAULTS_AT_MOST` places */
export function faultsIn({ document, shown }: Read, again: ReportDocument): readonly Fault[] {
  const faults: Fault[] = [];
  // Through JSON, as the report was written: values such as `undefined` do not survive it.
  differing(document, JSON.parse(JSON.stringify(again)) as unknown, "", faults);
  if (faults.length > 0) return faults;
  const page = shown.startsWith("<!doctype") ? reportHtml(again) : reportMarkdown(again);
  const expected = takeOut(page)!.shown;
  if (expected === shown) return [];
  const at = firstDifference(shown, expected);
  const line = shown.slice(0, at).split("\n").length;
  const around = (text: string): string => text.slice(Math.max(0, at - 30), at + 40).trim();
  return [{ at: `the page, line ${line}`, report: around(shown), again: around(expected) }];
}

function differing(one: unknown, other: unknown, at: string, faults: Fault[]): void {
  if (Object.is(one, other) || faults.length >= FAULTS_AT_MOST) return;
  if (isObject(one) && isObject(other) && Array.isArray(one) === Array.isArray(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
    for (const key of keys) {
      differing(own(one, key), own(other, key), at === "" ? key : `${at}.${key}`, faults);
    }
    return;
  }
  faults.push({ at, report: shortJson(one), again: shortJson(other) });
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

function shortJson(value: unknown): string {
  const text = value === undefined ? "not there" : JSON.stringify(value);
  return text.length <= TEXT_AT_MOST ? text : `${text.slice(0, TEXT_AT_MOST - 1)}…`;
}

function firstDifference(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}

/** The question with the present paths of files that have moved since. */
export function askedNow(
  asked: Read["asked"],
  { history, policy, candidate, sweep }: Partial<Asked>,
): Read["asked"] {
  return {
    ...asked,
    history: history ?? asked.history,
    policy: policy ?? asked.policy,
    candidate: candidate ?? asked.candidate,
    sweep: sweep ?? asked.sweep,
  };
}
