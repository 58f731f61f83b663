/** How often agents that propose were right: `hindsight agents --json`. */

import { z } from "zod";
import { list } from "./words.ts";

const number = z.number().nullable();
/** A share with its 95 % interval; null of nothing. */
const share = z
  .object({ value: z.number(), low: z.number(), high: z.number(), n: z.number() })
  .nullable();

export const agentsJudged = z.object({
  state: z.literal("ready"),
  manifest: z.looseObject({ history: z.string(), seed: z.number() }),
  /** Each agent over all kinds of change (`kind` null), then by kind. */
  agents: list(
    z.object({
      agent: z.string(),
      kind: z.string().nullable(),
      proposals: z.number(),
      deployments: z.number(),
      precision: share,
      recall: share,
      meanConfidence: number,
      overconfidence: number,
      brier: number,
      baseBrier: number,
      gain: z.object({ value: z.number(), low: z.number(), high: z.number() }).nullable(),
      tenths: list(
        z.object({
          from: z.number(),
          n: z.number(),
          mean: z.number(),
          observed: z.number(),
          /** Null with fewer than 30 cases. */
          band: z.object({ low: z.number(), high: z.number(), isInside: z.boolean() }).nullable(),
        }),
      ),
      from: list(z.object({ from: z.number(), precision: share, recall: share })),
      accepted: share,
      acceptedIfRight: share,
      acceptedIfWrong: share,
    }),
  ),
});
export type AgentsJudgedDocument = z.infer<typeof agentsJudged>;
