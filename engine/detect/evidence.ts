/** What a signal said, in numbers and in words. */

import { seriesKey, type SignalEvidence, type Verdict } from "../event.ts";
import { servicesOf, type AbsoluteLimit, type SignalPolicy } from "../policy/policy.ts";
import { formatChange, formatDuration, formatNumber, formatShare } from "../policy/quantity.ts";
import { wouldShow } from "./count.ts";
import { exposureName, type Gap } from "./counted.ts";
import type { ControlledAt } from "./control.ts";
import { limitOf } from "./detector.ts";
import { limitedSignal, placeboOf } from "./limit.ts";
import { PEERS_AT_LEAST } from "./peers.ts";
import type { Placebo } from "./placebo.ts";
import { BASELINE_FOR_HEALTH, expectedAt } from "./residual.ts";
import { boundsFor } from "./tolerance.ts";
import {
  heldVerdicts,
  staleAfterMs,
  type Extreme,
  type TrackChange,
  type TrackState,
} from "./track.ts";
import { logEOf } from "./eValue.ts";
import { breachingOf } from "./graded.ts";
import { guardSpeaks } from "./hardGuard.ts";
import type { SignalState } from "./publish.ts";
import type { WatchState } from "./watch.ts";

/** A signal that counts is healthy where this multiple of what is tolerated would have shown. */
const SHOWN_TIMES = 5;

/** Half a spread subtracted is worth a word. */
const MATTERS = 0.5;

/** Health needs this share of the samples a watch should have had. */
const COVERAGE_FOR_HEALTH = 0.8;

/** Is the history long enough to call a series healthy? Short history forbids health only. */
export function supportsHealth(track: TrackState): boolean {
  const { baseline } = track;
  return baseline?.problem === null && baseline.samples >= BASELINE_FOR_HEALTH;
}

/** A series as a reader knows it: its metric, with its service where not the deployed one. */
function nameOf(signal: SignalPolicy, { series }: TrackState): string {
  const own = signal.of.length === 1 && signal.of[0] === "own";
  return own ? series.metric : `${series.service} ${series.metric}`;
}

/** A residual in the unit of the tolerance: relative change, or the metric's own unit. */
function effectOf(signal: SignalPolicy, residual: number): number {
  return signal.tolerance.kind === "relative" ? Math.expm1(residual) : residual;
}

function effectText(signal: SignalPolicy, track: TrackState, effect: number): string {
  if (signal.tolerance.kind === "relative") return formatChange(effect);
  const points = effect / track.series.percentagePoint;
  return `${points >= 0 ? "+" : "−"}${formatNumber(Math.abs(Number(points.toPrecision(3))))} pp`;
}

function toleranceText(signal: SignalPolicy, amount: number, tags: readonly string[]): string {
  const size =
    signal.tolerance.kind === "relative"
      ? formatShare(amount)
      : `${formatNumber(Number((amount * 100).toPrecision(3)))} pp`;
  const allowed = `${size} tolerated${absoluteText(signal)}`;
  return tags.length === 0 ? allowed : `${allowed} with ${tags.join(", ")}`;
}

/** What a sample must be beyond as well, where the detector has such a limit. */
function absoluteText({ detector }: SignalPolicy): string {
  if (detector.kind !== "threshold") return "";
  const text = (word: string, limit: AbsoluteLimit | undefined): string => {
    if (limit === undefined) return "";
    const { kind, amount } = limit;
    return ` and all ${word} ${kind === "share" ? formatShare(amount) : formatNumber(amount)}`;
  };
  return text("up to", detector.over) + text("down to", detector.under);
}

/** What is too much whatever is tolerated. */
function guardText({ hardGuard, worse }: SignalPolicy): string {
  const { times, over, under } = hardGuard!;
  const up = over === null ? "" : ` and over ${formatShare(over)}`;
  const down = under === null ? "" : ` and under ${formatShare(under)}`;
  const much = `more than ${formatNumber(times)} times what was expected${up}`;
  const little = `less than a ${formatNumber(times)}th of what was expected${down}`;
  const both = worse === "both" ? `${much}, or ${little}` : worse === "up" ? much : little;
  return `${both}, whatever is tolerated`;
}

/** What a detector of width found; null for those that judge the level. */
function widthText({ detector }: SignalPolicy, statistic: number | null): string | null {
  if (detector.kind !== "variance" || statistic === null) return null;
  const times = formatNumber(Number(statistic.toPrecision(2)));
  return `varies ${times} times as much as before (breach from ${formatNumber(detector.times)})`;
}

/** The signal with the limit of this series, and what a statistic means on it. */
function calibratedOn(
  signal: SignalPolicy,
  { deployment, endsAtMs, context }: WatchState,
  track: TrackState,
  statistic: number | null,
): { readonly signal: SignalPolicy; readonly placebo: Placebo | null } {
  const watchMs = endsAtMs - deployment.startedAtMs;
  const key = seriesKey(track.series);
  return {
    signal: limitedSignal(signal, watchMs, context, key),
    placebo: placeboOf(signal, watchMs, context, key, statistic),
  };
}

