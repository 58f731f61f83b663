/** The JSON of `explain`. */

import { formatTime, type ExplanationNode } from "../../engine/index.ts";
import type { Explanation } from "./find.ts";

export function explainDocument({ policy, tree }: Explanation) {
  return { policy: policy.policy, policyDigest: policy.digest, tree: nodeDocument(tree) };
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
