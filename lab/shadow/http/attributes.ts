/**
 * A deployment in OpenTelemetry's words: the attributes of a resource or of a span, as a pipeline
 * has them already. What is not of a deployment is left out, because a resource says much more.
 */

import { z } from "zod";
import { own } from "../../../engine/index.ts";
import { isFields, type Fields } from "../../jsonBody.ts";

/** Our field, and its names of today and of before. */
const NAMES: readonly (readonly [field: string, names: readonly string[]])[] = [
  ["deploymentId", ["deployment.id"]],
  ["service", ["service.name"]],
  ["version", ["service.version"]],
  ["environment", ["deployment.environment.name", "deployment.environment"]],
];

/** Lets a body give `attributes` in the place of fields, which are then checked as fields are. */
export function orAttributes<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((body, context) => {
    if (!isFields(body) || own(body, "attributes") === undefined) return body;
    const { attributes, ...fields } = body;
    if (!isFields(attributes)) {
      const message = 'expected an object of attributes, such as { "service.name": "checkout" }';
      context.addIssue({ code: "custom", path: ["attributes"], message });
      return z.NEVER;
    }
    return {
      ...fields,
      ...fieldsOf(attributes, fields, (path, message) => {
        context.addIssue({ code: "custom", path: ["attributes", path], message });
      }),
    };
  }, schema);
}

function fieldsOf(
  attributes: Fields,
  given: Fields,
  issue: (name: string, message: string) => void,
): Fields {
  const found = NAMES.flatMap(([field, names]) => {
    const name = names.find((one) => own(attributes, one) !== undefined);
    if (name === undefined) return [];
    const value = own(attributes, name);
    const before = own(given, field);
    if (before !== undefined && before !== value) issue(name, `\`${field}\` says otherwise`);
    return [[field, value] as const];
  });
  return Object.fromEntries(found);
}
