/** The JSON Schema of scenario files, so that editors complete and check them. */

import { z } from "zod";
import { inlineExpectation, scoredExpectation } from "./expectation.ts";
import { scenarioForm, variedForm } from "./form.ts";

/** What a file's form leaves open, because the reader places those errors itself. */
export function scenarioJsonSchema(): object {
  const policy = z
    .union([z.string(), variedForm, z.looseObject({ policy: z.string(), owner: z.string() })])
    .describe("a policy file, a policy written out, or either with other values at some paths");
  const expectation = z.union([inlineExpectation, scoredExpectation]);
  const form = scenarioForm.extend({
    policy: policy.optional(),
    policies: z.record(z.string(), policy).optional(),
    expect: z
      .union([expectation, z.record(z.string(), expectation)])
      .describe("of the one policy, or of each by name"),
  });
  return {
    ...z.toJSONSchema(form, { io: "input", unrepresentable: "any" }),
    title: "Hindsight scenario",
  };
}
