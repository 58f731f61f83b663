/**
 * The schema of a world file. What an optional key describes does not exist in a world without that
 * key, and nothing is drawn for it. So worlds written before an option existed stay the same, bit
 * for bit.
 */

import { z } from "zod";
import {
  duration,
  midnight,
  name,
  range,
  rate,
  sentence,
  share,
  shares,
  timezone,
  whole,
  yesOrNo,
} from "./fields.ts";

export const KINDS = ["code", "config", "feature_flag", "migration", "infrastructure"] as const;
export const ROLLOUTS = ["instant", "rolling", "canary"] as const;
export const REGRESSIONS = [
  "latency_step",
  "error_step",
  "error_burst",
  "ramp",
  "tail_only",
  "partial",
  "throughput_drop",
  "cold_cache",
  "downstream",
  "delayed",
] as const;
/** Regressions that only some worlds have; a world that does not name them has none. */
export const OPTIONAL_REGRESSIONS = [
  "slow_leak",
  "oscillation",
  "silent_version",
  "memory_leak",
  "failing_dependency",
  "bursts",
] as const;
export const SURPRISES = [
  "cache_transient",
  "restart_blip",
  "traffic_surge",
  "coincident_incident",
  "dependency_failure",
  "telemetry_artefact",
] as const;

export const OPTIONAL_SURPRISES = ["pod_replacement"] as const;

export type Regression = (typeof REGRESSIONS)[number] | (typeof OPTIONAL_REGRESSIONS)[number];
export type Surprise = (typeof SURPRISES)[number] | (typeof OPTIONAL_SURPRISES)[number];

const DAY_MS = 86_400_000;
const CANARY_MAX_MS = 3_600_000;
const STORM_MAX_MS = 7_200_000;

/** A check over several keys of a section; it points at one of them. */
function check<Section>(
  fine: (section: Section) => boolean,
  path: readonly string[],
  message: string,
): (section: Section, context: z.RefinementCtx) => void {
  return (section, context) => {
    if (!fine(section)) context.addIssue({ code: "custom", path: [...path], message });
  };
}

