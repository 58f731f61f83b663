/** A policy after parsing: durations in milliseconds, shares as fractions, defaults filled in. */

import type { Criticality, Deployment, DeploymentKind } from "../event.ts";
import type { IncumbentKind } from "../incumbents/incumbent.ts";
import type { JsonObject } from "../json.ts";
import type { TierName } from "../record.ts";
import type { AgentRule } from "./agents.ts";
import type { WeeklyRange } from "./calendar.ts";
import type { Explore } from "./explore.ts";
import type { Tolerance } from "./quantity.ts";
import type { Role } from "./role.ts";

/** Conditions on one deployment; all that are given must hold, each list means "one of". */
export interface Condition {
  readonly environment?: readonly string[] | undefined;
  readonly kind?: readonly DeploymentKind[] | undefined;
  readonly criticality?: readonly Criticality[] | undefined;
  readonly service?: readonly string[] | undefined;
  readonly team?: readonly string[] | undefined;
  readonly tags?: JsonObject<string> | undefined;
}

/** What turns samples into readings: whatever is in here is shared by policies that agree on it. */
export interface BaselineSettings {
  /** At least sixty samples, where these reach further; 0 where it is given in samples. */
  readonly baselineMs: number;
  /** The newest so many samples, however long they take. */
  readonly baselineSamples?: number;
  /** Subtract the profile of the same time on earlier days, where it helps. */
  readonly season: boolean;
}

export interface ThresholdSettings extends BaselineSettings {
  readonly kind: "threshold";
  /** A breach is at least `breaches` of the last `of` samples beyond the tolerance. */
  readonly breaches: number;
  readonly of: number;
  /** And only where the sample itself is above this (worse up) or below this (worse down). */
  readonly over?: AbsoluteLimit | undefined;
  readonly under?: AbsoluteLimit | undefined;
}

/** `share` 0.05 is 5 % of a ratio, in whatever unit it is recorded; `unit` is the metric's own. */
export interface AbsoluteLimit {
  readonly kind: "share" | "unit";
  readonly amount: number;
}

export interface CusumSettings extends BaselineSettings {
  readonly kind: "cusum";
  /** Drift subtracted at each sample, in standard deviations. */
  readonly drift: number;
  /** Largest step of one sample, in standard deviations: one spike alone never fires. */
  readonly clip: number;
  /** The sum at which a breach begins. */
  readonly limit: number;
}

export interface EwmaSettings extends BaselineSettings {
  readonly kind: "ewma";
  /** Weight of the newest sample. */
  readonly weight: number;
  /** Largest step of one sample, in standard deviations: one spike alone never fires. */
  readonly clip: number;
  /** Standard deviations of the average at which a breach begins. */
  readonly limit: number;
}

export interface OnsetSettings extends BaselineSettings {
  readonly kind: "eprocess";
  /** Share of healthy watches that may be called a breach, however often one looks. */
  readonly alpha: number;
  /** Valid samples over which that share holds, and among which the onset is sought. */
  readonly horizon: number;
  /** Largest step of one sample, in standard deviations. */
  readonly clip: number;
}

export interface MannWhitneySettings extends BaselineSettings {
  readonly kind: "mannWhitney";
  /** Of the interval of the shift. */
  readonly confidence: number;
  /** A breach needs the interval to clear this share of the shift (Kayenta's `tolerance`). */
  readonly limit: number;
  /** Valid samples before the first look. */
  readonly atLeast: number;
  /** Valid samples from one look to the next. */
  readonly every: number;
}

export interface VarianceSettings extends BaselineSettings {
  readonly kind: "variance";
  /** Steps from sample to sample that are looked at, and how many are needed for a look. */
  readonly window: number;
  readonly atLeast: number;
  /** How many times wider than before the noise must be. */
  readonly times: number;
}

export interface NoveltySettings extends BaselineSettings {
  readonly kind: "novelty";
  /** How many of the baseline's ranges beyond all of the baseline a sample must be. */
  readonly times: number;
}

export interface OutlierSettings extends BaselineSettings {
  readonly kind: "outlier";
  /** Subtracted at each sample, in scales. */
  readonly drift: number;
  /** The sum at which a breach begins: one sample reaches it alone from `drift` + `limit` on. */
  readonly limit: number;
}

export interface CountSettings extends BaselineSettings {
  readonly kind: "count";
  /** Is the metric a ratio of the requests behind it, or the number of events itself? */
  readonly reads: "ratio" | "count";
  /** Share of healthy watches that may be called a breach, however often one looks. */
  readonly alpha: number;
  /** Valid samples over which that share holds, and among which the onset is sought. */
  readonly horizon: number;
  /** What one sample may multiply the evidence by, at most. */
  readonly clip: number;
}

export type DetectorSettings =
  | ThresholdSettings
  | CusumSettings
  | EwmaSettings
  | OnsetSettings
  | MannWhitneySettings
  | VarianceSettings
  | NoveltySettings
  | OutlierSettings
  | CountSettings;

