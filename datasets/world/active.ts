/**
 * The effects on one series in a window: of deployments, of rollbacks, and of episodes that no
 * deployment caused.
 */

import { affecting, deploymentsBetween, type WorldDeployment } from "./deployments.ts";
import { exposedAt, strengthOver, type Effect, type Exposure, type Metric } from "./effects.ts";
import { episodesBetween } from "./incidents.ts";
import { EFFECT_MAX_MS, type World } from "./world.ts";
import type { Columns } from "./writers.ts";

/**
 * When a rollback of a deployment took effect, so that the old version serves again; null: never.
 *
 * From then on the deployment's effects fade over its `recoveryMs`, and a staged rollout goes no
 * further. If the deployment is not `reversible`, its effects go on. In both cases the deployment's
 * `rollbackEffects` are added. Return null for a rollback that failed (`rollbackSucceeds` is
 * false). Samples before that time do not change, so a host may decide while it reads them.
 */
export type Interventions = (deploymentId: string) => number | null;

/** A history in which nobody ever rolls back. */
export const NO_INTERVENTIONS: Interventions = () => null;

/** An effect in absolute time, and when a rollback begins to end it. */
export interface ActiveEffect {
  readonly effect: Effect;
  readonly startMs: number;
  readonly clearFromMs: number;
  readonly recoveryMs: number;
  /** In a series of the new version: the share of all traffic that the effect is measured by. */
  readonly dividedBy: readonly Exposure[] | null;
}

/** The effects on one series; `version` null: it holds all versions of the service. */
export function activeEffects(
  world: World,
  service: string,
  metric: Metric,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
  version: string | null,
): readonly ActiveEffect[] {
  const active: ActiveEffect[] = [];
  for (const deployment of affecting(world, service, fromMs, toMs, metric)) {
    const rolledBackMs = deployment.reversible ? interventions(deployment.deploymentId) : null;
    for (const effect of deployment.effects) {
      if (effect.service !== service || effect.metric !== metric) continue;
      if (version !== null && effect.byDeployment && deployment.service === service) {
        active.push(...onVersion(deployment, effect, interventions, version));
        continue;
      }
      if (effect.ofVersionOnly === true) continue;
      const clearFromMs = effect.byDeployment && rolledBackMs !== null ? rolledBackMs : Infinity;
      const { startedAtMs: startMs, recoveryMs } = deployment;
      active.push({ effect, startMs, clearFromMs, recoveryMs, dividedBy: null });
    }
  }
  active.push(...rollbackEffects(world, service, metric, fromMs, toMs, interventions));
  for (const episode of episodesBetween(world, service, fromMs - world.stepMs, toMs)) {
    for (const effect of episode.effects) {
      if (effect.metric !== metric) continue;
      const { startMs } = episode;
      active.push({ effect, startMs, clearFromMs: Infinity, recoveryMs: 0, dividedBy: null });
    }
  }
  return active;
}

/**
 * The effect of a deployment on a series of one version: all of it on its own version, whose
 * series ends with a rollback; on the version before it only what a rollback does not end.
 */
function onVersion(
  deployment: WorldDeployment,
  effect: Effect,
  interventions: Interventions,
  version: string,
): readonly ActiveEffect[] {
  const { startedAtMs: startMs, deploymentId, reversible, exposure } = deployment;
  const { exposure: staged, ...whole } = effect;
  const active = { startMs, clearFromMs: Infinity, recoveryMs: 0 };
  if (deployment.version === version) {
    return [{ ...active, effect: whole, dividedBy: staged === undefined ? exposure : null }];
  }
  const rolledBackMs = interventions(deploymentId);
  if (reversible || rolledBackMs === null) return [];
  const onsetMs = Math.max(effect.onsetMs, rolledBackMs - startMs);
  return [{ ...active, effect: { ...effect, onsetMs }, dividedBy: null }];
}

/** The effects of rollbacks themselves; none in a world where rollbacks cost nothing. */
function rollbackEffects(
  world: World,
  service: string,
  metric: Metric,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
): readonly ActiveEffect[] {
  const { harmsIrreversible = 0, restarts = false } = world.spec.rollback;
  if (harmsIrreversible === 0 && !restarts) return [];
  const earliestMs = fromMs - EFFECT_MAX_MS - world.stepMs;
  return deploymentsBetween(world, service, earliestMs, toMs).flatMap((deployment) => {
    const startMs = interventions(deployment.deploymentId);
    if (startMs === null) return [];
    const latestMs = deployment.startedAtMs + EFFECT_MAX_MS - startMs;
    return deployment.rollbackEffects
      .filter((effect) => effect.metric === metric && effect.onsetMs < latestMs)
      .map((effect) => ({
        effect: { ...effect, endsMs: Math.min(effect.endsMs, latestMs) },
        startMs,
        clearFromMs: Infinity,
        recoveryMs: 0,
        dividedBy: null,
      }));
  });
}

/** The share of an effect that is left after a rollback: falls linearly over the recovery time. */
function remainder(active: ActiveEffect, atMs: number): number {
  if (atMs <= active.clearFromMs) return 1;
  return Math.max(0, 1 - (atMs - active.clearFromMs) / active.recoveryMs);
}

/** Adds the effects on samples [from, to) of the block that starts at sample `first`. */
export function applyEffects(
  world: World,
  columns: Columns,
  active: readonly ActiveEffect[],
  first: number,
  from: number,
  to: number,
): void {
  columns.factor.fill(1);
  columns.addend.fill(0);
  const blockMs = world.startMs + first * world.stepMs;
  for (const one of active) {
    const { effect, startMs } = one;
    const begin = Math.floor((startMs + effect.onsetMs - blockMs) / world.stepMs);
    const end = Math.ceil((startMs + effect.endsMs - blockMs) / world.stepMs) + 1;
    for (let i = Math.max(from, begin); i < Math.min(to, end); i++) {
      const atMs = blockMs + i * world.stepMs;
      const strength =
        (strengthOver(effect, atMs - startMs, world.stepMs, one.clearFromMs - startMs) *
          remainder(one, atMs)) /
        (one.dividedBy === null ? 1 : exposedAt(one.dividedBy, atMs - startMs));
      if (!(strength > 0)) continue;
      if (effect.shape === "gap") columns.missing[i] = 1;
      else if (effect.change === "relative") columns.factor[i]! *= 1 + effect.size * strength;
      else columns.addend[i]! += effect.size * strength;
    }
  }
}
