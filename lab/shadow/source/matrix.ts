/**
 * From an answer's body to columns of samples: whose they are, and that they are in order.
 * Written by hand and not with a schema, as it runs over every sample of every poll.
 *
 * Laws: an answer of another shape is none; NaN and infinite values are missing samples; two
 * series for one service are not made one by chance, but left out and named.
 */

import { isFields, within, type Fields } from "../../jsonBody.ts";
import { listed } from "../../history/import/findings.ts";
import { percentagePoint } from "../../replay/plan.ts";
import type { TakenColumn } from "../contract.ts";
import { keyOf } from "./joined.ts";
import type { MetricQuery } from "./settings.ts";

export interface MatrixRead {
  readonly columns: readonly TakenColumn[];
  /** Go on after "METRIC: ". */
  readonly problems: readonly string[];
}

/** The answer has another shape than asked for; nothing in it is used. */
class WrongAnswer extends Error {}

/** Samples after `fromMs` and up to `toMs` of a whole answer; null columns when it is none. */
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

/** Notes on the query itself ("PromQL …") leave the answer whole; all else means it is not. */
function partialWarning(body: Fields): string | null {
  if (body["isPartial"] === true) return "isPartial is set";
  const warnings: unknown = body["warnings"];
  if (!Array.isArray(warnings)) return null;
  const partial = warnings.map(String).find((text) => !text.startsWith("PromQL "));
  return partial === undefined ? null : partial.slice(0, 200);
}

function resultOf(body: Fields): readonly Fields[] {
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
  readonly #doubled = new Set<string>();
  readonly #percentagePoint: number;
  #unnamed = 0;
  #conflicts = 0;

  constructor(
    private readonly query: MetricQuery,
    private readonly fromMs: number,
    private readonly toMs: number,
  ) {
    this.#percentagePoint = percentagePoint(query.unit, query.metric);
  }

  add(series: Fields): void {
    const { metric, kind, serviceLabel, versionLabel } = this.query;
    const labels = series["metric"] as Fields;
    const service = labels[serviceLabel];
    if (typeof service !== "string" || service === "") {
      this.#unnamed++;
      return;
    }
    const label = versionLabel === null ? null : labels[versionLabel];
    const version = typeof label === "string" && label !== "" ? label : null;
    const key = keyOf({ service, version });
    const { atMs, values } = this.#samples(series["values"]);
    if (atMs.length === 0) return;
    if (this.#columns.has(key)) {
      this.#doubled.add(key);
      return;
    }
    this.#columns.set(key, {
      series: {
        service,
        metric,
        version,
        percentagePoint: this.#percentagePoint,
        ...(kind === "counter" ? { counter: true } : {}),
      },
      atMs,
      values,
    });
  }

  #samples(pairs: unknown): { atMs: number[]; values: number[] } {
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
      // Before Prometheus 3 a range began at its very start.
      if (!(at > this.fromMs && at <= this.toMs)) continue;
      if (atMs.length > 0 && at <= atMs[atMs.length - 1]!) ordered = false;
      atMs.push(at);
      values.push(valueOf(text));
    }
    return ordered ? { atMs, values } : this.#inOrder(atMs, values);
  }

  /** Sorted by time; what is said twice counts once, and what contradicts itself not at all. */
  #inOrder(
    atMs: readonly number[],
    values: readonly number[],
  ): { atMs: number[]; values: number[] } {
    const byTime = new Map<number, number[]>();
    atMs.forEach((at, i) => {
      const given = byTime.get(at);
      if (given === undefined) byTime.set(at, [values[i]!]);
      else if (!given.some((value) => Object.is(value, values[i]))) given.push(values[i]!);
    });
    const sorted = [...byTime].sort(([a], [b]) => a - b);
    const kept = sorted.filter(([, given]) => given.length === 1);
    this.#conflicts += sorted.length - kept.length;
    return { atMs: kept.map(([at]) => at), values: kept.map(([, given]) => given[0]!) };
  }

  finish(): MatrixRead {
    for (const key of this.#doubled) this.#columns.delete(key);
    const problems: string[] = [];
    const { serviceLabel } = this.query;
    if (this.#unnamed > 0) {
      problems.push(
        `${this.#unnamed} series have no label "${serviceLabel}", so nobody knows whose they are`,
      );
    }
    if (this.#doubled.size > 0) {
      const names = listed([...this.#doubled].sort(), 3);
      problems.push(
        `several series for ${names}: left out; make it one, as with sum by (${serviceLabel})`,
      );
    }
    if (this.#conflicts > 0) {
      problems.push(`${this.#conflicts} samples contradict another of the same time: left out`);
    }
    return { columns: [...this.#columns.values()], problems };
  }
}

const NOT_A_NUMBER = new Set(["NaN", "+Inf", "-Inf", "Inf"]);

function valueOf(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && text !== "") return value;
  if (NOT_A_NUMBER.has(text) || value === Infinity || value === -Infinity) return Number.NaN;
  throw new WrongAnswer(`a value is "${text.slice(0, 20)}"`);
}
