/**
 * What happened. Every event is in the past tense and carries two times: `atMs`,
 * when it happened, and `knownAtMs`, when the controller could know it. Events
 * are handled in the order of `knownAtMs`; ordering by `atMs` would let a
 * decision see the future.
 */

import type { CalibratedLimit } from "./detect/evidence/limit.ts";
import type { PeerControl } from "./detect/baseline/peers.ts";
import type { Policy } from "./policy/policy.ts";
import type { Role } from "./policy/role.ts";
import type { SignalEvidence } from "./signalEvidence.ts";

export type * from "./signalEvidence.ts";

export type DeploymentKind = "code" | "config" | "migration" | "infrastructure" | "feature_flag";
export type Criticality = "low" | "medium" | "high" | "critical";

/** One change going out, with what the service catalog says about its service. */
export interface Deployment {
  readonly deploymentId: string;
  readonly service: string;
  readonly environment: string;
  readonly kind: DeploymentKind;
  readonly startedAtMs: number;
  readonly version: string | null;
  readonly author: string | null;
  readonly team: string | null;
  readonly criticality: Criticality | null;
  /** Services that call this one, and all that depend on it, directly or not. */
  readonly callers?: readonly string[];
  readonly dependants?: readonly string[];
  /** IANA name of where the service is looked after; modes by the service's clock go by it. */
  readonly timezone?: string | null;
}

/**
 * What engineers or product declared about a deployment. `deploymentId` null
 * means the whole service. The engine sees a tag only from `knownAtMs`, whatever
 * its valid window says: a tag written after the fact explains, it never decides.
 */
export interface ContextTag {
  readonly deploymentId: string | null;
  readonly service: string;
  readonly tag: string;
  /** As written: `"15%"`, `"true"`. */
  readonly value: string;
  /** The signal it speaks about; null takes the one the policy names for this tag. */
  readonly signal: string | null;
  readonly validFromMs: number | null;
  readonly validUntilMs: number | null;
  readonly knownAtMs: number;
  readonly givenBy: string | null;
  readonly approvedBy: string | null;
  /** Whose it was before it was passed on to a caller (see policy/tags.ts); absent of own tags. */
  readonly from?: {
    readonly service: string;
    readonly deploymentId: string;
    readonly selfIssued: boolean;
  };
}

/** The identity of one stored series; `percentagePoint` is what 1 pp is in its unit. */
export interface SeriesName {
  readonly service: string;
  readonly metric: string;
  readonly version: string | null;
  /** 1 for metrics in per cent, 0.01 for ratios in [0, 1]. */
  readonly percentagePoint: number;
  /** Its values only ever grow, until a restart begins them again at zero. */
  readonly counter?: boolean;
  /** What it tells of its service, for signals that select by role; absent: unknown. */
  readonly role?: Role;
  /** Which way is worse, where its role says otherwise. */
  readonly worse?: "up" | "down" | "both";
  /** It is a share of a whole, so that percentage points of it mean something. */
  readonly ratio?: true;
}

/**
 * Samples of one series in the order they became known. The three arrays have
 * one entry a sample; a missing scrape is NaN.
 */
export interface SampleColumn {
  readonly series: SeriesName;
  readonly atMs: ArrayLike<number>;
  readonly knownAtMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  /**
   * What each evaluation of a query answered (`AnswerKind` in incumbents/answers.ts), in a history
   * that keeps that apart. Detectors read `values` only. Absent: NaN is a missing sample.
   */
  readonly answers?: ArrayLike<number>;
}

interface Timed {
  readonly atMs: number;
  readonly knownAtMs: number;
}

export interface DeploymentStarted extends Timed {
  readonly kind: "deploymentStarted";
  readonly deployment: Deployment;
}
/** What the host prepared from past samples (seasonal profiles), with its digest for the record. */
export interface ContextPrepared extends Timed {
  readonly kind: "contextPrepared";
  readonly deploymentId: string;
  readonly context: PreparedContext;
}
export interface DeploymentTagged extends Timed {
  readonly kind: "deploymentTagged";
  readonly tag: ContextTag;
}
/**
 * A stretch of time's samples, of any number of series. A batch holds everything
 * that became known since the batch before it, so any cutting of the same stretch
 * into batches gives the same decisions.
 */
