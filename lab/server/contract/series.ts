/**
 * Samples and bands as Arrow IPC streams (`application/vnd.apache.arrow.stream`).
 *
 * Where there are more samples than four for each pixel, each pixel keeps its first, lowest,
 * highest and last sample with their own times: a line through them covers the same pixels,
 * and no spike is lost. Otherwise the samples come as they are stored.
 */

import { z } from "zod";
import { deploymentId, policyId, time } from "./words.ts";

export const ARROW = "application/vnd.apache.arrow.stream";

export const seriesParams = z.object({ series: z.coerce.number().int().min(0) });
export const seriesQuery = z.object({
  from: time,
  to: time,
  pixels: z.coerce.number().int().min(1).max(8192).default(1200),
});

/** Columns of `/api/series/{series}`, both Float64; a missing scrape is NaN in `value`. */
export interface SeriesColumns {
  /** Milliseconds since 1970, ascending. */
  readonly at: Float64Array;
  readonly value: Float64Array;
}
export const bandsParams = z.object({ deploymentId });
export const bandsQuery = z.object({
  policy: policyId,
  signal: z.string().min(1).max(200),
  series: z.coerce.number().int().min(0),
});

/**
 * Columns of `/api/deployments/{id}/bands`, all Float64, in the series' own unit: what was
 * expected at each sample and what was tolerated. A side on which nothing is worse is ±Infinity;
 * `expected` and what follows is NaN where there was no baseline (status 200, zero rows, where
 * the policy does not watch the series).
 */
export interface BandColumns {
  readonly at: Float64Array;
  readonly expected: Float64Array;
  /** Where nine in ten samples lie of a healthy series: expected ± 1.645 scales. */
  readonly usualLow: Float64Array;
  readonly usualHigh: Float64Array;
  /** With the tags that were known then. */
  readonly toleratedLow: Float64Array;
  readonly toleratedHigh: Float64Array;
  /** Without any tag. */
  readonly untaggedLow: Float64Array;
  readonly untaggedHigh: Float64Array;
}
