/**
 * What the live host and its edges say to each other. The host owns time, order and the
 * journal; an edge only brings things in or carries them out, and decides nothing.
 *
 *     MetricsSource ─┐                      ┌─► Effects (roll back, page, tell)
 *     webhooks ──────┼─► Host ─► controller ┤
 *     Clock ─────────┘     │                └─► journal (the decision log, samples beside it)
 */

import type {
  Deployment,
  DeploymentState,
  EngineCommand,
  Event,
  JsonObject,
  Policy,
  SeriesName,
} from "../../engine/index.ts";
import type { Signer } from "../audit/signature.ts";
import type { ServiceRow } from "../history/tables.ts";
import type { News } from "./news.ts";

/** The world's time. Tests pass their own; only `systemClock.ts` asks the operating system. */
export interface Clock {
  /** Milliseconds since 1970 by the machine's clock; it may jump. */
  readonly wallMs: () => number;
  /** Milliseconds since an arbitrary moment; it never jumps and never goes back. */
  readonly steadyMs: () => number;
  /** Resolves after `ms`, or as soon as the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Samples of one series as the source returned them, ascending in time; NaN: a missing scrape. */
export interface TakenColumn {
  readonly series: SeriesName;
  readonly atMs: readonly number[];
  readonly values: readonly number[];
}

export interface Taken {
  readonly columns: readonly TakenColumn[];
  /** What is missing and why, one sentence each; empty when everything arrived. */
  readonly problems: readonly string[];
  /**
   * Was every query answered completely, so that asking for the same range again could only bring
   * late samples? Absent: true exactly when there are no problems.
   */
  readonly answered?: boolean;
}

/**
 * Where samples come from. Faults of the source (down, slow, wrong, rate-limited) are returned as
 * `problems`, never thrown; samples that arrived in spite of them are still returned.
 */
export interface MetricsSource {
  /** Samples taken after `fromMs` and up to `toMs`. */
  readonly take: (fromMs: number, toMs: number, signal: AbortSignal) => Promise<Taken>;
  /** The same for a few services only; used to prepare the season of an announced deployment. */
  readonly takeOf: (
    services: readonly string[],
    fromMs: number,
    toMs: number,
    signal: AbortSignal,
    /** Only these metrics; absent: all. A source that cannot choose may return more. */
    metrics?: ReadonlySet<string>,
  ) => Promise<Taken>;
}

/** The host sets `knownAtMs` itself, and replaces an `atMs` that lies in the future. */
type Untimed<Of> = Of extends { readonly knownAtMs: number } ? Omit<Of, "knownAtMs"> : never;

/**
 * An event that comes from outside. The edge has checked who sent it. Samples, the clock,
 * prepared context and a quarantine are no inputs: the host produces those events itself.
 */
export type HostInput = Untimed<
  Exclude<
    Event,
    {
      readonly kind: "samplesTaken" | "clockAdvanced" | "contextPrepared" | "deploymentQuarantined";
    }
  >
>;

/** What an input led to. Everything in it is on disk in the journal before it is returned. */
export interface Receipt {
  readonly accepted: boolean;
  /** Of the decision records that the input caused. */
  readonly decisionIds: readonly string[];
  /** The engine's words where it refused; else what happened. */
  readonly reason: string;
}

/**
 * What the edges see of the host. `tell` rejects only when the host cannot go on. An edge that
 * refuses a request reports that as `requestRefused`. The host itself refuses inputs about
 * deployments that it does not know.
 */
export interface Host {
  readonly tell: (input: HostInput) => Promise<Receipt>;
  readonly status: () => HostStatus;
  /** The newest deployment of which `isMeant` is true, if it is watched or ended within a day. */
  readonly standing: (isMeant: (deployment: Deployment) => boolean) => Standing | null;
}

/** How one deployment stands, for tools that ask whether it may go on. */
export interface Standing {
  readonly deployment: Deployment;
  readonly phase: DeploymentState["phase"];
  readonly watchEndsAtMs: number;
  /** How often a rollback of it was proposed. */
  readonly proposals: number;
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
  /** The problems that the metrics source reported at the last poll. */
  readonly problems: readonly string[];
  readonly open: readonly {
    readonly deploymentId: string;
    readonly service: string;
    readonly phase: string;
    readonly answerByMs: number | null;
  }[];
  /** Counters since the process began; names as in the metrics endpoint. */
  readonly counts: JsonObject<number>;
  /** The newest thousand measurements of each kind, in milliseconds. */
  readonly durations: Readonly<Record<"ingestionDelay" | "decisionLatency" | "poll", number[]>>;
}

/** A command on its way to a receiver. The same key is the same command, however often sent. */
export interface Errand {
  /** `decisionId/kind`: a receiver remembers it to carry the command out at most once. */
  readonly key: string;
  readonly command: EngineCommand;
  readonly service: string;
  readonly version: string | null;
  readonly reason: string;
  /** False: it belongs to a dry run, and the message must say so. Never false for a rollback. */
  readonly act: boolean;
}

export type CarriedOut =
  /** Done; `finished` says how it ended if the platform said so in its answer, else null. */
  | { readonly status: "done"; readonly finished: { succeeded: boolean; detail: string } | null }
  /** The receiver refused: sending it again would not help. */
  | { readonly status: "refused"; readonly detail: string }
  /** Nobody knows whether it arrived: the same key may be sent again. */
  | { readonly status: "unknown"; readonly detail: string };

/** Carries commands out. Faults of a receiver are returned, never thrown. */
export interface Effects {
  readonly carryOut: (errand: Errand, signal: AbortSignal) => Promise<CarriedOut>;
}

/** Who may write the journal and act: one host at a time. */
export interface Lease {
  /** Resolves once this host holds the lease; until then it stands by and writes nothing. */
  readonly acquire: (signal: AbortSignal) => Promise<void>;
  /**
   * Does this host hold the lease now? Asked before every write and every command, so it must
   * answer at once, from memory and the steady clock. Once it is false the host ends, because
   * another host may already continue the journal.
   */
  readonly holds: () => boolean;
}

export interface HostOptions {
  /** May the host roll back? If not, a rollback is only recorded ("recorded only"). */
  readonly act: boolean;
  readonly pollMs: number;
  /** A rollback that could not be sent this long after it was ordered is given up. */
  readonly orderExpiresMs: number;
  /** A journal segment is closed and the next one begun at this age or at this size. */
  readonly rotateMs: number;
  readonly rotateBytes: number;
  /** The controller's state is written down at most this often, for a quick restart. */
  readonly keepMs: number;
  /** Signs the checkpoints of the journal; null: they are not signed. */
  readonly signer: Signer | null;
}

/** What a host is made of. */
export interface HostParts {
  /** Resolved: `extends` is already applied. */
  readonly policy: Policy;
  /** The catalog: a deployment's team, criticality and callers are read from it. */
  readonly services: readonly ServiceRow[];
  /** The journal's directory; created when it does not exist. */
  readonly dir: string;
  readonly source: MetricsSource;
  readonly effects: Effects;
  readonly clock: Clock;
  readonly lease: Lease;
  /** Logs a sentence for the operator: an incomplete end that was cut off, a fault. */
  readonly note: (text: string) => void;
  /** Logs what was decided, one line for each record. */
  readonly decided?: (text: string) => void;
  /** Tells other systems of what was decided, after it is on disk. Must not throw, or wait. */
  readonly publish?: (news: readonly News[]) => void;
  readonly options: HostOptions;
}

/** What `startHost` resolves with, once the host has recovered and is ready. */
export interface RunningHost extends Host {
  /** The policy of deployments that start now. */
  readonly policy: () => Policy;
  /** An orderly stop: waits briefly for commands under way and closes the segment. */
  readonly stop: () => Promise<void>;
  /** Resolves after `stop`; rejects when the host cannot go on: disk, lease, broken invariant. */
  readonly done: Promise<void>;
}
