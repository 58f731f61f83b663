/** Families of services on which nothing ever happens, and their placebo watches. */

import type { Policy, SampleColumn } from "../../engine/index.ts";
import {
  calibrate,
  placeboWatches,
  type PlaceboWatch,
} from "../../engine/detect/evidence/calibrate.ts";
import { DAY_MS } from "../../engine/detect/baseline/season.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { autoregressive, type Tail } from "./noise.ts";

export const MINUTE_MS = 60_000;
const CALIBRATED_DAYS = 14;
/** A profile needs its days before the first placebo. */
const SEASON_DAYS = 7;
const HELD_OUT_DAYS = 7;

export interface Quiet {
  readonly phi: number;
  readonly tail: Tail;
  /** How far the level swings over the day, in standard deviations. */
  readonly swing: number;
}

/** One signal in percentage points, so that residuals are the samples themselves. */
export function quietPolicy(detector: string, alpha: string): Policy {
  return policyFromText(
    `policy: quiet
owner: nobody
watch: 60m
signals:
  noise:
    metric: noise
    worse: up
    tolerance: 0pp
    detector: ${detector}
    calibrate: { every: 6h, over: 14d, alpha: ${alpha} }
assign: [{ otherwise: full }]
`,
    "quiet.yaml",
  );
}

export function quietColumn(service: string, seed: number, quiet: Quiet): SampleColumn {
  const count = ((SEASON_DAYS + CALIBRATED_DAYS + HELD_OUT_DAYS) * DAY_MS) / MINUTE_MS;
  const noise = autoregressive(seed, quiet.phi, quiet.tail, count);
  const atMs = Float64Array.from({ length: count }, (_, minute) => minute * MINUTE_MS);
  const values = noise.map(
    (value, index) => value + quiet.swing * Math.sin((2 * Math.PI * atMs[index]!) / DAY_MS),
  );
  const series = { service, metric: "noise", version: null, percentagePoint: 1e-9 };
  return { series, atMs, knownAtMs: atMs, values };
}

export interface Shares {
  /** Of the held-out watches: beyond the quoted limit, beyond the calibrated one. */
  readonly quoted: number;
  readonly calibrated: number;
  readonly watches: number;
}

/**
 * A family of `services`, four placebos a day for a fortnight, then held-out watches; the
 * season's own week comes before. Each held-out watch is held against what was known when
 * it began.
 *
 * @param quoted below which a limit is not calibrated; −Infinity to see calibration alone
 */
export function heldOut(policy: Policy, quoted: number, columns: readonly SampleColumn[]): Shares {
  const signal = policy.signals[0]!;
  const firstMs = SEASON_DAYS * DAY_MS;
  const times: number[] = [];
  for (let at = firstMs; at < firstMs + 21 * DAY_MS; at += 6 * 60 * MINUTE_MS) times.push(at);
  const family = columns.map((column) => placeboWatches(policy, signal, column, times, []));
  const heldOutFromMs = firstMs + CALIBRATED_DAYS * DAY_MS;
  let watches = 0;
  let beyondQuoted = 0;
  let beyondCalibrated = 0;
  for (const own of family) {
    for (const { startedAtMs, peak } of own) {
      if (startedAtMs < heldOutFromMs) continue;
      const calibrated = limitAt(policy, startedAtMs, own, family);
      watches++;
      if (peak >= quoted) beyondQuoted++;
      if (peak >= calibrated) beyondCalibrated++;
    }
  }
  return { quoted: beyondQuoted / watches, calibrated: beyondCalibrated / watches, watches };
}

function limitAt(
  policy: Policy,
  startedAtMs: number,
  own: readonly PlaceboWatch[],
  family: readonly (readonly PlaceboWatch[])[],
): number {
  return calibrate(policy.signals[0]!, startedAtMs, own, family, Number.NEGATIVE_INFINITY).limit;
}
