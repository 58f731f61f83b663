/**
 * Policies of incumbents as JSON Schema, for editors: the plan of each system from the schema that
 * reads it, and everything around it from the policy language.
 */

import { z } from "zod";
import { SYSTEMS, systemOf } from "../../incumbents/systems.ts";
import type { JsonObject } from "../../json.ts";
import { query } from "../incumbentPolicy.ts";
import { policyJsonSchema } from "./jsonSchema.ts";

const QUERIES = "How the history answers each query of the plan, by the query's name.";

export function incumbentJsonSchema(): JsonObject {
  const { $schema, properties } = policyJsonSchema() as { $schema: string; properties: JsonObject };
  const { policy, owner, watch, tiers, assign, guardrails } = properties;
  return {
    $schema,
    title: "Hindsight policy of an incumbent",
    description: "What Argo Rollouts, Flagger, Kayenta or Prometheus alerts do, as a policy.",
    type: "object",
    properties: {
      policy,
      owner,
      watch,
      incumbent: {
        description: "The system that judges, as `hindsight policy import` writes it.",
        anyOf: SYSTEMS.map((system) => ({
          type: "object",
          properties: {
            system: { const: system, description: "Whose rules are emulated." },
            queries: { description: QUERIES, ...schemaOf(z.record(z.string(), query)) },
            plan: { description: "What its files say.", ...schemaOf(systemOf(system).schema) },
          },
          additionalProperties: false,
          required: ["system", "plan"],
        })),
      },
      tiers,
      assign,
      guardrails,
    },
    additionalProperties: false,
    required: ["policy", "owner", "incumbent"],
  };
}

function schemaOf(schema: z.ZodType): JsonObject {
  const form = Object.entries(z.toJSONSchema(schema, { io: "input" }));
  return Object.fromEntries(form.filter(([key]) => key !== "$schema"));
}
