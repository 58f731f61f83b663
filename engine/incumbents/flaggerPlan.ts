/** What a Canary of Flagger says about a rollout, as plain data. */

import { z } from "zod";

/** One check of the analysis. They are kept in the order in which Flagger makes them. */
export interface FlaggerMetric {
  readonly name: string;
  /** The name of its query in the plan. */
  readonly query: string;
  readonly scope: "all" | "canary" | "stable";
  /** `milliseconds`: whole ones are compared, as for the built-in `request-duration`. */
  readonly compares: "number" | "milliseconds";
  /** What the query answers. Flagger cannot read a scalar, so such a check always fails. */
  readonly answer: "vector" | "scalar";
  /** Below it the check fails; null: no lower bound. */
  readonly min: number | null;
  /** Above it the check fails; null: no upper bound. */
  readonly max: number | null;
}

export type FlaggerStrategy =
  | {
      readonly kind: "canary";
      /** Percentage points a tick; 0: none is given. */
      readonly stepWeight: number;
      /** Percentages, one after the other; empty: none are given. */
      readonly stepWeights: readonly number[];
      /** 0: none is given. */
      readonly maxWeight: number;
      /** One more tick with mirrored traffic before the first step. */
      readonly mirror: boolean;
    }
  | { readonly kind: "abTesting"; readonly iterations: number }
  | {
      readonly kind: "blueGreen";
      readonly iterations: number;
      /** False with the provider `kubernetes`, which cannot shift traffic. */
      readonly shiftsTraffic: boolean;
    };

export interface FlaggerPlan {
  readonly intervalMs: number;
  /** So many failed checks roll back. */
  readonly threshold: number;
  readonly skipAnalysis: boolean;
  readonly strategy: FlaggerStrategy;
  /** Percentage points a tick on the way back to the primary; 0: all at once. */
  readonly stepWeightPromotion: number;
  /** A `confirm-promotion` webhook: the promotion waits for an approval, which never comes here. */
  readonly confirmPromotion: boolean;
  readonly metrics: readonly FlaggerMetric[];
}

export const FLAGGER_DEFAULT_INTERVAL_MS = 60_000;
/** Flagger ticks no faster, whatever the Canary says. */
export const FLAGGER_SHORTEST_INTERVAL_MS = 10_000;

/** All traffic, in percent. */
export const TOTAL_WEIGHT = 100;

type CanaryStrategy = Extract<FlaggerStrategy, { kind: "canary" }>;

/** The weight at which a canary is promoted. */
export function maxWeightOf({ stepWeights, maxWeight }: CanaryStrategy): number {
  const last = stepWeights.at(-1);
  if (last !== undefined) return Math.min(TOTAL_WEIGHT, last);
  return maxWeight > 0 ? maxWeight : TOTAL_WEIGHT;
}

/** By how much the weight grows; 0: the canary never gets on. */
export function nextStepOf({ stepWeight, stepWeights }: CanaryStrategy, weight: number): number {
  if (stepWeight > 0 || stepWeights.length === 0) return stepWeight;
  const left = TOTAL_WEIGHT - weight;
  // Any step will do: the largest weight is reached, and the next thing is the promotion.
  if (left === 0) return 1;
  if (weight === 0) return Math.min(left, stepWeights[0]!);
  const at = stepWeights.slice(0, -1).indexOf(weight);
  return at < 0 ? left : Math.min(left, stepWeights[at + 1]! - weight);
}

const DAY_MS = 86_400_000;
const name = z.string().min(1).max(1_000);
const percent = z.int().min(0).max(TOTAL_WEIGHT);
const iterations = z.int().min(1).max(100_000);

const metric = z.strictObject({
  name,
  query: name,
  scope: z.enum(["all", "canary", "stable"]),
  compares: z.enum(["number", "milliseconds"]),
  answer: z.enum(["vector", "scalar"]),
  min: z.number().nullable(),
  max: z.number().nullable(),
});

export const flaggerPlan: z.ZodType<FlaggerPlan> = z.strictObject({
  intervalMs: z.int().min(FLAGGER_SHORTEST_INTERVAL_MS).max(DAY_MS),
  threshold: z.int().min(1).max(1_000_000),
  skipAnalysis: z.boolean(),
  strategy: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("canary"),
      stepWeight: percent,
      stepWeights: z.array(percent.min(1)).max(TOTAL_WEIGHT),
      maxWeight: percent,
      mirror: z.boolean(),
    }),
    z.strictObject({ kind: z.literal("abTesting"), iterations }),
    z.strictObject({ kind: z.literal("blueGreen"), iterations, shiftsTraffic: z.boolean() }),
  ]),
  stepWeightPromotion: percent,
  confirmPromotion: z.boolean(),
  metrics: z.array(metric).max(50),
});
