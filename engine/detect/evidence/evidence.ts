/** What a signal found at one moment, in numbers and in words: the evidence of a judgement. */

import { seriesKey, type EffectInterval, type SignalEvidence, type Verdict } from "../../event.ts";
import type { AbsoluteLimit, SignalPolicy } from "../../policy/policy.ts";
import {
  formatChange,
  formatDuration,
  formatNumber,
  formatSamples,
  formatShare,
} from "../../policy/quantity.ts";
import { exposureName, type Gap } from "../baseline/counted.ts";
import type { ControlledAt } from "../baseline/control.ts";
import { heedsOngoing, limitOf } from "../detectors/detector.ts";
import { limitedSignal, placeboOf } from "./limit.ts";
import { PEERS_AT_LEAST } from "../baseline/peers.ts";
import type { Placebo } from "./placebo.ts";
import { isCounter } from "../baseline/counter.ts";
import { BASELINE_FOR_HEALTH } from "../baseline/baselineLength.ts";
import { expectedAt, type Baseline } from "../baseline/residual.ts";
import { SEASON_DAYS_AT_LEAST } from "../baseline/season.ts";
import { staleAfterMs } from "../track.ts";
import type { TrackChange, TrackState } from "../trackState.ts";
import { logEOf } from "./eValue.ts";
import { intervalOf } from "./interval.ts";
import { boundsFor, type Scale } from "../tolerance.ts";
import type { WatchState } from "../watch.ts";

/** A reason mentions peers where they explain at least so many spreads. */
const MATTERS = 0.5;

/** Is the history long enough to call the series healthy? A breach needs no such length. */
export function supportsHealth(track: TrackState): boolean {
  const { baseline } = track;
  return baseline?.problem === null && baseline.samples >= BASELINE_FOR_HEALTH;
}

/** A series as a reader knows it: its metric, and its service where the signal watches others. */
export function nameOf(signal: SignalPolicy, { series }: TrackState): string {
  const own = signal.of.length === 1 && signal.of[0] === "own";
  return own ? series.metric : `${series.service} ${series.metric}`;
}

/**
 * A residual in the unit of the tolerance: relative change, or the metric's own unit. Null where
 * it is a relative change of zero.
 */
export function effectOf(
  signal: SignalPolicy,
  residual: number,
  scale: Scale | null,
): number | null {
  if (signal.tolerance.kind === "points") return residual;
  if (scale?.transform !== "share") return Math.expm1(residual);
  return scale.level === 0 ? null : residual / Math.abs(scale.level);
}

/** A residual in words: `+12 %`, `+0.4 pp`, or `+5` where a change is relative to zero. */
export function effectText(signal: SignalPolicy, track: TrackState, residual: number): string {
  const scale = track.baseline;
  const effect = effectOf(signal, residual, scale);
  const signed = (size: number): string =>
    `${size >= 0 ? "+" : "−"}${formatNumber(Math.abs(Number(size.toPrecision(3))))}`;
  if (effect === null) return `${signed(residual * scale!.offset)} where it was 0`;
  if (signal.tolerance.kind === "relative") return formatChange(effect);
  return `${signed(effect / track.series.percentagePoint)} pp`;
}

/** What is tolerated, in words: `10 % tolerated with expected_change=15%`. */
export function toleranceText(
  signal: SignalPolicy,
  amount: number,
  tags: readonly string[],
): string {
  let texts = ALLOWED.get(signal);
  if (texts === undefined) ALLOWED.set(signal, (texts = new Map<number, string>()));
  let allowed = texts.get(amount);
  if (allowed === undefined) texts.set(amount, (allowed = allowedText(signal, amount)));
  return tags.length === 0 ? allowed : `${allowed} with ${tags.join(", ")}`;
}

/** The texts of tolerances: every judgement needs one, and there are few different amounts. */
const ALLOWED = new WeakMap<SignalPolicy, Map<number, string>>();

function allowedText(signal: SignalPolicy, amount: number): string {
  const size =
    signal.tolerance.kind === "relative"
      ? formatShare(amount)
      : `${formatNumber(Number((amount * 100).toPrecision(3)))} pp`;
  const { atLeast } = signal.tolerance;
  const floor = atLeast === undefined ? "" : ` or ${formatNumber(atLeast)}`;
  return `${size}${floor} tolerated${absoluteText(signal)}`;
}

/** The absolute limit that a sample must also be beyond, in words; empty where there is none. */
export function absoluteText({ detector }: SignalPolicy): string {
  if (detector.kind !== "threshold") return "";
  const text = (word: string, limit: AbsoluteLimit | undefined): string => {
    if (limit === undefined) return "";
    const { kind, amount } = limit;
    return ` and all ${word} ${kind === "share" ? formatShare(amount) : formatNumber(amount)}`;
  };
  return text("up to", detector.over) + text("down to", detector.under);
}

