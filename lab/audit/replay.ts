/**
 * Makes the decisions of a log again: runs its events through today's engine, under the policy of
 * its header, and lists every record that differs.
 *
 * Laws: fields that a log lacks are not compared, because they were added later. The engine version
 * may differ, because it is not a decision.
 */

import {
  canonicalJson,
  formatShare,
  initialFleet,
  own,
  restore,
  step,
  type DecisionEvent,
  type DecisionRecord,
  type FleetState,
  type Handled,
  type JsonObject,
  type LogHeader,
  type Policy,
} from "../../engine/index.ts";
import { logEntries } from "./read.ts";
import { withDefaults } from "./policyOfLog.ts";

export interface FieldDifference {
  /** `reason`, `signals[0].tolerance`. */
  readonly field: string;
  /** Null where the field is not there. */
  readonly logged: unknown;
  readonly now: unknown;
}

export interface DecisionDifference {
  /** Of the event that led to it, counted from 1. */
  readonly line: number;
  readonly decisionId: string;
  readonly policy: string;
  readonly what:
    "decided otherwise" | "not decided now" | "not in the log" | "refused by the engine";
  /** The event, in words. */
  readonly because: string;
  /** Today's reason; the logged one where today's engine makes no such decision. */
  readonly reason: string;
  readonly fields: readonly FieldDifference[];
}

export interface LogReplay {
  readonly sections: number;
  readonly events: number;
  /** Decisions of the log. */
  readonly decisions: number;
  readonly differences: readonly DecisionDifference[];
  /** Engine versions that wrote the log. */
  readonly engineVersions: readonly string[];
  /** Deployments that the log says were quarantined, in order. */
  readonly quarantined: readonly string[];
  /** Policy keys that the log lacks and that got today's defaults. */
  readonly filled: readonly string[];
}

interface Section {
  readonly header: LogHeader;
  /** The policy in force. */
  policy: Policy;
  fleet: FleetState;
  /** The engine refused an event, so that nothing after it can be decided. */
  stopped: boolean;
}

/** @throws Problem when the log is empty, not whole, or has no header (see `logEntries`) */
export function replayLog(file: string, open: boolean): LogReplay {
  const differences: DecisionDifference[] = [];
  const versions = new Set<string>();
  const filled = new Set<string>();
  const quarantined: string[] = [];
  let [sections, events, decisions] = [0, 0, 0];
  let section: Section | null = null;
  let waiting: { line: number; event: DecisionEvent; records: DecisionRecord[] } | null = null;
  const decide = (): void => {
    if (section === null || waiting === null) return;
    differences.push(...decideAgain(section, waiting, waiting.line));
    waiting = null;
  };
  for (const { line, entry } of logEntries(file, open)) {
    switch (entry.kind) {
      case "header": {
        decide();
        sections++;
        versions.add(entry.content.engineVersion);
        const { policy, keys } = withDefaults(entry.content.policy);
        keys.forEach((key) => filled.add(key));
        const learning = entry.content.learned ?? initialFleet.learning;
        const fleet = liveFleet(entry.content) ?? { ...initialFleet, learning };
        section = { header: entry.content, policy, fleet, stopped: false };
        break;
      }
      case "event":
        if (entry.content.kind === "contextPrepared") break;
        decide();
        events++;
        if (entry.content.kind === "deploymentQuarantined") {
          quarantined.push(entry.content.deploymentId);
        }
        waiting = { line, event: entry.content, records: [] };
        break;
      case "record":
        decisions++;
        waiting!.records.push(entry.content);
        break;
      case "samples":
      case "checkpoint":
        break;
    }
  }
  decide();
  return {
    sections,
    events,
    decisions,
    differences,
    engineVersions: [...versions],
    quarantined,
    filled: [...filled],
  };
}

/** The fleet at the beginning of a segment of a live host's journal. */
function liveFleet({ live }: LogHeader): FleetState | null {
  return live === undefined ? null : restore(live.state).fleet;
}

