/** Deployments: the list, one with a swim lane for each policy, and its decision tree. */

import { z } from "zod";
import { MISS_CAUSES } from "../../causes/causes.ts";
import {
  criticality,
  deploymentId,
  end,
  evidence,
  kind,
  label,
  list,
  policyId,
  tier,
  time,
  verdict,
} from "./words.ts";
import { zoneNamed } from "../../localTime.ts";
import { filterable } from "./compare.ts";
import { scored, stretchQuery } from "./scored.ts";

export const deploymentRow = z.object({
  deploymentId,
  service: z.string(),
  environment: z.string(),
  version: z.string().nullable(),
  author: z.string().nullable(),
  label,
  ...filterable.shape,
  /** When history itself rolled it back. */
  rolledBackAt: time.nullable(),
  /** By policy that is already replayed: how it ended there. */
  ends: z.record(
    policyId,
    z.object({ end, rolledBack: z.boolean(), evidence, tier: tier.nullable() }),
  ),
});
export type DeploymentRow = z.infer<typeof deploymentRow>;

const zone = z
  .string()
  .max(64)
  .refine((name) => zoneNamed(name) !== null, "the name of a time zone, such as Europe/Berlin");
const word = z.string().max(300).optional();

/** Which deployments, in which order, and which stretch of them. */
export const listQuery = stretchQuery.extend({
  /** Whose ends are searched, filtered and sorted by: ids, comma-separated; all where not said. */
  policies: z.string().max(4000).optional(),
  /** Words that must all stand in the row: service, id, time, author, team, tag, outcome. */
  q: z.string().max(200).optional(),
  /** Whose clock says which day it is; each service's own where it is not said. */
  zone: zone.optional(),
  /** `2026-07-14`; the days of the answer are those of all. */
  day: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d$/)
    .optional(),
  /** Only where the policies end differently. */
  differ: z.literal("1").optional(),
  team: word,
  service: word,
  label: word,
  kind: word,
  ends: word,
  /** A column, from the greatest down with `-`: deployment, started, team, kind, label, end:ID. */
  sort: z.string().max(300).default("started"),
  offset: z.coerce.number().int().min(0).max(100_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type ListAsked = z.output<typeof listQuery>;

export const day = z.object({
  /** `2026-07-14`. */
  day: z.string(),
  deployments: z.number(),
  incidents: z.number(),
  rollbacks: z.number(),
});
export type Day = z.infer<typeof day>;

/** A page of the deployments that are scored. */
export const deploymentList = z.object({
  state: z.literal("ready"),
  /** Whose `ends` are there; more follow while the lab warms up. */
  policies: list(policyId),
  /** Null: the whole history. */
  scored: scored.nullable(),
  /** How many are scored, and how many of them are found. */
  total: z.number(),
  found: z.number(),
  /** Where in those found this page begins. */
  offset: z.number(),
  deployments: list(deploymentRow),
  /** Whole weeks with what is found, whichever day is asked for. */
  days: list(day),
  /** What there is to filter by in all that are scored. */
  choices: z.object({
    team: list(z.string()),
    label: list(z.string()),
    kind: list(z.string()),
    ends: list(z.string()),
  }),
});
export type DeploymentList = z.infer<typeof deploymentList>;

export const tagDocument = z.object({
  tag: z.string(),
  value: z.string(),
  signal: z.string().nullable(),
  /** False: it is about the whole service. */
  ofDeployment: z.boolean(),
  validFrom: time.nullable(),
  validUntil: time.nullable(),
  /** It counts from here, whatever its window says. */
  knownAt: time,
  givenBy: z.string().nullable(),
  approvedBy: z.string().nullable(),
});

/** What production and its people did. */
export const historicalDecision = z.object({
  at: time,
  what: z.string(),
  by: z.string().nullable(),
  /** Their own words. */
  justification: z.string().nullable(),
  confidence: z.number().nullable(),
});

/** As `replay --json` has it. */
export const outcome = z.object({
  deploymentId,
  service: z.string(),
  policy: z.string(),
  label,
  end,
  rolledBack: z.boolean(),
  verdict,
  startedAt: time,
  onsetAt: time.nullable(),
  detectedAt: time.nullable(),
  earlyAlarm: z.boolean(),
  proposedAt: time.nullable(),
  decidedAt: time.nullable(),
  decidedBy: z.string().nullable(),
  executedAt: time.nullable(),
  recoveredAt: time.nullable(),
  recoverySeconds: z.number().nullable(),
  recoveryBestSeconds: z.number().nullable(),
  recoveryWorstSeconds: z.number().nullable(),
  rollbackCost: z.number().nullable(),
  spikeCost: z.number().nullable(),
  censoredAt: time.nullable(),
  evidence,
  tier: tier.nullable(),
  mode: z.string().nullable(),
  confidence: z.number().nullable(),
  confidenceAtEnd: z.number().nullable(),
  signals: list(z.string()),
  proposals: z.number(),
  approved: z.boolean(),
  expired: z.boolean(),
  escalations: z.number(),
  pagesAt: list(time),
  ownerless: z.boolean(),
  untaggedProposedAt: time.nullable(),
  reason: z.string(),
  /** Why an incumbent decided; absent where detectors judge. */
  cause: z.enum(["condition", "conditionError", "noData", "queryFailed"]).optional(),
});

/** A stretch of a swim lane. */
export const span = z.object({
  kind: z.enum([
    "watching", // signals are judged
    "breach", // a signal is in breach
    "window", // a proposal counts down to a rollback that silence allows
    "approval", // a proposal waits for somebody to approve
    "rollingBack",
    "recovering", // the old version is back, the harm not yet over
    "harm", // from onset to recovery: what the incident lasted under this policy
    "hidden", // history rolled back: nobody saw what follows
  ]),
  from: time,
  to: time,
  /** `observed`: history shows it; `modelled`: the decision is exact, its effect a model. */
  evidence,
  /** The signal of a breach, who is asked, why. */
  text: z.string(),
});
export type Span = z.infer<typeof span>;

/** An instant of a swim lane. */
export const mark = z.object({
  kind: z.enum([
    "started",
    "breach",
    "proposed",
    "paged",
    "escalated",
    "withdrawn",
    "overridden",
    "approved",
    "rollbackOrdered",
    "rolledBack",
    "rollbackFailed",
    "recovered",
    "held",
    "ended",
  ]),
  at: time,
  evidence,
  text: z.string(),
  by: z.string().nullable(),
  /** Of the decision record behind it. */
  decisionId: z.string().nullable(),
});
export type Mark = z.infer<typeof mark>;

/** A signal's verdict changed, under one policy. */
export const judgement = z.object({
  at: time,
  signal: z.string(),
  verdict,
  /** The same samples without any tag. */
  untagged: verdict,
  reason: z.string(),
  series: z.string().nullable(),
  /** Relative (0.15 is +15 %), or in the metric's unit for `pp` tolerances; as `tolerance`. */
  effect: z.number().nullable(),
  expected: z.number().nullable(),
  tolerance: z.number(),
  baseTolerance: z.number(),
  statistic: z.number().nullable(),
  limit: z.number().nullable(),
  /** Tags that moved the tolerance. */
  tags: list(z.string()),
});
export type Judgement = z.infer<typeof judgement>;

const shown = z.object({
  signal: z.string(),
  unit: z.string().nullable(),
  expected: z.number(),
  measured: z.number(),
  tolerated: z.number(),
});

/** What one deployment teaches about one policy: codes and numbers, see lab/explain/lesson.ts. */
const lessonPoint = z.discriminatedUnion("code", [
  z.object({
    code: z.literal("ended"),
    end,
    at: time.nullable(),
    shown: shown.nullable(),
    isBreach: z.boolean(),
    reason: z.string(),
  }),
  z.object({
    code: z.literal("tagsElsewhere"),
    tags: list(z.string()),
    signals: list(z.string()),
  }),
  z.object({ code: z.literal("tagsRaised"), tags: list(z.string()), shown, untagged: z.number() }),
  z.object({ code: z.literal("tagsHid"), at: time }),
  z.object({
    code: z.literal("harm"),
    signal: z.string().nullable(),
    lastedMs: z.number(),
    afterRollbackMs: z.number().nullable(),
    helped: z.boolean().nullable(),
    evidence,
  }),
  z.object({ code: z.literal("missed"), cause: z.enum(MISS_CAUSES) }),
  z.object({ code: z.enum(["early", "wrong", "right", "unlabelled", "unrelated"]) }),
  z.object({ code: z.literal("hidden"), at: time }),
  z.object({ code: z.literal("recorded"), at: time, reason: z.string().nullable() }),
  z.object({ code: z.literal("announced"), tags: list(z.string()), others: z.number().int() }),
]);

export const lane = z.object({
  policy: policyId,
  name: z.string(),
  outcome,
  lesson: list(lessonPoint),
  watch: z.object({ from: time, to: time }),
  spans: list(span),
  marks: list(mark),
  judgements: list(judgement),
});
export type Lane = z.infer<typeof lane>;

/** A stored series that some policy watches for this deployment. */
export const watchedSeries = z.object({
  /** As `/api/series/{series}` takes it. */
  series: z.number().int(),
  service: z.string(),
  metric: z.string(),
  version: z.string().nullable(),
  unit: z.string().nullable(),
  worse: z.enum(["up", "down", "both"]).nullable(),
  /** Which signal of which policy watches it. */
  watchedBy: list(z.object({ policy: policyId, signal: z.string() })),
});
export type WatchedSeries = z.infer<typeof watchedSeries>;

/** `policies`: ids, comma-separated; all given ones where it is not said. */
export const deploymentQuery = z.object({ policies: z.string().max(4000).optional() });

export const deploymentDetail = z.object({
  deploymentId,
  service: z.string(),
  environment: z.string(),
  kind,
  kindSource: z.string(),
  version: z.string().nullable(),
  author: z.string().nullable(),
  team: z.string().nullable(),
  criticality: criticality.nullable(),
  /** The service's; `UTC` where it has none. */
  timezone: z.string(),
  startedAt: time,
  finishedAt: time.nullable(),
  /** When it reached which share of traffic or replicas. */
  stages: list(z.object({ share: z.number().nullable(), at: time })),
  label,
  labelBasis: z.string().nullable(),
  incident: z
    .object({
      incidentId: z.string(),
      label: z.string(),
      onsetAt: time,
      detectedAt: time.nullable(),
      resolvedAt: time.nullable(),
      resolvedBy: z.string().nullable(),
      severity: z.string().nullable(),
    })
    .nullable(),
  tags: list(tagDocument),
  decisions: list(historicalDecision),
  /** When history itself rolled it back: what follows happened to the old version. */
  rolledBackAt: time.nullable(),
  /** What that teaches; empty where history did not roll it back. */
  recorded: list(lessonPoint),
  /** What is worth showing: an hour before it to the end of the longest watch. */
  window: z.object({ from: time, to: time }),
  series: list(watchedSeries),
  /** Null while the lab warms up: ask again. By policy, in the order asked for. */
  lanes: list(lane).nullable(),
});
export type DeploymentDetail = z.infer<typeof deploymentDetail>;

export interface TreeNode {
  readonly about: string;
  readonly says: string;
  readonly at: string | null;
  readonly children: readonly TreeNode[];
}
export const treeNode: z.ZodType<TreeNode> = z.object({
  about: z.string(),
  says: z.string(),
  at: time.nullable(),
  get children() {
    return z.array(treeNode).readonly();
  },
});

export const explainQuery = z.object({ policy: policyId });
/** `hindsight explain --json`. */
export const explanation = z.object({
  state: z.literal("ready"),
  policy: z.string(),
  policyDigest: z.string(),
  tree: treeNode,
});
export type ExplanationDocument = z.infer<typeof explanation>;
