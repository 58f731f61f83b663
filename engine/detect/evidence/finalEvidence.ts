/** The evidence of a signal's last judgement: what its whole watch showed. */

import { seriesKey, type Arm, type SignalEvidence, type Verdict } from "../../event.ts";
import { servicesOf, type SignalPolicy } from "../../policy/policy.ts";
import { selectionText } from "../../policy/role.ts";
import { formatNumber, formatShare } from "../../policy/quantity.ts";
import { wouldShow } from "../detectors/count.ts";
import { exposureName } from "../baseline/counted.ts";
import { heedsOngoing, limitOf } from "../detectors/detector.ts";
import {
  absoluteText,
  afterControl,
  afterOngoing,
  calibratedOn,
  controlEvidence,
  effectOf,
  effectText,
  guardText,
  missingBy,
  nameOf,
  noHistory,
  nothingOf,
  seasonEvidence,
  supportsHealth,
  toleranceText,
  withHardGuard,
} from "./evidence.ts";
import { logEOf } from "./eValue.ts";
import { breachingOf } from "./graded.ts";
import { guardSpeaks } from "../hardGuard.ts";
import { isOfOldVersion } from "../baseline/oldVersion.ts";
import { isOver } from "../baseline/ongoing.ts";
import { isReplaced, judgedOf, type SignalState } from "../publish.ts";
import { BASELINE_FOR_HEALTH } from "../baseline/baselineLength.ts";
import { expectedAt, untransformed } from "../baseline/residual.ts";
import { boundsFor } from "../tolerance.ts";
import { heldVerdicts } from "../track.ts";
import type { Extreme, TrackState } from "../trackState.ts";
import { judgedUntilMs } from "../take.ts";
import type { WatchState } from "../watch.ts";

/** A signal that counts is healthy only where so many times what is tolerated would have shown. */
const SHOWN_TIMES = 5;

/** No series that went to so many times its level, or fell to that part of it, is healthy, */
export const MANY_TIMES = 3;
/** where that is at least so many standard deviations of it. */
const MANY_SPREADS = 6;

/** A series is healthy only with at least this share of the samples that were due in its watch. */
export const COVERAGE_FOR_HEALTH = 0.8;

/** The furthest a series went in the direction that is worse. */
function worstOf(signal: SignalPolicy, track: TrackState): Extreme {
  const { highest, lowest } = track;
  if (signal.worse === "up") return highest;
  if (signal.worse === "down") return lowest;
  return -lowest.residual > highest.residual ? lowest : highest;
}

/** How many samples had no request behind them, in words; empty where none. */
function trafficText(signal: SignalPolicy, { traffic }: TrackState): string {
  if (traffic === null) return "";
  const { noTraffic, noExposure } = traffic;
  const idle = noTraffic === 0 ? "" : `, ${noTraffic} without a request`;
  const name = exposureName(signal);
  return idle + (noExposure === 0 ? "" : `, ${noExposure} without a sample of ${name}`);
}

/** Were there requests enough to show harm? True for signals that do not count. */
function couldShow(signal: SignalPolicy, track: TrackState, tolerance: number): boolean {
  const { detector } = signal;
  const rate = track.baseline?.rate;
  if (detector.kind !== "count" || rate === undefined) return true;
  const bounds = boundsFor(signal, track.series, tolerance, track.baseline);
  return wouldShow(detector, rate, bounds, track.traffic!.requests, SHOWN_TIMES);
}

