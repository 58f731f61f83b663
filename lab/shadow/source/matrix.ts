/**
 * Turns an answer's body into columns of samples, by service and in time order. Written by hand
 * instead of with a schema, because it runs over every sample of every poll.
 *
 * Laws: an answer of another shape is not used at all; NaN and infinite values are missing samples;
 * if a service has two series, both are left out and named, instead of choosing one.
 */

import { own } from "../../../engine/index.ts";
import { isFields, within, type Fields } from "../../jsonBody.ts";
import { listed } from "../../history/import/findings.ts";
import { namedMetric, type NamedMetric } from "../../history/metric/seriesName.ts";
import type { TakenColumn } from "../contract.ts";
import { keyOf } from "./joined.ts";
import type { MetricQuery } from "./settings.ts";
import { counted } from "../../counted.ts";

export interface MatrixRead {
  readonly columns: readonly TakenColumn[];
  readonly leftOut: readonly LeftOut[];
}

/** Samples of an answer that belong to no service, or contradict each other. */
export interface LeftOut {
  readonly reason: string;
  readonly samples: number;
  /** Series that they belong to; null when that is unknown. */
  readonly example: string | null;
}

/** The answer has another shape than asked for; nothing in it is used. */
export class WrongAnswer extends Error {}

/** Samples after `fromMs` and up to `toMs`; null columns when the answer cannot be used. */
export function readMatrix(
  body: Fields,
  query: MetricQuery,
  fromMs: number,
  toMs: number,
): MatrixRead | { readonly columns: null; readonly problem: string } {
  const warned = partialWarning(body);
  if (warned !== null) return { columns: null, problem: `the answer is partial: ${warned}` };
  try {
    const columns = new Columns(query, fromMs, toMs);
    for (const series of resultOf(body)) columns.add(series);
    return columns.finish();
  } catch (error) {
    if (!(error instanceof WrongAnswer)) throw error;
    return { columns: null, problem: `the answer is not what was asked for: ${error.message}` };
  }
}

/** Warnings about the query ("PromQL …") leave the answer complete; any other makes it partial. */
export function partialWarning(body: Fields): string | null {
  if (body["isPartial"] === true) return "isPartial is set";
  const warnings: unknown = body["warnings"];
  if (!Array.isArray(warnings)) return null;
  const texts = warnings.map((text: unknown) =>
    typeof text === "string" ? text : "no reason given",
  );
  const partial = texts.find((text) => !text.startsWith("PromQL "));
  return partial === undefined ? null : partial.slice(0, 200);
}

export function resultOf(body: Fields): readonly Fields[] {
  const { resultType, result } = within(body, "data") as { resultType?: unknown; result?: unknown };
  if (resultType !== "matrix") {
    throw new WrongAnswer(`it is a ${typeof resultType === "string" ? resultType : "nothing"}`);
  }
  if (!Array.isArray(result)) throw new WrongAnswer("it has no list of series");
  return result.map((series: unknown) => {
    if (!isFields(series) || !isFields(series["metric"]))
      throw new WrongAnswer("a series has no labels");
    return series;
  });
}

class Columns {
  readonly #columns = new Map<string, TakenColumn>();
  /** Keys that several series share, and how many samples these have together. */
  readonly #doubled = new Map<string, number>();
  /** Of the first series of each key. */
  readonly #labels = new Map<string, Fields>();
  /** The labels in which series of one key differ. */
  readonly #differing = new Set<string>();
  readonly #named: NamedMetric;
  #unnamed = 0;
  #conflicts = 0;
  #conflicting: string | null = null;

  constructor(
    private readonly query: MetricQuery,
    private readonly fromMs: number,
    private readonly toMs: number,
  ) {
    this.#named = namedMetric(query.metric, query);
  }

