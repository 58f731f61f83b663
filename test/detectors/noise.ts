/**
 * Seeded series for the detectors' simulations, and one detector folded over them.
 *
 * The tables in the detectors' headers are made with `watches(4000, …)`: run r of a
 * noise is always the same series, so a shorter run is the beginning of a longer one.
 */

import {
  BEYOND,
  type Bounds,
  type Noise,
  type Stretch,
} from "../../engine/detect/detectors/contract.ts";
import { accumulate, startAccumulator } from "../../engine/detect/detectors/detector.ts";
import { observeBaseline } from "../../engine/detect/baseline/residual.ts";
import type { DetectorSettings } from "../../engine/policy/policy.ts";
import { randomStream } from "../../lab/random.ts";

export const SOAK = process.env["SOAK"] !== undefined;
/** Three standard errors of a share that is `share` in `runs` independent runs. */
export const threeErrors = (share: number, runs: number): number =>
  3 * Math.sqrt((share * (1 - share)) / runs);

export type Tail = "normal" | "t3";

/** AR(1) noise of standard deviation 1, from its stationary distribution (nearly, for t3). */
export function autoregressive(seed: number, phi: number, tail: Tail, count: number): Float64Array {
  const stream = randomStream("detectors", seed, phi, tail);
  const draw = (): number => {
    const normal = stream.normal();
    if (tail === "normal") return normal;
    const squares = stream.normal() ** 2 + stream.normal() ** 2 + stream.normal() ** 2;
    return normal / Math.sqrt(squares / 3) / Math.sqrt(3);
  };
  const fresh = Math.sqrt(1 - phi * phi);
  let value = draw();
  for (let index = 0; index < 20; index++) value = phi * value + fresh * draw();
  return Float64Array.from({ length: count }, () => (value = phi * value + fresh * draw()));
}

export interface HealthyWatch {
  readonly noise: Noise;
  /** Against a baseline of sixty samples, as everything in `noise` is. */
  readonly residuals: Float64Array;
}

const MINUTES = Float64Array.from({ length: 60 }, (_, minute) => minute * 60_000);

/** Watches of sixty samples in which nothing happens, after baselines of sixty. */
export function watches(runs: number, phi: number, tail: Tail): readonly HealthyWatch[] {
  return Array.from({ length: runs }, (_, run) => {
    const all = autoregressive(run, phi, tail, 120);
    const noise = observeBaseline(MINUTES, all.subarray(0, 60), "identity", 1e-9, null);
    return { noise, residuals: all.slice(60).map((value) => value - noise.level) };
  });
}

export const UP = (bound: number): Bounds => ({ up: bound, down: Number.POSITIVE_INFINITY });

export function fold(
  settings: DetectorSettings,
  noise: Noise,
  residuals: Float64Array,
  bounds: Bounds,
): { readonly flags: Uint8Array; readonly statistics: Float64Array } {
  const stretch = stretchOf(residuals, noise, () => bounds);
  accumulate(settings, startAccumulator(settings), stretch);
  return stretch;
}

/** Residuals for a detector that looks at nothing else, with room for what it answers. */
export function stretchOf(
  residuals: Float64Array,
  noise: Noise,
  boundsOf: Stretch["boundsOf"],
): Stretch {
  const { length } = residuals;
  const [flags, statistics] = [new Uint8Array(length), new Float64Array(length)];
  return { residuals, noise, boundsOf, samples: null, flags, statistics };
}

export interface Found {
  readonly share: number;
  /** Median samples from the onset to the first flag; Infinity when fewer than half are found. */
  readonly median: number;
}

/** How many watches are flagged from `onset` on, when the series shifts there. */
export function flagged(
  settings: DetectorSettings,
  of: readonly HealthyWatch[],
  bounds: Bounds,
  shift = 0,
  onset = 0,
): Found {
  const delays = of.map(({ noise, residuals }) => {
    const shifted = residuals.map((value, index) => (index < onset ? value : value + shift));
    const { flags } = fold(settings, noise, shifted, bounds);
    const first = flags.indexOf(BEYOND, onset);
    return first < 0 ? Number.POSITIVE_INFINITY : first - onset + 1;
  });
  delays.sort((a, b) => a - b);
  const found = delays.filter(Number.isFinite).length;
  return { share: found / of.length, median: delays[of.length >> 1]! };
}
