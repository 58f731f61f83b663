/**
 * Detection over a history: samples out of DuckDB as whole columns, through the
 * engine, into judgements. One pass for all policies; those that differ only in
 * tiers, windows or people share the judgements themselves, and those that differ in
 * tolerance share the residuals.
 */

import {
  advanceWatch,
  canonicalJson,
  startWatch,
  takeColumns,
  withContext,
  type Policy,
  type SampleColumn,
  type Share,
  type SignalJudged,
} from "../../engine/index.ts";
import type { Progress } from "../cli/output.ts";
import type { History } from "../history/open.ts";
import { assemble, streamStoredWindows, type SampleWindow } from "../history/windows.ts";
import { censorJudgements } from "./censor.ts";
import { windowsOf, type Plan, type PlannedWindow } from "./plan.ts";
import { prepareContext, type GatheredDeployment } from "./prepare.ts";

/** Policies that agree on everything detection reads. */
interface DetectionGroup {
  /** Stands for the others. */
  readonly policy: Policy;
  readonly members: readonly number[];
  readonly judgements: SignalJudged[][];
}

export interface Detection {
  /** By policy, then by deployment of the plan: its judgements in known order. */
  readonly judgements: readonly (readonly (readonly SignalJudged[])[])[];
  readonly samplesRead: number;
}

/** Everything a policy says that detection depends on. */
function detectionKey(policy: Policy): string {
  const { signals, watchMs, context, modes, guardrails } = policy;
  return canonicalJson({ signals, watchMs, context, modes, guardrails });
}

/** Runs detection of all policies over all deployments of the plan. */
export async function detect(
  history: History,
  plan: Plan,
  policies: readonly Policy[],
  progress: Progress,
): Promise<Detection> {
  const groups = new Map<string, DetectionGroup & { members: number[] }>();
  policies.forEach((policy, index) => {
    const key = detectionKey(policy);
    const group = groups.get(key);
    if (group !== undefined) group.members.push(index);
    else {
      const judgements = plan.deployments.map(() => []);
      groups.set(key, { policy, members: [index], judgements });
    }
  });

  const planned: PlannedWindow[] = [];
  for (let index = 0; index < plan.deployments.length; index++) {
    planned.push(...windowsOf(history, plan, index));
  }
  // Windows arrive in the order of series; a deployment is judged when its last one is
  // there, so what waits is what shares series with something still to come.
  const missing = new Int32Array(plan.deployments.length);
  for (const { deployment } of planned) missing[deployment]!++;
  const unseen = [...missing.keys()].filter((index) => missing[index] === 0);
  const pending = new Map<number, GatheredDeployment>();
  let samplesRead = 0;
  let done = 0;
  const requests = planned.map(({ series, fromMs, toMs }, id) => ({ id, series, fromMs, toMs }));
  for await (const { id, window } of streamStoredWindows(history, requests)) {
    const { deployment, series, day } = planned[id]!;
    samplesRead += window.length;
    const gathered = gatheredFor(pending, deployment);
    if (day === 0) gathered.watch.set(series, window);
    else {
      const days = gathered.days.get(series);
      if (days === undefined) gathered.days.set(series, [{ day, window }]);
      else days.push({ day, window });
    }
    if (--missing[deployment]! > 0) continue;
    judgeDeployment(plan, deployment, gathered, [...groups.values()]);
    pending.delete(deployment);
    progress.update(++done, plan.deployments.length, "judging deployments");
  }
  // Deployments without a single window still end: nothing could be seen.
  for (const index of unseen) {
    judgeDeployment(plan, index, { watch: new Map(), days: new Map() }, [...groups.values()]);
  }

  const judgements: SignalJudged[][][] = policies.map(() => []);
  for (const group of groups.values()) {
    for (const member of group.members) judgements[member] = group.judgements;
  }
  return { judgements, samplesRead };
}

function gatheredFor(
  pending: Map<number, GatheredDeployment>,
  deployment: number,
): GatheredDeployment {
  const known = pending.get(deployment);
  if (known !== undefined) return known;
  const fresh: GatheredDeployment = { watch: new Map(), days: new Map() };
  pending.set(deployment, fresh);
  return fresh;
}

function judgeDeployment(
  plan: Plan,
  index: number,
  gathered: GatheredDeployment,
  groups: readonly DetectionGroup[],
): void {
  const planned = plan.deployments[index]!;
  const watched = planned.series.flatMap(({ index: series, name }) => {
    const stored = gathered.watch.get(series);
    return stored === undefined || stored.length === 0 ? [] : [{ name, stored }];
  });
  const windows = assemble(watched.map(({ stored }) => stored));
  const columns = watched.map(({ name }, at): SampleColumn => {
    const { atMs, knownAtMs, values } = cutAtRollback(windows[at]!, planned.rolledBackAtMs);
    return { series: name, atMs, knownAtMs, values };
  });
  const context = prepareContext(plan, planned, gathered);
  const shares = new Map<string, Share>();
  for (const group of groups) {
    const { policy } = group;
    const shareFor = (key: string): Share => {
      const name = `${key} ${policy.watchMs}`;
      const known = shares.get(name);
      if (known !== undefined) return known;
      const fresh = memory();
      shares.set(name, fresh);
      return fresh;
    };
    const started = startWatch(policy, planned.deployment, planned.tags);
    const watch = context === null ? started : withContext(started, context);
    const taken = takeColumns(policy, watch, columns, shareFor);
    const { rolledBackAtMs } = planned;
    if (rolledBackAtMs !== null && rolledBackAtMs < watch.endsAtMs) {
      group.judgements[index] = censorJudgements(policy, planned, taken);
    } else {
      const { judgements } = advanceWatch(policy, taken, watch.endsAtMs, shareFor);
      group.judgements[index] = [...judgements];
    }
  }
}

/** Only what was known when history rolled back is about the new version. */
function cutAtRollback(window: SampleWindow, rolledBackAtMs: number | null): SampleWindow {
  if (rolledBackAtMs === null) return window;
  const { knownAtMs } = window;
  if (knownAtMs.every((known) => known <= rolledBackAtMs)) return window;
  const keep = Array.from(knownAtMs.keys()).filter((at) => knownAtMs[at]! <= rolledBackAtMs);
  const pick = (values: Float64Array): Float64Array => Float64Array.from(keep, (at) => values[at]!);
  return { atMs: pick(window.atMs), knownAtMs: pick(knownAtMs), values: pick(window.values) };
}

function memory(): Share {
  const answers = new Map<string, unknown>();
  return {
    once<Value>(key: string, make: () => Value): Value {
      if (!answers.has(key)) answers.set(key, make());
      return answers.get(key) as Value;
    },
  };
}
