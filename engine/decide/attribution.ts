/**
 * Whose fault is a breach? Where deployments go out together, or services share a dependency,
 * one deployment's harm shows in series that another one watches. Which deployments may explain
 * a breach, by what the fleet knows now:
 *
 * 1. Nearness. A breaching series of the deployed service itself points to its deployment. A
 *    series of a service that calls it or depends on it points to the nearest watched deployment:
 *    first one of that very service, then one of a service in between, then one of a service
 *    that it calls directly. Where several are equally near it points to all of them. A
 *    deployment that was rolled back more than `TOGETHER_MS` earlier explains nothing any more.
 * 2. First mover. A watched deployment whose own series breached earlier, and which can affect
 *    the same series, explains the breach instead. Where the series is the deployed service's own
 *    it is a second explanation beside the first, and only if the earlier breach was less than
 *    `TOGETHER_MS` before, because harm passes on at once.
 * 3. Versions. Old and new version move alike, or only the old one moves: an unrelated incident.
 * 4. Shock. At least `SEVERAL` other services breach within `TOGETHER_MS`, none of them a caller
 *    or dependant of another, and long after their own deployments: an unrelated incident.
 *
 * The machine acts alone only where its own deployment is the only explanation.
 *
 * Measured: beside each of 14 recorded code defects (Nezha's OnlineBoutique) two healthy
 * deployments of other services, four minutes before and one after. On user success alone
 * the machine rolled back 22 of the 28 healthy ones and 12 of the defects by itself; with
 * this 1 and 4, and people were asked about the rest. On a generated quarter (seed 7, own
 * series only) 3 of 402 rollbacks went to people: one benign, one unrelated, one regression.
 *
 * Biases. A service without a watched deployment is not seen, so rule 4 counts fewer services
 * than breach. Rule 3 acquits a new version that harms something it shares with the old one.
 * Rule 1 blames the near deployment even where a far one did the harm without showing it itself.
 * Onsets are compared by the times of samples, so scrapes a minute apart cannot order what
 * happened within the minute.
 */

import type { BreachingSeries, Deployment } from "../event.ts";
import type { Explanation } from "../record.ts";
import { accuses } from "./confidence.ts";
import type { DeploymentState, FleetState } from "./state.ts";

/** Breaches that begin this close together are taken to have one cause. */
const TOGETHER_MS = 300_000;
/** So many other services must breach with the deployed one to make it an unrelated incident. */
const SEVERAL = 2;
/** A breach this soon after its deployment may be of its doing, whoever else breaches as well. */
const FRESH_MS = 600_000;

type Known = Pick<DeploymentState, "deployment" | "signals">;

/** What may have caused a deployment's breach, itself first; empty where there is no breach. */
export function explanationsOf(
  fleet: FleetState,
  state: Known,
  nowMs: number,
): readonly Explanation[] {
  const { deployment } = state;
  const { deploymentId, service } = deployment;
  const breaching = breachingOf(state);
  if (breaching.length === 0) return [];
  const others = rivalsOf(fleet, deployment, nowMs);
  let found: readonly Explanation[] = [];
  const { mine, alike } = ownOf(deployment, breaching);
  const shock = alike ?? shockOf(others, deployment, breaching[0]!.sinceMs);
  const isFresh = breaching[0]!.sinceMs - deployment.startedAtMs < FRESH_MS;
  if (mine.length > 0 && (shock === null || alike !== null || isFresh)) {
    found = noted(found, deploymentId, `${mine[0]!.series} is its own`);
  }
  if (mine.length > 0) {
    for (const other of others) {
      const first = firstOf(other);
      if (first === undefined || first.sinceMs >= mine[0]!.sinceMs) continue;
      if (mine[0]!.sinceMs - first.sinceMs > TOGETHER_MS) continue;
      if (reaches(other.deployment, mine[0]!.series)) {
        found = noted(found, other.deployment.deploymentId, `${first.series} breached first`);
      }
    }
  } else {
    for (const one of breaching) {
      if (isOf(one.series, service)) continue;
      let isAnothers = false;
      for (const other of others) {
        const rival = rivalry(other, deployment, one);
        if (rival === null) continue;
        found = noted(found, other.deployment.deploymentId, rival.why);
        isAnothers ||= !rival.isTie;
      }
      if (isAnothers || alike !== null || (shock !== null && !isFresh)) continue;
      found = noted(found, deploymentId, `${one.series} depends on it`);
    }
  }
  if (shock !== null) found = noted(found, UNRELATED, shock);
  if (found.length < 2) return found;
  return [...found].sort(
    (a, b) =>
      placeOf(a, deploymentId) - placeOf(b, deploymentId) ||
      (a.deploymentId < b.deploymentId ? -1 : 1),
  );
}

