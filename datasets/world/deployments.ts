/**
 * What each deployment is, what it does to the metrics, and its true label.
 *
 * Law: everything about a deployment is a function of the world and its identifier. It never
 * depends on other deployments' effects or on decisions, so each can be made alone.
 *
 * Simplifications, with their bias: effects end by themselves at most 150 min after
 * the start. Unless the world says `stagedHarm`, the harm of a staged rollout begins
 * when the rollout is complete (staged rollouts look slower to harm, never milder);
 * unless it says `rollback: { restarts, harmsIrreversible }`, a rollback costs nothing
 * in the metrics.
 */

import type { DeploymentKind } from "../../engine/index.ts";
import type { Label, Stage, TagRow } from "../../lab/history/tables.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import type { Effect, Exposure, Metric } from "./effects.ts";
import { episodesBetween } from "./incidents.ts";
import {
  coldStartEffects,
  expectedRiseEffects,
  regressionEffects,
  rollbackHarmEffects,
  surpriseEffects,
} from "./recipes.ts";
import { authorsAt } from "./services.ts";
import { startById, startsBetween, type ScheduledStart } from "./schedule.ts";
import type { Regression, Surprise } from "./spec.ts";
import { tagsOf } from "./tags.ts";
import {
  DAY_MS,
  EFFECT_MAX_MS,
  HOUR_MS,
  MINUTE_MS,
  remember,
  serviceOf,
  type World,
} from "./world.ts";

/** How the truth came about: a regression, a surprise, an expected rise, or nothing. */
export type Cause = Regression | Surprise | "expected_rise" | "clean";

export interface WorldDeployment {
  readonly deploymentId: string;
  readonly service: string;
  readonly kind: DeploymentKind;
  readonly kindSource: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly stages: readonly Stage[];
  readonly version: string;
  readonly author: string;
  readonly label: Label;
  readonly cause: Cause;
  /** Times relative to `startedAtMs`. */
  readonly effects: readonly Effect[];
  /** First and last instant of any effect, absolute; null without effects. */
  readonly onsetAtMs: number | null;
  readonly naturalEndAtMs: number | null;
  readonly tags: readonly TagRow[];
  /** The traffic that its harm reaches: by stage in a world with `stagedHarm`, else all. */
  readonly exposure: readonly Exposure[];
  /**
   * False: a rollback finishes but does not end the effects. Where `rollbackHarms`, it
   * adds effects of its own.
   */
  readonly reversible: boolean;
  /**
   * False: a rollback of this one fails (the controller hears `rollbackFinished` with
   * `succeeded: false`), the new version serves on, and nothing changes in the metrics:
   * a failed rollback is no intervention.
   */
  readonly rollbackSucceeds: boolean;
  /** True: rolling this one back breaks things, whether it was good or bad. */
  readonly rollbackHarms: boolean;
  /**
   * What a rollback brings about, on the service itself; times relative to when it took
   * effect. No rollback ends it; cut off 150 min after the deployment's start.
   */
  readonly rollbackEffects: readonly Effect[];
  /** From the order to the old version serving everything. */
  readonly rollbackMs: number;
  /** From there until the metrics are back. */
  readonly recoveryMs: number;
}

/** Names as a pipeline might have recorded them, to be mapped like any import. */
const KIND_SOURCE: Readonly<Record<DeploymentKind, string>> = {
  code: "release",
  config: "config-push",
  feature_flag: "flag-flip",
  migration: "schema-migration",
  infrastructure: "terraform-apply",
};

/** A caller is left alone if it deploys itself close to this: see `freeCallers`. */
const CALLER_BEFORE_MS = 90 * MINUTE_MS;
const CALLER_AFTER_MS = EFFECT_MAX_MS + 90 * MINUTE_MS;

/**
 * The dependants that a deployment may harm: those that have no deployment of their own close to
 * it, so that every decision still depends on the effects of one deployment. Uses their schedule,
 * never their true effects.
 */