export interface SamplesTaken extends Timed {
  readonly kind: "samplesTaken";
  readonly columns: readonly SampleColumn[];
}
/** A signal's verdict changed. Detection makes it; decision consumes it. */
export interface SignalJudged extends Timed {
  readonly kind: "signalJudged";
  readonly deploymentId: string;
  readonly evidence: SignalEvidence;
  /** A sample moved it, a series fell silent, or the watch ended: then it is the last. */
  readonly cause: "sample" | "silence" | "end";
}
export interface OverrideGiven extends Timed {
  readonly kind: "overrideGiven";
  readonly deploymentId: string;
  readonly by: string;
  readonly justification: string;
}
export interface ApprovalGiven extends Timed {
  readonly kind: "approvalGiven";
  readonly deploymentId: string;
  readonly by: string;
}
/**
 * An agent says that a deployment should be rolled back, and how sure it is. It counts only under a
 * policy that names the agent (see decide/agent.ts).
 */
export interface AgentProposed extends Timed, AgentWord {
  readonly kind: "agentProposed";
  readonly deploymentId: string;
}
/** What one proposal of an agent says. */
export interface AgentWord {
  readonly proposalId: string;
  readonly agent: string;
  /** From 0 to 1, in the agent's own words. */
  readonly confidence: number;
  /** Text from outside; null where the agent gave none. */
  readonly rationale: string | null;
  /** Its sender proved itself by a token alone: a person must agree, whatever the policy says. */
  readonly asksOnly?: true;
}
/** So much of the traffic is on the new version from here on; reported after its start. */
export interface StageReached extends Timed {
  readonly kind: "stageReached";
  readonly deploymentId: string;
  /** From 0 to 1. */
  readonly share: number;
}
export interface RollbackFinished extends Timed {
  readonly kind: "rollbackFinished";
  readonly deploymentId: string;
  readonly succeeded: boolean;
  readonly detail: string;
}
/** No machine acts anywhere until it is lifted. Who may order it is the host's business. */
export interface HaltOrdered extends Timed {
  readonly kind: "haltOrdered";
  readonly by: string;
  readonly reason: string;
}
export interface HaltLifted extends Timed {
  readonly kind: "haltLifted";
  readonly by: string;
  readonly reason: string;
}
/**
 * Another policy is in force, from this event on: the host hands it to every later step.
 * Deployments that are watched keep the policy they started under.
 */
export interface PolicyChanged extends Timed {
  readonly kind: "policyChanged";
  readonly policy: Policy;
  readonly by: string;
  readonly reason: string;
}
/**
 * Somebody asked the host for something that they may not have, or not in this way: a wrong
 * signature, an answer after its time. It changes nothing and is on record.
 */
export interface RequestRefused extends Timed {
  readonly kind: "requestRefused";
  /** Which deployment it was about; null, or one that nobody knows: it is the fleet's record. */
  readonly deploymentId: string | null;
  /** Null: nobody knows who asked. */
  readonly by: string | null;
  /** `override`, `webhook`. */
  readonly what: string;
  readonly why: string;
}
/** The host itself is not well: a clock that jumped, no samples. Reported once an episode. */
export interface FaultReported extends Timed {
  readonly kind: "faultReported";
  /** What failed: `clock`, `metrics`. */
  readonly source: string;
  readonly reason: string;
}
/**
 * The engine threw on an event of this deployment, so it is not watched any further: it is held for
 * good, and a rollback that was ordered and not carried out is called off.
 */
export interface DeploymentQuarantined extends Timed {
  readonly kind: "deploymentQuarantined";
  readonly deploymentId: string;
  /** The event on which the engine threw, and the message. */
  readonly reason: string;
}
export interface ClockAdvanced extends Timed {
  readonly kind: "clockAdvanced";
}

/** What decision consumes: samples have already become judgements. */
export type DecisionEvent =
  | DeploymentStarted
  | DeploymentTagged
  | StageReached
  | SignalJudged
  | AgentProposed
  | OverrideGiven
  | ApprovalGiven
  | RollbackFinished
  | HaltOrdered
  | HaltLifted
  | PolicyChanged
  | RequestRefused
  | FaultReported
  | DeploymentQuarantined
  | ClockAdvanced;

