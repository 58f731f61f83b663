/**
 * Verifies the chain of a decision log line by line, and names the first place where it breaks: a
 * line that was altered, is missing, was reordered, inserted or cut off.
 *
 * One pass in constant memory: the line that breaks the chain is kept as a suspect, and the lines
 * after it tell which of these it is. The form of a line is in audit.ts.
 *
 * Limit: the chain shows that something was changed. It cannot show that the whole log was not
 * written anew; for that a checkpoint is signed, or the last hash is kept elsewhere.
 */

import { CHAIN_START, checkpointText, type ChainEnd, type LogEntry } from "./audit.ts";

export type FaultKind = "altered" | "missing" | "reordered" | "inserted" | "truncated" | "unsigned";

export interface Fault {
  readonly kind: FaultKind;
  /** Counted from 1; one more than there are lines where the end is missing. */
  readonly line: number;
  /** The record that should stand there. */
  readonly seq: number;
  readonly what: string;
}

/** What a line says besides its content; `from` and `to` are offsets in its bytes. */
export interface Envelope {
  readonly kind: LogEntry["kind"];
  readonly seq: number;
  readonly previous: string;
  readonly sha256: string;
  readonly content: { readonly from: number; readonly to: number };
  /** The hash is over the bytes before this offset. */
  readonly hashedTo: number;
}

export interface ChainChecks {
  /** Hex SHA-256. */
  readonly hash: (bytes: Uint8Array) => string;
  /** The bytes from one offset to another as text, one character for each byte. */
  readonly latin1: (bytes: Uint8Array, from: number, to: number) => string;
  /** Is this signature valid for this text? Null where signatures are not checked. */
  readonly isSigned: ((text: string, signature: string) => boolean) | null;
}

interface Seen {
  readonly line: number;
  /** Null where the line does not have the form of one. */
  readonly envelope: Envelope | null;
  /** Do the bytes have the hash that the line says? */
  readonly intact: boolean;
}

/** The first line that does not follow the one before it. */
interface Suspect extends Seen {
  /** What it should have said. */
  readonly wanted: ChainEnd;
  /** The line right after it. */
  readonly next: Seen | null;
  /** A later line that does follow the one before the suspect. */
  readonly wantedLine: number | null;
  /** A later line that is the same as the suspect. */
  readonly copyLine: number | null;
}

export interface ChainState {
  readonly lines: number;
  readonly end: ChainEnd;
  readonly kinds: Readonly<Record<LogEntry["kind"], number>>;
  /** The lines up to this one are covered by a checkpoint whose signature was checked. */
  readonly signedLines: number;
  readonly signatures: number;
  readonly closed: boolean;
  readonly suspect: Suspect | null;
  readonly fault: Fault | null;
}

export const initialChain: ChainState = {
  lines: 0,
  end: CHAIN_START,
  kinds: { header: 0, event: 0, samples: 0, record: 0, checkpoint: 0 },
  signedLines: 0,
  signatures: 0,
  closed: false,
  suspect: null,
  fault: null,
};

/**
 * Takes the next line of a log.
 *
 * @param bytes the line without its newline
 * @param complete false when the file ends without a newline after it
 */