function freeCallers(world: World, start: ScheduledStart): readonly string[] {
  return (world.dependants.get(start.service) ?? []).filter(
    (caller) =>
      startsBetween(
        world,
        caller,
        start.startMs - CALLER_BEFORE_MS,
        start.startMs + CALLER_AFTER_MS,
      ).length === 0,
  );
}

function drawStages(world: World, startMs: number, random: RandomStream): readonly Stage[] {
  const rollout = random.weighted(world.spec.deployments.rollout);
  const drawnMs = random.between(5, 15) * MINUTE_MS;
  const lengthMs = (rollout === "canary" ? world.spec.deployments.canaryFor : null) ?? drawnMs;
  if (rollout === "instant") return [{ share: 1, atMs: startMs }];
  const canary = world.spec.deployments.canaryStages ?? [0.05, 0.25, 1];
  const shares = rollout === "rolling" ? [0.25, 0.5, 0.75, 1] : canary;
  return shares.map((share, index) => ({
    share,
    atMs: startMs + Math.round((lengthMs * index) / (shares.length - 1)),
  }));
}

function drawKind(world: World, start: ScheduledStart, random: RandomStream): DeploymentKind {
  const { kinds } = world.spec.deployments;
  const unplanned = kinds.migration * (1 - world.spec.migrations.planned);
  const drawn = random.weighted<DeploymentKind>({ ...kinds, migration: unplanned });
  return start.when === "planned" ? "migration" : drawn;
}

/** The callers that a regression harms. */
function sufferersOf(world: World, start: ScheduledStart, cause: Regression): readonly string[] {
  if (cause === "downstream") return freeCallers(world, start);
  return cause === "failing_dependency" ? (world.dependants.get(start.service) ?? []) : [];
}

interface Truth {
  readonly label: Label;
  readonly cause: Cause;
  readonly effects: readonly Effect[];
}

function drawTruth(
  world: World,
  start: ScheduledStart,
  kind: DeploymentKind,
  fullAfterMs: number,
  firstShare: number,
  exposure: readonly Exposure[] | null,
): Truth {
  const { spec } = world;
  const random = randomStream(world.seed, "truth", start.deploymentId);
  const { stepMs } = world;
  const place = { service: start.service, fullAfterMs, stepMs, firstShare, exposure };
  if (random.chance(spec.deployments.failureRate)) {
    const cause = random.weighted<Regression>(spec.regressions);
    const callers = sufferersOf(world, start, cause);
    return {
      label: "regression",
      cause,
      effects: regressionEffects(cause, place, callers, random),
    };
  }
  if (kind === "migration" && random.chance(spec.migrations.expectedRise)) {
    const slows = random.chance(spec.migrations.slowsDependants);
    const effects = expectedRiseEffects(place, slows ? freeCallers(world, start) : [], random);
    return { label: "expected_change", cause: "expected_rise", effects };
  }
  const surprising = Object.values(spec.surprises).reduce((a, b) => a + b, 0);
  const cause = random.weighted<Surprise | "clean">({ ...spec.surprises, clean: 1 - surprising });
  const effects = cause === "clean" ? [] : surpriseEffects(cause, place, random);
  const coincident = cause === "coincident_incident" || cause === "dependency_failure";
  return { label: coincident ? "unrelated_incident" : "benign", cause, effects };
}

/** Does an unrelated incident fall into the hour after the start? A rollback would not end it. */
function meetsIncident(world: World, start: ScheduledStart): boolean {
  return episodesBetween(world, start.service, start.startMs, start.startMs + HOUR_MS).some(
    ({ kind }) => kind === "incident" || kind === "shock" || kind === "reached",
  );
}

/** Does a service that it calls fail by a deployment of its own in the hour after the start? */
function meetsFailingDependency(world: World, { service, startMs }: ScheduledStart): boolean {
  if (world.spec.regressions.failing_dependency === undefined) return false;
  return serviceOf(world, service).dependsOn.some((called) =>
    deploymentsBetween(world, called, startMs - EFFECT_MAX_MS, startMs + HOUR_MS).some(
      ({ cause, onsetAtMs, naturalEndAtMs }) =>
        cause === "failing_dependency" &&
        onsetAtMs! < startMs + HOUR_MS &&
        naturalEndAtMs! > startMs,
    ),
  );
}

