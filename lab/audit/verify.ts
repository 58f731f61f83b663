/** Reads a decision log line by line and checks its hash chain. */

import { hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import {
  endChain,
  followLine,
  initialChain,
  type ChainChecks,
  type ChainState,
  type DecisionEvent,
} from "../../engine/index.ts";
import { unreadable } from "../operatingProblem.ts";

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface LogLine {
  /** Without the newline; valid until the next line is asked for. */
  readonly bytes: Uint8Array;
  /** False when the file ends without a newline. */
  readonly complete: boolean;
}

/** @throws Problem when the file cannot be read */
export function* readLines(file: string): Generator<LogLine> {
  const handle = opened(file);
  try {
    const chunkBytes = Math.min(CHUNK_BYTES, fstatSync(handle).size + 1);
    let buffer = Buffer.allocUnsafe(2 * chunkBytes);
    let from = 0;
    let to = 0;
    for (;;) {
      if (buffer.length - to < chunkBytes) {
        // Move an unfinished line to the front; enlarge the buffer if the line does not fit.
        const rest = to - from;
        const roomy = rest > chunkBytes ? Buffer.allocUnsafe(2 * buffer.length) : buffer;
        buffer.copy(roomy, 0, from, to);
        buffer = roomy;
        from = 0;
        to = rest;
      }
      const read = readSync(handle, buffer, to, chunkBytes, null);
      if (read === 0) break;
      let searchFrom = to;
      to += read;
      for (;;) {
        const newline = buffer.subarray(0, to).indexOf(NEWLINE, searchFrom);
        if (newline < 0) break;
        yield { bytes: buffer.subarray(from, newline), complete: true };
        from = searchFrom = newline + 1;
      }
    }
    if (to > from) yield { bytes: buffer.subarray(from, to), complete: false };
  } finally {
    closeSync(handle);
  }
}

function opened(file: string): number {
  try {
    const handle = openSync(file, "r");
    try {
      // A directory can be opened; only reading it fails.
      readSync(handle, Buffer.alloc(1), 0, 1, 0);
      return handle;
    } catch (error) {
      closeSync(handle);
      throw error;
    }
  } catch (error) {
    const cure =
      "Give the path of a decision log: decisions.jsonl of a run directory or a file of a journal.";
    throw unreadable(error, file, "log", cure);
  }
}

export interface VerifyOptions {
  /** The log may still be written, so that its last checkpoint may be missing. */
  readonly open: boolean;
  /** Checks the signature of a checkpoint. Null: signatures are not required. */
  readonly isSigned: ((text: string, signature: string) => boolean) | null;
}

/** One pass over the file; memory does not grow with it. */
export function verifyLog(file: string, { open, isSigned }: VerifyOptions): ChainState {
  const checks = chainChecks(isSigned);
  let state = initialChain;
  for (const { bytes, complete } of readLines(file)) {
    state = followLine(state, bytes, complete, checks);
    if (state.fault !== null) break;
  }
  return endChain(state, open);
}

/**
 * Refuses a log without any signature. An open log need not have a checkpoint yet, so `verifyLog`
 * alone does not notice that none is signed.
 */
export function requireSignature(state: ChainState): ChainState {
  if (state.fault !== null || state.signedLines > 0) return state;
  const what = "no checkpoint is signed: nothing proves who wrote these lines";
  return {
    ...state,
    fault: { kind: "unsigned", line: state.lines + 1, seq: state.end.seq, what },
  };
}

/**
 * The deployments that a log says were quarantined, in order. The marker cannot be part of a text:
 * there its quotes would be escaped.
 */
export function quarantinedIn(file: string): string[] {
  const marker = Buffer.from('"kind":"deploymentQuarantined"');
  const found: string[] = [];
  for (const { bytes } of readLines(file)) {
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(marker)) continue;
    const { content } = JSON.parse(new TextDecoder().decode(bytes)) as {
      content: DecisionEvent;
    };
    if (content.kind === "deploymentQuarantined") found.push(content.deploymentId);
  }
  return found;
}

export function chainChecks(isSigned: ChainChecks["isSigned"]): ChainChecks {
  return { hash: sha256Of, latin1, isSigned };
}

function sha256Of(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  const { buffer, byteOffset } = bytes;
  return Buffer.from(buffer, byteOffset + from, to - from).toString("latin1");
}
