/**
 * The causes of all misses and false rollbacks of a replay. Most follow from the outcomes; only of
 * the rest are the samples read again, a few deployments at a time.
 */

import {
  isCounter,
  ratesOf,
  resolveTolerance,
  servicesOf,
  tagsAt,
  watches,
  type Policy,
  type SeriesName,
  type SignalPolicy,
} from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Listed } from "../history/listed.ts";
import type { Past } from "../history/open.ts";
import { assemble, type SampleWindow, type WindowRequest } from "../history/windows.ts";
import { EARLY_MS } from "../outcome/milestones.ts";
import type { Outcome } from "../outcome/outcome.ts";
import { standingFor } from "../outcome/outcomeList.ts";
import type { Plan, PlannedDeployment } from "../replay/plan.ts";
import { agentsAtMiss, type AgentCause } from "./agents.ts";
import {
  isFalseRollback,
  isMiss,
  seenFalse,
  seenMiss,
  statedFalse,
  statedMiss,
  type Cause,
  type FalseCause,
  type MissCause,
  type Move,
} from "./causes.ts";
import { coincidentIncident } from "./coincident.ts";
import { movementOf, type Samples } from "./movement.ts";
import { tallyOf, type Causes, type Counted } from "./tally.ts";

/** So many deployments are read at a time. */
const AT_A_TIME = 100;
const PAST_MS = 3_600_000;
/** The noise of a coarse series is learned from so many samples, */
const PAST_SAMPLES = 60;
/** of a day at most. */
const PAST_AT_MOST_MS = 86_400_000;

/** One policy with its outcomes, once for each draw. */
export interface Decided {
  readonly policy: Policy;
  readonly draws: readonly Listed<Outcome>[];
}

/** One series around one deployment. */
interface Seen {
  readonly name: SeriesName;
  /** Its level and noise are those of so long before the deployment. */
  readonly pastMs: number;
  readonly window: SampleWindow;
}

/** A deployment whose cause its samples must tell. */
interface Open {
  readonly place: number;
  readonly tell: (seen: readonly Seen[]) => void;
}

/** For each policy: the causes of its misses and false rollbacks, as means over the draws. */
export async function causesOf(
  history: Past,
  plan: Plan,
  decided: readonly Decided[],
): Promise<readonly Causes[]> {
  const found = await causesByDeployment(history, plan, decided);
  return found.map(({ misses, falseRollbacks, agents }, at): Causes => {
    const { length } = decided[at]!.draws;
    return {
      misses: tallyOf(misses, length),
      falseRollbacks: tallyOf(falseRollbacks, length),
      ...(agents === null ? {} : { agents: tallyOf(agents, length) }),
    };
  });
}

/** The causes of one policy, deployment by deployment and draw by draw. */
interface ByDeployment {
  readonly misses: Counted<MissCause>[];
  readonly falseRollbacks: Counted<FalseCause>[];
  /** What agents did about the same misses; null where the policy names none. */
  readonly agents: Counted<AgentCause>[] | null;
}

/** For each policy: the cause of every miss and false rollback. */
export async function causesByDeployment(
  history: Past,
  plan: Plan,
  decided: readonly Decided[],
): Promise<readonly ByDeployment[]> {
  const open: Open[] = [];
  const found = decided.map((one) => statedBy(history, plan, one, open));
  const byPlace = new Map<number, Open[]>();
  for (const one of open) getOrMake(byPlace, one.place, () => []).push(one);
  const places = [...byPlace.keys()].sort((a, b) => a - b);
  const stepsMs = places.length === 0 ? new Map<number, number>() : await history.stepsMs();
  const rangeMs = Math.max(0, ...decided.flatMap(({ policy }) => policy.signals.map(rangeOf)));
  for (let from = 0; from < places.length; from += AT_A_TIME) {
    const read = places.slice(from, from + AT_A_TIME);
    const seen = await seriesAround(history, plan, read, stepsMs, rangeMs);
    for (const place of read) {
      for (const { tell } of byPlace.get(place)!) tell(seen.get(place) ?? []);
    }
  }
  return found;
}

