/**
 * The closed loop: a policy acts in a world, the world answers, and every outcome is known.
 *
 * Same engine and controller as a replay, and one fold over all services, so that budgets,
 * cooldowns and storm brakes are those of a live fleet. A policy that looks further than its own
 * service's last hour (a season, peers, dependants, a long baseline) sees samples that depend on
 * the rollbacks of other deployments. So the run is repeated with the rollbacks of the last round,
 * and only deployments whose samples changed are judged again, until nothing changes. A decision
 * rests only on what came before it, so each round settles the earliest wrong ones: the result is
 * exact.
 */

import {
  deploymentById,
  deploymentsBetween,
  EFFECT_MAX_MS,
  metricsOf,
  NO_INTERVENTIONS,
  rollbackHarmOf,
  sampleIndexAt,
  truthTables,
  type Interventions,
  type World,
} from "../../datasets/world/index.ts";
import type { DecisionEvent, Policy } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Progress } from "../progress.ts";
import { evaluate, type Evaluation } from "../compare/evaluate.ts";
import type { Past } from "../history/open.ts";
import type { DecisionRow } from "../history/tables.ts";
import type { Recovery } from "../outcome/recovery.ts";
import type { Platform } from "../replay/fold.ts";
import { unaidedOf } from "../outcome/unaided.ts";
import { choosePeople, type PeopleChoice } from "../people/choose.ts";
import type { Responder } from "../people/recorded.ts";
import { planReplay, type Plan } from "../replay/plan.ts";
import { windowsOf } from "../replay/plannedWindows.ts";
import type { JudgedBefore, Known } from "../replay/judgements.ts";
import { knownFrom } from "../replay/known.ts";
import { watchHistory } from "../replay/replay.ts";
import type { Costs } from "../score/costs.ts";
import { decisionRows } from "./decisionRows.ts";
import { worldPast, type Shown } from "./worldPast.ts";