/** Adds an explanation, unless this deployment has one: the first reason found is kept. */
function noted(
  found: readonly Explanation[],
  deploymentId: string,
  why: string,
): readonly Explanation[] {
  for (const one of found) if (one.deploymentId === deploymentId) return found;
  return found.length === 0 ? [{ deploymentId, why }] : [...found, { deploymentId, why }];
}

function placeOf({ deploymentId }: Explanation, itself: string): number {
  return deploymentId === itself ? 0 : deploymentId === UNRELATED ? 2 : 1;
}

const UNRELATED = "unrelated_incident";

/** May anything but the deployment itself explain it? Then the machine does not act alone. */
export function isInDoubt(explanations: readonly Explanation[], deployment: Deployment): boolean {
  return explanations.some(({ deploymentId }) => deploymentId !== deployment.deploymentId);
}

/** Does only an unrelated incident explain it? */
export function isUnrelated(explanations: readonly Explanation[]): boolean {
  return explanations.length > 0 && explanations.every((one) => one.deploymentId === UNRELATED);
}

/** The explanations in words, for reasons: `cart-7 (cart/errors is its own) or …`. */
export function explanationText(explanations: readonly Explanation[]): string {
  const name = (id: string): string => (id === UNRELATED ? "an unrelated incident" : id);
  return explanations.map(({ deploymentId, why }) => `${name(deploymentId)} (${why})`).join(" or ");
}

/**
 * The other deployments of the environment whose watch lasts still, also if they have ended
 * early; but not those that were superseded.
 */
function rivalsOf(
  { deployments, ended }: FleetState,
  deployment: Deployment,
  nowMs: number,
): readonly DeploymentState[] {
  const rivals: DeploymentState[] = [];
  for (const state of deployments) if (isRival(state, deployment, nowMs)) rivals.push(state);
  for (const state of ended) if (isRival(state, deployment, nowMs)) rivals.push(state);
  if (rivals.length < 2) return rivals;
  return rivals.sort((a, b) => (a.deployment.deploymentId < b.deployment.deploymentId ? -1 : 1));
}

function isRival(
  { deployment: other, phase, watchEndsAtMs }: DeploymentState,
  deployment: Deployment,
  nowMs: number,
): boolean {
  return (
    watchEndsAtMs > nowMs &&
    other.service !== deployment.service &&
    other.environment === deployment.environment &&
    !(phase.name === "ended" && phase.end === "superseded")
  );
}

/** All series that breach in the signals of a deployment, the earliest first. */
function breachingOf({ signals }: Known): readonly BreachingSeries[] {
  let found: readonly BreachingSeries[] = [];
  for (const evidence of signals) {
    const { breaching } = evidence;
    if (accuses(evidence)) found = found.length === 0 ? breaching : [...found, ...breaching];
  }
  if (found.length < 2) return found;
  return [...found].sort((a, b) => a.sinceMs - b.sinceMs || (a.series < b.series ? -1 : 1));
}

/**
 * Of the breaching series, those of the deployed service that its new version is to blame for
 * (`mine`), and by which series the old version is at fault as well (`alike`; rule 3).
 */