/** A limit that nothing was calibrated on is the author's guess, and a reader must know. */
function noHistory(placebo: Placebo | null): string {
  return placebo?.source === "none" ? "; no placebo history, quoted limit" : "";
}

/** What peers explained, in the unit of the effect; null where the policy does not ask. */
function controlEvidence(
  signal: SignalPolicy,
  residual: number | null,
  control: ControlledAt | null,
): SignalEvidence["control"] {
  if (signal.control === undefined) return null;
  if (control === null || residual === null) return { peers: 0, subtracted: 0 };
  const { peers, uncontrolled } = control;
  return { peers, subtracted: effectOf(signal, uncontrolled) - effectOf(signal, residual) };
}

/** Peers are mentioned where they mattered, and where there were too few. */
function afterPeers(track: TrackState, control: SignalEvidence["control"], effect: number | null) {
  if (control === null || track.valid === 0 || effect === null) return "";
  const { peers, subtracted } = control;
  if (peers < PEERS_AT_LEAST) return `; ${peers} peers, no control`;
  const mattered = Math.abs(subtracted) >= MATTERS * (track.baseline?.spread ?? 0);
  return mattered ? `; after ${peers} peers` : "";
}

/** With fewer samples due than this nobody can say that some are missing. */
const DUE_AT_LEAST = 5;

function missingBy(track: TrackState, valid: number, startedAtMs: number, atMs: number) {
  const stepMs = track.baseline?.stepMs ?? null;
  if (stepMs === null) return null;
  const due = Math.floor((atMs - startedAtMs) / stepMs);
  // One may be on its way.
  return due < DUE_AT_LEAST ? null : Math.max(0, due - 1 - valid) / due;
}

/** Evidence at a change of verdict; what stands of it under `fusion: evidence` is added. */
export function interimEvidence(
  given: SignalPolicy,
  watch: WatchState,
  track: TrackState,
  change: TrackChange,
  verdict: Verdict,
  untagged: Verdict,
): SignalEvidence {
  const baseline = track.baseline!;
  const { signal, placebo } = calibratedOn(given, watch, track, change.statistic);
  const usable = baseline.problem === null && change.smooth !== null;
  const effect = usable ? effectOf(signal, change.smooth) : null;
  const size = effect === null ? "no reading" : effectText(signal, track, effect);
  const control = controlEvidence(signal, change.smooth, change.control);
  const harm = widthText(signal, change.statistic) ?? size;
  const allowed = toleranceText(signal, change.tolerance, change.tags);
  const held = formatDuration(signal.holdMs);
  const silentFor = formatDuration(staleAfterMs(baseline));
  const reason =
    verdict === "breach" && change.guarded
      ? `${nameOf(signal, track)} ${size}: hard guard, ${guardText(signal)}`
      : verdict === "breach"
        ? `${nameOf(signal, track)} ${harm}, ${allowed}, for ${held}`
        : verdict === "healthy"
          ? `${nameOf(signal, track)} back within tolerance for ${formatDuration(signal.clearMs)}`
          : change.stale
            ? `${nothingOf(signal, track, change.gap)} for ${silentFor}`
            : change.levels > 0
              ? `${nameOf(signal, track)} ${size}, ${allowed}`
              : `watching ${nameOf(signal, track)}: ${size}, ${allowed}`;
  return {
    signal: signal.name,
    verdict,
    reason: `${reason}${afterPeers(track, control, effect)}${noHistory(placebo)}`,
    series: seriesKey(track.series),
    effect,
    expected: usable ? expectedAt(baseline, change.atMs) : null,
    scale: usable ? baseline.scale : null,
    tolerance: change.tolerance,
    baseTolerance: signal.tolerance.amount,
    statistic: change.statistic,
    limit: limitOf(signal.detector),
    logE:
      change.statistic === null ? null : logEOf(signal.detector, change.statistic, change.valid),
    breaching: [],
    standing: null,
    samples: change.valid,
    baselineSamples: baseline.samples,
    missing: missingBy(track, change.valid, watch.deployment.startedAtMs, change.atMs),
    tags: change.tags,
    untagged,
    untaggedReason:
      untagged === "breach"
        ? `without tags: ${nameOf(signal, track)} ${size}, ` +
          toleranceText(signal, change.untaggedTolerance, [])
        : `without tags: ${untagged}`,
    placebo,
    control,
  };
}

/** The furthest a series went in the direction that is worse. */
function worstOf(signal: SignalPolicy, track: TrackState): Extreme {
  const { highest, lowest } = track;
  if (signal.worse === "up") return highest;
  if (signal.worse === "down") return lowest;
  return -lowest.residual > highest.residual ? lowest : highest;
}

/** What is missing when a series says nothing. */
function nothingOf(signal: SignalPolicy, track: TrackState, gap: Gap | null): string {
  const metric = nameOf(signal, track);
  if (gap === "noTraffic") return `no request behind ${metric}`;
  if (gap === "noExposure") return `no sample of ${exposureName(signal)} behind ${metric}`;
  return `no sample of ${metric}`;
}

