/**
 * Explains the decisions about one deployment from the journal. It runs in a worker thread, so
 * that reading weeks of a log does not delay a decision.
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

/** @returns null where the deployment is not in the journal */
export default function explainDeployment({
  journal,
  deploymentId,
}: ExplainTask): NodeDocument | null {
  const segments = readdirSync(journal).filter((name) => SEGMENT.test(name));
  const handled: Handled[] = [];
  // Most questions are about recent deployments, so the newest segment is read first, then older
  // ones until the one in which the deployment started.
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
