/**
 * The policy language as JSON Schema, for editors. It is made from the schema that reads
 * policies, so the two cannot part. What JSON Schema cannot say (that an `assign` ends with
 * `otherwise`, that a signal exists) only `hindsight policy check` says.
 */

import { z } from "zod";
import type { JsonObject } from "../../json.ts";
import { formatDuration, formatShare } from "../quantity.ts";
import { DESCRIPTIONS } from "./descriptions.ts";
import { policySchema } from "./policySchema.ts";
import { DURATION_PATTERN, STRETCH_PATTERN } from "./values.ts";

/**
 * A policy that extends another may leave out whatever the other says, so what is required is
 * asked apart, of policies that extend nothing.
 */
export function policyJsonSchema(): JsonObject {
  const whole = z.toJSONSchema(policySchema, { io: "input", override: withDefault }) as JsonObject;
  const { $schema, ...language } = whole;
  const described = describe(language, []) as JsonObject & { properties: JsonObject };
  const { policy, ...properties } = (relaxed(described) as typeof described).properties;
  return {
    $schema,
    title: "Hindsight policy",
    description: "When a machine may roll back a deployment, and when it asks people first.",
    type: "object",
    properties: {
      policy,
      extends: { type: "string", minLength: 1, description: DESCRIPTIONS.get("extends") },
      ...properties,
    },
    additionalProperties: false,
    required: ["policy"],
    if: { required: ["extends"] },
    else: required(described) ?? {},
  };
}

/** The defaults of quantities, as one writes them. */
function withDefault({ zodSchema, jsonSchema }: { zodSchema: unknown; jsonSchema: object }): void {
  if (!(zodSchema instanceof z.ZodDefault)) return;
  const node: { type?: unknown; pattern?: unknown; default?: unknown } = jsonSchema;
  const value: unknown = zodSchema.def.defaultValue;
  if (node.type !== "string" || typeof value !== "number") return;
  const isTime = node.pattern === DURATION_PATTERN || node.pattern === STRETCH_PATTERN;
  node.default = isTime ? formatDuration(value) : formatShare(value).replace(" ", "");
}

/** `node` below `path`, each of its keys with what it means. */
function describe(node: unknown, path: readonly string[]): unknown {
  if (Array.isArray(node)) return node.map((one) => describe(one, path));
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]): [string, unknown] => {
      if (key === "properties") {
        const described = Object.entries(value as JsonObject).map(([name, property]) => {
          const { atMost, ...inner } = describe(property, [...path, name]) as JsonObject;
          const means = descriptionOf([...path, name]);
          const limit = typeof atMost === "string" ? `At most ${atMost}.` : null;
          const told = [means, limit].filter((one) => one !== null);
          const description = told.length === 0 ? null : told.join(" ");
          return [name, { ...(description === null ? {} : { description }), ...inner }];
        });
        return [key, Object.fromEntries(described)];
      }
      if (key === "additionalProperties") return [key, describe(value, [...path, "*"])];
      return ["items", "anyOf", "oneOf"].includes(key)
        ? [key, describe(value, path)]
        : [key, value];
    }),
  );
}

function descriptionOf(path: readonly string[]): string | null {
  const when = path.lastIndexOf("when");
  const forms = [path, path.map((name, index) => (index === 1 && path.length > 2 ? "*" : name))];
  if (when >= 0 && when < path.length - 1) forms.unshift(path.slice(when));
  const found = forms.map((form) => DESCRIPTIONS.get(form.join(".")));
  return found.find((text) => text !== undefined) ?? null;
}

/** Nothing is required, but in the entries of lists: a child replaces those whole. */
function relaxed(node: unknown): unknown {
  if (typeof node !== "object" || node === null || Array.isArray(node)) return node;
  const forms = (value: unknown): unknown => (value as unknown[]).map(relaxed);
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]): [string, unknown][] => {
      if (key === "required") return [];
      // Without its `kind` a detector fits more than one form.
      if (key === "oneOf" || key === "anyOf") return [["anyOf", forms(value)]];
      if (key === "properties") return [[key, mapped(value as JsonObject, relaxed)]];
      return [[key, key === "additionalProperties" ? relaxed(value) : value]];
    }),
  );
}

/** Only what is required; null where nothing is. */
function required(node: unknown): JsonObject | null {
  if (typeof node !== "object" || node === null) return null;
  const given = node as JsonObject;
  const inner = mapped((given["properties"] ?? {}) as JsonObject, required);
  const properties = Object.entries(inner).filter(([, value]) => value !== null);
  const more = required(given["additionalProperties"]);
  const needed: JsonObject = {
    ...(given["required"] === undefined ? {} : { required: given["required"] }),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(more === null ? {} : { additionalProperties: more }),
    ...(Array.isArray(given["oneOf"]) ? { required: ["kind"] } : {}),
  };
  return Object.keys(needed).length === 0 ? null : needed;
}

function mapped(node: JsonObject, change: (value: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]));
}
