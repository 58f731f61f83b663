/** Writes a deployment that was cut out of a history as the text of a scenario file. */

import {
  formatDuration,
  formatTime,
  type AgentProposed,
  type JsonObject,
} from "../../engine/index.ts";
import { clockText, isTime, isUnclear, timeOf } from "./clock.ts";
import type { Cut } from "./cut.ts";
import { writeSeries } from "./series.ts";

const COLUMNS = 96;

/** @param policy the text after `policy:`: a quoted path, or a block */
export function cutText(cut: Cut, policy: string, from: string, policyName: string): string {
  const { planned, startsAtMs, everyMs, delayMs, series, seasons, words, answers, run, notes } =
    cut;
  const { deployment, tags, stages } = planned;
  const happened = [...stages, ...words, ...answers];
  const time = (ms: number): string => {
    const clock = clockText(ms, startsAtMs);
    const short = [clock.replace(/\+\d+d$/, ""), clock].find(
      (one) => isTime(one) && timeOf(one, startsAtMs) === ms && !isUnclear(one, startsAtMs),
    );
    return JSON.stringify(short ?? formatTime(ms));
  };
  const watched = new Set([...series.keys()].map((key) => key.includes("/")));
  const { callers = [], dependants = [] } = deployment;
  const about = flow({
    deploymentId: text(deployment.deploymentId),
    service: text(deployment.service),
    environment: text(deployment.environment),
    kind: deployment.kind,
    startedAt: time(deployment.startedAtMs),
    version: optional(deployment.version),
    author: optional(deployment.author),
    team: optional(deployment.team),
    criticality: deployment.criticality,
    timezone: optional(deployment.timezone ?? null),
    callers: watched.has(true) && callers.length > 0 ? JSON.stringify(callers) : null,
    dependants: watched.has(true) && dependants.length > 0 ? JSON.stringify(dependants) : null,
  });
  const { end, tier, mode, commands, timesMs } = run.happened;
  const times = Object.entries(timesMs).flatMap(([key, ms]) =>
    ms === null || ms === undefined ? [] : [`${key}: ${time(ms)}`],
  );
  return [
    `# Cut out of ${from}; the expectation is what ${policyName} does with it.`,
    ...notes.map((note) => `# ${note}`),
    `name: ${text(`${deployment.deploymentId} under ${policyName}`)}`,
    "why: >-",
    "  Say here why this decision is right and must stay so, or what should have happened instead.",
    `policy:${policy}`,
    `startsAt: ${formatTime(startsAtMs)}`,
    `every: ${formatDuration(everyMs)}`,
    ...(delayMs === 0 ? [] : [`delay: ${formatDuration(delayMs)}`]),
    ...block("deployment", about),
    ...(tags.length === 0
      ? []
      : [
          "tags:",
          ...tags.map((tag) =>
            item({
              tag: text(tag.tag),
              value: text(tag.value),
              signal: optional(tag.signal),
              deploymentId: tag.deploymentId === null ? "null" : null,
              validFrom: tag.validFromMs === null ? null : time(tag.validFromMs),
              validUntil: tag.validUntilMs === null ? null : time(tag.validUntilMs),
              knownAt: time(tag.knownAtMs),
              givenBy: optional(tag.givenBy) ?? "null",
              approvedBy: optional(tag.approvedBy),
              service: tag.service === deployment.service ? null : text(tag.service),
            }),
          ),
        ]),
    "series:",
    ...[...series].flatMap(([key, slots]) => [
      `  ${text(key)}: >-`,
      ...wrapped(writeSeries(slots)),
    ]),
    ...(seasons.size === 0 ? [] : ["seasons: # the same hours of the days before"]),
    ...[...seasons].flatMap(([key, { startMs, stepMs, values, days }]) => [
      `  ${text(key)}:`,
      `    startsAt: ${time(startMs)}`,
      `    every: ${formatDuration(stepMs)}`,
      `    days: ${days}`,
      "    values: >-",
      ...wrapped(writeSeries(values)).map((line) => `  ${line}`),
    ]),
    ...(happened.length === 0
      ? []
      : [
          "events:",
          ...happened.map((event) => {
            const at = time(event.knownAtMs);
            if (event.kind === "overrideGiven") {
              const override = { by: text(event.by), justification: text(event.justification) };
              return item({ at, override: flow(override) });
            }
            if (event.kind === "agentProposed") {
              return item({ at, proposal: flow(wordOf(event)) });
            }
            if (event.kind === "stageReached") {
              return item({ at, stage: `${Number((event.share * 100).toPrecision(6))}%` });
            }
            if (event.kind === "approvalGiven") {
              return item({ at, approval: flow({ by: text(event.by) }) });
            }
            const succeeded = event.kind === "rollbackFinished" && event.succeeded;
            return item({ at, rollbackFinished: flow({ succeeded: String(succeeded) }) });
          }),
        ]),
    "expect:",
    `  end: ${end ?? "undecidable"}`,
    ...(tier === null ? [] : [`  tier: ${tier}`]),
    ...(mode === null ? [] : [`  mode: ${text(mode)}`]),
    ...((commands ?? []).length === 0
      ? ["  commands: []"]
      : ["  commands:", ...commands!.map((line) => `    - ${text(line)}`)]),
    ...(times.length === 0 ? [] : [`  times: { ${times.join(", ")} }`]),
    "",
  ].join("\n");
}

function wordOf({ proposalId, agent, confidence, rationale }: AgentProposed): JsonObject<string> {
  const said = rationale === null ? {} : { rationale: JSON.stringify(rationale) };
  return {
    proposalId: text(proposalId),
    agent: text(agent),
    confidence: String(confidence),
    ...said,
  };
}

function text(value: string): string {
  return /^[A-Za-z_][\w ./-]*$/.test(value) && !/^(true|false|null|yes|no)$/i.test(value)
    ? value
    : JSON.stringify(value);
}

function optional(value: string | null): string | null {
  return value === null ? null : text(value);
}

function flow(pairs: JsonObject<string | null>): string {
  const written = Object.entries(pairs).filter(([, value]) => value !== null);
  return `{ ${written.map(([key, value]) => `${key}: ${value}`).join(", ")} }`;
}

function item(pairs: JsonObject<string | null>): string {
  return `  - ${flow(pairs)}`;
}

function block(key: string, about: string): string[] {
  const inner = about.slice(2, -2).split(/, (?=[a-zA-Z]+: )/);
  return about.length < COLUMNS - key.length
    ? [`${key}: ${about}`]
    : [`${key}:`, ...inner.map((pair) => `  ${pair}`)];
}

function wrapped(words: string): string[] {
  const lines: string[] = [];
  let line = "   ";
  for (const word of words.split(" ")) {
    if (line.length + word.length + 1 > COLUMNS) {
      lines.push(line);
      line = "   ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
