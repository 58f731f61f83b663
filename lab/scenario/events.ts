/** Turns the one deployment that a scenario writes out into events for the engine. */

import {
  canonicalJson,
  parseDuration,
  parseShare,
  seriesKey,
  type ContextTag,
  type Deployment,
  type Event,
  type Policy,
  type PreparedContext,
  type SampleColumn,
  type SeasonProfile,
  type SeriesName,
} from "../../engine/index.ts";
import { sha256 } from "../policy/load.ts";
import { namedMetric } from "../history/metric/seriesName.ts";
import { timeOf } from "./clock.ts";
import type { DeploymentForm, Happening, ScenarioForm } from "./form.ts";
import { toBatches } from "./host.ts";
import { proposalEvents } from "./proposals.ts";
import { readSeries, samplesOf } from "./series.ts";

/** One deployment with its samples, and what people did: everything except the policy. */
export interface Inline {
  readonly startsAtMs: number;
  readonly deploymentId: string;
  readonly events: readonly Event[];
  /** True where the scenario's events say when rollbacks finish; then the host does not. */
  readonly answersRollbacks: boolean;
}

type Time = (text: string) => number;

/**
 * @param written a checked scenario with series
 * @param policyAt the policy that a `policy` event puts in force, by index of the event
 */
export function inlineOf(written: ScenarioForm, policyAt: (event: number) => Policy): Inline {
  const startsAtMs = Date.parse(written.startsAt!);
  const time: Time = (text) => timeOf(text, startsAtMs);
  const { knownAt, ...main } = written.deployment!;
  const started = deploymentOf(main, time);
  const everyMs = parseDuration(written.every ?? "15s")!;
  const delayMs = parseDuration(written.delay ?? "0s")!;
  const columns = Object.entries(written.series!).map(([key, text]) =>
    columnOf(key, text, started.service, startsAtMs, everyMs, delayMs),
  );
  const { events = [], tags = [] } = written;
  return {
    startsAtMs,
    deploymentId: started.deploymentId,
    events: [
      startOf(started, knownAt === undefined ? started.startedAtMs : time(knownAt)),
      ...contextOf(written, started, time),
      ...tags.map((tag) => tagOf(tag, started, time)),
      ...events.flatMap((one, index) =>
        one.proposal === undefined
          ? eventOf(one, started, time, () => policyAt(index))
          : proposalEvents(one.proposal, time(one.at), started.deploymentId, time),
      ),
      ...toBatches(columns),
    ],
    answersRollbacks: events.some((one) => one.rollbackFinished !== undefined),
  };
}

function startOf(deployment: Deployment, knownAtMs: number): Event {
  return { kind: "deploymentStarted", atMs: deployment.startedAtMs, knownAtMs, deployment };
}

function deploymentOf({ startedAt, ...rest }: DeploymentForm, time: Time): Deployment {
  return { ...rest, startedAtMs: time(startedAt) };
}

/** The `contextPrepared` event made of the seasons that a scenario writes out. */
function contextOf({ seasons }: ScenarioForm, started: Deployment, time: Time): Event[] {
  if (seasons === undefined) return [];
  const profiles = Object.entries(seasons).map(([key, season]): [string, SeasonProfile] => {
    const { stretches } = readSeries(season.values);
    const { values } = samplesOf(stretches, 0, 1);
    const stepMs = parseDuration(season.every)!;
    const named = seriesKey(nameOf(key, started.service));
    return [named, { startMs: time(season.startsAt), stepMs, values, days: season.days }];
  });
  return [preparedOf(started, new Map(profiles))];
}

/** The `contextPrepared` event that gives a watch its seasons. */
export function preparedOf(
  { deploymentId, startedAtMs }: Deployment,
  seasons: PreparedContext["seasons"],
): Event {
  const context = { seasons, digest: sha256(canonicalJson(seasons)) };
  return {
    kind: "contextPrepared",
    atMs: startedAtMs,
    knownAtMs: startedAtMs,
    deploymentId,
    context,
  };
}

function tagOf(
  given: NonNullable<ScenarioForm["tags"]>[number],
  started: Deployment,
  time: Time,
): Event {
  const knownAtMs = given.knownAt === undefined ? started.startedAtMs : time(given.knownAt);
  const tag: ContextTag = {
    deploymentId: given.deploymentId === undefined ? started.deploymentId : given.deploymentId,
    service: given.service ?? started.service,
    tag: given.tag,
    value: given.value,
    signal: given.signal,
    validFromMs: given.validFrom === undefined ? null : time(given.validFrom),
    validUntilMs: given.validUntil === undefined ? null : time(given.validUntil),
    knownAtMs,
    givenBy: given.givenBy,
    approvedBy: given.approvedBy,
  };
  return { kind: "deploymentTagged", atMs: knownAtMs, knownAtMs, tag };
}

function eventOf(one: Happening, main: Deployment, time: Time, policyNow: () => Policy): Event {
  const atMs = time(one.at);
  const timed = { atMs, knownAtMs: atMs };
  const { deploymentId } = main;
  if (one.override !== undefined) {
    return { kind: "overrideGiven", ...timed, deploymentId, ...defined(one.override) };
  }
  if (one.approval !== undefined) {
    return { kind: "approvalGiven", ...timed, deploymentId, ...defined(one.approval) };
  }
  if (one.rollbackFinished !== undefined) {
    return { kind: "rollbackFinished", ...timed, deploymentId, ...defined(one.rollbackFinished) };
  }
  if (one.stage !== undefined) {
    const written = typeof one.stage === "string" ? { share: one.stage } : one.stage;
    const share = parseShare(written.share)!;
    return { kind: "stageReached", ...timed, deploymentId, ...written, share };
  }
  if (one.quarantine !== undefined) {
    const told = defined(one.quarantine);
    return { kind: "deploymentQuarantined", ...timed, deploymentId, ...told };
  }
  if (one.halt !== undefined) return { kind: "haltOrdered", ...timed, ...one.halt };
  if (one.haltLifted !== undefined) return { kind: "haltLifted", ...timed, ...one.haltLifted };
  if (one.policy !== undefined) {
    const { by, reason } = one.policy;
    return { kind: "policyChanged", ...timed, policy: policyNow(), by, reason };
  }
  const { startedAt, ...rest } = one.deployment!;
  const startedAtMs = startedAt === undefined ? atMs : time(startedAt);
  return startOf({ ...main, ...defined(rest), startedAtMs }, atMs);
}

type Defined<Part> = { [Key in keyof Part]: Exclude<Part[Key], undefined> };

/** Drops undefined keys, so that spreading the object overwrites nothing with undefined. */
function defined<Part extends object>(part: Part): Defined<Part> {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<Part>;
}

/** The key is `[service/]metric[@version]`. */
function nameOf(key: string, own: string): SeriesName {
  const slash = key.indexOf("/");
  const [metric, version] = key.slice(slash + 1).split("@");
  return {
    ...namedMetric(metric!, null),
    service: slash < 0 ? own : key.slice(0, slash),
    version: version ?? null,
  };
}

function columnOf(
  key: string,
  text: string,
  service: string,
  startsAtMs: number,
  everyMs: number,
  delayMs: number,
): SampleColumn {
  const { atMs, values } = samplesOf(readSeries(text).stretches, startsAtMs, everyMs);
  return {
    series: nameOf(key, service),
    atMs,
    knownAtMs: atMs.map((at) => at + delayMs),
    values,
  };
}
