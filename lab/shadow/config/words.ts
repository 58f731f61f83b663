/** Schemas shared by several keys of shadow.yaml: durations, addresses, secrets. */

import { dirname, resolve } from "node:path";
import { z } from "zod";
import { formatDuration, parseDuration, type JsonObject } from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import { secretsOf } from "../source/secrets.ts";

/** The path of the file, and where its secrets may be read from. */
export interface Surroundings {
  /** Paths in the file are relative to its directory. */
  readonly file: string;
  readonly env: JsonObject<string | undefined>;
  /** Called with each secret that does not exist; without it, that is an error. */
  readonly onMissing?: (reference: string) => void;
}

/** Shorter ones can be guessed. */
const SECRET_AT_LEAST = 16;

export function duration(leastMs: number, mostMs: number) {
  const error =
    `expected a duration from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}, ` +
    "such as 10s";
  return z
    .string({ error })
    .transform((text) => parseDuration(text))
    .refine((ms): ms is number => ms !== null && ms >= leastMs && ms <= mostMs, { error });
}

export function path({ file }: Surroundings, error: string) {
  return z
    .string({ error })
    .min(1, { error })
    .transform((text) => resolve(dirname(file), text));
}

/** A URL to call. Credentials do not belong in it: they are a `secret`. */
export const address = z
  .string({ error: "expected an address such as https://deploy.example.org/rollback" })
  .superRefine((text, context) => {
    const url = URL.parse(text);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      context.addIssue("expected an address such as https://deploy.example.org/rollback");
    } else if (url.username !== "" || url.password !== "") {
      context.addIssue("a name and a password have no place in an address: give a secret");
    }
  });

/** `env:NAME` or `file:PATH`; read at once, so that a missing secret is found at the start. */
export function secret({ file, env, onMissing }: Surroundings) {
  const secretOf = secretsOf(file, env);
  return z.string({ error: REFERENCE }).transform((text, context) => {
    const refuse = (message: string): never => {
      context.addIssue(message);
      return z.NEVER;
    };
    if (!/^(env|file):./.test(text)) return refuse(REFERENCE);
    try {
      const found = secretOf(text);
      if (found.length >= SECRET_AT_LEAST) return found;
      return refuse(
        `what is at ${text} is shorter than ${SECRET_AT_LEAST} characters: ` +
          "make one with openssl rand -hex 32",
      );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (onMissing === undefined) return refuse(error.what);
      onMissing(text);
      return text;
    }
  });
}

const REFERENCE = "expected env:NAME or file:PATH: a secret never stands in this file";

/** The address of a Redis; one with a password must be given as a secret. */
export function redisAddress(at: Surroundings) {
  const error = "expected redis://host:6379, or env:NAME or file:PATH if it has a password";
  const plain = z.string({ error }).regex(/^rediss?:\/\/[^/@]+/, { error });
  return z.union([secret(at), plain], { error });
}
