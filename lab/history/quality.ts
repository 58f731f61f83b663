/**
 * How good a history is: one streaming pass over every block, and a look at the
 * deployments against what was sampled around them.
 *
 * Law: nothing here repairs anything. It counts what a reader should know before
 * believing a replay.
 */

import type { Block } from "./blocks.ts";
import type { Listed } from "./listed.ts";
import type { History } from "./open.ts";
import { streamBlocks } from "./stream.ts";
import type { CaseRow, DeploymentRow } from "./tables.ts";
import { sampleAtMs } from "./windows.ts";

/** History that a baseline wants before a deployment, and how long it is watched after. */
export const BASELINE_MS = 60 * 60_000;
export const WATCH_MS = 60 * 60_000;
/** Fewer samples than this make no baseline. */
export const SHORT_SERIES = 60;
/** A spacing this many steps long is a gap. */
const GAP_STEPS = 1.5;
/** Above this share of spacings that are no whole number of steps, a series is irregular. */
const IRREGULAR_SHARE = 0.05;
/** Beyond this many distinct spacings they are counted by the second. */
const SPACINGS_MAX = 10_000;

export interface SeriesQuality {
  readonly series: number;
  /** Stored samples, missing scrapes included. */
  readonly stored: number;
  readonly missing: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The most frequent spacing; null for a lone sample. */
  readonly stepMs: number | null;
  readonly gaps: number;
  /** Scrapes that the gaps would have held. */
  readonly gapScrapes: number;
  readonly isConstant: boolean;
  /** More than half of its samples are 0, and not all: its median expects nothing. */
  readonly isMostlyZero: boolean;
  readonly isIrregular: boolean;
}

export interface DeploymentQuality {
  /** Its service has no series at all. */
  readonly unsampledService: readonly string[];
  readonly outsideSampledTime: readonly string[];
  readonly shortHistory: readonly string[];
  readonly overlappingWatches: readonly string[];
}

class SeriesMeter {
  stored = 0;
  missing = 0;
  zeros = 0;
  firstMs = 0;
  lastMs = -Infinity;
  min = Infinity;
  max = -Infinity;
  readonly spacings = new Map<number, number>();

  constructor(
    readonly series: number,
    private readonly cases: readonly CaseRow[],
  ) {}

  add(block: Block): void {
    const { values, stepMs } = block;
    if (this.stored === 0) this.firstMs = block.startMs;
    else this.#space(this.lastMs, block.startMs, 1);
    for (const value of values) {
      if (Number.isNaN(value)) this.missing++;
      else {
        if (value < this.min) this.min = value;
        if (value > this.max) this.max = value;
        if (value === 0) this.zeros++;
      }
    }
    if (stepMs !== null) {
      if (values.length > 1) this.#count(stepMs, values.length - 1);
    } else {
      for (let i = 1; i < values.length; i++) {
        this.#space(sampleAtMs(block, i - 1), sampleAtMs(block, i), 1);
      }
    }
    this.stored += values.length;
    this.lastMs = sampleAtMs(block, values.length - 1);
  }

  finish(): SeriesQuality {
    let stepMs: number | null = null;
    let most = 0;
    let total = 0;
    for (const [spacing, count] of this.spacings) {
      total += count;
      if (count > most || (count === most && stepMs !== null && spacing < stepMs)) {
        most = count;
        stepMs = spacing;
      }
    }
    let [gaps, gapScrapes, odd] = [0, 0, 0];
    if (stepMs !== null) {
      for (const [spacing, count] of this.spacings) {
        const steps = spacing / stepMs;
        if (Math.abs(steps - Math.max(1, Math.round(steps))) > 0.1) odd += count;
        if (steps <= GAP_STEPS) continue;
        gaps += count;
        gapScrapes += count * (Math.round(steps) - 1);
      }
    }
    return {
      series: this.series,
      stored: this.stored,
      missing: this.missing,
      firstMs: this.firstMs,
      lastMs: this.lastMs,
      stepMs,
      gaps,
      gapScrapes,
      isConstant: this.stored - this.missing > 1 && this.min === this.max,
      isMostlyZero: this.min < this.max && 2 * this.zeros > this.stored - this.missing,
      isIrregular: total > 0 && odd / total > IRREGULAR_SHARE,
    };
  }

