/** Policies: those given on the command line, those shipped, and drafts made in What-if. */

import { z } from "zod";
import { list, policyId } from "./words.ts";

export const policySummary = z.object({
  id: policyId,
  /** `policy:` in the file. */
  name: z.string(),
  owner: z.string(),
  digest: z.string(),
  /** `given`: on the command line. `shipped`: comes with Hindsight. `draft`: saved in the lab. */
  source: z.enum(["given", "shipped", "draft"]),
  /** Where a command finds it: as it was given, or where it was shipped; null of a draft. */
  file: z.string().nullable(),
  /** The first comment of the file: what the policy is, in its author's words. */
  about: z.string(),
  /** False: no signal of it matches a series of this history, so it cannot be replayed. */
  usable: z.boolean(),
});
export type PolicySummary = z.infer<typeof policySummary>;
export const policyList = z.object({ policies: list(policySummary) });

/** One value of a policy that What-if offers a control for. */
export const knob = z.object({
  /** As `--vary` and `changes` take it: `tiers.override.window`, `assign.2.tier`. */
  path: z.string(),
  /** In words: "override window". */
  label: z.string(),
  group: z.enum(["tiers", "assign", "signals", "modes", "context", "guardrails", "policy"]),
  /**
   * `steps`: an ordered scale, for a slider; `choice`: one of `values`, for buttons; `toggle`:
   * there with its only value, or gone (a change to null).
   */
  control: z.enum(["steps", "choice", "toggle"]),
  unit: z.enum(["duration", "share", "points", "number", "word"]),
  /** What stands there now, as a policy file writes it; null where nothing does. */
  value: z.string().nullable(),
  /** As a policy file writes them, `value` among them; `changes` take them as they are. */
  values: list(z.string()),
});
export type Knob = z.infer<typeof knob>;

export const policyDetail = policySummary.extend({
  /** As it is written; of a draft, with its changes. */
  yaml: z.string(),
  knobs: list(knob),
  /** The signals that detection judges by, in the policy's order. */
  signals: list(
    z.object({
      name: z.string(),
      metric: z.string(),
      worse: z.enum(["up", "down", "both"]),
      detector: z.string(),
      /** As written: `10%`, `1pp`. */
      tolerance: z.string(),
    }),
  ),
});
export type PolicyDetail = z.infer<typeof policyDetail>;

/**
 * Kept in the run directory; the same text is the same draft. `base` is what it was made of:
 * only what that extends may be extended.
 */
export const draftRequest = z.object({
  base: policyId,
  yaml: z.string().min(1).max(200_000),
});
