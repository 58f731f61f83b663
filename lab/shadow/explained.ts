/**
 * The story of one deployment out of the journal. It runs in a thread: reading weeks of a log
 * must not keep a decision waiting.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { explain, type Handled } from "../../engine/index.ts";
import { readSections } from "../audit/read.ts";
import { nodeDocument, type NodeDocument } from "../explain/document.ts";

interface ExplainTask {
  readonly journal: string;
  readonly deploymentId: string;
}

const SEGMENT = /^decisions-\d+\.jsonl$/;

/** Null where the journal never heard of it. */
export default function explainDeployment({
  journal,
  deploymentId,
}: ExplainTask): NodeDocument | null {
  const segments = readdirSync(journal).filter((name) => SEGMENT.test(name));
  const handled: Handled[] = [];
  // Most questions are about what happened just now: the newest first, back to its start.
  for (const name of segments.sort().reverse()) {
    for (const section of readSections(join(journal, name), true).reverse()) {
      handled.unshift(...section.handled);
      const begins = section.handled.some(
        ({ event }) =>
          event.kind === "deploymentStarted" && event.deployment.deploymentId === deploymentId,
      );
      if (!begins) continue;
      const tree = explain(section.header.policy, handled, deploymentId);
      return tree === null ? null : nodeDocument(tree);
    }
  }
  return null;
}