/** The causes that follow from the outcomes alone. The rest is added to `open`. */
function statedBy(
  { tables: { incidents } }: Past,
  plan: Plan,
  { policy, draws }: Decided,
  open: Open[],
): ByDeployment {
  const misses: Counted<MissCause>[] = [];
  const falseRollbacks: Counted<FalseCause>[] = [];
  const agents: Counted<AgentCause>[] | null = policy.agents === undefined ? null : [];
  const leave = <Code>(
    outcome: Outcome,
    into: Counted<Code>[],
    causeBy: (moves: readonly Move[]) => Cause<Code>,
    accused: readonly string[] | null,
  ): void => {
    const { deploymentId } = outcome;
    const place = plan.places.get(deploymentId)!;
    const tell = (seen: readonly Seen[]): void => {
      const moves = movesOf(plan.deployments.at(place)!, policy, outcome, seen, accused);
      into.push({ deploymentId, ...causeBy(moves) });
    };
    open.push({ place, tell });
  };
  for (const outcomes of draws) {
    // Deployments that share an outcome are quiet and good: none of them is counted here.
    for (const outcome of standingFor(outcomes)) {
      const { deploymentId } = outcome;
      const planned = (): PlannedDeployment => plan.deployments.at(plan.places.get(deploymentId)!)!;
      if (isMiss(outcome)) {
        agents?.push({ deploymentId, ...agentsAtMiss(outcome, policy, planned()) });
        const stated = statedMiss(outcome, policy);
        if (stated !== null) misses.push({ deploymentId, ...stated });
        else leave(outcome, misses, (moves) => seenMiss(outcome, moves), null);
      } else if (isFalseRollback(outcome)) {
        const stated = statedFalse(outcome);
        if (stated !== null) {
          falseRollbacks.push({ deploymentId, ...stated });
          continue;
        }
        const { deployment } = planned();
        // Where an agent asked first, the outcome names no signals: any may have accused it later.
        const isAny = outcome.signals.length === 0;
        const accusing = policy.signals.filter(
          ({ name }) => isAny || outcome.signals.includes(name),
        );
        const accused = accusing.map(({ name }) => name);
        const services = new Set(accusing.flatMap((one) => [...servicesOf(one, deployment)]));
        const byMs = outcome.decidedAtMs ?? outcome.executedAtMs!;
        const { startedAtMs } = outcome;
        const found = coincidentIncident(incidents, deploymentId, services, startedAtMs, byMs);
        if (found !== null) falseRollbacks.push({ deploymentId, ...found });
        else leave(outcome, falseRollbacks, (moves) => seenFalse(outcome, moves), accused);
      }
    }
  }
  return { misses, falseRollbacks, agents };
}

/** The series that are watched for these deployments, from the hour before to the watch's end. */
async function seriesAround(
  history: Past,
  plan: Plan,
  places: readonly number[],
  stepsMs: ReadonlyMap<number, number>,
  rangeMs: number,
): Promise<ReadonlyMap<number, readonly Seen[]>> {
  const { cases } = history.tables;
  const asked: WindowRequest[] = [];
  const about: (Omit<Seen, "window"> & { readonly place: number })[] = [];
  for (const place of places) {
    const { deployment, caseId, rolledBackAtMs, series } = plan.deployments.at(place)!;
    const recording = cases.find((row) => row.caseId === caseId);
    const { startedAtMs } = deployment;
    const endsAtMs = startedAtMs + plan.lookAheadMs + 1;
    const toMs = Math.min(
      endsAtMs,
      recording?.endsAtMs ?? endsAtMs,
      rolledBackAtMs === null ? endsAtMs : rolledBackAtMs + 1,
    );
    for (const { index, name } of series) {
      const coarseMs = PAST_SAMPLES * (stepsMs.get(index) ?? 0);
      const pastMs = Math.min(PAST_AT_MOST_MS, Math.max(PAST_MS, coarseMs));
      const backMs = Math.max(pastMs, rangeMs);
      const fromMs = Math.max(startedAtMs - backMs, recording?.startsAtMs ?? -Infinity);
      asked.push({ id: asked.length, series: index, fromMs, toMs });
      about.push({ place, name, pastMs });
    }
  }
  const found = new Map<number, Seen[]>();
  for await (const windows of history.windows(asked)) {
    for (const { id, window } of windows) {
      const { place, ...series } = about[id]!;
      getOrMake(found, place, () => []).push({ ...series, window: assemble([window])[0]! });
    }
  }
  return found;
}