function isHitBySomethingElse(world: World, start: ScheduledStart): boolean {
  return meetsIncident(world, start) || meetsFailingDependency(world, start);
}

function drawRollbackEffects(
  world: World,
  { service, deploymentId }: ScheduledStart,
  irreversible: boolean,
): { harms: boolean; effects: readonly Effect[] } {
  const { harmsIrreversible = 0, restarts = false } = world.spec.rollback;
  const random = randomStream(world.seed, "rolledBack", deploymentId);
  const harms = random.chance(harmsIrreversible) && irreversible;
  const harm = harms ? rollbackHarmEffects(service, random) : [];
  const cold = restarts ? coldStartEffects(service, world.stepMs, random) : [];
  return { harms, effects: [...harm, ...cold] };
}

function reachedBy(stages: readonly Stage[], start: ScheduledStart): readonly Exposure[] {
  return stages.map(({ share, atMs }) => ({ share: share ?? 1, afterMs: atMs - start.startMs }));
}

/** A version that is not ready gets no more traffic until it is mended. */
function stuck(
  [first, ...later]: readonly Stage[],
  start: ScheduledStart,
  effects: readonly Effect[],
): readonly Stage[] {
  if (later.length === 0) return [first!];
  const mendedMs = start.startMs + Math.max(...effects.map(({ endsMs }) => endsMs));
  return [first!, { share: 1, atMs: mendedMs }];
}

function makeDeployment(world: World, start: ScheduledStart): WorldDeployment {
  const service = serviceOf(world, start.service);
  const random = randomStream(world.seed, "deployment", start.deploymentId);
  const kind = drawKind(world, start, random);
  const drawn = drawStages(world, start.startMs, random);
  const author = `${random.pick(authorsAt(world.spec, start.startMs))}@${service.team}`;
  const isStaged = world.spec.deployments.stagedHarm === true;
  const truth = drawTruth(
    world,
    start,
    kind,
    drawn.at(-1)!.atMs - start.startMs,
    drawn[0]!.share ?? 1,
    isStaged ? reachedBy(drawn, start) : null,
  );
  const { label, cause, effects } = truth;
  const stages = cause === "silent_version" ? stuck(drawn, start, effects) : drawn;
  const finishedAtMs = stages.at(-1)!.atMs;
  const exposure = isStaged ? reachedBy(stages, start) : null;

  // Recovery times: lognormal, 1.5 min (sigma 0.5) to roll back, 2 min (sigma 0.8) to recover.
  const rollback = randomStream(world.seed, "rollback", start.deploymentId);
  const rollbackMs = Math.round(rollback.lognormal(1.5, 0.5) * MINUTE_MS);
  const recoveryMs = Math.min(20 * MINUTE_MS, Math.round(rollback.lognormal(2, 0.8) * MINUTE_MS));
  const sticky = kind === "migration" || cause === "ramp";
  const irreversible = rollback.chance(world.spec.rollback.irreversible) && sticky;
  const rollbackSucceeds = !rollback.chance(world.spec.rollback.fails);
  const after = drawRollbackEffects(world, start, irreversible);
  const tags = tagsOf(world, {
    deploymentId: start.deploymentId,
    service: start.service,
    startedAtMs: start.startMs,
    planned: start.when === "planned",
    kind,
    label,
    effects,
    irreversible,
    author,
  });
  return {
    deploymentId: start.deploymentId,
    service: start.service,
    kind,
    kindSource: KIND_SOURCE[kind],
    startedAtMs: start.startMs,
    finishedAtMs,
    stages,
    version: start.deploymentId.slice(start.service.length + 1),
    author,
    label: label === "benign" && isHitBySomethingElse(world, start) ? "unrelated_incident" : label,
    cause,
    effects,
    onsetAtMs:
      effects.length === 0 ? null : start.startMs + Math.min(...effects.map((e) => e.onsetMs)),
    naturalEndAtMs:
      effects.length === 0 ? null : start.startMs + Math.max(...effects.map((e) => e.endsMs)),
    tags,
    exposure: exposure ?? [{ share: 1, afterMs: 0 }],
    reversible: !irreversible,
    rollbackSucceeds,
    rollbackHarms: after.harms,
    rollbackEffects: after.effects,
    rollbackMs,
    recoveryMs,
  };
}

