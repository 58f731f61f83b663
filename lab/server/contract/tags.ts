/** What context tags were worth under a policy: `hindsight tags --json`. */

import { z } from "zod";
import { label, list, policyId } from "./words.ts";
import { difference, scorecard } from "./compare.ts";
import { scored, stretchQuery } from "./scored.ts";

export const tagsQuery = stretchQuery.extend({ policy: policyId });

const number = z.number().nullable();
const effect = z.object({ value: number, low: number, high: number });
const credit = z.object({
  saved: z.number(),
  harmed: z.number(),
  masked: z.number(),
  delayed: z.number(),
  delaySeconds: z.number(),
  /** Changes of any kind that history hid, or that rest on answers nobody recorded. */
  open: z.number(),
});

export const tagKind = z.object({
  kind: z.string(),
  tags: z.number(),
  /** Does any rule, mode or guardrail of the policy ask for it? */
  read: z.boolean(),
  measured: z.number(),
  /** Share of the measured whose change stayed inside what was declared. */
  coverage: number,
  medianWidthRatio: number,
  selfIssued: z.number(),
  /** What it did as the only kind there is, and what nothing else does for it. */
  alone: credit,
  only: credit,
});

export const tagsValue = z.object({
  state: z.literal("ready"),
  /** Null: the whole history. */
  scored: scored.nullable(),
  /** Null where the history has no tags: that is an answer too. */
  value: z
    .object({
      manifest: z.looseObject({ notes: list(z.string()) }),
      policy: z.object({ name: z.string(), digest: z.string() }),
      tags: z.number(),
      arms: list(
        z.object({
          arm: z.string(),
          says: z.string(),
          endOtherwise: z.number(),
          scorecard,
        }),
      ),
      differences: list(difference.extend({ against: z.enum(["none", "as recorded"]) })),
      /** Null where the policy has no modes. */
      tagsByModes: list(
        z.object({
          field: z.string(),
          neither: number,
          tagsOnly: number,
          modesOnly: number,
          both: number,
          tags: effect,
          modes: effect,
          interaction: effect,
          removedByBoth: effect,
        }),
      ).nullable(),
      kinds: list(tagKind),
      teams: list(credit.extend({ team: z.string().nullable() })),
      /** Deployments that end differently with the tags than without any. */
      changes: list(
        z.object({
          deploymentId: z.string(),
          service: z.string(),
          team: z.string().nullable(),
          label,
          did: z.enum(["saved", "harmed", "masked", "delayed", "hastened", "caught"]),
          seconds: number,
          open: z.boolean(),
          why: z.string(),
        }),
      ),
      overWide: list(
        z.object({
          kind: z.string(),
          service: z.string(),
          tags: z.number(),
          medianWidthRatio: z.number(),
          medianDeclared: z.number(),
          suggested: z.number(),
        }),
      ),
      stale: list(
        z.object({
          tag: z.string(),
          service: z.string(),
          deploymentId: z.string().nullable(),
          why: z.enum([
            "about no deployment",
            "known too late",
            "window missed the watch",
            "outlives",
          ]),
        }),
      ),
    })
    .nullable(),
});
export type TagsValue = z.infer<typeof tagsValue>;