  add(series: Fields): void {
    const { serviceLabel, versionLabel } = this.query;
    const labels = series["metric"] as Fields;
    const service = own(labels, serviceLabel);
    const named = typeof service === "string" && service !== "";
    const label = versionLabel === null ? null : own(labels, versionLabel);
    const version = typeof label === "string" && label !== "" ? label : null;
    const key = named ? keyOf({ service, version }) : null;
    const { atMs, values } = this.#samples(series["values"], key);
    if (atMs.length === 0) return;
    if (!named || key === null) {
      this.#unnamed += atMs.length;
      return;
    }
    const before = this.#columns.get(key);
    if (before !== undefined) {
      this.#doubled.set(key, (this.#doubled.get(key) ?? before.atMs.length) + atMs.length);
      this.#compare(this.#labels.get(key)!, labels);
      return;
    }
    this.#labels.set(key, labels);
    this.#columns.set(key, {
      series: { ...this.#named, service, version },
      atMs,
      values,
    });
  }

  #compare(first: Fields, other: Fields): void {
    for (const label of new Set([...Object.keys(first), ...Object.keys(other)])) {
      if (own(first, label) !== own(other, label)) this.#differing.add(label);
    }
  }

  /** What one asks to get one series for each service; counters are summed as rates. */
  #cure(): string {
    const { serviceLabel, kind, isSelector, query } = this.query;
    const labels = [...this.#differing].filter((label) => label !== "__name__").sort();
    const differ = labels.length === 0 ? "" : `, which differ in ${listed(labels, 3)}`;
    const isRate = kind === "counter" && isSelector;
    const sum = `sum by (${serviceLabel}) (${isRate ? `rate(${query}[2m])` : query})`;
    const shown = sum.length > 120 ? `sum by (${serviceLabel})` : sum;
    const asRate = isRate ? ", with kind: rate" : "";
    return `several series for one service${differ}: make it one, as with ${shown}${asRate}`;
  }

  #samples(pairs: unknown, key: string | null): { atMs: number[]; values: number[] } {
    if (!Array.isArray(pairs)) {
      throw new WrongAnswer("a series has no values (native histograms need a function)");
    }
    const atMs: number[] = [];
    const values: number[] = [];
    let ordered = true;
    for (const pair of pairs as readonly unknown[]) {
      if (!Array.isArray(pair) || pair.length !== 2) throw new WrongAnswer("a sample is no pair");
      const [seconds, text] = pair as [unknown, unknown];
      if (typeof seconds !== "number" || typeof text !== "string") {
        throw new WrongAnswer("a sample is no time and text");
      }
      const at = Math.round(seconds * 1000);
      // Before Prometheus 3 a range included its start.
      if (!(at > this.fromMs && at <= this.toMs)) continue;
      if (atMs.length > 0 && at <= atMs[atMs.length - 1]!) ordered = false;
      atMs.push(at);
      values.push(valueOf(text));
    }
    return ordered ? { atMs, values } : this.#inOrder(atMs, values, key);
  }

  /** Sorts by time; equal samples of one time count once, contradicting ones not at all. */
  #inOrder(
    atMs: readonly number[],
    values: readonly number[],
    key: string | null,
  ): { atMs: number[]; values: number[] } {
    const byTime = new Map<number, number[]>();
    atMs.forEach((at, i) => {
      const given = byTime.get(at);
      if (given === undefined) byTime.set(at, [values[i]!]);
      else if (!given.some((value) => Object.is(value, values[i]))) given.push(values[i]!);
    });
    const sorted = [...byTime].sort(([a], [b]) => a - b);
    const kept = sorted.filter(([, given]) => given.length === 1);
    if (kept.length < sorted.length) this.#conflicting ??= key;
    for (const [, given] of sorted) if (given.length > 1) this.#conflicts += given.length;
    return { atMs: kept.map(([at]) => at), values: kept.map(([, given]) => given[0]!) };
  }

  finish(): MatrixRead {
    for (const key of this.#doubled.keys()) this.#columns.delete(key);
    const { serviceLabel } = this.query;
    const doubled = [...this.#doubled.values()].reduce((sum, samples) => sum + samples, 0);
    const leftOut: LeftOut[] = [
      {
        reason: `the series has no label "${serviceLabel}", so its service is unknown`,
        samples: this.#unnamed,
        example: null,
      },
      {
        reason: this.#cure(),
        samples: doubled,
        example: listed([...this.#doubled.keys()].sort(), 3),
      },
      {
        reason: "contradicting another sample of the same time",
        samples: this.#conflicts,
        example: this.#conflicting,
      },
    ];
    return {
      columns: [...this.#columns.values()],
      leftOut: leftOut.filter(({ samples }) => samples > 0),
    };
  }
}

/** A sentence about what was left out. */
export function leftOutText({ reason, samples, example }: LeftOut): string {
  const whose = example === null ? "" : ` of ${example}`;
  return `${counted(samples, "sample")}${whose} left out: ${reason}`;
}

const NOT_A_NUMBER = new Set(["NaN", "+Inf", "-Inf", "Inf"]);

function valueOf(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && text !== "") return value;
  if (NOT_A_NUMBER.has(text) || value === Infinity || value === -Infinity) return Number.NaN;
  throw new WrongAnswer(`a value is "${text.slice(0, 20)}"`);
}
