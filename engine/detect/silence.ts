/**
 * Silence: a deployment after which its service, or the new version of it, reports nothing while
 * others do. That is how a crash loop looks: no detector has a sample to judge.
 *
 * For policies that say `silence: 5m`. The deployment is silent when no valid sample of its series
 * became known for so long, though the service had some before. It counts only where others report
 * in each third of that time: the old version, or three of the five services that follow by name
 * (all, where fewer are known). An outage of the metrics API silences everything at once and has no
 * culprit. As long as others are silent too the question is asked again after the same time.
 *
 * Silence is no breach: people are paged and the rollout is held, and no machine rolls back on it.
 * Biases: an outage of the service's own telemetry looks the same; a service without any traffic is
 * silent only where all of its watched metrics need traffic; and where scrapes are further apart
 * than a third of `silence`, nothing is ever named.
 */

import { seriesKey, type SampleColumn, type SignalJudged, type Silence } from "../event.ts";
import { servicesOf, type Policy, type SignalPolicy } from "../policy/policy.ts";
import { formatDuration } from "../policy/quantity.ts";
import { watches } from "../policy/role.ts";
import { isOfOldVersion } from "./baseline/oldVersion.ts";
import { evidenceOfNone } from "./evidence/finalEvidence.ts";
import type { WatchState } from "./watch.ts";

/** So many other services must report, where the old version does not. */
const OTHERS_AT_LEAST = 3;
/** So many other services are heard: those whose names follow the deployed one's. */
const WITNESSES = 5;
/** Others must have reported in each of so many parts of the time of silence. */
const PARTS = 3;
/** The name of the old version among the witnesses. */
export const OLD_VERSION = "the old version";

/** Who was heard of when; plain data. */
export interface SilenceState {
  /** Had the service a sample before the deployment? */
  readonly wasHeard: boolean;
  /** By series: when valid samples of the deployment's own series became known. */
  readonly own: ReadonlyMap<string, readonly number[]>;
  /**
   * By witness: when valid samples became known, with those of all of its series. A service that
   * reported only before the deployment is a witness that is silent itself.
   */
  readonly others: ReadonlyMap<string, readonly number[]>;
  /** Up to when the question was asked. */
  readonly askedToMs: number;
  readonly said: boolean;
}

export function startSilence(knownAtMs: number): SilenceState {
  return { wasHeard: false, own: new Map(), others: new Map(), askedToMs: knownAtMs, said: false };
}

/** The watch with what these columns let hear. */
export function hearColumns(
  policy: Policy,
  watch: WatchState,
  columns: readonly SampleColumn[],
): WatchState {
  const { silence, deployment } = watch;
  if (silence === undefined || silence.said) return watch;
  const { startedAtMs } = deployment;
  let { wasHeard } = silence;
  const own = new Map(silence.own);
  const others = new Map(silence.others);
  const judged = policy.signals.filter((signal) => watchesOwn(signal, watch));
  for (const { series, atMs, knownAtMs, values } of columns) {
    if (!judged.some((signal) => watches(signal, series))) continue;
    const isOld = isOfOldVersion(series, deployment);
    const isOwn = series.service === deployment.service && !isOld;
    const heard: number[] = [];
    for (let index = 0; index < values.length; index++) {
      if (!Number.isFinite(values[index]!)) continue;
      const known = knownAtMs[index]!;
      if (atMs[index]! < startedAtMs) {
        if (known <= startedAtMs) wasHeard ||= isOwn || isOld;
      } else if (known <= watch.endsAtMs) heard.push(Math.max(known, watch.knownAtMs));
    }
    if (atMs.length === 0 || (heard.length === 0 && (isOwn || isOld))) continue;
    const key = isOwn ? seriesKey(series) : isOld ? OLD_VERSION : series.service;
    const kept = isOwn ? own : others;
    kept.set(key, [...(kept.get(key) ?? []), ...heard]);
  }
  const heardOf = [...others.keys()].filter((name) => name !== OLD_VERSION).sort();
  const kept = new Set(witnessesOf(deployment.service, heardOf));
  for (const name of heardOf) if (!kept.has(name)) others.delete(name);
  return { ...watch, silence: { ...silence, wasHeard, own, others } };
}

/**
 * The services that are heard beside a deployed one: few, because every watch keeps what it hears.
 * A host may read or hand on only these; the same rule chooses among whatever it hands on.
 *
 * @param names of services, in order; the deployed one may be among them
 */
export function witnessesOf(service: string, names: readonly string[]): readonly string[] {
  const next = names.findIndex((name) => name > service);
  const from = next < 0 ? names.length : next;
  const found = [...names.slice(from, from + WITNESSES), ...names.slice(0, WITNESSES)];
  return [...new Set(found)].filter((name) => name !== service).slice(0, WITNESSES);
}

/** Does the signal watch the deployed service itself? */
function watchesOwn(signal: SignalPolicy, { deployment }: WatchState): boolean {
  return servicesOf(signal, deployment).has(deployment.service);
}

