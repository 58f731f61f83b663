/** A team's own people as a file; what it leaves out stays as the defaults have it. */

import { z } from "zod";
import { parseDuration, parseShare } from "../../engine/index.ts";
import { readDocument } from "../documentFile.ts";
import { DEFAULT_RESPONDER, type ResponderModel, type Shift } from "./model.ts";

const PEOPLE_FILE =
  "a people file, such as scenarios/people/example.yaml, " +
  "or say absent, recorded, modelled or perfect";
const MEDIAN = "expected a duration above 0s such as 2m";
const SHARE = "expected a share from 0% to 100%";
const SIGMA = "expected a number above 0 and up to 5";

const median = z
  .string({ error: MEDIAN })
  .transform((text) => parseDuration(text))
  .refine((ms): ms is number => ms !== null && ms > 0, { error: MEDIAN });
const share = z
  .string({ error: SHARE })
  .transform((text) => (text.endsWith("%") ? parseShare(text) : null))
  .refine((value): value is number => value !== null && value >= 0 && value <= 1, {
    error: SHARE,
  });
const sigma = z.number({ error: SIGMA }).gt(0, { error: SIGMA }).max(5, { error: SIGMA });

const shiftSchema = z
  .strictObject({
    median: median.optional(),
    sigma: sigma.optional(),
    silence: share.optional(),
    overrideIfGood: share.optional(),
    overrideIfBad: share.optional(),
    approveIfBad: share.optional(),
  })
  .refine(({ overrideIfBad = 0.05, approveIfBad = 0.5 }) => overrideIfBad + approveIfBad <= 1, {
    error: "overrideIfBad and approveIfBad together are more than all",
  })
  .prefault({});

const peopleSchema = z.strictObject({
  business: shiftSchema,
  evening: shiftSchema,
  night: shiftSchema,
});

/** @throws Problem naming file, line and column of what is wrong */
export function loadPeople(file: string): ResponderModel {
  const given = readDocument(file, peopleSchema, PEOPLE_FILE);
  const shiftOf = (shift: Shift): ResponderModel[Shift] => {
    const { median: medianMs, ...others } = given[shift];
    const told = Object.entries({ medianMs, ...others }).filter(([, value]) => value !== undefined);
    return { ...DEFAULT_RESPONDER[shift], ...Object.fromEntries(told) };
  };
  return {
    business: shiftOf("business"),
    evening: shiftOf("evening"),
    night: shiftOf("night"),
  };
}