/** What the hard guard calls harm, in words. */
export function guardText({ hardGuard, worse }: SignalPolicy): string {
  const { times, over, under } = hardGuard!;
  const up = over === null ? "" : ` and over ${formatShare(over)}`;
  const down = under === null ? "" : ` and under ${formatShare(under)}`;
  const much = `more than ${formatNumber(times)} times what was expected${up}`;
  const little = `less than a ${formatNumber(times)}th of what was expected${down}`;
  const both = worse === "both" ? `${much}, or ${little}` : worse === "up" ? much : little;
  return `${both}, whatever is tolerated`;
}

/** What the variance detector found, in words; null for detectors that judge the level. */
function widthText({ detector }: SignalPolicy, statistic: number | null): string | null {
  if (detector.kind !== "variance" || statistic === null) return null;
  const times = formatNumber(Number(statistic.toPrecision(2)));
  return `varies ${times} times as much as before (breach from ${formatNumber(detector.times)})`;
}

/** The signal with the limit of this series, and how unusual a statistic is on it. */
export function calibratedOn(
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

/** Tells the reader where a policy asks to calibrate but the quoted limit had to stand. */
export function noHistory(placebo: Placebo | null): string {
  return placebo?.source === "none" ? "; no placebo history, quoted limit" : "";
}

/** What peers explained, in the unit of the effect; null where the policy does not ask. */
export function controlEvidence(
  signal: SignalPolicy,
  residual: number | null,
  control: ControlledAt | null,
  scale: Scale | null,
): SignalEvidence["control"] {
  if (signal.control === undefined && control === null) return null;
  if (control === null || residual === null) return { peers: 0, subtracted: 0 };
  const { peers, uncontrolled } = control;
  const [all, left] = [uncontrolled, residual].map((one) => effectOf(signal, one, scale) ?? 0);
  return { peers, subtracted: all! - left! };
}

/** What a reason adds about peers or the old version: where they mattered, and where none was. */
export function afterControl(
  signal: SignalPolicy,
  track: TrackState,
  control: SignalEvidence["control"],
  effect: number | null,
) {
  if (control === null || track.valid === 0 || effect === null) return "";
  const { peers, subtracted } = control;
  if (signal.control !== "peers") {
    return peers > 0 ? "; beside the old version" : "; no old version beside it";
  }
  if (peers < PEERS_AT_LEAST) return `; ${peers} peers, no control`;
  const mattered = Math.abs(subtracted) >= MATTERS * (track.baseline?.spread ?? 0);
  return mattered ? `; after ${peers} peers` : "";
}

/** What a reason adds where an incident began before the deployment: its size, and since when. */
export function afterOngoing(signal: SignalPolicy, track: TrackState, startedAtMs: number): string {
  const ongoing = track.baseline?.ongoing;
  if (ongoing === undefined || track.back === undefined) return "";
  if (!heedsOngoing(signal.detector)) return "";
  const size = effectText(signal, track, ongoing.residual);
  return `; ${size} began ${formatDuration(startedAtMs - ongoing.sinceMs)} before the deployment`;
}

/** Whether a season was subtracted. Null where the policy asks for none or there is no baseline. */
export function seasonEvidence(signal: SignalPolicy, track: TrackState): SignalEvidence["season"] {
  const { baseline } = track;
  if (!signal.detector.season || baseline === null || baseline.problem !== null) return null;
  const { season, seasonLeftOut } = baseline;
  if (season !== null) return { days: season.days, without: null };
  return { days: 0, without: withoutSeason(signal, track, seasonLeftOut) };
}

function withoutSeason(
  signal: SignalPolicy,
  { series }: TrackState,
  leftOut: Baseline["seasonLeftOut"],
): string {
  if (isCounter(signal, series)) return "a counter takes none";
  if (leftOut === "wider") return "the samples before the deployment did not follow it";
  if (leftOut === "uncovered") {
    return "it has gaps, or begins later than the samples before the deployment";
  }
  return `none was prepared, it takes ${SEASON_DAYS_AT_LEAST} earlier days`;
}

/** With fewer samples due than this it is too early to say that some are missing. */
const DUE_AT_LEAST = 5;

/** The share of the samples due since the deployment that are missing; null: too early to say. */
export function missingBy(track: TrackState, valid: number, startedAtMs: number, atMs: number) {
  const stepMs = track.baseline?.stepMs ?? null;
  if (stepMs === null) return null;
  const due = Math.floor((atMs - startedAtMs) / stepMs);
  // The newest one due may still be on its way.
  return due < DUE_AT_LEAST ? null : Math.max(0, due - 1 - valid) / due;
}

/** What is missing where a series has no samples, in words. */
export function nothingOf(signal: SignalPolicy, track: TrackState, gap: Gap | null): string {
  const metric = nameOf(signal, track);
  if (gap === "noTraffic") return `no request behind ${metric}`;
  if (gap === "noExposure") return `no sample of ${exposureName(signal)} behind ${metric}`;
  return `no sample of ${metric}`;
}

/**
 * What is tolerated, in words, to follow what was found. A breach is of single samples and the
 * effect is smoothed, so the effect may lie within the tolerance. Then this says what is beyond
 * it, because `+9.9 %, 10 % tolerated` by itself is no reason to act.
 */
function beyondText(signal: SignalPolicy, track: TrackState, change: TrackChange): string {
  const { smooth, statistic, tolerance, tags } = change;
  const { detector } = signal;
  const allowed = toleranceText(signal, tolerance, tags);
  const told = change.tagged !== "breach" || detector.kind === "variance";
  if (smooth === null || told) return `, ${allowed}`;
  const { up, down } = boundsFor(signal, track.series, tolerance, track.baseline);
  if (smooth > up || -smooth > down) return `, ${allowed}`;
  const beyond =
    detector.kind !== "threshold"
      ? `beyond it by ${detector.kind}`
      : detector.of === 1
        ? "the last sample beyond it"
        : `${formatNumber(statistic!)} of the last ${detector.of} samples beyond it`;
  return ` smoothed, ${allowed}, ${beyond}`;
}

/**
 * The evidence at a change of verdict. Here as in finalEvidence.ts all fields are written out in
 * one order, so that all evidence has one hidden class and is fast to read (see `changed` in
 * decide/state.ts).
 *
 * @param standing under `fusion: evidence`; null under every other
 */
export function interimEvidence(
  given: SignalPolicy,
  watch: WatchState,
  track: TrackState,
  change: TrackChange,
  { verdict, untagged }: Pick<SignalEvidence, "verdict" | "untagged">,
  breaching: SignalEvidence["breaching"],
  standing: SignalEvidence["standing"],
): SignalEvidence {
  const baseline = track.baseline!;
  const { signal, placebo } = calibratedOn(given, watch, track, change.statistic);
  const usable = baseline.problem === null && change.smooth !== null;
  const effect = usable ? effectOf(signal, change.smooth, baseline) : null;
  const size = usable ? effectText(signal, track, change.smooth) : "no reading";
  const interval = effect === null ? null : intervalEvidence(signal, watch, track, change);
  const control = controlEvidence(signal, change.smooth, change.control, baseline);
  const reason = interimReason(signal, track, change, verdict, size);
  // Before the first reading the track may know of it already, or not: that goes by the batch.
  const { startedAtMs } = watch.deployment;
  const ongoing = change.valid === 0 ? "" : afterOngoing(signal, track, startedAtMs);
  return {
    signal: signal.name,
    verdict,
    reason: reason + afterControl(signal, track, control, effect) + ongoing + noHistory(placebo),
    series: seriesKey(track.series),
    effect,
    interval,
    expected: usable ? expectedAt(baseline, change.atMs) : null,
    scale: usable ? baseline.scale : null,
    tolerance: change.tolerance,
    baseTolerance: signal.tolerance.amount,
    statistic: change.statistic,
    limit: limitOf(signal.detector),
    logE:
      change.statistic === null ? null : logEOf(signal.detector, change.statistic, change.valid),
    breaching,
    standing,
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
    season: seasonEvidence(signal, track),
  };
}

/** The interval of the effect, in its unit. */
function intervalEvidence(
  signal: SignalPolicy,
  { deployment, endsAtMs }: WatchState,
  track: TrackState,
  { smooth, valid }: TrackChange,
): EffectInterval | null {
  const interval = intervalOf(signal, track, smooth, valid, endsAtMs - deployment.startedAtMs);
  if (interval === null) return null;
  const [low, high] = [interval.low, interval.high].map((one) =>
    effectOf(signal, one, track.baseline),
  );
  return { low: low!, high: high! };
}

/** Why the verdict is what it is, in words. `size` is the effect in words. */
function interimReason(
  signal: SignalPolicy,
  track: TrackState,
  change: TrackChange,
  verdict: Verdict,
  size: string,
): string {
  const name = nameOf(signal, track);
  if (verdict === "breach" && change.guarded) {
    return `${name} ${size}: hard guard, ${guardText(signal)}`;
  }
  if (verdict === "breach") {
    const harm = widthText(signal, change.statistic) ?? size;
    const { holdMs, holdSamples } = signal;
    const held = holdSamples === undefined ? formatDuration(holdMs) : formatSamples(holdSamples);
    return `${name} ${harm}${beyondText(signal, track, change)}, for ${held}`;
  }
  if (verdict === "healthy") {
    const { clearMs, clearSamples } = signal;
    const clear =
      clearSamples === undefined ? formatDuration(clearMs) : formatSamples(clearSamples);
    return `${name} back within tolerance for ${clear}`;
  }
  if (change.stale) {
    const silentFor = formatDuration(staleAfterMs(track.baseline!));
    return `${nothingOf(signal, track, change.gap)} for ${silentFor}`;
  }
  const allowed = toleranceText(signal, change.tolerance, change.tags);
  return change.levels > 0
    ? `${name} ${size}, ${allowed}`
    : `watching ${name}: ${size}, ${allowed}`;
}

/** The evidence, marked as that of a hard guard which speaks. */
export function withHardGuard(evidence: SignalEvidence): SignalEvidence {
  return { ...evidence, hardGuard: true };
}
