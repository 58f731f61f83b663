/**
 * Policies alive in a world: the policy acts, the world answers, and every outcome is known.
 *
 * Same engine, same controller, one fold over all services, so that budgets, cooldowns and
 * storm brakes are what they would be live. The samples that a deployment is judged by
 * depend on the rollbacks of others wherever a policy looks further than its own service's
 * last hour (a season, peers, dependants, a long baseline). So the world is lived again with
 * the rollbacks that the last round gave, and only those deployments are judged again that
 * saw a sample change, until nothing changes. A decision rests on what came before it, so
 * each round settles the earliest ones that were still wrong: the end is exact.
 */

import {
  deploymentById,
  deploymentsBetween,
  EFFECT_MAX_MS,
  NO_INTERVENTIONS,
  rollbackHarmOf,
  sampleIndexAt,
  truthTables,
  type Interventions,
  type World,
} from "../../datasets/world/index.ts";
import type { DecisionEvent, Policy } from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import { evaluate, type Evaluation } from "../compare/evaluate.ts";
import type { Past } from "../history/open.ts";
import type { DecisionRow } from "../history/tables.ts";
import type { Recovery } from "../outcome/recovery.ts";
import { unaidedOf } from "../outcome/unaided.ts";
import { choosePeople, type PeopleChoice } from "../people/choose.ts";
import type { Responder } from "../people/recorded.ts";
import { planReplay, type Plan } from "../replay/plan.ts";
import { windowsOf } from "../replay/plannedWindows.ts";
import { watchHistory, type JudgeAgain, type JudgedBefore } from "../replay/replay.ts";
import type { Costs } from "../score/costs.ts";
import { decisionRows } from "./decisionRows.ts";
import { worldPast, type Shown } from "./worldPast.ts";

/** A world, and the time in which somebody acts in it: before and after nobody does. */
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
  /** When which rollback took effect. */
  readonly endedAtMs: ReadonlyMap<string, number>;
  readonly decisions: readonly DecisionRow[];
  /** How often the world was lived until nothing changed. */
  readonly rounds: number;
  /** What it judges where nobody ever rolls back. */
  readonly untouched: JudgedBefore[number];
}

/** Every round settles at least one decision for good; far fewer are ever needed. */
const ROUNDS_AT_MOST = 200;

/** Lives a world once under each policy, each alone in it. */
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
      const heard: DecisionEvent[] = [];
      const at = watched === first ? index : 0;
      const { records, commands } = watched.decide(at, listening(who, heard), platform);
      const now = new Map<string, number>();
      for (const record of records) {
        if (record.end === "rolledBack") now.set(record.deploymentId, record.knownAtMs);
      }
      const decisions = decisionRows(policy, { records, commands, answers: heard });
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
      watched = await watchHistory(past, [policy], progress, { judged: [judgements], again });
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

/** Scores lives as a replay is scored; here everything is observed. */
export function evaluateLives(
  stage: Stage,
  lives: readonly Life[],
  options: SimulateOptions,
): Promise<Evaluation> {
  const { world } = stage;
  const policies = lives.map(({ policy }) => policy);
  // Samples can be digested where one past serves all: where nobody saw another's rollback.
  const isOnePast = lives.every(({ rounds }) => rounds === 1);
  const digestSamples = isOnePast && options.digestSamples === true;
  return evaluate(untouchedPast(stage), policies, {
    ...options,
    digestSamples,
    draws: 1,
    lived: { recovery: recoveryIn(world), peopleSeed: world.spec.people.seed },
    ...(digestSamples ? {} : { judged: lives.map(({ judgements }) => judgements) }),
  });
}

/** What rollbacks broke that could not be undone: no part of any regression's recovery. */
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

/** The history that a policy left behind: what a replay of other policies has to go on. */
export function historyOf(stage: Stage, { decisions, endedAtMs }: Life): Past {
  return pastOf(stage, decisions, (id) => endedAtMs.get(id) ?? null, "as it happened");
}

/**
 * What lives already tell of a replay of their policies on a history: all judgements, but of
 * deployments that were rolled back in it or saw the rollback of another.
 */