const sections = z.strictObject({
  world: name(),
  /** The purpose of the world, in a sentence. */
  why: sentence.optional(),
  start: midnight,
  length: duration.refine(
    (ms) => ms >= DAY_MS && ms % DAY_MS === 0,
    "the length is not a number of days|Use whole days or weeks, such as 13w.",
  ),
  step: duration.refine(
    (ms) => ms >= 1000 && DAY_MS % ms === 0,
    "the step does not divide a day|Use 15s, 30s, 60s or the like.",
  ),
  services: z
    .strictObject({
      count: whole(1, 2000),
      teams: whole(1, 500),
      timezones: z.array(timezone).min(1),
      /** Requests against an ordinary platform; 0.01 is a hundredth. */
      traffic: rate(1000).optional(),
      /** Sd of the log traffic that all services of a time zone share. */
      sharedTraffic: share.optional(),
      /** People who deploy, over all teams. */
      engineers: whole(1, 100_000).optional(),
      /** What there is at the end; it comes evenly over the length. */
      growth: z
        .strictObject({
          count: whole(1, 2000),
          teams: whole(1, 500),
          engineers: whole(1, 100_000).optional(),
        })
        .optional(),
    })
    .superRefine(
      check(
        ({ teams, count }) => teams <= count,
        ["teams"],
        "more teams than services|Lower teams or raise count.",
      ),
    )
    .superRefine(
      check(
        ({ growth, teams, count }) =>
          growth === undefined ||
          (growth.count >= count && growth.teams >= teams && growth.teams <= growth.count),
        ["growth"],
        "a platform that shrinks, or more teams than services|Give what there is at the end.",
      ),
    ),
  deployments: z
    .strictObject({
      perWorkday: rate(1.4),
      offHours: share,
      kinds: shares(KINDS, "exactly"),
      rollout: shares(ROLLOUTS, "exactly"),
      failureRate: share,
      /** Harm follows the share of traffic a rollout has reached, from its first stage on. */
      stagedHarm: yesOrNo.optional(),
      /** How long a canary rollout takes; without it 5-15 min, as a rolling one. */
      canaryFor: duration.optional(),
      /** The shares of a canary rollout, evenly in time; without it 5, 25 and 100 %. */
      canaryStages: z.array(share).min(2).optional(),
      /** Many services deploying at once: a release train, a base image, a Friday. */
      storms: z.strictObject({ perWeek: rate(7), services: share, within: duration }).optional(),
    })
    .superRefine(
      check(
        ({ offHours, kinds }) => offHours + kinds.migration <= 0.9,
        ["offHours"],
        "nothing is left for business hours|Lower offHours or migration.",
      ),
    )
    .superRefine(
      check(
        ({ canaryFor = 0 }) => canaryFor <= CANARY_MAX_MS,
        ["canaryFor"],
        "a canary longer than an hour|Use at most 60m: what it does must be over within 150 min.",
      ),
    )
    .superRefine(
      check(
        ({ canaryStages: stages }) =>
          stages === undefined ||
          (stages.at(-1) === 1 && stages.every((one, at) => one > (stages[at - 1] ?? 0))),
        ["canaryStages"],
        "the stages do not grow to 100%|Give growing shares, such as [5%, 25%, 50%, 100%].",
      ),
    )
    .superRefine(
      check(
        ({ storms }) => storms === undefined || storms.within <= STORM_MAX_MS,
        ["storms", "within"],
        "a storm longer than two hours|Use at most 2h.",
      ),
    ),
  regressions: shares(REGRESSIONS, "exactly", OPTIONAL_REGRESSIONS),
  surprises: shares(SURPRISES, "atMost", OPTIONAL_SURPRISES),
  migrations: z.strictObject({ planned: share, expectedRise: share, slowsDependants: share }),
  tags: z
    .strictObject({
      correct: share,
      wrongSize: share,
      wrongService: share,
      onBadMigrations: share,
      late: share,
      customerCommitment: share,
      /** Of all deployments, good or bad: tagged "just in case", with a rise of 30-100 %. */
      abuse: share.optional(),
    })
    .superRefine(
      check(
        ({ correct, wrongSize, wrongService }) => correct + wrongSize + wrongService <= 1 + 1e-9,
        ["correct"],
        "correct, wrongSize and wrongService exceed 100%|Lower one of them.",
      ),
    ),
  rollback: z.strictObject({
    fails: share,
    irreversible: share,
    /** Of the irreversible ones: rolling back breaks what the change has already moved. */
    harmsIrreversible: share.optional(),
    /** The old version starts cold, so every rollback costs some minutes of latency. */
    restarts: yesOrNo.optional(),
  }),
  telemetry: z.strictObject({
    missing: share,
    outagesPerWeek: rate(100),
    errorBurstsPerDay: rate(100),
    /** Of scrapes: known one to ten minutes late. */
    late: share.optional(),
    /** Of scrapes: delivered twice. */
    duplicates: share.optional(),
    /** A raw counter of requests too, which begins again at zero with every restart. */
    counters: yesOrNo.optional(),
    /** One series for each version that serves, in place of one for the service. */
    versions: yesOrNo.optional(),
    /** Outages of the metrics API: no service has a sample, for 2-10 min. */
    apiOutagesPerWeek: rate(100).optional(),
  }),
  incidents: z.strictObject({
    perServiceWeek: rate(20),
    regionalShocksPerWeek: rate(20),
    /** Of incidents: those that slow the callers of the service as well. */
    reachCallers: share.optional(),
  }),
  /** Proposes rollbacks; nobody carries out what it proposes. */
  agent: z
    .strictObject({
      name: name(),
      /** Of its proposals: those that are about a regression. */
      precision: share.refine(
        (value) => value > 0 && value < 1,
        "the precision is all or nothing|Use a share between, such as 60%.",
      ),
      /** Of regressions: those that it proposes to roll back. */
      recall: share,
      /** The share of its own doubt that it leaves out: 0 is calibrated. */
      overconfidence: share,
      /** How far from its precision a single proposal may be; 0: all are alike. */
      spread: share,
      /** Of its proposals that are right, and wrong: those that people accept. */
      acceptsRight: share,
      acceptsWrong: share,
    })
    .optional(),
  loggingPolicy: name(),
  /** Without it, or without a part of it: as `ServiceLevels` says. */
  noise: z
    .strictObject({
      /** Of a service's log latency; the draws between services are lognormal. */
      latency: z
        .strictObject({
          /** Median over services of the sd, without the scatter of quantiles of few requests. */
          sd: share,
          /** Sd of the logarithm of that sd, over services. */
          spread: rate(3),
          /** Upward excess: (exp(skew z) - 1) / skew in place of z; 0 is normal. */
          skew: rate(1),
          /** Autocorrelation at one step, drawn evenly. */
          phi: range(rate(0.95)),
        })
        .optional(),
      /** Correlation of a caller's latency noise with that of a service it calls: lognormal. */
      calls: z.strictObject({ median: share, spread: rate(3) }).optional(),
      /** What conversions are counted from: their share of visits, and visits of requests. */
      conversion: z.strictObject({ rate: range(share), visits: range(share) }).optional(),
    })
    .optional(),
  people: z.strictObject({ seed: whole(0, 4_294_967_295) }),
});

export const worldSchema = sections
  .superRefine(
    check(
      ({ telemetry, deployments }) =>
        telemetry.versions !== true || deployments.stagedHarm === true,
      ["telemetry", "versions"],
      "a version harms only from its own first stage on|Set deployments.stagedHarm: true as well.",
    ),
  )
  .superRefine(
    check(
      ({ telemetry }) => telemetry.versions !== true || telemetry.counters !== true,
      ["telemetry", "counters"],
      "counters have no versions here|Leave out counters or versions.",
    ),
  );

/** A checked world file. Durations in ms, shares in [0, 1], `start` in epoch ms. */
export type WorldSpec = z.output<typeof worldSchema>;
