/**
 * Which versions of a service serve, and what share of its traffic each has.
 *
 * A version serves from its deployment's first stage on, beside the one before it until its last
 * stage, and alone from then on. A rollback gives everything back to the version before it. So two
 * versions serve at most, and the version before a deployment is that of the last one which was
 * not rolled back.
 */

import type { Interventions } from "./active.ts";
import { deploymentsBetween, type WorldDeployment } from "./deployments.ts";
import { DAY_MS, type World } from "./world.ts";

/** What serves until the first deployment of a service. */
export const FIRST_VERSION = "initial";

/** A version with its share of the traffic: each is valid from its time to the next one's. */
export interface Serving {
  readonly version: string;
  readonly shares: readonly { readonly atMs: number; readonly share: number }[];
}

const LOOK_BACK_MS = 14 * DAY_MS;

/** The last deployment before a time for which `holds`; null where there is none. */
function lastBefore(
  world: World,
  service: string,
  beforeMs: number,
  holds: (deployment: WorldDeployment) => boolean,
): WorldDeployment | null {
  for (let toMs = beforeMs; toMs > world.startMs; toMs -= LOOK_BACK_MS) {
    const found = deploymentsBetween(world, service, toMs - LOOK_BACK_MS, toMs).findLast(holds);
    if (found !== undefined) return found;
  }
  return null;
}

/** The versions of a service that serve at any time in [fromMs, toMs), as they begin. */
export function versionsBetween(
  world: World,
  service: string,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
): readonly Serving[] {
  const under = lastBefore(world, service, fromMs, () => true);
  const beginsMs = under?.startedAtMs ?? fromMs;
  const survived = ({ deploymentId }: WorldDeployment): boolean =>
    interventions(deploymentId) === null;
  const before = lastBefore(world, service, beginsMs, survived);
  let old = begun(before?.version ?? FIRST_VERSION);
  old.shares.push({ atMs: Number.NEGATIVE_INFINITY, share: 1 });
  const all = [old];
  for (const deployment of deploymentsBetween(world, service, beginsMs, toMs)) {
    const rolledBackMs = interventions(deployment.deploymentId);
    const fresh = begun(deployment.version);
    all.push(fresh);
    const split = (atMs: number, share: number): void => {
      fresh.shares.push({ atMs, share });
      old.shares.push({ atMs, share: 1 - share });
    };
    for (const { share, atMs } of deployment.stages) {
      if (rolledBackMs === null || atMs < rolledBackMs) split(atMs, share ?? 1);
    }
    if (rolledBackMs === null) old = fresh;
    else split(rolledBackMs, 0);
  }
  return all.filter((one) => servesIn(one, fromMs, toMs));
}

function begun(version: string): { version: string; shares: { atMs: number; share: number }[] } {
  return { version, shares: [] };
}

function servesIn({ shares }: Serving, fromMs: number, toMs: number): boolean {
  return shares.some(({ atMs, share }, index) => {
    const endsMs = shares[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    return share > 0 && atMs < toMs && endsMs > fromMs;
  });
}

/** A series of every metric of a service, and the first and last time it may have a sample. */
export interface Stretch {
  readonly version: string | null;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/**
 * The series that a service has in a window, by version: one alone in a world without versions.
 * Within the window, a stretch begins and ends with the first and last sample of its version.
 */
export function seriesStretches(
  world: World,
  service: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  interventions: Interventions,
): readonly Stretch[] {
  if (world.spec.telemetry.versions !== true) return [{ version: null, fromMs, toMs }];
  const sampleAt = (atMs: number): number =>
    world.startMs + Math.ceil((atMs - world.startMs) / world.stepMs) * world.stepMs;
  return versionsBetween(world, service, fromMs, toMs, interventions)
    .map(({ version, shares }): Stretch => {
      const last = shares.findLastIndex(({ share }) => share > 0);
      const begins = shares.find(({ share }) => share > 0)!.atMs;
      const ends = shares[last + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      return {
        version,
        fromMs: begins <= fromMs ? fromMs : sampleAt(begins),
        toMs: ends >= toMs ? toMs : Math.min(toMs, sampleAt(ends) + world.stepMs),
      };
    })
    .sort((a, b) => (a.version! < b.version! ? -1 : 1));
}

/**
 * The mean share of a version over each of the samples [0, to); the first ends at `firstMs`. A
 * sample in which a version begins or ends saw it only for a part of its step.
 */
export function fillShares(
  out: Float64Array,
  { shares }: Serving,
  firstMs: number,
  stepMs: number,
  to: number,
): void {
  let at = -1;
  for (let i = 0; i < to; i++) {
    const endsMs = firstMs + i * stepMs;
    let fromMs = endsMs - stepMs;
    while (at + 1 < shares.length && shares[at + 1]!.atMs <= fromMs) at++;
    let sum = 0;
    while (at + 1 < shares.length && shares[at + 1]!.atMs < endsMs) {
      sum += (shares[at]?.share ?? 0) * (shares[at + 1]!.atMs - fromMs);
      fromMs = shares[++at]!.atMs;
    }
    sum += (shares[at]?.share ?? 0) * (endsMs - fromMs);
    out[i] = sum / stepMs;
  }
}