/** How many requests stand behind one sample: what a metric says, or a number. */
export type Exposure =
  | {
      readonly kind: "metric";
      /** A name or globs, of the same service. */
      readonly metric: string;
      /** It is a rate over this long; null: the requests of one sample. */
      readonly perMs: number | null;
    }
  | { readonly kind: "requests"; readonly requests: number };

/** Placebo watches that a limit is calibrated on. */
export interface CalibrateSettings {
  /** From one placebo to the next, and how far back they count. */
  readonly everyMs: number;
  readonly overMs: number;
  /** Share of quiet watches of one series that may reach the limit. */
  readonly alpha: number;
}

/** Harm that no tolerance is asked about: beyond `times` what was expected, and the share. */
export interface HardGuard {
  readonly times: number;
  /** A share of a ratio that a sample must be above (worse up) or below (worse down) as well. */
  readonly over: number | null;
  readonly under: number | null;
}

export interface SignalPolicy {
  readonly name: string;
  /** A metric's name, or globs with `*`, separated by `|`; `*` where only the role selects. */
  readonly metric: string;
  /** Absent: the metric's name alone selects (see role.ts). */
  readonly role?: Role | undefined;
  /** Whose series: `own`, `callers`, `dependants`, or services by name. */
  readonly of: readonly string[];
  readonly worse: "up" | "down" | "both";
  readonly detector: DetectorSettings;
  /** Is the metric a raw counter? Absent, the series says so itself. */
  readonly counter?: boolean | undefined;
  /** The requests behind a sample, for a detector that counts. */
  readonly exposure?: Exposure | undefined;
  readonly tolerance: Tolerance;
  /** What moves services that it does not touch, or the old version, is not its doing. */
  readonly control?: "peers" | "versions";
  readonly hardGuard?: HardGuard;
  /** Absent: the detector's quoted limit holds. */
  readonly calibrate?: CalibrateSettings;
  /** Where it is judged for a shorter time than the policy says. */
  readonly watchMs?: number;
  /** And where it is judged on its first so many samples. */
  readonly watchSamples?: number;
  /** 0 where they are given in samples: so many in a row. */
  readonly holdMs: number;
  readonly clearMs: number;
  readonly holdSamples?: number;
  readonly clearSamples?: number;
}

/** By number of signals, by the sum of their weights, or by evidence. */
export type Fusion =
  "any" | "all" | "evidence" | { readonly atLeast: number } | { readonly weight: number };

/** What turns evidence into a confidence; by other fusions only the weights are read, if at all. */
export interface EvidencePolicy {
  /** The share of deployments that go wrong, before anything is known of this one. */
  readonly changeFailureRate: number;
  /** By signal, as written: they are shared among the signals that have a series. */
  readonly weights: JsonObject<number>;
}

export interface FullTier {
  readonly action: "rollback";
  /** How sure the machine must be, under `fusion: evidence`. */
  readonly confidence: number;
}
export interface OverrideTier {
  readonly action: "rollback";
  readonly confidence: number;
  readonly windowMs: number;
  readonly onTimeout: "rollback" | "hold";
}
export interface ApproveTier {
  readonly action: "recommend";
  readonly confidence: number;
  readonly slaMs: number;
  readonly escalate: readonly { readonly to: string; readonly slaMs: number }[];
  readonly onExpiry: "hold" | "rollback";
}
export interface ObserveTier {
  readonly action: "none";
  readonly confidence: number;
}

export interface Tiers {
  readonly full: FullTier;
  readonly override: OverrideTier;
  readonly approve: ApproveTier;
  readonly observe: ObserveTier;
}

export interface Assignment {
  readonly when: Condition | null;
  readonly tier: TierName;
}

/** A stretch of time, from `fromMs` to before `untilMs`. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** In force when its condition holds and its times, where it names any, say so. */
export interface Mode {
  readonly name: string;
  readonly when: Condition;
  /** By the wall clock of `timezone`; empty: no calendar. */
  readonly calendar: readonly WeeklyRange[];
  /** `service`: the zone of the deployed service. */
  readonly timezone: string;
  /** Explicit stretches, such as one night's maintenance; empty: none. */
  readonly between: readonly TimeWindow[];
  /** In force while no mode with a calendar is. */
  readonly otherwise: boolean;
  readonly tier: Readonly<Partial<Record<TierName, TierName>>>;
  /** Null means every signal. */
  readonly signals: readonly string[] | null;
  readonly toleranceTimes: number;
}

/** What a policy says about one signal while few see the new version. */
export interface StageSignal {
  readonly name: string;
  /** In the place of the signal's own, of the same kind; null: the signal's own. */
  readonly tolerance: Tolerance | null;
  /** Of its breach; null: the deployment's. */
  readonly tier: TierName | null;
}

