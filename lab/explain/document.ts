/** The JSON of `explain`. */

import { formatTime, type ExplanationNode } from "../../engine/index.ts";
import type { Explanation } from "./find.ts";
import { openingOf, type Opening } from "./lessonWords.ts";

export function explainDocument({ policy, tree }: Pick<Explanation, "policy" | "tree">) {
  return { policy: policy.policy, policyDigest: policy.digest, tree: nodeDocument(tree) };
}

/** What it begins with, its times in UTC as in the tree; nothing for one of a log. */
export function openingIn({ policy, lesson }: Explanation): readonly Opening[] {
  if (lesson === undefined) return [];
  const clock = (atMs: number): string => `${formatTime(atMs).slice(11, 16)} UTC`;
  return openingOf(lesson.recorded, policy.policy, lesson.policy, clock);
}

/** What makes it again, and what it is. */
export function explanationDocument({ madeFrom, ...explanation }: Explanation) {
  const { engineVersion, history, asked, labels } = madeFrom;
  const { policy, digest } = explanation.policy;
  return {
    manifest: {
      format: "hindsight-explanation",
      engineVersion,
      timeZones: process.versions["tz"] ?? "unknown",
      history: { digest: history },
      policies: [{ name: policy, digest }],
      people: asked?.people ?? null,
      peopleFrom: asked?.peopleFrom ?? null,
      peopleModel: asked?.peopleModel ?? null,
      seed: asked?.seed ?? null,
      ...(labels === undefined ? {} : { labels }),
    },
    ...(explanation.lesson === undefined ? {} : { lesson: explanation.lesson }),
    ...explainDocument(explanation),
  };
}

export interface NodeDocument {
  readonly about: string;
  readonly says: string;
  readonly at: string | null;
  readonly children: readonly NodeDocument[];
}

export function nodeDocument({ about, says, atMs, children }: ExplanationNode): NodeDocument {
  const at = atMs === null ? null : formatTime(atMs);
  return { about, says, at, children: children.map(nodeDocument) };
}
