/** How deployments end and what they are labelled, in words. */

import { own, type JsonObject } from "../../engine/index.ts";

const ENDS: JsonObject<string> = {
  healthy: "healthy",
  rolledBack: "rolled back",
  overridden: "kept: somebody objected",
  withdrawn: "proposal withdrawn",
  expired: "no approval came in time",
  held: "held for people",
  superseded: "superseded",
  rollbackFailed: "rollback failed",
  missed: "missed",
  undecidable: "undecidable",
};

export function endText(end: string): string {
  return own(ENDS, end) ?? end;
}

/** `expected_change` → "expected change". */
export function plainText(word: string): string {
  return word.replaceAll("_", " ");
}