/** A world, and the time range in which a policy acts in it. */
export interface Stage {
  readonly world: World;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

export function wholeOf(world: World): Stage {
  return { world, fromMs: world.startMs, toMs: world.endMs };
}

/** What one policy did in a world. */
export interface Life {
  readonly policy: Policy;
  readonly judgements: JudgedBefore[number];
  /** When each rollback took effect, by deployment ID. */
  readonly endedAtMs: ReadonlyMap<string, number>;
  readonly decisions: readonly DecisionRow[];
  /** How many rounds it took until nothing changed. */
  readonly rounds: number;
  /** The judgements in the same world without any rollback. */
  readonly untouched: JudgedBefore[number];
}

/** Every round settles at least one decision for good; far fewer are ever needed. */
const ROUNDS_AT_MOST = 200;

/** Runs each policy alone in the world. */
export async function live(
  stage: Stage,
  policies: readonly Policy[],
  people: PeopleChoice,
  progress: Progress,
): Promise<readonly Life[]> {
  const { world } = stage;
  const untouched = untouchedPast(stage);
  const who = choosePeople(untouched, people, world.spec.people.seed).responder(0);
  const platform = recoveryIn(world);
  const first = await watchHistory(untouched, policies, progress);
  const lives: Life[] = [];
  for (const [index, policy] of policies.entries()) {
    let watched = first;
    let judgements = first.judged[index]!;
    let endedAtMs: ReadonlyMap<string, number> = new Map();
    for (let rounds = 1; ; rounds++) {
      const answers: DecisionEvent[] = [];
      const at = watched === first ? index : 0;
      const { records, commands } = watched.decide(at, collecting(who, answers), platform);
      const now = new Map<string, number>();
      for (const record of records) {
        if (record.end === "rolledBack") now.set(record.deploymentId, record.knownAtMs);
      }
      const decisions = decisionRows(policy, { records, commands, answers });
      const past = pastUnder(stage, now, decisions);
      const plan = await planReplay(past, [policy]);
      const again = touched(world, past, plan, changesOf(endedAtMs, now));
      endedAtMs = now;
      if (again.size === 0) {
        lives.push({
          policy,
          judgements,
          endedAtMs,
          decisions,
          rounds,
          untouched: first.judged[index]!,
        });
        break;
      }
      if (rounds === ROUNDS_AT_MOST) throw new Error(`${policy.policy} does not come to rest`);
      const known = knownFrom({ judged: [judgements], again });
      watched = await watchHistory(past, [policy], progress, { judgements: known });
      judgements = watched.judged[0]!;
    }
  }
  return lives;
}

export interface SimulateOptions {
  readonly people: PeopleChoice;
  readonly costs?: Costs;
  readonly seed: number;
  readonly replicates: number;
  readonly progress: Progress;
  readonly digestSamples?: boolean;
  readonly scoresOnly?: true;
}

/** Scores closed-loop runs as a replay is scored; every outcome is observed. */
export function evaluateLives(
  stage: Stage,
  lives: readonly Life[],
  options: SimulateOptions,
): Promise<Evaluation> {
  const { world } = stage;
  const policies = lives.map(({ policy }) => policy);
  // The samples are the same for all policies, and have one digest, only if no rollback changed
  // what any other deployment saw.
  const isOnePast = lives.every(({ rounds }) => rounds === 1);
  const digestSamples = isOnePast && options.digestSamples === true;
  const judged = lives.map(({ judgements }) => judgements);
  return evaluate(untouchedPast(stage), policies, {
    ...options,
    digestSamples,
    draws: 1,
    lived: { recovery: recoveryIn(world), peopleSeed: world.spec.people.seed },
    ...(digestSamples ? {} : { judgements: knownFrom({ judged }) }),
  });
}

/** The harm of rollbacks that could not be undone; it is not part of any recovery time. */
export function brokenBy(
  { world }: Stage,
  { endedAtMs }: Life,
): { rollbacks: number; minutes: number } {
  const harms = [...endedAtMs].flatMap(([id, atMs]) => {
    const harm = rollbackHarmOf(deploymentById(world, id)!, atMs);
    return harm === null ? [] : [harm.resolvedAtMs - harm.onsetAtMs];
  });
  return { rollbacks: harms.length, minutes: harms.reduce((sum, ms) => sum + ms, 0) / 60_000 };
}

/** The history that a policy left, for the replay of other policies. */
export function historyOf(stage: Stage, { decisions, endedAtMs }: Life): Past {
  return pastOf(stage, decisions, (id) => endedAtMs.get(id) ?? null, "as it happened");
}

/**
 * The judgements of closed-loop runs that a replay of their policies on this history can reuse: all
 * except of deployments that were rolled back in it, or that saw the rollback of another.
 */
export async function knownOn(
  { world }: Stage,
  history: Past,
  wrote: Life,
  lives: readonly Life[],
): Promise<Known> {
  const plan = await planReplay(
    history,
    lives.map(({ policy }) => policy),
  );
  const again = new Set(touched(world, history, plan, changesOf(new Map(), wrote.endedAtMs)));
  for (const [place, { rolledBackAtMs }] of plan.deployments.entries()) {
    if (rolledBackAtMs !== null) again.add(place);
  }
  return { judged: lives.map(({ untouched }) => untouched), again };
}

/** The world without any rollback. */
function untouchedPast(stage: Stage): Past {
  return pastOf(stage, [], NO_INTERVENTIONS, "own effects uncut");
}

/** The world with these rollbacks; each deployment still sees its own effect uncut. */
function pastUnder(
  stage: Stage,
  endedAtMs: ReadonlyMap<string, number>,
  decisions: readonly DecisionRow[],
): Past {
  return pastOf(stage, decisions, (id) => endedAtMs.get(id) ?? null, "own effects uncut");
}

function pastOf(
  { world, fromMs, toMs }: Stage,
  decisions: readonly DecisionRow[],
  interventions: Interventions,
  shown: Shown,
): Past {
  const tables = truthTables(world, decisions, interventions);
  const deployments = tables.deployments.filter(
    ({ startedAtMs }) => startedAtMs >= fromMs && startedAtMs < toMs,
  );
  // Where effects are uncut nothing has been decided yet.
  const decided = shown === "as it happened" ? tables.decisions : [];
  const past = worldPast(
    world,
    { ...tables, deployments, decisions: decided },
    interventions,
    shown,
  );
  // As in a history's manifest: the times of the first and the last sample.
  const [from, to] = [sampleIndexAt(world, fromMs), sampleIndexAt(world, toMs) - 1].map((index) =>
    new Date(world.startMs + index * world.stepMs).toISOString(),
  );
  return { ...past, manifest: { ...past.manifest, from: from!, to: to! } };
}

/** How rollbacks go in this world: each deployment's true times, where a history has medians. */
function recoveryIn(world: World): Recovery {
  const deployments = deploymentsBetween(world, null, world.startMs, world.endMs);
  const byId = new Map(deployments.map((one) => [one.deploymentId, one]));
  const middle = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
  const platform: Platform = {
    rollBack: (id) => {
      const { rollbackMs, rollbackSucceeds } = byId.get(id)!;
      return { durationMs: rollbackMs, succeeds: rollbackSucceeds };
    },
  };
  const recoversAfterMs = (id: string): number => {
    const { reversible, recoveryMs } = byId.get(id)!;
    return reversible ? recoveryMs : Number.POSITIVE_INFINITY;
  };
  return {
    isTrue: true,
    rollbackMs: middle(deployments.map(({ rollbackMs }) => rollbackMs)),
    recoveryMs: middle(deployments.map(({ recoveryMs }) => recoveryMs)),
    rollbackFrom: "each deployment's own, as the world has it",
    recoveryFrom: "each deployment's own, as the world has it",
    failures: null,
    ...platform,
    platformIn: () => platform,
    wasTried: () => true,
    recoversAfterMs,
    fromOrder: (id) => {
      const exactMs = byId.get(id)!.rollbackMs + recoversAfterMs(id);
      return { shortestMs: exactMs, longestMs: exactMs };
    },
    unaided: unaidedOf(truthTables(world, [], NO_INTERVENTIONS)),
  };
}

/** The same people; their answers are also added to `answers`. */
function collecting(people: Responder, answers: DecisionEvent[]): Responder {
  return {
    ...people,
    answers: (command, word) => {
      const given = people.answers(command, word);
      answers.push(...given);
      return given;
    },
  };
}

/** By rollback that took effect at another time than before: from when on samples differ. */
function changesOf(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const changes = new Map<string, number>();
  for (const id of new Set([...before.keys(), ...now.keys()])) {
    const [old, fresh] = [before.get(id), now.get(id)];
    if (old !== fresh) changes.set(id, Math.min(old ?? Infinity, fresh ?? Infinity));
  }
  return changes;
}

/** Places in the plan of deployments that read a sample which another's rollback changed. */
function touched(
  world: World,
  past: Past,
  plan: Plan,
  changes: ReadonlyMap<string, number>,
): ReadonlySet<number> {
  const versions = world.spec.telemetry.versions === true;
  const indices = new Map<string, number[]>();
  for (const { service, metric, series } of past.series) {
    getOrMake(indices, `${service} ${metric}`, () => []).push(series);
  }
  const moved = new Map<number, { id: string; fromMs: number; toMs: number }[]>();
  for (const [id, fromMs] of changes) {
    const deployment = deploymentById(world, id)!;
    const { reversible, effects, rollbackEffects, startedAtMs } = deployment;
    const ended = effects.filter(({ byDeployment }) => byDeployment && reversible);
    // Which version serves depends on a rollback until the next deployment, and after it too.
    const served = versions
      ? metricsOf(world).map((metric) => ({ service: deployment.service, metric }))
      : [];
    for (const { service, metric } of [...ended, ...rollbackEffects, ...served]) {
      const isServed = versions && service === deployment.service;
      // Effects last at most this long; the sample after the end still contains a part of one.
      const toMs = isServed ? world.endMs : startedAtMs + EFFECT_MAX_MS + world.stepMs;
      for (const index of indices.get(`${service} ${metric}`)!) {
        getOrMake(moved, index, () => []).push({ id, fromMs, toMs });
      }
    }
  }
  if (moved.size === 0) return new Set();
  // Limits that are calibrated on the past depend on every sample of it.
  if (plan.placebos) return new Set(plan.deployments.keys());
  const places = new Set<number>();
  for (const [place, { deployment }] of plan.deployments.entries()) {
    const sees = windowsOf(past, plan, place).some(({ series, fromMs, toMs }) =>
      moved
        .get(series)
        ?.some(
          (change) =>
            change.id !== deployment.deploymentId && change.fromMs < toMs && change.toMs >= fromMs,
        ),
    );
    if (sees) places.add(place);
  }
  return places;
}
