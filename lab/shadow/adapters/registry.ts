/** The adapters there are. A host has those that a sender of shadow.yaml may use. */

import type { ShadowFile } from "../config/shadowFile.ts";
import type { Adapter } from "./adapter.ts";
import { argoRollouts } from "./argoRollouts.ts";
import { cdEvents } from "./cdEvents.ts";
import { flagger } from "./flagger.ts";
import { githubProtection } from "./github/protection.ts";
import { kayenta } from "./kayenta/judge.ts";
import { slack } from "./slack.ts";

const ADAPTERS: readonly Adapter[] = [
  argoRollouts,
  flagger,
  githubProtection,
  slack,
  cdEvents,
  kayenta,
];

export function adaptersOf({ senders }: Pick<ShadowFile, "senders">): readonly Adapter[] {
  const used = new Set(Object.values(senders).flatMap(({ may }) => may));
  return ADAPTERS.filter(({ kind }) => used.has(kind));
}
