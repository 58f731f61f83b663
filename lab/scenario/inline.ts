/** Runs a deployment that is written out under one policy, on the small live host. */

import type { DecisionRecord, Policy } from "../../engine/index.ts";
import { clockText, timeOf } from "./clock.ts";
import type { Inline } from "./events.ts";
import type { Happened, Times } from "./expectation.ts";
import { answerInTime, runHost, type HostRun } from "./host.ts";

export interface InlineRun {
  readonly happened: Happened;
  readonly host: HostRun;
}

/** @param run the host; tests pass one that forbids clocks, randomness and I/O */
export function runInline(inline: Inline, policy: Policy, run = runHost): InlineRun {
  const { deploymentId, startsAtMs, events } = inline;
  const host = run(policy, events, inline.answersRollbacks ? () => null : answerInTime);
  const own = host.records.filter((record) => record.deploymentId === deploymentId);
  const find = (...decisions: readonly DecisionRecord["decision"][]): DecisionRecord | undefined =>
    own.find(({ decision }) => decisions.includes(decision));
  const ended = own.find(({ end, decision }) => end !== null && decision === "ended");
  const asked = find("proposed", "paged") ?? find("rollbackOrdered");
  const ordered = find("rollbackOrdered");
  const decided = ordered ?? (find("proposed") === undefined ? undefined : ended);
  return {
    happened: {
      end: ended?.end ?? null,
      // Everything but `watchUntil`, which every deployment has.
      commands: host.commands
        .filter(({ kind }) => kind !== "watchUntil")
        .map(({ kind, askedAtMs }) => `${clockText(askedAtMs, startsAtMs)} ${kind}`),
      tier: asked?.tier ?? null,
      mode: asked?.mode ?? null,
      timesMs: {
        proposed: asked?.knownAtMs ?? null,
        decided: decided?.knownAtMs ?? null,
        executed: ended?.end === "rolledBack" ? ended.knownAtMs : null,
        withoutTags: own.at(-1)?.untaggedProposedAtMs ?? null,
      },
    },
    host,
  };
}

export function clockTimes({ startsAtMs }: Inline): Times {
  return {
    read: (text) => timeOf(text, startsAtMs),
    write: (ms) => clockText(ms, startsAtMs),
  };
}
