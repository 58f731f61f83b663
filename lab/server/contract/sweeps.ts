/** Sweeps in the background: they outlive the page and the server. */

import { z } from "zod";
import { lessThanHalf } from "./compare.ts";
import { gateVerdict, limitsText } from "./verdict.ts";
import { scored, stretchQuery } from "./scored.ts";
import { list, policyId, progress, time } from "./words.ts";

export const sweepRequest = stretchQuery.extend({
  policy: policyId,
  /** As `--vary` takes them: `tiers.override.window=1m,2m,5m`. */
  vary: z.array(z.string().min(3).max(500)).min(1).max(10).readonly(),
  design: z.enum(["grid", "sobol"]).default("grid"),
  /** Of a Sobol design. */
  points: z.number().int().min(2).max(4096).default(512),
  /** What a recommendation must stay within, where it is not the default budget. */
  limits: limitsText,
});

export const sweepId = z.string().regex(/^[a-z0-9-]{1,64}$/);

/**
 * `interrupted`: the server ended while it ran; it can be started again. `failed`: `problem`
 * says why.
 */
export const sweepState = z.enum([
  "waiting",
  "running",
  "done",
  "cancelled",
  "failed",
  "interrupted",
]);
export type SweepState = z.infer<typeof sweepState>;

export const sweepJob = z.object({
  id: sweepId,
  policy: z.object({ id: policyId, name: z.string(), digest: z.string() }),
  vary: list(z.string()),
  design: z.enum(["grid", "sobol"]),
  points: z.number(),
  /** As they were asked for; empty: the default budget. A job of before has none. */
  limits: z.string().default(""),
  /** Null: the whole history. */
  scored: scored.nullable().default(null),
  state: sweepState,
  progress: progress.nullable(),
  problem: z.string().nullable(),
  askedAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
});
export type SweepJob = z.infer<typeof sweepJob>;
export const sweepList = z.object({ sweeps: list(sweepJob) });

const number = z.number().nullable();
export const scores = z.object({
  recoveryMinutes: number,
  falsePositiveRate: number,
  nightPages: number,
  cost: number,
  missRate: number,
});
export type ScoresDocument = z.infer<typeof scores>;

/** 95 %, by objective; null where it cannot be said. */
const intervals = z.record(z.string(), z.object({ low: z.number(), high: z.number() }).nullable());

/** Why an objective has no interval: most of it rests on what history hid. */
const reasons = z.record(z.string(), lessThanHalf);

const changed = z.object({ path: z.string(), from: z.string(), to: z.string() });

/** `hindsight sweep --json` in `result`, and beside it what a chart needs. */
export const sweepDetail = sweepJob.extend({
  /** By `--vary`: its path and its values in order, as a policy file writes them. */
  knobs: list(z.object({ path: z.string(), values: list(z.string()), ordered: z.boolean() })),
  /** By variation: for each knob, its value; what a heat map is drawn by. */
  places: list(list(z.string())),
  /** The incumbent's own value at each knob; null where `*` names keys that differ. */
  incumbentPlace: list(z.string().nullable()),
  /** Null until it is done. */
  result: z
    .looseObject({
      incumbent: z.object({
        policy: z.string(),
        scores: z.looseObject(scores.shape),
        intervals,
        reasons,
      }),
      variations: list(
        z.object({
          name: z.string(),
          digest: z.string(),
          changes: list(changed),
          scores: z.looseObject(scores.shape),
          intervals,
          reasons,
          onFrontier: z.boolean(),
          frontierShare: number,
          /** Scored as on Compare; absent in sweeps of earlier versions. */
          compared: z.boolean().optional(),
          gate: z.looseObject({ verdict: gateVerdict, sentence: z.string() }).nullish(),
        }),
      ),
      anchors: list(
        z.object({ name: z.string(), what: z.string(), scores: z.looseObject(scores.shape) }),
      ),
      frontier: list(z.object({ policy: z.string().nullable(), share: number })),
      /** Policies that come to the same on this history, and what they are called together. */
      alike: list(z.object({ name: z.string(), policies: list(z.string().nullable()) })),
      knee: z.string().nullable(),
      landscape: z.looseObject({
        kind: z.string().nullable(),
        warnings: list(z.string()),
      }),
      validation: z.looseObject({
        how: z.string(),
        folds: list(
          z.object({
            chosen: z.string().nullable(),
            trainCostDifference: number,
            testCostDifference: number,
          }),
        ),
      }),
      recommendation: z.looseObject({
        verdict: z.string(),
        policy: z.string().nullable(),
        /** Chosen by cost, but not within the limits; absent in sweeps of earlier versions. */
        refused: z.string().nullish(),
        changes: list(changed),
        reasons: list(z.string()),
        sealedCostDifference: number,
        detectableCostDifference: number,
      }),
    })
    .nullable(),
});
export type SweepDetail = z.infer<typeof sweepDetail>;