export function followLine(
  state: ChainState,
  bytes: Uint8Array,
  complete: boolean,
  checks: ChainChecks,
): ChainState {
  if (state.fault !== null) return state;
  const line = state.lines + 1;
  const envelope = readEnvelope(bytes, checks.latin1);
  const intact =
    envelope !== null && checks.hash(bytes.subarray(0, envelope.hashedTo)) === envelope.sha256;
  const seen: Seen = { line, envelope, intact };
  if (state.suspect !== null)
    return { ...state, lines: line, suspect: withLater(state.suspect, seen) };
  const { end } = state;
  const fault = (kind: FaultKind, what: string): ChainState => ({
    ...state,
    lines: line,
    fault: { kind, line, seq: end.seq, what },
  });
  if (!complete && !intact) return fault("truncated", "the last line is incomplete");
  if (state.closed) return fault("inserted", "a line stands after the last checkpoint");
  if (envelope === null || !intact || !follows(seen, end)) {
    const suspect = { ...seen, wanted: end, next: null, wantedLine: null, copyLine: null };
    return { ...state, lines: line, suspect };
  }
  if (!complete) return fault("truncated", "the newline of the last line is missing");
  // Written out and not spread: every line comes here, and this is five times as fast.
  const next: ChainState = {
    lines: line,
    end: { seq: end.seq + 1, previous: envelope.sha256 },
    kinds: counted(state.kinds, envelope.kind),
    signedLines: state.signedLines,
    signatures: state.signatures,
    closed: false,
    suspect: null,
    fault: null,
  };
  if (envelope.kind !== "checkpoint") return next;
  const checkpoint = readCheckpoint(
    checks.latin1(bytes, envelope.content.from, envelope.content.to),
  );
  if (checkpoint === null) return fault("altered", "this is not the content of a checkpoint");
  const { closes, signature } = checkpoint;
  const signatures = state.signatures + (signature === null ? 0 : 1);
  if (checks.isSigned === null) return { ...next, closed: closes, signatures };
  if (signature === null) return fault("unsigned", "this checkpoint bears no signature");
  if (!checks.isSigned(checkpointText(end, closes), signature)) {
    return fault("unsigned", "this checkpoint was not signed with this key");
  }
  return { ...next, closed: closes, signatures, signedLines: line };
}

function counted(kinds: ChainState["kinds"], kind: LogEntry["kind"]): ChainState["kinds"] {
  return {
    header: kinds.header + (kind === "header" ? 1 : 0),
    event: kinds.event + (kind === "event" ? 1 : 0),
    samples: kinds.samples + (kind === "samples" ? 1 : 0),
    record: kinds.record + (kind === "record" ? 1 : 0),
    checkpoint: kinds.checkpoint + (kind === "checkpoint" ? 1 : 0),
  };
}

/** The state at the end, with what is wrong. `open`: is the log still being written? */
export function endChain(state: ChainState, open: boolean): ChainState {
  if (state.fault !== null) return state;
  if (state.suspect !== null) return { ...state, fault: faultOf(state.suspect) };
  if (state.closed || open) return state;
  const what =
    state.lines === 0
      ? "the log is empty: not even its header is there"
      : "the log ends without its last checkpoint";
  return {
    ...state,
    fault: { kind: "truncated", line: state.lines + 1, seq: state.end.seq, what },
  };
}

function follows({ envelope, intact }: Seen, { seq, previous }: ChainEnd): boolean {
  return intact && envelope?.seq === seq && envelope.previous === previous;
}

function withLater(suspect: Suspect, seen: Seen): Suspect {
  const isWanted = suspect.wantedLine === null && follows(seen, suspect.wanted);
  const isCopy =
    suspect.copyLine === null &&
    suspect.intact &&
    seen.intact &&
    seen.envelope!.sha256 === suspect.envelope!.sha256;
  if (suspect.next !== null && !isWanted && !isCopy) return suspect;
  return {
    ...suspect,
    next: suspect.next ?? seen,
    wantedLine: isWanted ? seen.line : suspect.wantedLine,
    copyLine: isCopy ? seen.line : suspect.copyLine,
  };
}

