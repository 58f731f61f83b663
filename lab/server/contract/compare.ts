/** Policies side by side: `hindsight compare --json` with words and what filters need. */

import { z } from "zod";
import { scored, stretchQuery } from "./scored.ts";
import { criticality, deploymentId, kind, list, policyId, tier, time } from "./words.ts";

/** Of a score without an interval: the share of what it rests on that history settles. */
export const lessThanHalf = z.object({
  code: z.literal("lessThanHalfIdentified"),
  identified: z.number(),
});

export const estimate = z.looseObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  n: z.number(),
  /** Only where the value or its interval is missing or doubtful. */
  why: z.string().optional(),
  reason: lessThanHalf.optional(),
});
export type EstimateDocument = z.infer<typeof estimate>;

/**
 * By field name, as `compare --json` has it: estimates, for durations an object of four
 * (`timeToRecovery: { mean, median, p90, restrictedMean60m }`), bounds, and calibration.
 */
export const scorecard = z.record(z.string(), z.unknown());
export type ScorecardDocument = z.infer<typeof scorecard>;

export const unit = z.enum(["count", "share", "seconds", "perWeek", "hours", "cost"]);
export type Unit = z.infer<typeof unit>;

/** A field of a scorecard: `mttr`, `timeToRecovery.mean`. */
export const field = z.object({
  name: z.string(),
  /** "mean time to recovery". */
  words: z.string(),
  unit,
  /** Null where neither way is better. */
  better: z.enum(["lower", "higher"]).nullable(),
  /** Is it one of the few that a summary shows? */
  main: z.boolean(),
});
export type FieldDocument = z.infer<typeof field>;

const verdict = z.enum([
  "better",
  "worse",
  "not distinguishable",
  "too few to tell",
  "no evidence",
]);
const ground = z.object({ low: z.number().nullable(), high: z.number().nullable(), verdict });
const tipping = z.object({
  flips: z.number().nullable(),
  of: z.number(),
  deployments: list(z.string()),
});

export const difference = z.object({
  field: z.string(),
  candidatePolicy: z.string(),
  baseline: z.number().nullable(),
  candidate: z.number().nullable(),
  difference: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  unit,
  verdict,
  /** What better or worse rests on: nothing that history hid, or the model of that. */
  ground: z.enum(["identified", "modelled"]).nullable(),
  identified: ground,
  modelled: ground
    .extend({
      errors: z.object({
        draws: z.number(),
        heldOut: z.number(),
        models: z.number(),
        recoveries: z.number(),
        /** What `heldOut` is made of: by size of what was seen before the cut. */
        bySize: list(
          z.object({
            kind: z.enum(["regression", "good", "other"]),
            from: z.number(),
            to: z.number().nullable(),
            hidden: z.number(),
            tested: z.number(),
            error: z.number(),
          }),
        ),
      }),
    })
    .nullable(),
  /** Kinds of hidden deployments that count as their worst: too few could be tested. */
  untested: list(
    z.object({
      kind: z.enum(["regression", "good", "other"]),
      hidden: z.number(),
      tested: z.number(),
    }),
  ),
  /** How many of the hidden deployments would have to end the other way before it falls. */
  tipping: tipping.nullable(),
  tippingAtLimit: tipping.nullable(),
  n: z.number(),
  resolves: z.number().nullable(),
  designEffect: z.number().nullable(),
  /** What the history has no case of: so far the interval reaches for it alone. */
  unseen: z.object({ below: z.number(), above: z.number() }),
  effectiveClusters: z.number(),
  /** Deployments that one policy treats rightly and the other does not, and the exact test. */
  discordant: z.object({ better: z.number(), worse: z.number(), p: z.number() }).nullable(),
  /** Deployments that only one policy treats rightly, those that history hid included. */
  differing: z.number().nullable(),
  hiddenShare: z.number().nullable(),
  hiddenLow: z.number().nullable(),
  hiddenHigh: z.number().nullable(),
  /** How many deployments have a part in it that is assumed, and how. */
  assumed: z.object({ bounded: z.number(), alike: z.number(), modelled: z.number() }),
});
export type DifferenceDocument = z.infer<typeof difference>;

const ending = z.object({ end: z.string(), rolledBack: z.boolean() });
export const flip = z.object({
  deploymentId,
  service: z.string(),
  label: z.string(),
  candidatePolicy: z.string(),
  baseline: ending,
  candidate: ending,
  change: z.enum(["better", "worse", "neutral", "open"]),
  why: z.string(),
});

/** What a list of deployments is filtered by. */
export const filterable = z.object({
  team: z.string().nullable(),
  criticality: criticality.nullable(),
  kind,
  tags: list(z.string()),
  startedAt: time,
  /** 0 to 23 by the service's clock, whose zone is `timezone`. */
  hour: z.number().int(),
  timezone: z.string(),
});

export const filterableFlip = flip.extend({
  ...filterable.shape,
  baselineTier: tier.nullable(),
  candidateTier: tier.nullable(),
});
export type FlipDocument = z.infer<typeof filterableFlip>;

/** `policies`: ids, comma-separated, the baseline first; all given ones where it is not said. */
export const compareQuery = stretchQuery.extend({ policies: z.string().max(4000).optional() });

/**
 * Byte for byte what `compare --policy … --json` prints, with `--from` and `--to` if any, in
 * `manifest`, `scorecards`, `differences`, `flippedDeployments` and `flips` (differences and flips
 * with more beside).
 */
export const comparison = z.object({
  state: z.literal("ready"),
  policies: list(z.object({ id: policyId, name: z.string() })),
  baseline: policyId,
  fields: list(field),
  /** Null: the whole history. */
  scored: scored.nullable(),
  manifest: z.looseObject({ seed: z.number(), draws: z.number(), notes: list(z.string()) }),
  scorecards: z.record(z.string(), scorecard),
  differences: list(difference.extend({ words: z.string() })),
  /** How small a difference this history could show, by candidate; null: it cannot be said. */
  resolution: list(z.object({ candidatePolicy: z.string(), words: z.string().nullable() })),
  /**
   * Regressions that had not ended so long after their onset, up to an hour, by Kaplan and Meier:
   * the area under a curve is `diagnostics.kaplanMeier.restrictedMean60m` of the scorecard.
   */
  recoveryCurves: list(
    z.object({
      policy: policyId,
      points: list(z.object({ seconds: z.number(), left: z.number() })),
    }),
  ),
  /** How many deployments end differently under any policy: one may have several flips. */
  flippedDeployments: z.number(),
  flips: list(filterableFlip),
});
export type Comparison = z.infer<typeof comparison>;