function decideAgain(
  section: Section,
  { event, records }: Handled,
  line: number,
): DecisionDifference[] {
  const { header } = section;
  if (event.kind === "policyChanged") section.policy = event.policy;
  const found = (
    record: DecisionRecord | null,
    what: DecisionDifference["what"],
    reason: string,
    fields: readonly FieldDifference[] = [],
  ): DecisionDifference => ({
    line,
    decisionId: record?.decisionId ?? "",
    policy: header.policy.policy,
    what,
    because: eventText(event),
    reason,
    fields,
  });
  if (section.stopped) return records.map((one) => found(one, "not decided now", one.reason));
  let now: readonly DecisionRecord[];
  try {
    const next = step(section.policy, section.fleet, event);
    section.fleet = next.state;
    now = next.records;
  } catch (error) {
    section.stopped = true;
    const why = error instanceof Error ? error.message : String(error);
    return [found(records[0] ?? null, "refused by the engine", why)];
  }
  const logged = new Map(records.map((record) => [record.decisionId, record]));
  const differences = now.flatMap((record): DecisionDifference[] => {
    const before = logged.get(record.decisionId);
    if (before === undefined) return [found(record, "not in the log", record.reason)];
    logged.delete(record.decisionId);
    const fields = fieldDifferences(before, record);
    if (fields.length === 0) return [];
    return [found(record, "decided otherwise", record.reason, fields)];
  });
  for (const one of logged.values()) differences.push(found(one, "not decided now", one.reason));
  return differences;
}

function fieldDifferences(logged: DecisionRecord, now: DecisionRecord): FieldDifference[] {
  const fields: FieldDifference[] = [];
  const compare = (field: string, before: unknown, after: unknown): void => {
    if (isObject(before) && isObject(after)) {
      const isList = Array.isArray(before);
      if (isList !== Array.isArray(after)) fields.push({ field, logged: before, now: after });
      else {
        const names = new Set(Object.keys(before));
        // A longer list differs; an additional field of an object was added after the log.
        if (isList) Object.keys(after).forEach((name) => names.add(name));
        for (const name of names) {
          const inner = isList ? `${field}[${name}]` : field === "" ? name : `${field}.${name}`;
          if (inner !== "engineVersion") compare(inner, own(before, name), own(after, name));
        }
      }
    } else if (canonicalJson(before ?? null) !== canonicalJson(after ?? null)) {
      fields.push({ field, logged: before ?? null, now: after ?? null });
    }
  };
  compare("", logged, now);
  return fields;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

function eventText(event: DecisionEvent): string {
  switch (event.kind) {
    case "deploymentStarted":
      return `${event.deployment.deploymentId} started`;
    case "deploymentTagged":
      return `${event.tag.service} was tagged ${event.tag.tag}=${event.tag.value}`;
    case "stageReached":
      return `${event.deploymentId} reached ${formatShare(event.share)} of the traffic`;
    case "signalJudged": {
      const { signal, verdict } = event.evidence;
      return `${signal} of ${event.deploymentId} was judged ${verdict}`;
    }
    case "overrideGiven":
      return `${event.by} overrode the question about ${event.deploymentId}`;
    case "approvalGiven":
      return `${event.by} approved ${event.deploymentId}`;
    case "agentProposed":
      return `${event.agent} proposed to roll ${event.deploymentId} back`;
    case "rollbackFinished":
      return `the rollback of ${event.deploymentId} ${event.succeeded ? "finished" : "failed"}`;
    case "haltOrdered":
      return `${event.by} halted all machines`;
    case "policyChanged":
      return `${event.by} put ${event.policy.policy} in force`;
    case "haltLifted":
      return `${event.by} lifted the halt`;
    case "requestRefused":
      return `${event.what} by ${event.by ?? "somebody unknown"} was refused`;
    case "faultReported":
      return `a fault of ${event.source} was reported`;
    case "deploymentQuarantined":
      return `${event.deploymentId} was quarantined`;
    case "clockAdvanced":
      return "time passed";
  }
}