/** What kind of fault a suspect is, by the lines after it. */
function faultOf(suspect: Suspect): Fault {
  const { line, envelope, intact, wanted, next, wantedLine, copyLine } = suspect;
  const { seq } = wanted;
  const fault = (kind: FaultKind, what: string): Fault => ({ kind, line, seq, what });
  const standsNext = wantedLine === line + 1;
  if (envelope === null) {
    return standsNext
      ? fault("inserted", `this is no line of a log, and record ${seq} follows it`)
      : fault("altered", "this is no line of a log any more");
  }
  if (!intact) {
    return standsNext
      ? fault("inserted", `it has not the hash it bears, and record ${seq} follows it`)
      : fault("altered", "it has not the hash it bears");
  }
  if (envelope.seq > seq) {
    if (wantedLine !== null && copyLine === null) {
      const where = `record ${seq} only in line ${wantedLine}`;
      const what = `record ${envelope.seq} stands here, and ${where}`;
      return fault("reordered", what);
    }
    if (wantedLine !== null) {
      return fault(
        "inserted",
        `a copy of record ${envelope.seq}, which stands in line ${copyLine}`,
      );
    }
    const last = envelope.seq - 1;
    const which = last > seq ? `records ${seq} to ${last} are` : `record ${seq} is`;
    return copyLine === null
      ? fault("missing", `${which} missing before this line, which is record ${envelope.seq}`)
      : fault("missing", `a copy of record ${envelope.seq} stands in the place of record ${seq}`);
  }
  if (envelope.seq < seq) {
    return standsNext
      ? fault("inserted", `record ${envelope.seq} once more, and record ${seq} follows it`)
      : fault("missing", `record ${envelope.seq} stands once more in the place of record ${seq}`);
  }
  if (standsNext) return fault("inserted", `it claims to be record ${seq}, which follows it`);
  const after = { seq: seq + 1, previous: envelope.sha256 };
  const isHeldByNext = next === null || follows(next, after);
  if (line > 1 && isHeldByNext) {
    return {
      kind: "altered",
      line: line - 1,
      seq: seq - 1,
      what: `it was given a new hash: line ${line} still holds the one it had`,
    };
  }
  return fault("altered", "it was given a new hash, and does not name the line before it");
}

// ── The form of a line ────────────────────────────────────────────────────────

const BEGIN = '{"content":';
/** The most and the fewest bytes after the content: the kind, two hashes and the number. */
const TAIL_BYTES = 200;
const TAIL_BYTES_LEAST = 170;
const TAIL = new RegExp(
  ',"kind":"(header|event|samples|record|checkpoint)","previous":"([0-9a-f]{64})",' +
    '"seq":(0|[1-9]\\d{0,14}),"sha256":"([0-9a-f]{64})"\\}$',
);
const AFTER_HASHED = ',"sha256":"'.length + 64 + '"}'.length;

/**
 * Reads what is around the content of a line, without parsing the content. Null where the line
 * does not have exactly this form.
 */
export function readEnvelope(bytes: Uint8Array, latin1: ChainChecks["latin1"]): Envelope | null {
  if (bytes.length < TAIL_BYTES_LEAST) return null;
  if (latin1(bytes, 0, BEGIN.length) !== BEGIN) return null;
  const written = TAIL.exec(latin1(bytes, Math.max(0, bytes.length - TAIL_BYTES), bytes.length));
  if (written === null) return null;
  return {
    kind: written[1] as LogEntry["kind"],
    seq: Number(written[3]),
    previous: written[2]!,
    sha256: written[4]!,
    content: { from: BEGIN.length, to: bytes.length - written[0].length },
    hashedTo: bytes.length - AFTER_HASHED,
  };
}

/** The content of a checkpoint as `chainEntry` writes it, so the keys are in this order. */
const CHECKPOINT = new RegExp(
  '^\\{"closes":(true|false),"signature":(?:null|"([A-Za-z0-9+/=]+)")' +
    '(?:,"state":\\{"bytes":\\d+,"digest":"[0-9a-f]{64}","file":"[a-z0-9.-]+"\\})?\\}$',
);

function readCheckpoint(content: string): { closes: boolean; signature: string | null } | null {
  const written = CHECKPOINT.exec(content);
  if (written === null) return null;
  return { closes: written[1] === "true", signature: written[2] ?? null };
}
