/** A detector's number in words: what it counts, and how much of it is a breach. */

import type { SignalEvidence, Verdict } from "../event.ts";
import type { SignalPolicy } from "../policy/policy.ts";
import { formatChange, formatShare } from "../policy/quantity.ts";

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  healthy: "healthy",
  breach: "breach",
  inconclusive: "inconclusive",
  noData: "no data",
};

/** Three digits are as many as anybody reads. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** What was seen of a signal's series; null without one. */
export function measuredText(signal: SignalPolicy, evidence: SignalEvidence): string | null {
  const { effect, expected, series, samples, baselineSamples, missing } = evidence;
  if (series === null) return null;
  const counted = samples === 1 ? "1 sample" : `${samples} samples`;
  const rest = `${counted} since the deployment, ${baselineSamples} before it`;
  const gaps = missing === null || missing === 0 ? "" : `; ${formatShare(missing)} are missing`;
  const lacking = gaps + seasonText(evidence);
  if (effect === null || expected === null) return `${series}: ${rest}${lacking}`;
  // In the metric's own unit, whatever that is: the reason has it in percentage points.
  const { interval } = evidence;
  const ends = interval == null ? null : ([interval.low, interval.high] as const);
  const between = ends === null ? "" : ` [${ends.map((end) => formatChange(end)).join(", ")}]`;
  const levels = ends === null ? "" : ` [${ends.map((end) => short(expected + end)).join(", ")}]`;
  const seen =
    signal.tolerance.kind === "points"
      ? `about ${short(expected + effect)}${levels} where ${short(expected)} was expected`
      : `${formatChange(effect)}${between} against ${short(expected)} expected`;
  return `${series}: ${seen}; ${rest}${lacking}`;
}

/** A season is mentioned where it was asked for and could not be had, or was not followed. */
function seasonText({ season }: SignalEvidence): string {
  const without = season?.without ?? null;
  return without === null ? "" : `; no season: ${without}`;
}

export function statisticText(
  kind: SignalPolicy["detector"]["kind"] | null,
  statistic: number,
  limit: number,
): string {
  const [own, most] = [short(statistic), short(limit)];
  switch (kind) {
    case "cusum":
      return `lasting harm adds up to ${own} standard deviations; ${most} are a breach (cusum)`;
    case "ewma":
      return (
        `the recent average is ${own} standard deviations beyond what is tolerated; ` +
        `${most} are a breach (ewma)`
      );
    case "eprocess":
    case "count": {
      const [odds, enough] = [statistic, limit].map((log) => short(Math.exp(log)));
      return `the evidence of harm is ${odds} to 1; ${enough} to 1 is a breach (${kind})`;
    }
    case "threshold":
      return `beyond what is tolerated: ${own} of the last samples; a breach from ${most} on`;
    case "variance":
      return `the noise is ${own} times as wide as before; ${most} times is a breach (variance)`;
    case "novelty":
      return (
        `${own} of its usual range beyond all that was there before; ` +
        `${most} is a breach (novelty)`
      );
    case "outlier":
      return `large excursions add up to ${own}; ${most} are a breach (outlier)`;
    case "mannWhitney":
    case null: {
      const name = kind === null ? "" : ` (${kind})`;
      return `evidence${name} ${own}, a breach from ${most} on`;
    }
  }
}
