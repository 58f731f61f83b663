/** Reads a people file: a team's own numbers, with defaults for what it leaves out. */

import { z } from "zod";
import { DURATION_PATTERN, parseDuration, parseShare } from "../../engine/index.ts";
import { documentJsonSchema, readDocument } from "../documentFile.ts";
import { DEFAULT_RESPONDER, type ResponderModel, type Shift } from "./model.ts";

const PEOPLE_FILE =
  "a people file, such as scenarios/people/example.yaml, " +
  "or say absent, recorded, modelled or perfect";
const MEDIAN = "expected a duration above 0s such as 2m";
const SHARE = "expected a share from 0% to 100%";
const SIGMA = "expected a number above 0 and up to 5";

const median = z
  .string({ error: MEDIAN })
  .meta({ examples: ["2m", "1m30s"], pattern: DURATION_PATTERN })
  .transform((text) => parseDuration(text))
  .refine((ms): ms is number => ms !== null && ms > 0, { error: MEDIAN });
const share = z
  .string({ error: SHARE })
  .meta({ examples: ["5%"], pattern: "%$" })
  .transform((text) => (text.endsWith("%") ? parseShare(text) : null))
  .refine((value): value is number => value !== null && value >= 0 && value <= 1, {
    error: SHARE,
  });
const sigma = z.number({ error: SIGMA }).gt(0, { error: SIGMA }).max(5, { error: SIGMA });

const shiftSchema = z
  .strictObject({
    median: median.optional().describe("Half of those who answer do so within this."),
    sigma: sigma.optional().describe("Spread: the sd of the logarithm of the delay."),
    silence: share.optional().describe("Share of pages that get no answer."),
    overrideIfGood: share
      .optional()
      .describe("Of those who look: say no to a rollback that is wrong."),
    overrideIfBad: share
      .optional()
      .describe("Of those who look: say no to one that is right, the harmful kind."),
    approveIfBad: share
      .optional()
      .describe("Of those who look: say yes to one that is right before the window ends."),
  })
  .refine(({ overrideIfBad = 0.05, approveIfBad = 0.5 }) => overrideIfBad + approveIfBad <= 1, {
    error: "overrideIfBad and approveIfBad together are more than all",
  })
  .prefault({});

const peopleSchema = z.strictObject({
  business: shiftSchema.describe("09-18 of the responder's local time."),
  evening: shiftSchema.describe("18-23."),
  night: shiftSchema.describe("23-09, where waking up costs skill as well."),
});

/** The JSON Schema with which editors complete and check a people file. */
export function peopleJsonSchema(): object {
  return documentJsonSchema(peopleSchema, "Hindsight people", "How people answer proposals.");
}

/** @throws Problem naming file, line and column of what is wrong */
export function loadPeople(file: string): ResponderModel {
  const given = readDocument(file, peopleSchema, PEOPLE_FILE);
  const shiftOf = (shift: Shift): ResponderModel[Shift] => {
    const { median: medianMs, ...others } = given[shift];
    const own = Object.entries({ medianMs, ...others }).filter(([, value]) => value !== undefined);
    return { ...DEFAULT_RESPONDER[shift], ...Object.fromEntries(own) };
  };
  return {
    business: shiftOf("business"),
    evening: shiftOf("evening"),
    night: shiftOf("night"),
  };
}
