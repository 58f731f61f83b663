/**
 * How far a season may move the residuals of a series, for a glance, which looks at samples
 * without their season.
 *
 * With a season s the residual is y − s − median(y − s), where the median is over the baseline.
 * Let s be within [b₁, b₂] over the baseline and within [w₁, w₂] over the watch, and m the median
 * of y alone. Then that median is within [m − b₂, m − b₁], so the residual is at most
 * (y − m) + (b₂ − w₁) and at least (y − m) − (w₂ − b₁). The distance of two quantiles of the
 * baseline becomes narrower by b₂ − b₁ at most. All of this also holds where the season is not
 * subtracted after all (residual.ts).
 */

import type { SeasonProfile } from "../../event.ts";
import type { View } from "./glimpse.ts";

/** In the residual's unit. */
export interface Sway {
  /** The most a residual may be above, and below, the one without a season. */
  readonly up: number;
  readonly down: number;
  /** How much closer two quantiles of the baseline may be. */
  readonly narrower: number;
}

export const NO_SWAY: Sway = { up: 0, down: 0, narrower: 0 };

/** How far the season may move residuals; null where it does not cover baseline and watch. */
export function swayOf(
  { season, column: { startMs, stepMs }, first, last, past: before }: View,
  relative: boolean,
): Sway | null {
  if (season === null) return NO_SWAY;
  // A baseline that begins before its season may be made shorter (residual.ts): then null.
  const past = rangeOf(season, startMs + before.first * stepMs, startMs + before.last * stepMs);
  const watch = rangeOf(season, startMs + first * stepMs, startMs + last * stepMs);
  if (past === null || watch === null) return null;
  // The offset of the logarithms only draws them closer together, so it may be left out.
  if (relative && !(past.least > 0 && watch.least > 0)) return null;
  const between = (more: number, less: number): number =>
    Math.max(0, relative ? Math.log(more / less) : more - less);
  return {
    up: between(past.most, watch.least),
    down: between(watch.most, past.least),
    narrower: between(past.most, past.least),
  };
}

/** The extremes of a season over a stretch; null where it has no value at some time in it. */
function rangeOf(
  { startMs, stepMs, values }: SeasonProfile,
  fromMs: number,
  toMs: number,
): { readonly least: number; readonly most: number } | null {
  const last = Math.ceil((toMs - startMs) / stepMs);
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let slot = Math.floor((fromMs - startMs) / stepMs); slot <= last; slot++) {
    const value = values[slot];
    if (value === undefined || !Number.isFinite(value)) return null;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}
