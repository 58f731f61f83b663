/**
 * What the judge says of one metric (NetflixACAJudge.scala, MannWhitneyClassifier.scala,
 * Transforms.scala): the canary's values against the baseline's.
 */

import { mannWhitney } from "./mannWhitney.ts";
import { noise } from "./noise.ts";
import type { KayentaMetric } from "./plan.ts";
import { ascending, commonLanguageEffect, meanRatio, outliersOf } from "./statistics.ts";

/** `NodataFailMetric` counts as a failure, `Error` as nothing at all. */
export type Label = "Pass" | "High" | "Low" | "Nodata" | "NodataFailMetric" | "Error";

export interface Classified {
  readonly label: Label;
  /** It fails the canary by itself. */
  readonly critical: boolean;
  /** The ratio of the means; NaN where one of them is 0. */
  readonly deviation: number;
}

/** The judge's own settings; only tests take others. */
export interface TestSettings {
  /** Of the estimate: a smaller difference is none. */
  readonly tolerance: number;
  readonly confidence: number;
}

const SETTINGS: TestSettings = { tolerance: 0.25, confidence: 0.98 };

/** How large the noise is that tells two constants apart, as a share of each. */
const NOISE = 1e-5;

/** The values of a metric as they are compared. */
export function prepared(
  values: readonly number[],
  {
    nanStrategy,
    outliers,
    outlierFactor,
  }: Pick<KayentaMetric, "nanStrategy" | "outliers" | "outlierFactor">,
): readonly number[] {
  const given =
    nanStrategy === "remove"
      ? values.filter((value) => !Number.isNaN(value))
      : values.map((value) => (Number.isNaN(value) ? 0 : value));
  if (outliers === "keep") return given;
  const isOutlier = outliersOf(given, outlierFactor);
  return given.filter((_, place) => !isOutlier[place]!);
}

/**
 * @param experiment the canary's values, prepared
 * @param control the baseline's
 * @param seed of the noise where both are constant
 */
export function classify(
  metric: KayentaMetric,
  experiment: readonly number[],
  control: readonly number[],
  seed: number,
  settings: TestSettings = SETTINGS,
): Classified {
  const { critical, effectSize } = metric;
  if (experiment.length === 0 || control.length === 0) return withoutData(metric);
  if (sameValues(experiment, control) || new Set([...experiment, ...control]).size === 1) {
    return { label: "Pass", critical: false, deviation: 1 };
  }
  const { label, deviation, effect } = compared(metric, experiment, control, seed, settings);
  const { criticalIncrease, criticalDecrease } = effectSize;
  const isCritical =
    critical &&
    ((label === "High" && atLeast(effect, criticalIncrease)) ||
      (label === "Low" && atMost(effect, criticalDecrease)));
  return { label, critical: isCritical, deviation };
}

function withoutData({ nanStrategy, critical, mustHaveData }: KayentaMetric): Classified {
  if (nanStrategy === "replace") return { label: "Pass", critical: false, deviation: 1 };
  if (mustHaveData && !critical) {
    return { label: "NodataFailMetric", critical: false, deviation: 1 };
  }
  return { label: "Nodata", critical, deviation: 1 };
}

function sameValues(experiment: readonly number[], control: readonly number[]): boolean {
  if (experiment.length !== control.length) return false;
  const other = ascending(control);
  return ascending(experiment).every((value, place) => value === other[place]);
}

interface Compared {
  readonly label: Label;
  readonly deviation: number;
  /** NaN where it cannot be computed: then it is not asked. */
  readonly effect: number;
}

function compared(
  { direction, effectSize }: KayentaMetric,
  given: readonly number[],
  givenControl: readonly number[],
  seed: number,
  { tolerance, confidence }: TestSettings,
): Compared {
  const isConstant = new Set(given).size === 1 && new Set(givenControl).size === 1;
  const draw = noise(seed);
  const noisy = (values: readonly number[]): readonly number[] =>
    isConstant ? values.map((value) => value + draw() * values[0]! * NOISE) : values;
  const [experiment, control] = [noisy(given), noisy(givenControl)];
  const tested = mannWhitney(experiment, control, confidence);
  const deviation = meanRatio(experiment, control);
  if (tested === null) return { label: "Error", deviation: NaN, effect: NaN };
  const { measure, allowedIncrease, allowedDecrease } = effectSize;
  const effect = measure === "cles" ? commonLanguageEffect(experiment, control) : deviation;
  const bound = tolerance * Math.abs(tested.estimate);
  const isHigh = tested.lower > bound && atLeast(effect, allowedIncrease);
  const isLow = tested.upper < -bound && atMost(effect, allowedDecrease);
  if (direction !== "decrease" && isHigh) return { label: "High", deviation, effect };
  if (direction !== "increase" && isLow) return { label: "Low", deviation, effect };
  return { label: "Pass", deviation, effect };
}

function atLeast(effect: number, bound: number): boolean {
  return Number.isNaN(effect) || effect >= bound;
}

function atMost(effect: number, bound: number): boolean {
  return Number.isNaN(effect) || effect <= bound;
}
