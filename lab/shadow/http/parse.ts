/** Reads a body, or refuses it and says where it is wrong. */

import type { z } from "zod";
import { Refusal } from "../../server/problems.ts";

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new Refusal("bad-request", "The body is no JSON.");
  }
}

export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message,
  }));
  const { path, message } = errors[0]!;
  throw new Refusal("bad-request", path === "" ? message : `${path}: ${message}`, errors);
}
