/**
 * A learned confidence as a file: what labels gave, and of which history, policy and engine. It is
 * input from outside, so every field is asked, and what would make more evidence lower a
 * confidence is refused.
 */

import { z } from "zod";
import { canonicalJson } from "../policy/canonical.ts";
import { issueText } from "../policy/issueText.ts";
import { FEATURES, featuresFor } from "./features.ts";
import type { Logistic, Tally } from "./learned.ts";

export const MODEL_FORMAT = "hindsight-confidence-model";
export const MODEL_VERSION = 1;

const SIGNALS_AT_MOST = 1000;
const DELAYS_AT_MOST = 100;
/** Of a confidence of one in 10^40: nothing that was learned is near. */
const COEFFICIENT_AT_MOST = 1e6;

/** The numbers of one delay since the alarm; `fitted` is null where too few were seen that late. */
export interface DelayModel extends Tally {
  readonly delayMs: number;
  readonly fitted: Logistic | null;
}

export interface ConfidenceModel {
  readonly format: typeof MODEL_FORMAT;
  readonly version: typeof MODEL_VERSION;
  readonly engineVersion: string;
  /** What it was learned of, and the instant at which the last of its labels was known. */
  readonly learnedOf: {
    readonly history: string;
    readonly policy: { readonly name: string; readonly digest: string };
    readonly knownUntil: string;
  };
  readonly labels: Tally;
  /** Coefficients are in the order of these, then of the signals. */
  readonly features: readonly string[];
  readonly signals: readonly string[];
  /** By delay, the shortest first. */
  readonly alarm: readonly DelayModel[];
  readonly quiet: Tally;
  readonly unjudged: Tally;
}

export interface ModelIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ParsedModel =
  | { readonly model: ConfidenceModel; readonly digest: string; readonly issues: null }
  | { readonly model: null; readonly issues: readonly ModelIssue[] };

const name = z.string().min(1).max(1000);
const whole = z.int().min(0);
const coefficient = z.number().min(-COEFFICIENT_AT_MOST).max(COEFFICIENT_AT_MOST);
const counts = { cases: whole, regressions: whole };
const tally = z.strictObject(counts).superRefine(withinCases);
const delayModel = z
  .strictObject({
    delayMs: whole,
    ...counts,
    fitted: z
      .strictObject({
        intercept: coefficient,
        coefficients: z.array(coefficient).max(FEATURES.length + SIGNALS_AT_MOST),
      })
      .nullable(),
  })
  .superRefine(withinCases);

const schema = z
  .strictObject({
    format: z.literal(MODEL_FORMAT),
    version: z.literal(MODEL_VERSION),
    engineVersion: name,
    learnedOf: z.strictObject({
      history: name,
      policy: z.strictObject({ name, digest: name }),
      knownUntil: z.iso.datetime(),
    }),
    labels: tally,
    features: z.array(name).max(FEATURES.length),
    signals: z.array(name).max(SIGNALS_AT_MOST),
    alarm: z.array(delayModel).max(DELAYS_AT_MOST),
    quiet: tally,
    unjudged: tally,
  })
  .superRefine((model, context) => {
    for (const { path, message } of contradictions(model)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
  });

/** Reads a plain object; `hash` gives the hex SHA-256 of a text. The digest is its identity. */
export function parseConfidenceModel(input: unknown, hash: (text: string) => string): ParsedModel {
  const parsed = schema.safeParse(input, { reportInput: false });
  if (parsed.success) {
    return { model: parsed.data, digest: hash(canonicalJson(parsed.data)), issues: null };
  }
  const issues = parsed.error.issues.map(({ path, message }) => ({
    path: path.filter((step) => typeof step !== "symbol"),
    message: issueText(message),
  }));
  return { model: null, issues };
}

function withinCases({ cases, regressions }: Tally, context: z.RefinementCtx): void {
  if (regressions <= cases) return;
  context.addIssue({
    code: "custom",
    path: ["regressions"],
    message: `${regressions} regressions of ${cases} cases`,
  });
}

/** What single fields do not show. */
function contradictions(model: ConfidenceModel): readonly ModelIssue[] {
  const issues: ModelIssue[] = [];
  const add = (path: ModelIssue["path"], message: string) => issues.push({ path, message });
  const { labels, features, signals, alarm } = model;
  const beyond = (path: ModelIssue["path"], some: Tally): void => {
    for (const count of ["cases", "regressions"] as const) {
      if (some[count] > labels[count]) add([...path, count], "there are fewer labels than that");
    }
  };
  const isKnown =
    features.length === FEATURES.length && FEATURES.every((one, at) => one.name === features[at]);
  if (!isKnown) {
    const wanted = FEATURES.map((one) => one.name).join(", ");
    add(["features"], `this engine reads these, in this order: ${wanted}`);
  }
  if (new Set(signals).size < signals.length) add(["signals"], "a signal is named twice");
  const all = featuresFor(signals);
  for (const [at, { delayMs, cases, regressions, fitted }] of alarm.entries()) {
    if (at === 0 ? delayMs > 0 : delayMs <= alarm[at - 1]!.delayMs) {
      add(["alarm", at, "delayMs"], "delays begin at 0 and grow");
    }
    beyond(["alarm", at], { cases, regressions });
    if (fitted === null) continue;
    const path = ["alarm", at, "fitted", "coefficients"] as const;
    if (fitted.coefficients.length !== all.length) {
      add(path, `${fitted.coefficients.length} coefficients for ${all.length} features`);
      continue;
    }
    for (const [feature, { name: called, direction }] of all.entries()) {
      if (fitted.coefficients[feature]! * direction < 0) {
        const way = direction === 1 ? "lower" : "raise";
        add([...path, feature], `more of "${called}" would ${way} the confidence`);
      }
    }
  }
  for (const ground of ["quiet", "unjudged"] as const) beyond([ground], model[ground]);
  return issues;
}