/**
 * How the series moved that a policy's signals watch.
 *
 * @param accused only these signals, and up to the decision; null: all, over the whole watch
 */
function movesOf(
  { deployment, tags }: PlannedDeployment,
  policy: Policy,
  outcome: Outcome,
  seen: readonly Seen[],
  accused: readonly string[] | null,
): readonly Move[] {
  const { startedAtMs, onsetAtMs, decidedAtMs } = outcome;
  const endMs = startedAtMs + policy.watchMs;
  const untilMs = accused === null ? endMs : (decidedAtMs ?? endMs);
  const sinceMs = onsetAtMs === null ? startedAtMs : Math.max(startedAtMs, onsetAtMs - EARLY_MS);
  const moves: Move[] = [];
  for (const signal of policy.signals) {
    if (accused?.includes(signal.name) === false) continue;
    const services = servicesOf(signal, deployment);
    const counting = tagsAt(policy, deployment, tags, untilMs, untilMs);
    const { amount } = resolveTolerance(policy, signal, deployment, counting, sinceMs);
    for (const one of seen) {
      const { name } = one;
      if (!services.has(name.service) || !watches(signal, name)) continue;
      const samples = samplesOf(one, seen, signal, { startedAtMs, sinceMs, untilMs, endMs });
      const movement = movementOf(samples, signal.worse);
      if (movement === null) continue;
      moves.push({ signal, percentagePoint: name.percentagePoint, tolerated: amount, movement });
    }
  }
  return moves;
}

interface Times {
  readonly startedAtMs: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly endMs: number;
}

/** The samples of a series; a new version without a past takes that of the old one. */
function samplesOf(one: Seen, all: readonly Seen[], signal: SignalPolicy, times: Times): Samples {
  const own = splitAt(one, signal, times);
  if (own.past.length > 0 || one.name.version === null) return own;
  const { service, metric, version } = one.name;
  const others = all.filter(
    ({ name }) => name.service === service && name.metric === metric && name.version !== version,
  );
  const pasts = others.map((other) => splitAt(other, signal, times));
  const old = pasts.find(({ past }) => past.length > 0);
  return old === undefined ? own : { ...own, past: old.past, range: old.range };
}

function splitAt({ name, pastMs, window }: Seen, signal: SignalPolicy, times: Times): Samples {
  const { startedAtMs, sinceMs, untilMs, endMs } = times;
  const isRaw = isCounter(signal, name);
  const values = isRaw ? ratesOf(window, startedAtMs) : window.values;
  const rangeMs = rangeOf(signal);
  const samples = {
    past: [] as number[],
    range: [] as number[],
    since: [] as number[],
    after: [] as number[],
  };
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    const atMs = window.atMs[at]!;
    const knownAtMs = window.knownAtMs[at]!;
    if (!Number.isFinite(value) || knownAtMs > endMs) continue;
    if (atMs <= startedAtMs) {
      if (atMs > startedAtMs - pastMs) samples.past.push(value);
      if (atMs > startedAtMs - rangeMs) samples.range.push(value);
    } else if (knownAtMs > untilMs) samples.after.push(value);
    else if (atMs >= sinceMs) samples.since.push(value);
  }
  return { ...samples, range: rangeMs === 0 ? null : samples.range };
}

/** How far back the range goes that a novelty detector calls normal; 0 of every other detector. */
function rangeOf({ detector }: SignalPolicy): number {
  return detector.kind === "novelty" ? detector.baselineMs : 0;
}