export async function knownOn(
  { world }: Stage,
  history: Past,
  wrote: Life,
  lives: readonly Life[],
): Promise<JudgeAgain> {
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

/** The world as it is when nobody rolls anything back. */
function untouchedPast(stage: Stage): Past {
  return pastOf(stage, [], NO_INTERVENTIONS, "own effects uncut");
}

/** The world with these rollbacks, each still to be decided by whoever is deployed. */
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
  // Whose own effects are uncut has everything still to decide.
  const decided = shown === "as it happened" ? tables.decisions : [];
  const past = worldPast(
    world,
    { ...tables, deployments, decisions: decided },
    interventions,
    shown,
  );
  // As a history has it: the times of its first and last sample.
  const [from, to] = [sampleIndexAt(world, fromMs), sampleIndexAt(world, toMs) - 1].map((index) =>
    new Date(world.startMs + index * world.stepMs).toISOString(),
  );
  return { ...past, manifest: { ...past.manifest, from: from!, to: to! } };
}

/** What a rollback does in this world: the truth, where a history has medians. */
function recoveryIn(world: World): Recovery {
  const deployments = deploymentsBetween(world, null, world.startMs, world.endMs);
  const byId = new Map(deployments.map((one) => [one.deploymentId, one]));
  const middle = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
  return {
    isTrue: true,
    rollbackMs: middle(deployments.map(({ rollbackMs }) => rollbackMs)),
    recoveryMs: middle(deployments.map(({ recoveryMs }) => recoveryMs)),
    rollbackFrom: "each deployment's own, as the world has it",
    recoveryFrom: "each deployment's own, as the world has it",
    rollBack: (id) => {
      const { rollbackMs, rollbackSucceeds } = byId.get(id)!;
      return { durationMs: rollbackMs, succeeds: rollbackSucceeds };
    },
    recoversAfterMs: (id) => {
      const { reversible, recoveryMs } = byId.get(id)!;
      return reversible ? recoveryMs : Number.POSITIVE_INFINITY;
    },
    unaided: unaidedOf(truthTables(world, [], NO_INTERVENTIONS)),
  };
}

/** The same people, and what they answered. */
function listening(people: Responder, heard: DecisionEvent[]): Responder {
  return {
    ...people,
    answers: (command) => {
      const given = people.answers(command);
      heard.push(...given);
      return given;
    },
  };
}

/** Rollbacks that took effect at another time than before: since when samples differ. */
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

/** Deployments of the plan that read a sample which a change of another's rollback moved. */
function touched(
  world: World,
  past: Past,
  plan: Plan,
  changes: ReadonlyMap<string, number>,
): ReadonlySet<number> {
  const indices = new Map(
    past.series.map(({ service, metric, series }) => [`${service} ${metric}`, series]),
  );
  const moved = new Map<number, { id: string; fromMs: number; toMs: number }[]>();
  for (const [id, fromMs] of changes) {
    const { reversible, effects, rollbackEffects, startedAtMs } = deploymentById(world, id)!;
    const ended = effects.filter(({ byDeployment }) => byDeployment && reversible);
    for (const { service, metric } of [...ended, ...rollbackEffects]) {
      // No effect lasts longer, and the sample after the end still saw a part of it.
      const toMs = startedAtMs + EFFECT_MAX_MS + world.stepMs;
      const index = indices.get(`${service} ${metric}`)!;
      const list = moved.get(index);
      if (list === undefined) moved.set(index, [{ id, fromMs, toMs }]);
      else list.push({ id, fromMs, toMs });
    }
  }
  if (moved.size === 0) return new Set();
  // Limits calibrated on the past rest on all of it.
  if (plan.placebos) return new Set(plan.deployments.keys());
  const found = new Set<number>();
  for (const [place, { deployment }] of plan.deployments.entries()) {
    const sees = windowsOf(past, plan, place).some(({ series, fromMs, toMs }) =>
      moved
        .get(series)
        ?.some(
          (one) => one.id !== deployment.deploymentId && one.fromMs < toMs && one.toMs >= fromMs,
        ),
    );
    if (sees) found.add(place);
  }
  return found;
}
