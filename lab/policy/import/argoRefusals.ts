/** For what Argo refuses an analysis, in words, and how to mend it. */

import type { Invalidity } from "../../../engine/index.ts";

export const ARGO_REFUSALS: Readonly<
  Record<Invalidity, { readonly what: string; readonly cure: string }>
> = {
  noMetrics: { what: "the analysis has no metrics", cure: "Give it one." },
  duplicateName: { what: "two metrics have the same name", cure: "Rename one of them." },
  countBelowFailureLimit: {
    what: "`count` is below `failureLimit`",
    cure: "Let `failureLimit` be at most `count`.",
  },
  countBelowInconclusiveLimit: {
    what: "`count` is below `inconclusiveLimit`",
    cure: "Let `inconclusiveLimit` be at most `count`.",
  },
  countWithoutInterval: {
    what: "`count` is above 1 without an `interval`",
    cure: "Give an `interval`.",
  },
  negativeInconclusiveLimit: {
    what: "`inconclusiveLimit` is negative",
    cure: "Write 0 or more.",
  },
  negativeConsecutiveErrorLimit: {
    what: "`consecutiveErrorLimit` is negative",
    cure: "Write 0 or more.",
  },
  negativeConsecutiveSuccessLimit: {
    what: "`consecutiveSuccessLimit` is negative",
    cure: "Write 0 or more.",
  },
  noLimitApplies: {
    what: "neither `failureLimit` nor `consecutiveSuccessLimit` applies",
    cure: "Give a `failureLimit` of 0 or more, or a `consecutiveSuccessLimit`.",
  },
};
