/**
 * The lab is a pipeline, and its folders are the stages: each builds on those before it. So a
 * reader can stop anywhere, and whoever changes a stage knows who may notice.
 */

import { posix } from "node:path";
import type { Rule } from "./rule.ts";
import { findNodes, importedBy } from "./source.ts";

/** In the order of lab/README.md. What lies loose in lab/ comes before all of them. */
const STAGES: readonly string[] = [
  "history",
  "people",
  "policy",
  "replay",
  "audit",
  "outcome",
  "causes",
  "score",
  "compare",
  "confidence",
  "explain",
  "gate",
  "sweep",
  "tags",
  "whatIf",
  "detectBench",
  "suggest",
  "simulate",
  "scenario",
  "report",
  "scale",
  "server",
  "shadow",
  "cli",
];

const LOOSE = -1;

/** The folder; empty for what lies loose in the lab, null outside of it. */
function stageOf(path: string): string | null {
  return /^lab\/(\w+)\//.exec(path)?.[1] ?? (path.startsWith("lab/") ? "" : null);
}

function rankOf(stage: string): number {
  return stage === "" ? LOOSE : STAGES.indexOf(stage);
}

function isAhead(path: string, specifier: string): boolean {
  if (!specifier.startsWith(".")) return false;
  const own = stageOf(path)!;
  const other = stageOf(posix.join(posix.dirname(path), specifier));
  if (other === null || other === own) return false;
  return rankOf(other) > rankOf(own);
}

export const STAGE_RULES: readonly Rule[] = [
  {
    name: "stage-known",
    instead: "say in test/tidy/stageRules.ts and lab/README.md what it builds on",
    applies: (path) => /^lab\/\w+\/.*\.ts$/.test(path),
    check: (path) => {
      const stage = stageOf(path)!;
      return STAGES.includes(stage) ? [] : [{ line: 1, what: stage }];
    },
  },
  {
    name: "stage-order",
    instead: "a stage imports those before it only: move what both need to the earlier one",
    applies: (path) => path.startsWith("lab/") && path.endsWith(".ts"),
    check: (path, text) =>
      findNodes(path, text, (node) => {
        const specifier = importedBy(node);
        return specifier !== null && isAhead(path, specifier) ? specifier : null;
      }),
  },
];