  /** Counts a spacing, unless a recording ended in between: nobody expected samples there. */
  #space(fromMs: number, toMs: number, count: number): void {
    if (this.cases.length > 0 && !withinOneCase(this.cases, fromMs, toMs)) return;
    this.#count(toMs - fromMs, count);
  }

  #count(spacingMs: number, count: number): void {
    const key =
      this.spacings.size < SPACINGS_MAX || this.spacings.has(spacingMs)
        ? spacingMs
        : Math.max(1000, Math.round(spacingMs / 1000) * 1000);
    this.spacings.set(key, (this.spacings.get(key) ?? 0) + count);
  }
}

function withinOneCase(cases: readonly CaseRow[], fromMs: number, toMs: number): boolean {
  let low = 0;
  let high = cases.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cases[middle]!.startsAtMs <= fromMs) low = middle + 1;
    else high = middle;
  }
  return low > 0 && toMs <= cases[low - 1]!.endsAtMs;
}

/** Measures every series in one pass; series without samples are left out. */
export async function measureSeries(history: History): Promise<SeriesQuality[]> {
  const measured: SeriesQuality[] = [];
  let meter = null as SeriesMeter | null;
  for await (const block of streamBlocks(history, "all")) {
    if (meter?.series !== block.series) {
      if (meter !== null) measured.push(meter.finish());
      meter = new SeriesMeter(block.series, history.tables.cases);
    }
    meter.add(block);
  }
  if (meter !== null) measured.push(meter.finish());
  return measured;
}

/** Looks at every deployment against the samples of its own service. */
export function measureDeployments(
  history: History,
  measured: readonly SeriesQuality[],
): DeploymentQuality {
  const spans = serviceSpans(history, measured);
  const { deployments, cases } = history.tables;
  const unsampledService: string[] = [];
  const outsideSampledTime: string[] = [];
  const shortHistory: string[] = [];
  for (const { deploymentId, service, startedAtMs } of deployments) {
    const span = spans.get(service);
    if (span === undefined) {
      unsampledService.push(deploymentId);
      continue;
    }
    const recording = cases.find((c) => c.startsAtMs <= startedAtMs && startedAtMs <= c.endsAtMs);
    if (
      startedAtMs < span.firstMs ||
      startedAtMs > span.lastMs ||
      (cases.length > 0 && recording === undefined)
    ) {
      outsideSampledTime.push(deploymentId);
      continue;
    }
    const fromMs = Math.max(span.firstMs, recording?.startsAtMs ?? -Infinity);
    if (startedAtMs - fromMs < BASELINE_MS) shortHistory.push(deploymentId);
  }
  return {
    unsampledService,
    outsideSampledTime,
    shortHistory,
    overlappingWatches: overlapping(deployments, cases),
  };
}

function serviceSpans(
  history: History,
  measured: readonly SeriesQuality[],
): Map<string, { firstMs: number; lastMs: number }> {
  const spans = new Map<string, { firstMs: number; lastMs: number }>();
  for (const { series, firstMs, lastMs } of measured) {
    const { service } = history.series[series]!;
    const span = spans.get(service);
    spans.set(service, {
      firstMs: Math.min(firstMs, span?.firstMs ?? Infinity),
      lastMs: Math.max(lastMs, span?.lastMs ?? -Infinity),
    });
  }
  return spans;
}

/** Deployments that begin while an earlier one of the same service and recording is watched. */
function overlapping(deployments: Listed<DeploymentRow>, cases: readonly CaseRow[]): string[] {
  const lastMs = new Map<string, number>();
  const found: string[] = [];
  for (const { deploymentId, service, startedAtMs } of deployments) {
    const before = lastMs.get(service);
    lastMs.set(service, startedAtMs);
    if (before === undefined || startedAtMs - before >= WATCH_MS) continue;
    if (cases.length === 0 || withinOneCase(cases, before, startedAtMs)) found.push(deploymentId);
  }
  return found;
}
