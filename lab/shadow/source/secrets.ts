/** What `env:NAME` and `file:PATH` stand for; a file is read anew, since tokens in it rotate. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Problem } from "../../problem.ts";
import type { SecretOf } from "./settings.ts";

/** Secrets as a config file names them: paths in it are relative to it. */
export function secretsOf(
  config: string,
  env: Readonly<Record<string, string | undefined>>,
): SecretOf {
  return (reference) => {
    const [, kind, name] = /^(env|file):(.+)$/s.exec(reference) ?? [];
    const found = kind === "env" ? env[name!] : readSecret(resolve(dirname(config), name ?? ""));
    if (found !== undefined && found !== "") return found;
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
