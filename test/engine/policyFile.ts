/** Policies for tests: read from YAML, or written as plain objects. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { parsePolicy, type Policy, type SignalPolicy } from "../../engine/index.ts";

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The policy of a plain object; throws with every issue when it is none. */
export function policyOf(written: unknown, name = "policy"): Policy {
  const { policy, issues } = parsePolicy(written, sha256);
  if (policy !== null) return policy;
  const lines = issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`${name}\n${lines.join("\n")}`);
}

export function readPolicy(path: string): Policy {
  return policyOf(parse(readFileSync(path, "utf8")), path);
}

/** The only signal of a policy, of metric `m` where nothing else is said. */
export function signalOf(written: object): SignalPolicy {
  return policyOf({
    policy: "p",
    owner: "o",
    signals: { one: { metric: "m", ...written } },
    assign: [{ otherwise: "full" }],
  }).signals[0]!;
}
