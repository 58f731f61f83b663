/** Why: one record for each decision, enough to explain it and to make it again. */

import type { AgentWord, SignalEvidence, Silence } from "./event.ts";
import type { JsonObject } from "./json.ts";
import type { StageNow } from "./policy/stages.ts";

/** How one deployment ended, as the engine knows it (labels and misses are the lab's). */
export type End =
  | "healthy"
  | "rolledBack"
  | "overridden"
  | "withdrawn"
  | "expired"
  | "held"
  | "superseded"
  | "rollbackFailed"
  | "undecidable";

/** The phases of the fleet as a whole. */
export type FleetPhaseName = "running" | "halted";
export type PhaseName = "watching" | "proposed" | "rollingBack" | "ended" | FleetPhaseName;

/** In the place of a deployment and a service where a record is about the whole fleet. */
export const FLEET = "(fleet)";

/**
 * What was decided. `silent` is a deployment that reports nothing: people were paged and the
 * rollout is to be held. `held` is a breach that a guardrail kept the machine from acting on
 * and that people were paged for already; `refused` is an event that was not allowed to
 * change anything. `waited` is an action that a coin put off (see decide/coin.ts).
 */
export type DecisionKind =
  | "watchStarted"
  | "proposed"
  | "withdrawn"
  | "escalated"
  | "waited"
  | "rollbackOrdered"
  | "ended"
  | "paged"
  | "held"
  | "silent"
  | "halted"
  | "haltLifted"
  | "policyChanged"
  | "refused";

export type TierName = "full" | "override" | "approve" | "observe";

/** One step on the way to the tier: which rule spoke, and where the policy says it. */
export interface TierStep {
  readonly rule: string;
  readonly tier: TierName;
}

/** One thing that may have caused a breach (see decide/attribution.ts), and why it may. */
export interface Explanation {
  /** A deployment, or `unrelated_incident`. */
  readonly deploymentId: string;
  readonly why: string;
}

/** What a confidence was made of: logit confidence = logit rate + ln E, then the caps. */
export interface ConfidenceBasis {
  readonly uncapped: number;
  /** Natural logarithm of the weighted mean of the signals' e-values. */
  readonly logE: number;
  readonly changeFailureRate: number;
  /** Of the signals that have a series; they sum to one. */
  readonly weights: JsonObject<number>;
  /** The rules that held the confidence down, and at what. */
  readonly caps: readonly { readonly rule: string; readonly atMost: number }[];
  /** A hard guard spoke, and no confidence is below this then. */
  readonly hardGuardAtLeast?: number;
}

/** What people's answers to proposals like this one say about it (see learn/discount.ts). */
export interface Learned {
  /** Of those that accuse, the signal whose proposals were overridden least. */
  readonly signal: string;
  /** Similar proposals that were answered, and how many of them were overridden. */
  readonly answered: number;
  readonly overridden: number;
  /** Overrides that harm followed. */
  readonly harmful: number;
  /** What these answers weigh by now. */
  readonly weight: number;
  /** The share of such proposals that is false, as far as people said. */
  readonly falseShare: number;
  readonly confidence: number;
  /** One sentence. */
  readonly says: string;
}

/** What the coin of a policy that explores said about one deployment (see decide/coin.ts). */
export interface Coin {
  readonly outcome: "act" | "wait";
  /** How likely that outcome was, given all that the policy saw. */
  readonly propensity: number;
  readonly tossedAtMs: number;
  /** When the wait is over at the latest. */
  readonly untilMs: number;
}

export interface DecisionRecord {
  /** `deploymentId#n`, n counting the deployment's (or the fleet's) records from 1. */
  readonly decisionId: string;
  /** `FLEET` where the record is about no one deployment, and so its service. */
  readonly deploymentId: string;
  readonly service: string;
  readonly decision: DecisionKind;
  readonly atMs: number;
  readonly knownAtMs: number;
  readonly engineVersion: string;
  readonly policy: string;
  readonly policyDigest: string;
  readonly phaseBefore: PhaseName;
  readonly phaseAfter: PhaseName;
  readonly end: End | null;
  readonly tier: TierName | null;
  /** assign → modes → stage → tag floors → guardrails, in that order. */
  readonly tierPath: readonly TierStep[];
  readonly mode: string | null;
  /** Where the rollout stood; absent where the policy has no stages. */
  readonly stage?: StageNow;
  /** It reported nothing while others did; absent where it was not silent. */
  readonly silence?: Silence;
  /** Of the breach; empty where nothing was decided on one, or under `attribution: off`. */
  readonly explanations: readonly Explanation[];
  /** Nothing learned. Null under `any`, `all` and `atLeast`: those act on breaches. */
  readonly confidence: number | null;
  readonly basis: ConfidenceBasis | null;
  readonly signals: readonly SignalEvidence[];
  readonly reason: string;
  /** Who could decide this. */
  readonly authority: string;
  /** Who answers for it. Never blank. */
  readonly accountable: string;
  /** Tags known at that moment, as `name=value`. */
  readonly tags: readonly string[];
  /** Those without an owner, or that only the deployer vouches for; absent where none is. */
  readonly selfIssued?: readonly string[];
  /** When the same policy without any tag would have proposed; null when it would not have. */
  readonly untaggedProposedAtMs: number | null;
  /**
   * Absent where nothing was learned that lowers the confidence. `tierWithout` is the tier
   * that would have held, null where it is the same: the shadow decision.
   */
  readonly learned?: Learned & { readonly tierWithout: TierName | null };
  /** On what was waited for or ordered after a toss; absent everywhere else. */
  readonly coin?: Coin;
  /**
   * The newest proposal of an agent that the policy listened to; absent where there is none.
   * `alone`: it counts now, and our own evidence would not be enough. `unanswered`: people were
   * asked and said nothing, so it counts no more.
   */
  readonly agent?: AgentWord & { readonly alone: boolean; readonly unanswered?: true };
}
