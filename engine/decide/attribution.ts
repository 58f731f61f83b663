/**
 * Whose fault is a breach? Deployments that go out together and services that share a
 * dependency blame each other. What explains a breach, from what the fleet knows now:
 *
 * 1. A series of the deployed service speaks of its own deployment. One of a service that
 *    calls it or depends on it speaks of the watched deployment that is nearest: of that
 *    service itself, else between the two, else called by it directly; or of all as near.
 *    One that was rolled back more than `TOGETHER_MS` before explains nothing any more.
 * 2. First mover: a watched deployment that reaches the same series and whose own series
 *    breached earlier explains it instead. Where the series is the deployed service's own
 *    it explains it too, if it moved within `TOGETHER_MS` before: harm passes on at once.
 * 3. Old and new version moving alike, or the old one alone: an unrelated incident.
 * 4. `SEVERAL` services within `TOGETHER_MS`, none a caller or dependant of another, long
 *    after their own deployments: an unrelated incident.
 *
 * The machine acts alone only where its deployment is the only explanation.
 *
 * Measured: beside each of 14 recorded code defects (Nezha's OnlineBoutique) two healthy
 * deployments of other services, four minutes before and one after. On user success alone
 * the machine rolled back 22 of the 28 healthy ones and 12 of the defects by itself; with
 * this 1 and 4, and people were asked about the rest. On a generated quarter (seed 7, own
 * series only) 3 of 402 rollbacks went to people: one benign, one unrelated, one regression.
 *
 * Biases. A service without a deployment under watch is not seen, so rule 4 knows fewer
 * services than breach. Rule 3 acquits a new version that harms what the old one shares
 * with it. Rule 1 prefers the near deployment also where a far one did it silently. Onsets
 * are compared by the time of their samples: scrapes of a minute order nothing finer.
 */

import type { BreachingSeries, Deployment } from "../event.ts";
import type { Explanation } from "../record.ts";
import { accuses } from "./confidence.ts";
import type { DeploymentState, FleetState } from "./state.ts";

/** Onsets this close are one event. */
const TOGETHER_MS = 300_000;
/** Services beside the deployed one that make it none of theirs. */
const SEVERAL = 2;
/** A breach that begins this soon after a deployment may be its own, whoever else breaches. */
const FRESH_MS = 600_000;

type Known = Pick<DeploymentState, "deployment" | "signals">;

/** What may have caused the breach of one deployment, itself first; empty without a breach. */
export function explain(fleet: FleetState, state: Known, nowMs: number): readonly Explanation[] {
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

/** The first reason found for a deployment is the one that is given. */
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

/** The machine may act alone only on a breach that nothing but its deployment explains. */
export function isInDoubt(explanations: readonly Explanation[], deployment: Deployment): boolean {
  return explanations.some(({ deploymentId }) => deploymentId !== deployment.deploymentId);
}

/** Nothing but something unrelated explains it. */
export function isUnrelated(explanations: readonly Explanation[]): boolean {
  return explanations.length > 0 && explanations.every((one) => one.deploymentId === UNRELATED);
}

export function explanationText(explanations: readonly Explanation[]): string {
  const name = (id: string): string => (id === UNRELATED ? "an unrelated incident" : id);
  return explanations.map(({ deploymentId, why }) => `${name(deploymentId)} (${why})`).join(" or ");
}

/** The other deployments whose watch is still on, ended or not; not one that was replaced. */
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

/** Everything that speaks against a deployment, the first mover first. */
function breachingOf({ signals }: Known): readonly BreachingSeries[] {
  let found: readonly BreachingSeries[] = [];
  for (const name in signals) {
    const { breaching } = signals[name]!;
    if (accuses(signals[name]!)) found = found.length === 0 ? breaching : [...found, ...breaching];
  }
  if (found.length < 2) return found;
  return [...found].sort((a, b) => a.sinceMs - b.sinceMs || (a.series < b.series ? -1 : 1));
}

/**
 * Of what speaks against a deployment, the breaches of its own service that are its own, and
 * what says some are not.
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
  // A series without a version is of both.
  const mine = own.filter(
    ({ series }) =>
      versionOf(series) === version && !moved.has(series.slice(0, series.lastIndexOf("@"))),
  );
  return { mine, alike: `${old[0]!.series} is of the old version` };
}

/** With what a deployment's own harm began; undefined where there is none. */
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

/** Why another deployment explains this series of a third service; null where it does not. */
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

/** Do several services that share nothing breach at once? Says which; null where not. */
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
