/** What production and its people did, in words. */

import { own, type JsonObject } from "../../../engine/index.ts";

const WORDS: JsonObject<string> = {
  proposed: "a rollback was proposed",
  overrideGiven: "it was overridden",
  approvalGiven: "it was approved",
  escalated: "it was escalated",
  withdrawn: "the proposal was withdrawn",
  expired: "nobody answered in time",
  waited: "a coin put the rollback off",
  rollbackStarted: "the rollback began",
  rollbackFinished: "it was rolled back",
  rollbackFailed: "the rollback failed",
  paged: "somebody was paged",
};

export function decisionWords(what: string): string {
  return own(WORDS, what) ?? what;
}