/** What holds while at most so much of the traffic is on the new version (see stages.ts). */
export interface Stage {
  readonly name: string;
  /** A share of the traffic, above 0 and at most 1. */
  readonly upTo: number;
  readonly tier: Readonly<Partial<Record<TierName, TierName>>>;
  readonly signals: readonly StageSignal[];
}

/** What one tag may do, and its ceiling. */
export interface ContextRule {
  readonly tag: string;
  /** Null with `shifts`: the tag itself names the metric (see declared.ts). */
  readonly signal: string | null;
  readonly shifts: "tolerance" | null;
  /** The largest shift believed, as a fraction; a larger declared value counts as this. */
  readonly max: number;
  /** How long after its start a tag counts. */
  readonly forMs: number;
  readonly tierAtLeast: TierName | null;
  /** Half of what it declares is believed of direct callers as well, and its tier is theirs. */
  readonly quietsDependants?: true;
  /** One that only its deployer vouches for moves no tolerance; absent: it does, and is counted. */
  readonly selfIssued?: "refuse";
}

/** How many rollbacks of one service, team or fleet a machine may order in a stretch of time. */
export interface RollbackBudget {
  readonly per: "service" | "team" | "fleet";
  readonly max: number;
  readonly inMs: number;
}

/** So many services in breach within a stretch of time are a storm: the machine holds. */
export interface StormBrake {
  readonly services: number;
  readonly inMs: number;
}

export interface Guardrails {
  /** A machine never acts on these: the tier becomes `observe`. */
  readonly never: readonly Condition[];
  /** No tag or mode lifts a relative tolerance above this. */
  readonly toleranceAtMost: number | null;
  /** A policy with a shorter override window is refused: people would have no time to say no. */
  readonly windowAtLeastMs?: number;
  readonly rollbackBudget: RollbackBudget | null;
  /** After a rollback of a service the machine leaves it alone for so long. */
  readonly cooldownMs: number | null;
  readonly stormBrake: StormBrake | null;
}

/** How people's answers lower a confidence (see learn/discount.ts). */
export interface Learning {
  /** After which a lesson weighs half. */
  readonly halfLifeMs: number;
  /** So much decayed weight of similar proposals before anything is learned of them. */
  readonly atLeast: number;
  /** The share of a confidence that may be taken off. */
  readonly discountAtMost: number;
}

/** The system that judges in the place of detectors (see incumbents/incumbent.ts). */
export interface IncumbentPolicy {
  readonly system: IncumbentKind;
  /** Checked by the schema of the system; plain data. */
  readonly plan: unknown;
  /** As the incumbent asks them; null where the policy does not say. Each is a signal by name. */
  readonly queries: readonly {
    readonly name: string;
    readonly query: string | null;
    readonly intervalMs: number | null;
    /** The history has another unit: an answer is its value times and plus this. */
    readonly scale?: { readonly times: number; readonly plus: number };
  }[];
  /** A what-if, never in a file: queries fail for `forMs`, from `afterMs` after a start on. */
  readonly outage?: { readonly forMs: number; readonly afterMs: number };
}

export interface Policy {
  readonly policy: string;
  readonly owner: string;
  readonly watchMs: number;
  readonly signals: readonly SignalPolicy[];
  readonly fusion: Fusion;
  readonly evidence: EvidencePolicy;
  /** Is what else may explain a breach asked before a machine acts (see decide/attribution.ts)? */
  readonly attribution: "on" | "off";
  readonly tiers: Tiers;
  readonly assign: readonly Assignment[];
  readonly modes: readonly Mode[];
  /** Ascending in `upTo`; absent where the policy has none. */
  readonly stages?: readonly Stage[];
  readonly context: readonly ContextRule[];
  readonly guardrails: Guardrails;
  /** Absent: nothing that people answer changes what is decided later. */
  readonly learning?: Learning;
  /** Absent: the machine acts wherever it may. */
  readonly explore?: Explore;
  /** By name; absent: what agents propose changes nothing. */
  readonly agents?: readonly AgentRule[];
  /** After so long without a sample while others report a deployment is silent; absent: never. */
  readonly silenceMs?: number;
  /** Absent: the detectors of the signals judge. */
  readonly incumbent?: IncumbentPolicy;
  /** Of the resolved form: comments and key order do not change it. */
  readonly digest: string;
}

/** The services whose series a signal watches for one deployment. */
export function servicesOf(
  signal: SignalPolicy,
  deployment: Pick<Deployment, "service" | "callers" | "dependants">,
): ReadonlySet<string> {
  const services = new Set<string>();
  for (const whose of signal.of) {
    if (whose === "own") services.add(deployment.service);
    else if (whose === "callers") deployment.callers?.forEach((name) => services.add(name));
    else if (whose === "dependants") deployment.dependants?.forEach((name) => services.add(name));
    else services.add(whose);
  }
  return services;
}
