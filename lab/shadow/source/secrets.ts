/** Resolves `env:NAME` and `file:PATH`; a file is read every time, because tokens rotate. */

import { own, type JsonObject } from "../../../engine/index.ts";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Problem } from "../../problem.ts";
import type { SecretOf } from "./settings.ts";

/**
 * @param config the file that names the secrets: paths are relative to its directory
 * @returns a function that throws Problem where a secret is missing or empty
 */
export function secretsOf(config: string, env: JsonObject<string | undefined>): SecretOf {
  return (reference) => {
    const [, kind, name] = /^(env|file):(.+)$/s.exec(reference) ?? [];
    const secret =
      kind === "env" ? own(env, name!) : readSecret(resolve(dirname(config), name ?? ""));
    if (secret !== undefined && secret !== "") return secret;
    throw new Problem(`there is no secret at ${reference}`, {
      file: config,
      cure: kind === "env" ? "Set the variable." : "Check the path, and who may read the file.",
    });
  };
}

function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
