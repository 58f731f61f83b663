/** How a signal and its detector are written. */

import { z } from "zod";
import { oneBurstFires } from "../../detect/detectors/count.ts";
import { oneSpikeFires } from "../../detect/detectors/onset.ts";
import { PAST_AT_MOST_MS } from "../limits.ts";
import { ANY_METRIC, ROLES, worseOf } from "../role.ts";
import {
  absoluteLimit,
  atMost,
  oneOf,
  oneOrMore,
  properDuration,
  properShare,
  properWait,
  stretch,
  toleranceOrFloor,
} from "./values.ts";

const threshold = z.strictObject({
  kind: z.literal("threshold"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(false),
  breaches: z.int().min(1).max(30).default(3),
  of: z.int().min(1).max(30).default(3),
  over: absoluteLimit.optional(),
  under: absoluteLimit.optional(),
});
const cusum = z.strictObject({
  kind: z.literal("cusum"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(true),
  drift: z.number().positive().default(1),
  clip: z.number().positive().default(4),
  limit: z.number().positive().default(8),
});
const ewma = z.strictObject({
  kind: z.literal("ewma"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(true),
  weight: z.number().positive().max(1).default(0.4),
  clip: z.number().positive().default(3),
  limit: z.number().positive().default(5),
});
const eprocess = z.strictObject({
  kind: z.literal("eprocess"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(true),
  alpha: properShare.default(0.01),
  horizon: z.int().min(1).max(10_000).default(60),
  clip: z.number().positive().default(3.5),
});
const mannWhitney = z.strictObject({
  kind: z.literal("mannWhitney"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(true),
  confidence: properShare.default(0.98),
  limit: z.number().min(0).lt(1).default(0.25),
  atLeast: z.int().min(1).max(10_000).default(8),
  every: z.int().min(1).max(10_000).default(1),
});
const variance = z.strictObject({
  kind: z.literal("variance"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(false),
  window: z.int().min(10).max(10_000).default(30),
  atLeast: z.int().min(10).max(10_000).default(30),
  times: z.number().gt(1).default(2),
});
const novelty = z.strictObject({
  kind: z.literal("novelty"),
  baseline: stretch.default(43_200_000),
  season: z.boolean().default(false),
  times: z.number().positive().default(0.5),
});
const outlier = z.strictObject({
  kind: z.literal("outlier"),
  baseline: stretch.default(3_600_000),
  season: z.boolean().default(true),
  drift: z.number().positive().default(2),
  limit: z.number().positive().default(8),
});
const count = z.strictObject({
  kind: z.literal("count"),
  baseline: stretch.default(3_600_000),
  reads: z.enum(["ratio", "count"]).default("ratio"),
  alpha: properShare.default(0.01),
  horizon: z.int().min(1).max(10_000).default(60),
  clip: z.number().gt(1).default(20),
});
const detector = z
  .discriminatedUnion("kind", [
    threshold,
    cusum,
    ewma,
    eprocess,
    mannWhitney,
    variance,
    novelty,
    outlier,
    count,
  ])
  .refine((given) => given.kind !== "threshold" || given.breaches <= given.of, {
    message: "`breaches` cannot be more than `of`",
    path: ["breaches"],
  })
  .refine(
    (given) => (given.kind !== "cusum" && given.kind !== "ewma") || given.clip < given.limit,
    {
      message: "`clip` must be below `limit`, or one spike alone would be a breach",
      path: ["clip"],
    },
  )
  .refine((given) => given.kind !== "variance" || given.atLeast <= given.window, {
    message: "`atLeast` cannot be more than `window`",
    path: ["atLeast"],
  })
  .refine((given) => given.kind !== "eprocess" || !oneSpikeFires(given), {
    message: "`clip` is too large for this `alpha`: one spike alone would be a breach",
    path: ["clip"],
  })
  .refine((given) => given.kind !== "count" || !oneBurstFires(given), {
    message: "`clip` is too large for this `alpha`: one sample alone would be a breach",
    path: ["clip"],
  });

const calibrate = z
  .strictObject({
    every: atMost(properDuration, PAST_AT_MOST_MS).default(21_600_000),
    over: atMost(properDuration, PAST_AT_MOST_MS).default(1_209_600_000),
    alpha: properShare.default(0.005),
  })
  .refine((given) => given.every <= given.over, {
    message: "`every` cannot be more than `over`",
    path: ["every"],
  });

/** A metric, a metric that is a rate, or a plain number of requests a sample. */
const exposure = z.union(
  [
    z
      .string()
      .min(1)
      .transform((metric) => ({ kind: "metric" as const, metric, perMs: null })),
    z
      .number()
      .positive()
      .transform((requests) => ({ kind: "requests" as const, requests })),
    z
      .strictObject({ metric: z.string().min(1), per: properWait.optional() })
      .transform(({ metric, per }) => ({ kind: "metric" as const, metric, perMs: per ?? null })),
  ],
  { error: "expected a metric, a number of requests a sample, or { metric: …, per: 1s }" },
);

export const signal = z
  .strictObject({
    metric: z.string().min(1).optional(),
    role: oneOf(ROLES).optional(),
    of: oneOrMore(z.string().min(1)).default(["own"]),
    worse: z.enum(["up", "down", "both"]).optional(),
    counter: z.boolean().optional(),
    exposure: exposure.optional(),
    detector: detector.prefault({ kind: "cusum" }),
    tolerance: toleranceOrFloor,
    control: z.enum(["peers", "versions"]).optional(),
    calibrate: calibrate.optional(),
    watch: stretch.refine((given) => given !== 0, "expected a duration above 0s").optional(),
    hold: stretch.default(60_000),
    clear: stretch.default(120_000),
    weight: z.number().positive().max(1000).default(1),
  })
  .superRefine(({ metric, role }, context) => {
    if (metric !== undefined || role !== undefined) return;
    const message = `say what is watched: \`role\` (${ROLES.join(", ")}) or \`metric\``;
    context.addIssue({ code: "custom", path: ["metric"], message });
  })
  .transform(({ metric = ANY_METRIC, ...given }) => ({
    metric,
    ...given,
    worse: given.worse ?? (given.role === undefined ? "up" : worseOf(given.role)),
  }))
  .superRefine((given, context) => {
    const { detector: rule, worse } = given;
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    if (
      given.calibrate !== undefined &&
      (rule.kind === "threshold" || rule.kind === "mannWhitney" || rule.kind === "outlier")
    ) {
      const message = "the statistic of this detector has a largest value: it cannot be calibrated";
      issue(["calibrate"], message);
    }
    if (given.calibrate !== undefined && typeof rule.baseline !== "number") {
      const cure = "write `baseline` as a duration";
      issue(["calibrate"], `quiet watches of the past have a length in time: ${cure}`);
    }
    if (given.calibrate !== undefined && rule.kind === "count") {
      issue(["calibrate"], "the limit of a count follows from its `alpha`: it is not calibrated");
    }
    if (rule.kind === "threshold") {
      const { over, under } = rule;
      if (over !== undefined && worse === "down") {
        issue(["detector", "over"], "`worse: down` needs `under`");
      }
      if (under !== undefined && worse === "up") {
        issue(["detector", "under"], "`worse: up` needs `over`");
      }
    }
    if (given.tolerance.kind === "relative" && "atLeast" in given.tolerance) {
      if (rule.kind === "count") {
        issue(
          ["tolerance", "atLeast"],
          "a count of events is tolerated by a share alone: write 10%",
        );
      }
    }
    if (given.control === "versions") {
      if (["mannWhitney", "variance", "novelty", "outlier"].includes(rule.kind)) {
        issue(["control"], "this detector compares with the past alone: it takes no other version");
      }
      if (given.calibrate !== undefined) {
        issue(["calibrate"], "two versions have no quiet past to calibrate their comparison on");
      }
      if (given.role === "throughput") {
        issue(["control"], "the throughput of a version is its share of the traffic: leave it out");
      }
      if (given.counter === true) {
        issue(["control"], "raw counters are not compared by version: give a rate or a ratio");
      }
      if (given.of.some((whose) => whose !== "own")) {
        issue(["control"], "only the deployed service has a new version: leave out `of`");
      }
    }
    if (given.control === "peers" && rule.kind === "count") {
      issue(["control"], "a count of events is not controlled by peers: their rates say little");
    }
    if (given.exposure !== undefined && rule.kind !== "count") {
      issue(["exposure"], "only `detector: { kind: count }` looks at how many requests there were");
    }
    if (given.exposure === undefined && rule.kind === "count") {
      if (rule.reads === "ratio" && given.counter !== true) {
        const cure = "or say `reads: count` where the metric is a number of events";
        issue(["detector"], `a ratio is counted with its \`exposure\`; name it, ${cure}`);
      } else if (given.tolerance.kind === "points") {
        issue(["tolerance"], "percentage points are of a ratio: name the `exposure`");
      }
    }
  });
