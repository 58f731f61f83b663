/** What one signal says at one moment: its verdict, and what that rests on. */

import type { Placebo } from "./detect/evidence/placebo.ts";
import type { IncumbentCause } from "./incumbents/cause.ts";

export type Verdict = "healthy" | "breach" | "inconclusive" | "noData";

/**
 * Everything is judged twice from the same samples: with the context tags applied, and without
 * any. The second is the shadow that says what tags were worth; it decides nothing.
 */
export type Arm = "tagged" | "untagged";

/** What a signal said when its verdict changed, and the numbers it rests on. */
export interface SignalEvidence {
  readonly signal: string;
  readonly verdict: Verdict;
  readonly reason: string;
  /** The series that decided it, as `service/metric`; null when none matches. */
  readonly series: string | null;
  /** Relative change (0.15 is +15 %) or change in the metric's own unit for `pp` tolerances. */
  readonly effect: number | null;
  /**
   * Where the effect lies with 95 %, at whichever moment of the watch (see detect/evidence).
   * Null where that is not known and at the end of a watch; absent in older logs.
   */
  readonly interval?: EffectInterval | null;
  readonly expected: number | null;
  readonly scale: number | null;
  /** What was tolerated at that moment, tags and modes applied; same unit as `effect`. */
  readonly tolerance: number;
  readonly baseTolerance: number;
  /** The detector's statistic, and the limit it is held against. */
  readonly statistic: number | null;
  readonly limit: number | null;
  /** Natural logarithm of that statistic's e-value (see eValue.ts); null where it has none. */
  readonly logE: number | null;
  /** The series that speak against the deployment by now, the first mover first. */
  readonly breaching: readonly BreachingSeries[];
  /** What `fusion: evidence` counts; null under every other fusion. */
  readonly standing: StandingEvidence | null;
  readonly samples: number;
  readonly baselineSamples: number;
  /** Share of the samples due since the deployment that are not there; null when too few were. */
  readonly missing: number | null;
  /** Tags that moved the tolerance, as `name=value`. */
  readonly tags: readonly string[];
  /** The shadow verdict: the same samples, no tags. */
  readonly untagged: Verdict;
  readonly untaggedReason: string;
  /** How often quiet watches go as far as the statistic; null where the policy does not ask. */
  readonly placebo: Placebo | null;
  /** How many peers counted, and what they explained of `effect`; null without `control`. */
  readonly control: { readonly peers: number; readonly subtracted: number } | null;
  /** What was subtracted of earlier days; null where the policy does not ask. */
  readonly season: SeasonEvidence | null;
  /** The deployment reports nothing while others do (see detect/silence.ts). Absent otherwise. */
  readonly silence?: Silence;
  /** Beyond the policy's hard guard, in both arms: no tolerance is asked. Absent otherwise. */
  readonly hardGuard?: true;
  /** Why an incumbent decided; absent where detectors judge, or where it decided nothing. */
  readonly cause?: IncumbentCause;
}

/** In the unit of the effect. */
export interface EffectInterval {
  readonly low: number;
  readonly high: number;
}

/** A deployment that reports nothing, and who did in the meantime. */
export interface Silence {
  /** Only the new version, or the whole service. */
  readonly code: "newVersionSilent" | "serviceSilent";
  /** When its last sample became known, or the deployment itself. */
  readonly sinceMs: number;
  /** The old version, and other services. */
  readonly witnesses: readonly string[];
}

/** Of how many days the same time was subtracted; none, and why not. */
export interface SeasonEvidence {
  readonly days: number;
  readonly without: string | null;
}

export interface BreachingSeries {
  /** As `service/metric[@version]`. */
  readonly series: string;
  /** `atMs` of the sample with which its breach, or what stands of its evidence, began. */
  readonly sinceMs: number;
}

/** Evidence that lasted (see levels.ts), as the natural logarithm of the mean over the series. */
export interface StandingEvidence {
  readonly tagged: number;
  /** The shadow: the same samples, no tags. */
  readonly untagged: number;
  /** Has a series of the signal stopped? Its evidence counts as none, and that is no recovery. */
  readonly silent: boolean;
}
