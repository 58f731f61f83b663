/**
 * A replay in miniature: whole columns through the detection functions, and one fold
 * of the judgements with everything else through `step`, in the one order of events.
 */

import {
  advanceWatch,
  compareEvents,
  initialFleet,
  ownFirst,
  passedTo,
  step,
  startWatch,
  takeColumns,
  type ContextTag,
  type DecisionEvent,
  type DecisionRecord,
  type Deployment,
  type EngineCommand,
  type Event,
  type Policy,
  type SampleColumn,
  type Share,
  type SignalJudged,
  type StageReached,
} from "../../engine/index.ts";
import { forbidAmbient } from "../ambient.ts";

/** After every watch, window and escalation of a random case. */
export const LONG_AFTER_MS = 86_400_000;

/** Remembers every answer, as a replay of several policies does. */
export function remembering(): Share {
  const answers = new Map<string, unknown>();
  return {
    once<Value>(key: string, make: () => Value): Value {
      if (!answers.has(key)) answers.set(key, make());
      return answers.get(key) as Value;
    },
  };
}

/** One share for each deployment and series. */
export type Shares = Map<string, Share>;

export interface Replayed {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

/** All judgements of one deployment's watch, with these tags. */
export function judge(
  policy: Policy,
  columns: readonly SampleColumn[],
  deployment: Deployment,
  tags: readonly ContextTag[],
  shareFor?: (key: string) => Share,
  knownAtMs = deployment.startedAtMs,
  stages: readonly StageReached[] = [],
): readonly SignalJudged[] {
  const fresh = startWatch(policy, deployment, tags, knownAtMs, stages);
  const taken = takeColumns(policy, fresh, columns, shareFor);
  const over = advanceWatch(policy, taken, taken.endsAtMs, shareFor);
  return [...over.judgements].sort(compareEvents);
}

/** @param others everything but samples and the clock, rollbacks' answers included */
export function replay(
  policy: Policy,
  columns: readonly SampleColumn[],
  others: readonly Event[],
  shares: Shares | null,
): Replayed {
  return forbidAmbient(() => {
    const tags = others.flatMap((event) => (event.kind === "deploymentTagged" ? [event.tag] : []));
    const events: DecisionEvent[] = others.filter(isDecision);
    for (const event of others) {
      if (event.kind !== "deploymentStarted") continue;
      const { deployment } = event;
      const shareFor = (key: string): Share => {
        const name = `${deployment.deploymentId} ${key}`;
        const share = shares?.get(name) ?? remembering();
        shares?.set(name, share);
        return share;
      };
      const judged = judge(
        policy,
        columns,
        deployment,
        ownFirst([...tags, ...passedTo(policy, deployment.service, sourcesOf(others, tags))]),
        shares === null ? undefined : shareFor,
        event.knownAtMs,
        stagesOf(others, deployment.deploymentId, event.knownAtMs),
      );
      events.push(...judged);
    }
    events.sort(compareEvents);
    const lastMs = Math.max(...events.map(({ knownAtMs }) => knownAtMs)) + LONG_AFTER_MS;
    events.push({ kind: "clockAdvanced", atMs: lastMs, knownAtMs: lastMs });
    const records: DecisionRecord[] = [];
    const commands: EngineCommand[] = [];
    let fleet = initialFleet;
    let current = policy;
    for (const event of events) {
      if (event.kind === "policyChanged") current = event.policy;
      const next = step(current, fleet, event);
      fleet = next.state;
      records.push(...next.records);
      commands.push(...next.commands);
    }
    return { records, commands };
  });
}

function sourcesOf(others: readonly Event[], tags: readonly ContextTag[]) {
  return others.flatMap((event) =>
    event.kind === "deploymentStarted"
      ? [{ deployment: event.deployment, knownAtMs: event.knownAtMs, tags }]
      : [],
  );
}

/** What became known of a rollout from the deployment's own news on: earlier nobody listens. */
function stagesOf(others: readonly Event[], id: string, fromMs: number): StageReached[] {
  return others
    .filter((event) => event.kind === "stageReached")
    .filter(({ deploymentId, knownAtMs }) => deploymentId === id && knownAtMs >= fromMs)
    .sort(compareEvents);
}

function isDecision(event: Event): event is Event & DecisionEvent {
  return event.kind !== "samplesTaken" && event.kind !== "contextPrepared";
}