const deploymentAt = remember((world, name, startMs): WorldDeployment | null => {
  const start = startsBetween(world, name, startMs, startMs + 1)[0];
  return start === undefined ? null : makeDeployment(world, start);
});

/** Deployments that start in [fromMs, toMs), of one service or (null) of all; by start, service. */
export function deploymentsBetween(
  world: World,
  service: string | null,
  fromMs: number,
  toMs: number,
): readonly WorldDeployment[] {
  const names = service === null ? world.services.map(({ name }) => name) : [service];
  return names
    .flatMap((name) => startsBetween(world, name, fromMs, toMs))
    .map((start) => deploymentAt(world, start.service, start.startMs)!)
    .sort((a, b) => a.startedAtMs - b.startedAtMs || (a.service < b.service ? -1 : 1));
}

/** One deployment by its identifier; null when this world has none of that name. */
export function deploymentById(world: World, deploymentId: string): WorldDeployment | null {
  const start = startById(world, deploymentId);
  return start === null ? null : deploymentAt(world, start.service, start.startMs);
}

/**
 * Deployments whose effect, left alone, touches the series of `service` in
 * [fromMs, toMs): its own, and those of services it calls. With a metric, only
 * those that touch it.
 */
export function affecting(
  world: World,
  service: string,
  fromMs: number,
  toMs: number,
  metric: Metric | null = null,
): readonly WorldDeployment[] {
  const names = [service, ...serviceOf(world, service).dependsOn];
  return names
    .flatMap((name) => deploymentsBetween(world, name, fromMs - EFFECT_MAX_MS - world.stepMs, toMs))
    .filter(({ effects, startedAtMs }) =>
      effects.some(
        (effect) =>
          effect.service === service &&
          (metric === null || effect.metric === metric) &&
          startedAtMs + effect.onsetMs < toMs &&
          // The sample after the end still contains a part of the effect.
          startedAtMs + effect.endsMs + world.stepMs > fromMs,
      ),
    );
}

/** No tag of this world is valid longer than this after its deployment's start. */
export const TAG_MAX_MS = 2 * HOUR_MS;

/** By service: the tags that landed on it as a whole, of deployments that start on a UTC day. */
const strayTagsOf = remember((world, _all, day): ReadonlyMap<string, readonly TagRow[]> => {
  const stray = new Map<string, TagRow[]>();
  for (const { tags } of deploymentsBetween(world, null, day * DAY_MS, (day + 1) * DAY_MS)) {
    for (const tag of tags) {
      if (tag.deploymentId !== null) continue;
      const others = stray.get(tag.service);
      if (others === undefined) stray.set(tag.service, [tag]);
      else others.push(tag);
    }
  }
  return stray;
});

/**
 * Tags about a whole service that may be valid in [fromMs, toMs): those that were given to the
 * wrong service. Tags about a deployment are in its `tags`.
 */
export function serviceTags(
  world: World,
  service: string,
  fromMs: number,
  toMs: number,
): readonly TagRow[] {
  const found: TagRow[] = [];
  const earliestMs = fromMs - TAG_MAX_MS;
  for (let day = Math.floor(earliestMs / DAY_MS); day * DAY_MS < toMs; day++) {
    for (const tag of strayTagsOf(world, "", day).get(service) ?? []) {
      // Such a tag is valid from the start of the deployment it was meant for.
      if (tag.validFromMs! >= earliestMs && tag.validFromMs! < toMs) found.push(tag);
    }
  }
  return found;
}