/** When the question is asked next; Infinity where it was answered, or never is. */
export function silenceDueAtMs(policy: Policy, { silence, ...watch }: WatchState): number {
  if (policy.silenceMs === undefined || silence === undefined) return Number.POSITIVE_INFINITY;
  if (silence.said || !silence.wasHeard) return Number.POSITIVE_INFINITY;
  const { askedToMs } = silence;
  const heard = heardBy(silence, watch.knownAtMs, askedToMs).at(-1)!;
  const asked = Math.floor(Math.max(0, askedToMs - heard) / policy.silenceMs);
  return heard + (asked + 1) * policy.silenceMs;
}

/** When own samples became known up to then, in order, beginning with the deployment itself. */
function heardBy({ own }: SilenceState, fromMs: number, toMs: number): readonly number[] {
  const times = [...own.values()].flat().filter((ms) => ms <= toMs);
  return [fromMs, ...times.sort((a, b) => a - b)];
}

/**
 * Asks up to and including `untilMs` whether the deployment is silent.
 *
 * @returns the judgement that says so, once; null where it is not, or was named before
 */
export function askSilence(
  policy: Policy,
  watch: WatchState,
  untilMs: number,
): { readonly watch: WatchState; readonly judgement: SignalJudged | null } {
  const { silence } = watch;
  const { silenceMs } = policy;
  if (silenceMs === undefined || silence === undefined || silence.said) {
    return { watch, judgement: null };
  }
  const toMs = Math.min(untilMs, watch.endsAtMs);
  const askedToMs = Math.max(silence.askedToMs, toMs);
  const others = withoutBefore(silence.others, askedToMs - silenceMs);
  const asked = { ...watch, silence: { ...silence, others, askedToMs } };
  if (!silence.wasHeard) return { watch: asked, judgement: null };
  const heard = heardBy(silence, watch.knownAtMs, toMs);
  for (const [index, sinceMs] of heard.entries()) {
    const nextMs = heard[index + 1] ?? Number.POSITIVE_INFINITY;
    for (let atMs = sinceMs + silenceMs; atMs < nextMs && atMs <= toMs; atMs += silenceMs) {
      if (atMs <= silence.askedToMs) continue;
      const witnesses = witnessesIn(silence, atMs - silenceMs, atMs);
      if (witnesses === null) continue;
      const found: Silence = {
        code: witnesses.includes(OLD_VERSION) ? "newVersionSilent" : "serviceSilent",
        sinceMs,
        witnesses,
      };
      const said = { ...asked, silence: { ...asked.silence, said: true } };
      return { watch: said, judgement: judgementOf(policy, watch, found, atMs) };
    }
  }
  return { watch: asked, judgement: null };
}

/** No later question looks back further. The names stay: it counts how many are known. */
function withoutBefore(others: SilenceState["others"], fromMs: number): SilenceState["others"] {
  const isOld = (times: readonly number[]): boolean => times.length > 0 && times[0]! <= fromMs;
  if (![...others.values()].some(isOld)) return others;
  return new Map(
    [...others].map(([name, times]) => [
      name,
      isOld(times) ? times.filter((ms) => ms > fromMs) : times,
    ]),
  );
}

/** Who reported in each part of (fromMs, toMs]; null where that is too few to tell silence by. */
function witnessesIn(
  { others }: SilenceState,
  fromMs: number,
  toMs: number,
): readonly string[] | null {
  const names: string[] = [];
  const part = (toMs - fromMs) / PARTS;
  for (const [name, times] of others) {
    const parts = new Set<number>();
    for (const ms of times) {
      if (ms > fromMs && ms <= toMs) parts.add(Math.ceil((ms - fromMs) / part));
    }
    if (parts.size === PARTS) names.push(name);
  }
  names.sort();
  if (names.includes(OLD_VERSION)) return names;
  const services = [...others.keys()].filter((name) => name !== OLD_VERSION).length;
  return names.length > 0 && names.length >= Math.min(OTHERS_AT_LEAST, services) ? names : null;
}

function judgementOf(
  policy: Policy,
  watch: WatchState,
  silence: Silence,
  atMs: number,
): SignalJudged {
  const { deployment } = watch;
  const signal = policy.signals.find((one) => watchesOwn(one, watch))!;
  const state = watch.signals.get(signal.name)!;
  const evidence = state.said ?? evidenceOfNone(signal, watch, state);
  return {
    kind: "signalJudged",
    atMs,
    knownAtMs: atMs,
    deploymentId: deployment.deploymentId,
    evidence: {
      ...evidence,
      ...(evidence.verdict === "breach"
        ? {}
        : { verdict: "noData", reason: silenceText(watch, silence, atMs) }),
      silence,
    },
    cause: "silence",
  };
}

/** A silence in words: `checkout 20260701-1 reports nothing for 5m, the old version does`. */
export function silenceText(
  { deployment: { service, version } }: Pick<WatchState, "deployment">,
  { code, sinceMs, witnesses }: Silence,
  atMs: number,
): string {
  const who = code === "newVersionSilent" ? `version ${version!} of ${service}` : service;
  const others = code === "newVersionSilent" ? OLD_VERSION : witnesses.join(", ");
  return `${who} reports nothing for ${formatDuration(atMs - sinceMs)}, while ${others} reports`;
}
