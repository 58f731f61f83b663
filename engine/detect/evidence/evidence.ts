/** What a signal said, in numbers and in words. */

import { seriesKey, type SignalEvidence, type Verdict } from "../../event.ts";
import type { AbsoluteLimit, SignalPolicy } from "../../policy/policy.ts";
import { formatChange, formatDuration, formatNumber, formatShare } from "../../policy/quantity.ts";
import { exposureName, type Gap } from "../baseline/counted.ts";
import type { ControlledAt } from "../baseline/control.ts";
import { limitOf } from "../detectors/detector.ts";
import { limitedSignal, placeboOf } from "./limit.ts";
import { PEERS_AT_LEAST } from "../baseline/peers.ts";
import type { Placebo } from "./placebo.ts";
import { isCounter } from "../baseline/counter.ts";
import { BASELINE_FOR_HEALTH, expectedAt, type Baseline } from "../baseline/residual.ts";
import { SEASON_DAYS_AT_LEAST } from "../baseline/season.ts";
import { staleAfterMs } from "../track.ts";
import type { TrackChange, TrackState } from "../trackState.ts";
import { logEOf } from "./eValue.ts";
import { boundsFor } from "../tolerance.ts";
import type { WatchState } from "../watch.ts";

/** Half a spread subtracted is worth a word. */
const MATTERS = 0.5;

/** Is the history long enough to call a series healthy? Short history forbids health only. */
export function supportsHealth(track: TrackState): boolean {
  const { baseline } = track;
  return baseline?.problem === null && baseline.samples >= BASELINE_FOR_HEALTH;
}

/** A series as a reader knows it: its metric, with its service where not the deployed one. */
export function nameOf(signal: SignalPolicy, { series }: TrackState): string {
  const own = signal.of.length === 1 && signal.of[0] === "own";
  return own ? series.metric : `${series.service} ${series.metric}`;
}

/** A residual in the unit of the tolerance: relative change, or the metric's own unit. */
export function effectOf(signal: SignalPolicy, residual: number): number {
  return signal.tolerance.kind === "relative" ? Math.expm1(residual) : residual;
}

export function effectText(signal: SignalPolicy, track: TrackState, effect: number): string {
  if (signal.tolerance.kind === "relative") return formatChange(effect);
  const points = effect / track.series.percentagePoint;
  return `${points >= 0 ? "+" : "−"}${formatNumber(Math.abs(Number(points.toPrecision(3))))} pp`;
}

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

/** Every judgement says what is tolerated, some more than once, and of few amounts. */
const ALLOWED = new WeakMap<SignalPolicy, Map<number, string>>();

function allowedText(signal: SignalPolicy, amount: number): string {
  const size =
    signal.tolerance.kind === "relative"
      ? formatShare(amount)
      : `${formatNumber(Number((amount * 100).toPrecision(3)))} pp`;
  return `${size} tolerated${absoluteText(signal)}`;
}

/** What a sample must be beyond as well, where the detector has such a limit. */
export function absoluteText({ detector }: SignalPolicy): string {
  if (detector.kind !== "threshold") return "";
  const text = (word: string, limit: AbsoluteLimit | undefined): string => {
    if (limit === undefined) return "";
    const { kind, amount } = limit;
    return ` and all ${word} ${kind === "share" ? formatShare(amount) : formatNumber(amount)}`;
  };
  return text("up to", detector.over) + text("down to", detector.under);
}

/** What is too much whatever is tolerated. */
export function guardText({ hardGuard, worse }: SignalPolicy): string {
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

/** A limit that nothing was calibrated on is the author's guess, and a reader must know. */
export function noHistory(placebo: Placebo | null): string {
  return placebo?.source === "none" ? "; no placebo history, quoted limit" : "";
}

/** What peers explained, in the unit of the effect; null where the policy does not ask. */
export function controlEvidence(
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
export function afterPeers(
  track: TrackState,
  control: SignalEvidence["control"],
  effect: number | null,
) {
  if (control === null || track.valid === 0 || effect === null) return "";
  const { peers, subtracted } = control;
  if (peers < PEERS_AT_LEAST) return `; ${peers} peers, no control`;
  const mattered = Math.abs(subtracted) >= MATTERS * (track.baseline?.spread ?? 0);
  return mattered ? `; after ${peers} peers` : "";
}

/** Was a season subtracted? Null where the policy does not ask, or nothing was before. */
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

/** With fewer samples due than this nobody can say that some are missing. */
const DUE_AT_LEAST = 5;

export function missingBy(track: TrackState, valid: number, startedAtMs: number, atMs: number) {
  const stepMs = track.baseline?.stepMs ?? null;
  if (stepMs === null) return null;
  const due = Math.floor((atMs - startedAtMs) / stepMs);
  // One may be on its way.
  return due < DUE_AT_LEAST ? null : Math.max(0, due - 1 - valid) / due;
}

/** What is missing when a series says nothing. */
export function nothingOf(signal: SignalPolicy, track: TrackState, gap: Gap | null): string {
  const metric = nameOf(signal, track);
  if (gap === "noTraffic") return `no request behind ${metric}`;
  if (gap === "noExposure") return `no sample of ${exposureName(signal)} behind ${metric}`;
  return `no sample of ${metric}`;
}

/**
 * What is tolerated, beside what was found; where the smoothed reading lies within it, what
 * of the single samples is beyond, as `+9.9 %, 10 % tolerated` alone is no reason to act.
 */
function beyondText(signal: SignalPolicy, track: TrackState, change: TrackChange): string {
  const { smooth, statistic, tolerance, tags } = change;
  const { detector } = signal;
  const allowed = toleranceText(signal, tolerance, tags);
  const told = change.tagged !== "breach" || detector.kind === "variance";
  if (smooth === null || told) return `, ${allowed}`;
  const { up, down } = boundsFor(signal, track.series, tolerance);
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
 * Evidence at a change of verdict. Here as wherever evidence is made its fields are written down
 * in one order: then it is of one shape, and whoever decides reads it quickly.
 *
 * @param stands of it under `fusion: evidence`
 */
export function interimEvidence(
  given: SignalPolicy,
  watch: WatchState,
  track: TrackState,
  change: TrackChange,
  { verdict, untagged }: Readonly<Record<"verdict" | "untagged", Verdict>>,
  breaching: SignalEvidence["breaching"],
  standing: SignalEvidence["standing"],
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
        ? `${nameOf(signal, track)} ${harm}${beyondText(signal, track, change)}, for ${held}`
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

export function withHardGuard(evidence: SignalEvidence): SignalEvidence {
  return { ...evidence, hardGuard: true };
}