function ownOf(
  { service, version }: Deployment,
  breaching: readonly BreachingSeries[],
): { mine: readonly BreachingSeries[]; alike: string | null } {
  const isOwn = ({ series }: BreachingSeries): boolean => isOf(series, service);
  const own = breaching.every(isOwn) ? breaching : breaching.filter(isOwn);
  if (version === null) return { mine: own, alike: null };
  const old = own.filter(({ series }) => {
    const its = versionOf(series);
    return its !== null && its !== version;
  });
  if (old.length === 0) return { mine: own, alike: null };
  const moved = new Set(old.map(({ series }) => series.slice(0, series.lastIndexOf("@"))));
  // A series that names no version holds both, so it cannot show that the new one is at fault.
  const mine = own.filter(
    ({ series }) =>
      versionOf(series) === version && !moved.has(series.slice(0, series.lastIndexOf("@"))),
  );
  return { mine, alike: `${old[0]!.series} is of the old version` };
}

/** The first breaching series of a deployment's own; undefined where it has none. */
function firstOf(state: Known): BreachingSeries | undefined {
  return ownOf(state.deployment, breachingOf(state)).mine[0];
}

function versionOf(series: string): string | null {
  const at = series.lastIndexOf("@");
  return at < 0 ? null : series.slice(at + 1);
}

function isOf(series: string, service: string): boolean {
  return series[service.length] === "/" && series.startsWith(service);
}

/** Is the series of the deployed service or of one that may suffer from it? */
function reaches({ service, callers, dependants }: Deployment, series: string): boolean {
  return [service, ...(callers ?? []), ...(dependants ?? [])].some((name) => isOf(series, name));
}

/**
 * Why another deployment explains the breach of this series, which is of a third service; null
 * where it does not. `isTie`: the deployment itself explains it just as well.
 */
function rivalry(
  other: DeploymentState,
  deployment: Deployment,
  { series, sinceMs }: BreachingSeries,
): { readonly why: string; readonly isTie: boolean } | null {
  const rival = other.deployment;
  if (!reaches(rival, series) || rival.startedAtMs > sinceMs) return null;
  if (isGone(other, sinceMs)) return null;
  if (isOf(series, rival.service)) return { why: `${series} is its own`, isTie: false };
  const first = firstOf(other);
  if (first !== undefined && first.sinceMs < sinceMs) {
    return { why: `${first.series} breached first`, isTie: false };
  }
  const nearer = (a: Deployment, b: Deployment): boolean =>
    (b.dependants?.includes(a.service) ?? false) || (calls(a, series) && !calls(b, series));
  if (nearer(rival, deployment)) return { why: `it is nearer to ${series}`, isTie: false };
  if (nearer(deployment, rival)) return null;
  return { why: `${series} depends on it as well`, isTie: true };
}

/** Was it rolled back so long before a breach that it cannot have caused it? */
function isGone({ phase }: DeploymentState, sinceMs: number): boolean {
  return (
    phase.name === "ended" && phase.end === "rolledBack" && sinceMs - phase.endedAtMs > TOGETHER_MS
  );
}

/** Is the series of a service that calls the deployed one? */
function calls({ callers }: Deployment, series: string): boolean {
  return callers?.some((name) => isOf(series, name)) ?? false;
}

/** Rule 4: names the unrelated services that breach together with this one; null without any. */
function shockOf(
  others: readonly DeploymentState[],
  deployment: Deployment,
  atMs: number,
): string | null {
  if (others.length < SEVERAL) return null;
  const together = [deployment];
  for (const other of others) {
    const first = firstOf(other);
    if (first === undefined || Math.abs(first.sinceMs - atMs) > TOGETHER_MS) continue;
    if (first.sinceMs - other.deployment.startedAtMs < FRESH_MS) continue;
    if (together.every((one) => areUnrelated(one, other.deployment))) {
      together.push(other.deployment);
    }
  }
  // Where nobody gave a call graph, nothing is known to be unrelated.
  const isGraphKnown = together.some(({ dependants }) => (dependants ?? []).length > 0);
  if (together.length <= SEVERAL || !isGraphKnown) return null;
  const names = together.slice(1).map(({ service }) => service);
  return `${names.join(" and ")} breached within minutes of it`;
}

function areUnrelated(a: Deployment, b: Deployment): boolean {
  const suffers = (from: Deployment, of: Deployment): boolean =>
    [...(from.callers ?? []), ...(from.dependants ?? [])].includes(of.service);
  return a.service !== b.service && !suffers(a, b) && !suffers(b, a);
}
