/**
 * What was decided, as CDEvents (cdevents.dev) in CloudEvents of structured mode. A rollback that
 * this host ordered and that was done is `service.rolledback`. CDEvents has no event for a
 * question to people or for an order, so these are custom events of ours (`dev.cdeventsx.…`).
 *
 * No event says that something was rolled back in a dry run.
 */

import { join } from "node:path";
import { formatTime, type JsonObject } from "../../../engine/index.ts";
import { ROLLED_BACK, SPEC } from "./cdEvents.ts";
import type { ShadowFile } from "../config/shadowFile.ts";
import type { Clock, Host, Lease } from "../contract.ts";
import type { News } from "../news.ts";
import { Outbox, type Posting } from "../out/outbox.ts";
import { postJson } from "../out/webhooks.ts";

const CUSTOM = "dev.cdeventsx.hindsight-";
const REASON_AT_MOST = 1000;

type Sink = NonNullable<ShadowFile["cdevents"]>;

export interface EventParts {
  readonly clock: Clock;
  readonly lease: Pick<Lease, "holds">;
  readonly host: Pick<Host, "tell">;
  /** Results of attempts, by `kind status`. */
  readonly counts: Map<string, number>;
  readonly note: (text: string) => void;
}

export interface Events {
  readonly publish: (news: readonly News[]) => void;
  /** Sends until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Null where shadow.yaml has no `cdevents`. */
export function eventsOf({ cdevents: sink, journal }: ShadowFile, parts: EventParts) {
  if (sink === undefined) return null;
  const { clock, lease, host, counts, note } = parts;
  const posting: Posting = {
    send: sendTo(sink),
    mayGo: () => lease.holds(),
    giveUpMs: sink.giveUp,
    came: (_letter, { status }) => {
      counts.set(`cdevent ${status}`, (counts.get(`cdevent ${status}`) ?? 0) + 1);
    },
    fault: async (reason) => {
      await host.tell({ kind: "faultReported", atMs: Infinity, source: "cdevents", reason });
    },
  };
  let outbox: Outbox | null = null;
  // Until this host holds the lease, the file belongs to another one.
  const opened = (): Outbox =>
    (outbox ??= new Outbox(join(journal, "cdevents.json"), clock, posting, note));
  const failed = (error: unknown): void => note(`CDEvents are not sent: ${String(error)}`);
  const events: Events = {
    // A host decides on, whatever becomes of its events.
    publish: (news) => {
      try {
        publish(opened(), sink, news);
      } catch (error) {
        failed(error);
      }
    },
    run: async (signal) => {
      try {
        await opened().run(signal);
      } catch (error) {
        failed(error);
      }
    },
  };
  return events;
}

function sendTo({ url, token, timeout }: Sink): Posting["send"] {
  const headers = {
    "content-type": "application/cloudevents+json; charset=utf-8",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return ({ body }, signal) => postJson(url, headers, body, timeout, signal);
}

/** Adds the events of what was decided. The outbox remembers which rollbacks were ordered. */
function publish(outbox: Outbox, { source }: Sink, all: readonly News[]): void {
  let ordered = outbox.noted;
  const letters = all.flatMap((news) => {
    const read = eventsIn(news, ordered);
    ordered = read.ordered;
    return read.events.map((event) => letterOf(news, event, source));
  });
  if (letters.length > 0) outbox.add(letters, ordered);
}

interface CdEvent {
  readonly type: string;
  /** Part of the event's ID: a decision may lead to two events. */
  readonly what: string;
  readonly content: JsonObject;
}

function eventsIn(news: News, ordered: readonly string[]) {
  const { record, act, commands } = news;
  const { deploymentId, phaseBefore, phaseAfter, end, decision } = record;
  const events: CdEvent[] = [];
  const custom = (what: string, content: JsonObject): void => {
    const type = `${CUSTOM}${what}.0.1.0`;
    events.push({ type, what, content: { ...about(news), ...content } });
  };
  if (phaseBefore === "proposed" && phaseAfter !== "proposed") {
    custom("question.closed", { outcome: end ?? decision, act });
  }
  for (const command of commands) {
    if (command.kind !== "propose") continue;
    const { to, ordinal, answers, answerByMs, onSilence } = command;
    const answerBy = formatTime(answerByMs);
    custom("question.opened", { to, ordinal, answers, answerBy, onSilence, act });
  }
  if (decision === "rollbackOrdered" && act) {
    const { authority, accountable } = record;
    custom("rollback.ordered", { authority, accountable });
    return { events, ordered: [...ordered, deploymentId] };
  }
  if (phaseAfter !== "ended" || !ordered.includes(deploymentId)) return { events, ordered };
  if (end === "rolledBack") {
    const { service, environment } = news.deployment;
    const content = { environment: { id: environment }, artifactId: artifactOf(service, news) };
    events.push({ type: ROLLED_BACK, what: "service.rolledback", content });
  } else custom("rollback.failed", {});
  return { events, ordered: ordered.filter((id) => id !== deploymentId) };
}

/** The artifact that runs after a rollback, as a package URL; its version where it is known. */
function artifactOf(service: string, { versionBefore }: News): string {
  if (versionBefore?.startsWith("pkg:") === true) return versionBefore;
  const version = versionBefore === null ? "" : `@${encodeURIComponent(versionBefore)}`;
  return `pkg:generic/${encodeURIComponent(service)}${version}`;
}

function about({ record, deployment }: News): JsonObject {
  const { deploymentId, service, environment, version } = deployment;
  const reason = record.reason.slice(0, REASON_AT_MOST);
  return { deploymentId, service, environment: { id: environment }, version, reason };
}

function letterOf(news: News, { type, what, content }: CdEvent, source: string) {
  const { record, deployment } = news;
  const id = `${record.decisionId}/${what}`;
  const timestamp = formatTime(record.atMs);
  // A question or a rollback is about a deployment; `service.…` about the service.
  const subject = type === ROLLED_BACK ? deployment.service : deployment.deploymentId;
  const { decisionId } = record;
  const data = {
    context: { specversion: SPEC, id, source, type, timestamp },
    subject: { id: subject, source, content },
    customData: { decisionId, ...about(news) },
  };
  const envelope = { specversion: "1.0", id, source, type, subject, time: timestamp };
  return { key: id, body: { ...envelope, datacontenttype: "application/json", data } };
}