interface FinalVerdict {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Judges one series over its whole watch. */
function finalVerdict(
  signal: SignalPolicy,
  watch: WatchState,
  track: TrackState,
  arm: Arm,
): FinalVerdict {
  const metric = nameOf(signal, track);
  const { baseline } = track;
  const worst = worstOf(signal, track);
  const allowed =
    arm === "tagged"
      ? toleranceText(signal, worst.tolerance, worst.tags)
      : toleranceText(signal, worst.untaggedTolerance, []);
  if (track.valid === 0) {
    return { verdict: "noData", reason: nothingOf(signal, track, track.gap) };
  }
  if (guardSpeaks(track)) {
    return { verdict: "breach", reason: `${metric} still at the hard guard, ${guardText(signal)}` };
  }
  if (track[arm].hold.verdict === "breach") {
    return { verdict: "breach", reason: `${metric} still beyond tolerance, ${allowed}` };
  }
  if (baseline === null || baseline.problem !== null) {
    return { verdict: "inconclusive", reason: `${metric}: ${baseline?.problem ?? "no baseline"}` };
  }
  if (track.stale) {
    const silent = `samples of ${metric} stopped`;
    const reason =
      track.gap === null ? silent : `${silent}: ${nothingOf(signal, track, track.gap)}`;
    return { verdict: "inconclusive", reason };
  }
  if (!supportsHealth(track)) {
    const reason =
      `${metric}: ${baseline.samples} samples before the deployment, ` +
      `health needs ${BASELINE_FOR_HEALTH}`;
    return { verdict: "inconclusive", reason };
  }
  const judgedMs = judgedUntilMs(signal, watch) - watch.deployment.startedAtMs;
  const expected = signal.watchSamples ?? judgedMs / (baseline.stepMs ?? 1);
  // What was left out because the old version was gone was there, and is not missing.
  const coverage = (track.valid + (track.alone ?? 0)) / Math.max(1, Math.floor(expected));
  if (coverage < COVERAGE_FOR_HEALTH) {
    const reason = `${metric}: only ${formatShare(coverage)} of the expected samples`;
    return { verdict: "inconclusive", reason: reason + trafficText(signal, track) };
  }
  const tolerated = arm === "tagged" ? worst.tolerance : track.untaggedTolerance;
  if (!couldShow(signal, track, tolerated)) {
    const requests = formatNumber(Math.round(track.traffic!.requests));
    const reason = `${metric}: ${requests} requests would not have shown ${SHOWN_TIMES} times`;
    return { verdict: "inconclusive", reason: `${reason} what is tolerated, ${allowed}` };
  }
  const reason = `${metric} ${peakText(signal, track, worst)}, ${allowed}`;
  if (isManyTimes(signal, track, worst) && heldVerdicts(track)[arm] !== "cleared") {
    return { verdict: "inconclusive", reason: `${reason}: too large to call it healthy` };
  }
  if (lastsBeyond(signal, track, tolerated)) {
    const size = effectText(signal, track, track.smooth!);
    const still = `${metric} still ${size}, ${allowed}`;
    return { verdict: "inconclusive", reason: `${still}, but not since the deployment` };
  }
  return { verdict: "healthy", reason };
}

/** Is it still beyond its tolerance, by an incident that began before the deployment? */
function lastsBeyond(signal: SignalPolicy, track: TrackState, tolerance: number): boolean {
  const { baseline, back, smooth } = track;
  if (baseline?.ongoing === undefined || back === undefined || smooth === null) return false;
  if (!heedsOngoing(signal.detector) || isOver(baseline.samples, back)) return false;
  const { up, down } = boundsFor(signal, track.series, tolerance, baseline);
  return baseline.ongoing.residual > 0 ? smooth > up : -smooth > down;
}

/**
 * Did the smoothed series go to many times its level, or to a fraction of it, beyond what its noise
 * and the tolerance explain? A detector that asks for more samples has shown no breach then, but
 * no health either. Percentage points and absolute limits say what is harm at any level: they are
 * not asked.
 */
function isManyTimes(signal: SignalPolicy, track: TrackState, worst: Extreme): boolean {
  if (signal.tolerance.kind === "points" || absoluteText(signal) !== "") return false;
  const baseline = track.baseline!;
  const { residual, tolerance } = worst;
  const { up, down } = boundsFor(signal, track.series, tolerance, baseline);
  if (residual <= up && -residual <= down) return false;
  if (Math.abs(residual) < MANY_SPREADS * baseline.spread) return false;
  const { transform, offset, level } = baseline;
  const [expected, went] = [level, level + residual].map((y) =>
    Math.abs(untransformed(y, transform, offset)),
  );
  return went! >= MANY_TIMES * expected! || went! * MANY_TIMES <= expected!;
}

/** How far a healthy series went, in words: within its tolerance, or beyond it but not for long. */
function peakText(signal: SignalPolicy, track: TrackState, worst: Extreme): string {
  const size = effectText(signal, track, worst.residual);
  const { up, down } = boundsFor(signal, track.series, worst.tolerance, track.baseline);
  const within = worst.residual <= up && -worst.residual <= down;
  if (within) return `at most ${size}`;
  if (heldVerdicts(track).tagged === "cleared") return `${size} at its worst, and back`;
  const seldom = absoluteText(signal) === "" ? "not for long" : "not for long beyond both limits";
  return `${size} at its worst, but ${seldom}`;
}

/** Until when samples were due. */
function judgedTo(signal: SignalPolicy, watch: WatchState, track: TrackState): number {
  return track.left === 0 ? track.lastAtMs : judgedUntilMs(signal, watch);
}

const WORST_FIRST: readonly Verdict[] = ["breach", "noData", "inconclusive", "healthy"];

/** The evidence of a signal's last judgement, that of the worst of its series. */
export function finalEvidence(
  signal: SignalPolicy,
  watch: WatchState,
  state: SignalState,
): SignalEvidence {
  // The old version's health says nothing about a new one that is silent.
  const isSilent = watch.silence?.said === true;
  const kept = [...state.tracks].filter(
    ([, { series }]) =>
      !isReplaced(series, watch, state.tracks) &&
      !(isSilent && isOfOldVersion(series, watch.deployment)),
  );
  const judged = kept
    .map(([, track]) => track)
    .sort((a, b) => (seriesKey(a.series) < seriesKey(b.series) ? -1 : 1))
    .map((track) => ({
      track,
      tagged: finalVerdict(signal, watch, track, "tagged"),
      untagged: finalVerdict(signal, watch, track, "untagged"),
    }));
  const worst = (arm: Arm) =>
    [...judged].sort(
      (a, b) => WORST_FIRST.indexOf(a[arm].verdict) - WORST_FIRST.indexOf(b[arm].verdict),
    )[0];
  const decided = worst("tagged");
  if (decided === undefined) return evidenceOfNone(signal, watch, state);
  const { name, tolerance, detector } = signal;
  const { track, tagged } = decided;
  const baseline = track.baseline;
  const statistic = baseline?.problem === null ? track.peak : null;
  const logE = statistic === null ? null : logEOf(detector, statistic, track.valid);
  const usable = baseline?.problem === null && track.smooth !== null;
  const extreme = worstOf(signal, track);
  const shadow = worst("untagged")!.untagged;
  const effect = usable ? effectOf(signal, extreme.residual, baseline) : null;
  const control = controlEvidence(signal, extreme.residual, extreme.control, baseline);
  const { signal: limited, placebo } = calibratedOn(signal, watch, track, statistic);
  const evidence: SignalEvidence = {
    signal: name,
    verdict: tagged.verdict,
    reason:
      tagged.reason +
      afterControl(signal, track, control, effect) +
      afterOngoing(signal, track, watch.deployment.startedAtMs) +
      noHistory(placebo),
    series: seriesKey(track.series),
    effect,
    interval: null,
    expected: usable ? expectedAt(baseline, watch.endsAtMs) : null,
    scale: usable ? baseline.scale : null,
    tolerance: extreme.tolerance,
    baseTolerance: tolerance.amount,
    statistic,
    limit: limitOf(limited.detector),
    logE,
    breaching: breachingOf(judgedOf(state.published, kept)),
    standing: state.standing,
    samples: track.valid,
    baselineSamples: baseline?.samples ?? track.pastAtMs.length,
    missing: missingBy(
      track,
      track.valid + (track.alone ?? 0),
      watch.deployment.startedAtMs,
      judgedTo(signal, watch, track),
    ),
    tags: extreme.tags,
    untagged: shadow.verdict,
    untaggedReason: `without tags: ${shadow.reason}`,
    placebo,
    control,
    season: seasonEvidence(signal, track),
  };
  return judged.some((one) => guardSpeaks(one.track)) ? withHardGuard(evidence) : evidence;
}

/** The evidence of a signal that no series matched. */
export function evidenceOfNone(
  signal: SignalPolicy,
  watch: WatchState,
  { published, standing }: SignalState,
): SignalEvidence {
  const { name, tolerance, detector } = signal;
  const whose = [...servicesOf(signal, watch.deployment)].join(", ") || "any service";
  const reason = `no series of ${whose} matches ${selectionText(signal)}`;
  return {
    signal: name,
    verdict: "noData",
    reason,
    series: null,
    effect: null,
    interval: null,
    expected: null,
    scale: null,
    tolerance: tolerance.amount,
    baseTolerance: tolerance.amount,
    statistic: null,
    limit: limitOf(detector),
    logE: null,
    breaching: breachingOf(published),
    standing,
    samples: 0,
    baselineSamples: 0,
    missing: null,
    tags: [],
    untagged: "noData",
    untaggedReason: reason,
    placebo: null,
    control: null,
    season: null,
  };
}
