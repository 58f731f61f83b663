/** What the lab is looking at, how far it is, and what it can and cannot answer. */

import { z } from "zod";
import { criticality, kind, label, list, progress, time } from "./words.ts";

/**
 * The state of the lab. `opening`: the tables are read; `warming`: the history is there and
 * detection runs, so that everything about policies still answers 202; `ready`; `failed`:
 * `problem` says why.
 */
export const status = z.object({
  /** When this server was started: another time tells a page that it was started again. */
  startedAt: time,
  state: z.enum(["opening", "warming", "ready", "failed"]),
  progress: progress.nullable(),
  /** May what-if be asked? It can be ready before or after comparisons are. */
  whatIf: z.boolean(),
  problem: z.string().nullable(),
  engineVersion: z.string(),
  /** The history directory's last part. */
  history: z.string(),
  /** The history directory as it was given on the command line. */
  directory: z.string(),
  /** As given on the command line, as in a run's manifest: what every number is made with. */
  options: z.object({
    people: z.string(),
    seed: z.number(),
    replicates: z.number(),
    draws: z.number(),
    effect: z.string(),
  }),
});
export type Status = z.infer<typeof status>;

export const serviceRow = z.object({
  service: z.string(),
  team: z.string().nullable(),
  criticality: criticality.nullable(),
  /** IANA name; null means UTC. */
  timezone: z.string().nullable(),
  dependsOn: list(z.string()),
  deployments: z.number(),
});

/** As `hindsight inspect --json` says it, where it has the same names. */
export const historySummary = z.object({
  madeBy: z.string(),
  digest: z.string(),
  from: time.nullable(),
  to: time.nullable(),
  samples: z.number(),
  missingSamples: z.number(),
  series: z.number(),
  services: list(serviceRow),
  teams: list(z.string()),
  /** How often each kind of tag was given. */
  tags: list(z.object({ tag: z.string(), given: z.number() })),
  metrics: list(
    z.object({
      metric: z.string(),
      unit: z.string().nullable(),
      worse: z.enum(["up", "down", "both"]).nullable(),
      kind: z.string().nullable(),
      series: z.number(),
    }),
  ),
  deployments: z.number(),
  /** Some that whoever scores a part of a history often means, as `from` and `to` take them. */
  stretches: list(
    z.object({
      name: z.string(),
      from: z.string(),
      to: z.string().nullable(),
      deployments: z.number(),
    }),
  ),
  labels: z.record(label, z.number()),
  deploymentKinds: list(z.object({ kind, deployments: z.number() })),
  incidents: z.number(),
  decisions: z.number(),
  cases: list(z.object({ caseId: z.string(), startsAt: time, endsAt: time })),
  canAnswer: list(z.object({ question: z.string(), answer: z.boolean(), why: z.string() })),
  /** A good migration that people announced, and that was rolled back; null where there is none. */
  announcedRollback: z
    .object({ deploymentId: z.string(), timezone: z.string().nullable(), rolledBackAt: time })
    .nullable(),
  dropped: list(z.object({ table: z.string(), reason: z.string(), rows: z.number() })),
  warnings: list(z.string()),
});
export type HistorySummary = z.infer<typeof historySummary>;

/** What takes a pass over the samples: `inspect --json`, whole. */
export const historyQuality = z.object({
  state: z.literal("ready"),
  inspection: z.looseObject({
    quality: z.looseObject({
      missingShare: z.number().nullable(),
      gaps: z.number(),
      gapScrapes: z.number(),
      seriesWithGaps: list(z.string()),
      constantSeries: list(z.string()),
      irregularSeries: list(z.string()),
      shortSeries: list(z.string()),
    }),
  }),
});
