/** `github` in shadow.yaml: the GitHub App that answers deployment protection rules. */

import { createPrivateKey } from "node:crypto";
import { z } from "zod";
import { address, duration, secret, type Surroundings } from "../../config/words.ts";

const HOUR_MS = 3_600_000;
const name = z.string().min(1).max(200);

export function githubSchema(at: Surroundings) {
  return z.strictObject({
    /** Of GitHub Enterprise: `https://HOST/api/v3`. Callback URLs must lie under it. */
    api: address
      .refine((text) => isSafe(new URL(text)), { error: "expected https: a token is sent there" })
      .transform((text) => text.replace(/\/+$/, ""))
      .prefault("https://api.github.com"),
    app: z.int({ error: "expected the App ID, a number" }).positive(),
    key: secret(at).refine(isKey, { error: "expected the App's private key, in PEM" }),
    /** By protected environment: the environment in which the same commit must be healthy. */
    environments: z.record(name, z.strictObject({ after: name })),
    giveUp: duration(HOUR_MS / 60, 30 * 24 * HOUR_MS).prefault("24h"),
  });
}

export type GithubSettings = z.output<ReturnType<typeof githubSchema>>;

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || hostname === "127.0.0.1" || hostname === "localhost";
}

/** A reference stays one where secrets are missing (`--without-secrets`). */
function isKey(text: string): boolean {
  if (/^(env|file):/.test(text)) return true;
  try {
    return createPrivateKey(text).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}