function trafficText(signal: SignalPolicy, { traffic }: TrackState): string {
  if (traffic === null) return "";
  const { noTraffic, noExposure } = traffic;
  const idle = noTraffic === 0 ? "" : `, ${noTraffic} without a request`;
  const name = exposureName(signal);
  return idle + (noExposure === 0 ? "" : `, ${noExposure} without a sample of ${name}`);
}

/** Health of a signal that counts needs requests enough to have shown harm. */
function couldShow(signal: SignalPolicy, track: TrackState, tolerance: number): boolean {
  const { detector } = signal;
  const rate = track.baseline?.rate;
  if (detector.kind !== "count" || rate === undefined) return true;
  const bounds = boundsFor(signal, track.series, tolerance);
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
  arm: "tagged" | "untagged",
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
  const expected = (watch.endsAtMs - watch.deployment.startedAtMs) / (baseline.stepMs ?? 1);
  const coverage = track.valid / Math.max(1, Math.floor(expected));
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
  return { verdict: "healthy", reason: `${metric} ${peakText(signal, track, worst)}, ${allowed}` };
}

/** How far a healthy series went: within what was tolerated, or beyond it but not for long. */
function peakText(signal: SignalPolicy, track: TrackState, worst: Extreme): string {
  const size = effectText(signal, track, effectOf(signal, worst.residual));
  const { up, down } = boundsFor(signal, track.series, worst.tolerance);
  const within = worst.residual <= up && -worst.residual <= down;
  if (within) return `at most ${size}`;
  if (heldVerdicts(track).tagged === "cleared") return `${size} at its worst, and back`;
  const seldom = absoluteText(signal) === "" ? "not for long" : "not for long beyond both limits";
  return `${size} at its worst, but ${seldom}`;
}

const WORST_FIRST: readonly Verdict[] = ["breach", "noData", "inconclusive", "healthy"];

/** The last judgement of a signal: the worst of its series. */
export function finalEvidence(
  signal: SignalPolicy,
  watch: WatchState,
  state: SignalState,
): SignalEvidence {
  const judged = Object.values(state.tracks)
    .sort((a, b) => (seriesKey(a.series) < seriesKey(b.series) ? -1 : 1))
    .map((track) => ({
      track,
      tagged: finalVerdict(signal, watch, track, "tagged"),
      untagged: finalVerdict(signal, watch, track, "untagged"),
    }));
  const worst = (arm: "tagged" | "untagged") =>
    [...judged].sort(
      (a, b) => WORST_FIRST.indexOf(a[arm].verdict) - WORST_FIRST.indexOf(b[arm].verdict),
    )[0];
  const decided = worst("tagged");
  const statistic = decided?.track.baseline?.problem === null ? decided.track.peak : null;
  const base = {
    signal: signal.name,
    baseTolerance: signal.tolerance.amount,
    statistic,
    limit: limitOf(signal.detector),
    logE: statistic === null ? null : logEOf(signal.detector, statistic, decided!.track.valid),
    breaching: breachingOf(state.published),
    standing: state.standing,
  };
  if (decided === undefined) {
    const whose = [...servicesOf(signal, watch.deployment)].join(", ") || "any service";
    const reason = `no series of ${whose} matches ${signal.metric}`;
    return {
      ...base,
      verdict: "noData",
      reason,
      series: null,
      effect: null,
      expected: null,
      scale: null,
      tolerance: signal.tolerance.amount,
      samples: 0,
      baselineSamples: 0,
      missing: null,
      tags: [],
      untagged: "noData",
      untaggedReason: reason,
      placebo: null,
      control: null,
    };
  }
  const { track, tagged } = decided;
  const baseline = track.baseline;
  const usable = baseline?.problem === null && track.smooth !== null;
  const extreme = worstOf(signal, track);
  const shadow = worst("untagged")!.untagged;
  const effect = usable ? effectOf(signal, extreme.residual) : null;
  const control = controlEvidence(signal, extreme.residual, extreme.control);
  const { signal: limited, placebo } = calibratedOn(signal, watch, track, base.statistic);
  return {
    signal: base.signal,
    baseTolerance: base.baseTolerance,
    statistic: base.statistic,
    limit: limitOf(limited.detector),
    logE: base.logE,
    breaching: base.breaching,
    standing: base.standing,
    verdict: tagged.verdict,
    reason: `${tagged.reason}${afterPeers(track, control, effect)}${noHistory(placebo)}`,
    series: seriesKey(track.series),
    effect,
    expected: usable ? expectedAt(baseline, watch.endsAtMs) : null,
    scale: usable ? baseline.scale : null,
    tolerance: extreme.tolerance,
    samples: track.valid,
    baselineSamples: baseline?.samples ?? track.pastAtMs.length,
    missing: missingBy(track, track.valid, watch.deployment.startedAtMs, watch.endsAtMs),
    tags: extreme.tags,
    untagged: shadow.verdict,
    untaggedReason: `without tags: ${shadow.reason}`,
    placebo,
    control,
    ...(judged.some((one) => guardSpeaks(one.track)) ? { hardGuard: true as const } : {}),
  };
}
