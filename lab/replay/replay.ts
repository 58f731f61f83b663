/**
 * A history under one or more policies: plan, detect once, decide for each policy.
 *
 * Open loop: the samples are those of the history, whatever the policy would have
 * done. Stated biases: a rollback in one deployment changes no later one, and people
 * are as `people` says.
 */

import type {
  DecisionEvent,
  DecisionRecord,
  EngineCommand,
  Policy,
  SignalJudged,
} from "../../engine/index.ts";
import type { Progress } from "../cli/output.ts";
import type { History } from "../history/open.ts";
import { Problem } from "../problem.ts";
import type { Responder } from "../people/recorded.ts";
import { detect } from "./detect.ts";
import { foldDecisions, type Platform } from "./fold.ts";
import { planReplay, type Plan } from "./plan.ts";

export interface PolicyReplay {
  readonly policy: Policy;
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  /** By deployment of the plan. */
  readonly judgements: readonly (readonly SignalJudged[])[];
}

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
  const results = policies.map((policy, index): PolicyReplay => {
    progress.update(index, policies.length, `deciding under ${policy.policy}`);
    const judgements = detection.judgements[index]!;
    return { policy, judgements, ...decide(plan, policy, judgements, people, platform) };
  });
  progress.end();
  return { plan, policies: results, samplesRead: detection.samplesRead };
}

/** Each case is a fleet of its own: nothing carries over from one recording to the next. */
function decide(
  plan: Plan,
  policy: Policy,
  judgements: PolicyReplay["judgements"],
  people: Responder,
  platform: Platform,
): { records: DecisionRecord[]; commands: EngineCommand[] } {
  const cases = new Map<string | null, DecisionEvent[]>();
  plan.deployments.forEach(({ deployment, caseId, tags }, index) => {
    let events = cases.get(caseId);
    if (events === undefined) cases.set(caseId, (events = []));
    const { startedAtMs } = deployment;
    events.push({
      kind: "deploymentStarted",
      atMs: startedAtMs,
      knownAtMs: startedAtMs,
      deployment,
    });
    for (const tag of tags) {
      if (tag.deploymentId === null) continue;
      events.push({ kind: "deploymentTagged", atMs: tag.knownAtMs, knownAtMs: tag.knownAtMs, tag });
    }
    for (const judgement of judgements[index]!) events.push(judgement);
  });
  const serviceTags = new Set(
    plan.deployments
      .flatMap(({ tags }) => tags)
      .filter(({ deploymentId }) => deploymentId === null),
  );
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  for (const events of cases.values()) {
    for (const tag of serviceTags) {
      events.push({ kind: "deploymentTagged", atMs: tag.knownAtMs, knownAtMs: tag.knownAtMs, tag });
    }
    const folded = foldDecisions(policy, events, people, platform);
    for (const record of folded.records) records.push(record);
    for (const command of folded.commands) commands.push(command);
  }
  return { records, commands };
}
