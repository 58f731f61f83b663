/**
 * How far a season may move the residuals of a series, for a glance that sees no season.
 *
 * With a season s the residual is y − s − median(y − s), the median over the baseline. Let s
 * be within [b₁, b₂] over the baseline and [w₁, w₂] over the watch: that median is within
 * [m − b₂, m − b₁] for the plain median m of y, so the residual is at most (y − m) + (b₂ − w₁)
 * and at least (y − m) − (w₂ − b₁). Any distance of two quantiles of the baseline is narrower by
 * b₂ − b₁ at most. Whether the season is subtracted at all (residual.ts) is left open.
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

/** Null where a season is out of the ordinary. */
export function swayOf(
  { season, column: { startMs, stepMs }, first, last, past: before }: View,
  relative: boolean,
): Sway | null {
  if (season === null) return NO_SWAY;
  // A baseline that begins before its season may be cut (residual.ts): no case for a glance.
  const past = rangeOf(season, startMs + before.first * stepMs, startMs + before.last * stepMs);
  const watch = rangeOf(season, startMs + first * stepMs, startMs + last * stepMs);
  if (past === null || watch === null) return null;
  // The offset that keeps logarithms finite only draws them together.
  if (relative && !(past.least > 0 && watch.least > 0)) return null;
  const between = (more: number, less: number): number =>
    Math.max(0, relative ? Math.log(more / less) : more - less);
  return {
    up: between(past.most, watch.least),
    down: between(watch.most, past.least),
    narrower: between(past.most, past.least),
  };
}

/** Between what the values of a season lie; null where one is missing. */
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
