/** The audit log of a policy's run: verified, searched, and each record explained. */

import { z } from "zod";
import { deploymentId, end, list, policyId, tier, time } from "./words.ts";
import { treeNode } from "./deployments.ts";

export const decisionKind = z.enum([
  "watchStarted",
  "proposed",
  "withdrawn",
  "escalated",
  "waited",
  "rollbackOrdered",
  "ended",
  "paged",
  "held",
  "silent",
  "halted",
  "haltLifted",
  "policyChanged",
  "refused",
]);

export const decisionsQuery = z.object({
  policy: policyId,
  /** Words that must all stand in the record: id, service, reason, authority, tags. */
  q: z.string().max(200).optional(),
  decision: decisionKind.optional(),
  deployment: deploymentId.optional(),
  service: z.string().max(200).optional(),
  from: time.optional(),
  to: time.optional(),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export type DecisionsQuery = z.input<typeof decisionsQuery>;

export const decisionRow = z.object({
  /** `deploymentId#n`. */
  decisionId: z.string(),
  deploymentId: z.string(),
  service: z.string(),
  decision: decisionKind,
  at: time,
  end: end.nullable(),
  tier: tier.nullable(),
  mode: z.string().nullable(),
  confidence: z.number().nullable(),
  reason: z.string(),
  /** Who could decide it, and who answers for it. */
  authority: z.string(),
  accountable: z.string(),
  tags: list(z.string()),
  /** Where it stands in the log. */
  line: z.number().int(),
});
export type DecisionRow = z.infer<typeof decisionRow>;

export const decisionPage = z.object({
  state: z.literal("ready"),
  policy: policyId,
  /** `hindsight audit verify` on the log: is the chain whole, and the first fault if not. */
  verification: z.object({
    whole: z.boolean(),
    lines: z.number(),
    records: z.number(),
    /** SHA-256 of the last entry: whoever keeps it can tell whether the log was changed. */
    head: z.string().nullable(),
    fault: z.object({ line: z.number().nullable(), what: z.string() }).nullable(),
    bytes: z.number(),
    /** Where it lies, below the run directory. */
    file: z.string(),
  }),
  /** Records in the log, how many of them match, and this page of those. */
  total: z.number(),
  matching: z.number(),
  offset: z.number(),
  decisions: list(decisionRow),
});
export type DecisionPage = z.infer<typeof decisionPage>;

export const decisionParams = z.object({ decisionId: z.string().min(1).max(400) });
export const decisionDetail = z.object({
  state: z.literal("ready"),
  policy: policyId,
  /** As the log has it. */
  record: z.looseObject({ decisionId: z.string(), deploymentId: z.string() }),
  line: z.number().int(),
  /** All of the deployment's decisions as a tree; null for one about the whole fleet. */
  tree: treeNode.nullable(),
});
export type DecisionDetail = z.infer<typeof decisionDetail>;
