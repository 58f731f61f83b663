/**
 * A history under one or more policies: plan, detect once, decide for each policy.
 *
 * Open loop: the samples are those of the history, whatever the policy would have
 * done. Stated biases: a rollback in one deployment changes no later one, and people
 * are as `people` says.
 */

import type { Policy } from "../../engine/index.ts";
import type { Progress } from "../cli/output.ts";
import type { History } from "../history/open.ts";
import { Problem } from "../problem.ts";
import type { Responder } from "../people/recorded.ts";
import { detect } from "./detect.ts";
import { decisionsOf, quietMemory, type PolicyReplay } from "./decide.ts";
import type { Platform } from "./fold.ts";
import { planReplay, type Plan } from "./plan.ts";

export type { PolicyReplay } from "./decide.ts";

export interface Replay {
  readonly plan: Plan;
  readonly policies: readonly PolicyReplay[];
  readonly samplesRead: number;
}

/** @param lookBackAtMostMs shows a deployment no more of its past than this */
export async function replay(
  history: History,
  policies: readonly Policy[],
  people: Responder,
  platform: Platform,
  progress: Progress,
  lookBackAtMostMs?: number,
): Promise<Replay> {
  const { deployments } = history.tables;
  if (deployments.length === 0) {
    throw new Problem("this history has no deployments: there is nothing to replay", {
      file: history.dir,
      cure: "Import deployments.csv beside the metrics.",
    });
  }
  const plan = await planReplay(history, policies, lookBackAtMostMs);
  const detection = await detect(history, plan, policies, progress);
  progress.end();
  const quiet = quietMemory();
  const results = policies.map((policy, index): PolicyReplay => {
    const judgements = detection.judgements[index]!;
    return decisionsOf(plan, policy, judgements, people, platform, quiet);
  });
  return { plan, policies: results, samplesRead: detection.samplesRead };
}
