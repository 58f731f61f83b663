/**
 * Writes a decision log as a stream: a line for each entry, a checkpoint after every 10,000 lines
 * and one at the end. Memory does not grow with the log.
 */

import { closeSync, openSync, writeFileSync } from "node:fs";
import {
  CHAIN_START,
  chainEntry,
  checkpointText,
  ENGINE_VERSION,
  isKept,
  type ChainEnd,
  type Handled,
  type LearningState,
  type LogEntry,
  type LogHeader,
  type Policy,
  type SamplesSeen,
} from "../../engine/index.ts";
import { sha256 } from "../policy/load.ts";
import type { Signer } from "./signature.ts";

/** A signed checkpoint proves that the lines before it are complete. */
const LINES_BETWEEN_CHECKPOINTS = 10_000;
const PENDING_CHARACTERS = 1 << 20;

/** One policy over one fleet, as it was handled. */
export interface LogSection {
  readonly policy: Policy;
  readonly caseId: string | null;
  /** Digest of the history; null when there is none. */
  readonly history: string | null;
  /** What the fleet had learned before; absent: nothing. */
  readonly learned?: LearningState;
  readonly handled: Iterable<Handled>;
  readonly samples: ReadonlyMap<string, SamplesSeen>;
}

/** The lines of a log, each with its newline. */
export function* logLines(
  sections: Iterable<LogSection>,
  signer: Signer | null,
): Generator<string> {
  let end: ChainEnd = CHAIN_START;
  const chained = (entry: LogEntry): string => {
    const next = chainEntry(end, entry, sha256);
    end = next.end;
    return `${next.line}\n`;
  };
  const checkpoint = (closes: boolean): string => {
    const signature = signer === null ? null : signer(checkpointText(end, closes));
    return chained({ kind: "checkpoint", content: { closes, signature } });
  };
  for (const section of sections) {
    for (const entry of entriesOf(section)) {
      yield chained(entry);
      if (end.seq % LINES_BETWEEN_CHECKPOINTS === 0) yield checkpoint(false);
    }
  }
  yield checkpoint(true);
}

/** The header of a log, without case and history. */
export function headerOf(policy: Policy): LogHeader {
  return {
    format: "hindsight-decisions",
    engineVersion: ENGINE_VERSION,
    policy,
    policyDigest: policy.digest,
    caseId: null,
    history: null,
  };
}

function* entriesOf(section: LogSection): Generator<LogEntry> {
  const { policy, caseId, history, learned, handled, samples } = section;
  const more = learned === undefined ? {} : { learned };
  yield { kind: "header", content: { ...headerOf(policy), caseId, history, ...more } };
  for (const one of handled) {
    if (!isKept(one)) continue;
    yield { kind: "event", content: one.event };
    for (const record of one.records) yield { kind: "record", content: record };
    if (one.event.kind !== "deploymentStarted") continue;
    const seen = samples.get(one.event.deployment.deploymentId);
    if (seen !== undefined) yield { kind: "samples", content: seen };
  }
}

/** Writes text in large pieces. */
export function writeText(file: string, parts: Iterable<string>): void {
  const handle = openSync(file, "w");
  try {
    let pending = "";
    for (const part of parts) {
      pending += part;
      if (pending.length < PENDING_CHARACTERS) continue;
      writeFileSync(handle, pending);
      pending = "";
    }
    writeFileSync(handle, pending);
  } finally {
    closeSync(handle);
  }
}