/** What a host may report to the controller. */
export type Event = Exclude<DecisionEvent, SignalJudged> | ContextPrepared | SamplesTaken;

/**
 * The expected shape of a signal over the day, from the samples of earlier days
 * only. `values[i]` is the profile at `startMs + i * stepMs`, in the series' unit.
 */
export interface SeasonProfile {
  readonly startMs: number;
  readonly stepMs: number;
  readonly values: readonly number[];
  readonly days: number;
}

export interface PreparedContext {
  /** By `service/metric[@version]` (see `seriesKey`). */
  readonly seasons: ReadonlyMap<string, SeasonProfile>;
  /** What quiet watches did, by series and detector setting (see `placeboKey`). */
  readonly placebos?: ReadonlyMap<string, CalibratedLimit>;
  /** What unexposed peers mean for a series, by series and setting (see `controlKey`). */
  readonly controls?: ReadonlyMap<string, PeerControl>;
  readonly digest: string;
}

/** `service/metric`, with `@version` for the series of one version in a staged rollout. */
export function seriesKey(series: Pick<SeriesName, "service" | "metric" | "version">): string {
  const name = `${series.service}/${series.metric}`;
  return series.version === null ? name : `${name}@${series.version}`;
}

/**
 * The order of events that became known at the same instant: first a halt and a quarantine, then
 * what was declared, what was measured, what was missed (a series that fell silent), the end of
 * rollbacks, what agents proposed, what people did, what was refused and faults, then the lifting
 * of a halt, and last the clock. So a sample that becomes known at the very instant at which its
 * series would be silent is in time.
 */
const RANK: Readonly<Record<DecisionEvent["kind"] | "contextPrepared" | "samplesTaken", number>> = {
  haltOrdered: -2,
  deploymentQuarantined: -2,
  policyChanged: -1,
  deploymentStarted: 0,
  contextPrepared: 1,
  deploymentTagged: 2,
  stageReached: 3,
  samplesTaken: 4,
  signalJudged: 4,
  rollbackFinished: 6,
  agentProposed: 7,
  overrideGiven: 8,
  approvalGiven: 9,
  requestRefused: 10,
  faultReported: 11,
  haltLifted: 12,
  clockAdvanced: 13,
};

function rank(event: Event | DecisionEvent): number {
  const missed = event.kind === "signalJudged" && event.cause !== "sample";
  return missed ? 5 : RANK[event.kind];
}

/** A text that orders events of one rank at one instant: from their content alone. */
function subject(event: Event | DecisionEvent): string {
  switch (event.kind) {
    case "deploymentStarted":
      return event.deployment.deploymentId;
    case "deploymentTagged": {
      const { service, deploymentId, tag, value } = event.tag;
      return `${service} ${deploymentId ?? ""} ${tag} ${value}`;
    }
    case "signalJudged": {
      // The last judgement closes the watch, so it follows every other.
      const { signal, series } = event.evidence;
      return `${event.deploymentId} ${event.cause === "end" ? "1" : "0"} ${signal} ${series ?? ""}`;
    }
    case "stageReached":
      return `${event.deploymentId} ${event.share.toFixed(9)}`;
    case "agentProposed":
      return `${event.deploymentId} ${event.agent} ${event.proposalId}`;
    case "contextPrepared":
    case "overrideGiven":
    case "approvalGiven":
    case "rollbackFinished":
    case "deploymentQuarantined":
      return event.deploymentId;
    case "haltOrdered":
    case "haltLifted":
    case "policyChanged":
      return event.by;
    case "requestRefused":
      return `${event.deploymentId ?? ""} ${event.by ?? ""} ${event.what} ${event.why}`;
    case "faultReported":
      return `${event.source} ${event.reason}`;
    case "samplesTaken":
    case "clockAdvanced":
      return "";
  }
}

/**
 * The one order of events, from their content alone and never from arrival:
 * `knownAtMs`, then the rank above, then the subject's name.
 */
export function compareEvents(a: Event | DecisionEvent, b: Event | DecisionEvent): number {
  if (a.knownAtMs !== b.knownAtMs) return a.knownAtMs - b.knownAtMs;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const left = subject(a);
  const right = subject(b);
  return left < right ? -1 : left > right ? 1 : a.atMs - b.atMs;
}
