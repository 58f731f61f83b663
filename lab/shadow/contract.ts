/**
 * What the live host and its edges say to each other. The host owns time, order and the
 * journal; an edge only brings things in or carries them out, and decides nothing.
 *
 *     MetricsSource ─┐                      ┌─► Effects (roll back, page, tell)
 *     webhooks ──────┼─► Host ─► controller ┤
 *     Clock ─────────┘     │                └─► journal (the decision log, samples beside it)
 */

import type { EngineCommand, Event, Policy, SeriesName } from "../../engine/index.ts";
import type { Signer } from "../audit/signature.ts";
import type { ServiceRow } from "../history/tables.ts";

/** The world's time. Tests give their own; nothing in this folder asks the system. */
export interface Clock {
  /** Milliseconds since 1970, as the machine believes; it may jump. */
  readonly wallMs: () => number;
  /** Milliseconds since some moment; it never jumps and never goes back. */
  readonly steadyMs: () => number;
  /** Resolves after so long, or as soon as the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Samples of one series as they came in, ascending in time; NaN is a missing scrape. */
export interface TakenColumn {
  readonly series: SeriesName;
  readonly atMs: readonly number[];
  readonly values: readonly number[];
}

export interface Taken {
  readonly columns: readonly TakenColumn[];
  /** What did not come and why, a sentence each; empty when all of it came. */
  readonly problems: readonly string[];
  /**
   * Was every question answered whole, so that asking for the same time again brings no more
   * than what was late? Absent: when there are no problems.
   */
  readonly answered?: boolean;
}

/**
 * Where samples come from. The world's faults (down, slow, wrong, rate-limited) are
 * `problems`, never exceptions; what came all the same is still given.
 */
export interface MetricsSource {
  /** Samples taken after `fromMs` and up to `toMs`. */
  readonly take: (fromMs: number, toMs: number, signal: AbortSignal) => Promise<Taken>;
  /** The same of a few services only: a season of a deployment that is announced. */
  readonly takeOf: (
    services: readonly string[],
    fromMs: number,
    toMs: number,
    signal: AbortSignal,
  ) => Promise<Taken>;
}

/** The host stamps `knownAtMs`, and `atMs` where it lies in the future. */
type Untimed<Of> = Of extends { readonly knownAtMs: number } ? Omit<Of, "knownAtMs"> : never;

/** What somebody told the host; who they are was checked, samples and clock are its own. */
export type Told = Untimed<
  Exclude<Event, { readonly kind: "samplesTaken" | "clockAdvanced" | "contextPrepared" }>
>;

/** What came of it. It is in the journal, on disk, before anybody hears of it. */
export interface Heard {
  readonly accepted: boolean;
  /** Of the records it led to. */
  readonly decisionIds: readonly string[];
  /** The engine's own words where it refused; else what happened. */
  readonly reason: string;
}

/**
 * The door for whoever brings things in. `tell` rejects only when the host can not go on. What an
 * edge refuses itself it tells as `requestRefused`. Answers to what nobody knows are refused here.
 */
export interface Host {
  readonly tell: (told: Told) => Promise<Heard>;
  readonly status: () => HostStatus;
}

export interface HostStatus {
  /** Is it ready to decide: recovered, holding the lease, and not ending? */
  readonly ready: boolean;
  readonly holdsLease: boolean;
  readonly act: boolean;
  readonly policy: { readonly name: string; readonly digest: string };
  readonly halted: boolean;
  readonly nowMs: number;
  readonly lastPollAtMs: number | null;
  /** The newest `atMs` of any sample. */
  readonly newestSampleAtMs: number | null;
  /** What the metrics source complained of at the last poll. */
  readonly problems: readonly string[];
  readonly open: readonly {
    readonly deploymentId: string;
    readonly service: string;
    readonly phase: string;
    readonly answerByMs: number | null;
  }[];
  /** Ever growing since the process began; names as in the metrics endpoint. */
  readonly counts: Readonly<Record<string, number>>;
  /** Milliseconds, the newest thousand of each. */
  readonly durations: Readonly<Record<"ingestionDelay" | "decisionLatency" | "poll", number[]>>;
}

/** A command on its way out. The same key is the same command, however often it is sent. */
export interface Errand {
  /** `decisionId/kind`: what a receiver remembers to do it at most once. */
  readonly key: string;
  readonly command: EngineCommand;
  /** What a receiver needs to know of it. */
  readonly service: string;
  readonly version: string | null;
  readonly reason: string;
}

export type CarriedOut =
  /** Done, and how it ended where the platform said so at once. */
  | { readonly status: "done"; readonly finished: { succeeded: boolean; detail: string } | null }
  /** The receiver said no: sending it again would not help. */
  | { readonly status: "refused"; readonly detail: string }
  /** Nobody knows whether it arrived: the same key may be sent again. */
  | { readonly status: "unknown"; readonly detail: string };

/** Carries commands out into the world. Never throws for the world's faults. */
export interface Effects {
  readonly carryOut: (errand: Errand, signal: AbortSignal) => Promise<CarriedOut>;
}

/** Who may write the journal and act: one host at a time. */
export interface Lease {
  /** Resolves once it is ours; until then the host stands by and touches nothing. */
  readonly acquire: (signal: AbortSignal) => Promise<void>;
  /**
   * Is it ours now? Asked before every write and every command, so it answers at once, from
   * memory and the steady clock. Once it says no the host ends: another may go on from the
   * journal.
   */
  readonly holds: () => boolean;
}

export interface HostOptions {
  /** May it roll back? Otherwise a rollback is recorded as done by nobody. */
  readonly act: boolean;
  readonly pollMs: number;
  /** A rollback that could not be sent for so long after it was ordered is not sent any more. */
  readonly orderExpiresMs: number;
  /** A journal's segment is closed and the next begun when it is so old, or so large. */
  readonly rotateMs: number;
  readonly rotateBytes: number;
  /** Signs the checkpoints of the journal; null: nobody does. */
  readonly signer: Signer | null;
}

/** What a host is made of. */
export interface HostParts {
  /** In resolved form. */
  readonly policy: Policy;
  /** The catalog: team, criticality and callers of a deployment are taken from here. */
  readonly services: readonly ServiceRow[];
  /** The journal's directory; made when it is not there. */
  readonly dir: string;
  readonly source: MetricsSource;
  readonly effects: Effects;
  readonly clock: Clock;
  readonly lease: Lease;
  /** A sentence for whoever runs it: a torn tail that was cut off, a fault. */
  readonly note: (text: string) => void;
  /** What was decided, a line for each record. */
  readonly decided?: (text: string) => void;
  readonly options: HostOptions;
}

/** `startHost(parts): Promise<RunningHost>` resolves once it has recovered and is ready. */
export interface RunningHost extends Host {
  /** Ends in order: the segment is closed, a command under way is waited for a little. */
  readonly stop: () => Promise<void>;
  /** Resolves after `stop`; rejects when it can not go on: disk, lease, a broken invariant. */
  readonly done: Promise<void>;
}
