/**
 * Asks the queries of an incumbent's files: each at its own interval, as it is written, and keeps
 * apart what every evaluation answered.
 *
 * A query with open arguments is asked once for each service, and once for each version of it where
 * an argument is the version. Any other is asked once, and a result belongs to the service that its
 * label names; without that label it belongs to every service. A result belongs to the version that
 * it was asked for, or that its label names.
 *
 * Law: an evaluation that could not be read is a failed query, never an answer without series. A
 * query that the server refuses fails the import, because asking again would not help.
 */

import { AnswerKind, elementMetric } from "../../../engine/index.ts";
import { counted } from "../../counted.ts";
import type { Findings } from "../../history/import/findings.ts";
import { iso } from "../../history/duck.ts";
import type { Fields } from "../../jsonBody.ts";
import { Problem } from "../../problem.ts";
import type { MetricsApi, Trouble } from "./api.ts";
import type { PastRequest } from "./intoHistory.ts";
import { partialWarning, resultOf } from "./matrix.ts";
import type { SampleRows } from "./sampleRows.ts";

/** A query of a file; its arguments stand in it as `{{args.NAME}}`. */
export interface TemplateQuery {
  /** The metric under which its answers are kept. */
  readonly name: string;
  readonly expr: string;
  readonly open: readonly string[];
  readonly intervalMs: number;
}

export interface Templates {
  readonly queries: readonly TemplateQuery[];
  readonly services: readonly string[];
  /** By service: the versions of its deployments. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
  /** By argument: its value, in which `{service}` is the service, `{version}` a version of it. */
  readonly args: ReadonlyMap<string, string>;
  readonly serviceLabel: string;
  /** The label that names the version of a result; null: none does. */
  readonly versionLabel: string | null;
}

/** Prometheus refuses more than 11,000 points a series. */
const POINTS_AT_MOST = 10_000;
const TRIES = 6;
/** More elements of one query and service are no vector that a condition was written for. */
const ELEMENTS_AT_MOST = 1_000;
const NEVER = new AbortController().signal;
const NAMES_SERVICE = /^(service|service[-_]?name|app|application)$/i;

/** One request: what one query says of some services. */
interface Asking {
  readonly query: TemplateQuery;
  readonly expr: string;
  /** Null: of all. */
  readonly service: string | null;
  /** Null: of all, or of the one that a label names. */
  readonly version: string | null;
}

export async function readTemplates(
  templates: Templates,
  api: MetricsApi,
  request: PastRequest,
  rows: SampleRows,
  findings: Findings,
): Promise<void> {
  const all = templates.queries.flatMap((query) => askingsOf(query, templates));
  const stretchMs = request.toMs - request.fromMs;
  let isAnswered = false;
  for (const [index, asking] of all.entries()) {
    const { name } = asking.query;
    const elements = new Elements(asking, templates, rows);
    let failed = 0;
    for await (const piece of piecesOf(asking, api, request)) {
      if (piece.body === null) {
        // Nothing at all was answered yet: the address is wrong rather than the hour.
        if (!isAnswered) throw unanswered(name, piece.words, request);
        failed += piece.gridMs.length;
      } else isAnswered = true;
      await elements.add(piece);
      const doneMs = index * stretchMs + piece.gridMs.at(-1)! - request.fromMs;
      request.onProgress(doneMs, all.length * stretchMs, name);
    }
    const { service, version } = asking;
    const whose = service === null ? "" : ` of ${service}${version === null ? "" : `@${version}`}`;
    if (failed > 0) findings.warn(`${name}${whose}: ${counted(failed, "evaluation")} failed`);
  }
}

function askingsOf(query: TemplateQuery, templates: Templates): Asking[] {
  if (query.open.length === 0) return [{ query, expr: query.expr, service: null, version: null }];
  const values = valuesOf(query, templates.args);
  const isByVersion = [...values.values()].some((value) => value.includes(VERSION));
  return templates.services.flatMap((service) => {
    const versions = isByVersion ? versionsOf(query, service, templates) : [null];
    return versions.map((version) => {
      let { expr } = query;
      for (const [name, given] of values) {
        const value = given
          .replaceAll("{service}", service)
          .replaceAll(VERSION, version ?? VERSION);
        expr = expr.replaceAll(`{{args.${name}}}`, value).replaceAll(`{{ args.${name} }}`, value);
      }
      return { query, expr, service, version };
    });
  });
}

const VERSION = "{version}";

function valuesOf(
  { name: query, open }: TemplateQuery,
  args: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map(
    open.map((name): [string, string] => {
      const given = args.get(name) ?? (NAMES_SERVICE.test(name) ? "{service}" : null);
      if (given !== null) return [name, given];
      throw new Problem(`${query}: the argument ${name} has no value`, {
        cure:
          `Give it: --arg ${name}=VALUE, in which {service} is the service, and {version} each ` +
          "version of its deployments.",
      });
    }),
  );
}

function versionsOf(
  { name }: TemplateQuery,
  service: string,
  { versions }: Templates,
): readonly string[] {
  const found = versions.get(service) ?? [];
  if (found.length > 0) return found;
  throw new Problem(`${name}: no deployment of ${service} has a version`, {
    cure: "Give deployments with the column version, or a query without {version}.",
  });
}

function unanswered(name: string, words: string, { settings, fromMs }: PastRequest): Problem {
  return new Problem(`${name}: the metrics API ${words} (${TRIES} times)`, {
    file: settings.url,
    cure: `It was asked for what comes after ${iso(fromMs)}. Nothing was kept.`,
  });
}

/** Evaluations at these times; a null body says that they failed. */
type AnsweredPiece =
  | { readonly gridMs: readonly number[]; readonly body: Fields }
  | { readonly gridMs: readonly number[]; readonly body: null; readonly words: string };

/** @throws Problem where the server refuses the query */
async function* piecesOf(
  { query, expr }: Asking,
  api: MetricsApi,
  { settings, clock, fromMs, toMs }: PastRequest,
): AsyncGenerator<AnsweredPiece> {
  const { intervalMs } = query;
  const lastMs = Math.floor(toMs / intervalMs) * intervalMs;
  let most = POINTS_AT_MOST;
  let tries = 0;
  for (let firstMs = Math.ceil(fromMs / intervalMs) * intervalMs; firstMs <= lastMs;) {
    const count = Math.min(most, (lastMs - firstMs) / intervalMs + 1);
    const gridMs = Array.from({ length: count }, (_, i) => firstMs + i * intervalMs);
    const trouble = await ask(api, expr, gridMs, intervalMs, settings.timeoutMs);
    if ("body" in trouble) {
      tries = 0;
      yield { gridMs, body: trouble.body };
      firstMs += count * intervalMs;
      continue;
    }
    const { kind, words } = trouble;
    if (kind === "lasting") {
      throw new Problem(`${query.name}: the metrics API ${words}`, {
        file: settings.url,
        cure: `It was asked: ${expr}`,
      });
    }
    if (kind !== "passing" && count > 1) {
      most = Math.ceil(count / 2);
      continue;
    }
    if (++tries < TRIES) {
      await clock.wait(Math.max(api.restMs(), 500 * 2 ** tries), NEVER);
      continue;
    }
    tries = 0;
    yield { gridMs, body: null, words };
    firstMs += count * intervalMs;
  }
}

async function ask(
  api: MetricsApi,
  expr: string,
  gridMs: readonly number[],
  intervalMs: number,
  timeoutMs: number,
): Promise<{ readonly body: Fields } | Trouble> {
  const seconds = (ms: number): string => (ms / 1000).toFixed(3);
  const answer = await api.ask(
    "query_range",
    {
      query: expr,
      start: seconds(gridMs[0]!),
      end: seconds(gridMs.at(-1)!),
      step: seconds(intervalMs),
      timeout: `${timeoutMs}ms`,
      nocache: "1",
    },
    NEVER,
  );
  if (!answer.ok) return answer.trouble;
  const warned = partialWarning(answer.body);
  if (warned === null) return { body: answer.body };
  return { kind: "passing", words: `gave a partial answer: ${warned}` };
}

/** A point of an element: its answer, and its value where that is a finite number. */
interface Point {
  readonly answer: number;
  readonly value: number;
}

type Points = ReadonlyMap<number, Point>;

/** An element of a vector as a series of the history. */
interface ElementSeries {
  readonly metric: string;
  readonly version: string | null;
}

/** Writes the series of one query: the query itself, and every element that it ever had. */
class Elements {
  /** By service, then by key: its elements. */
  readonly #known = new Map<string, Map<string, ElementSeries>>();

  constructor(
    private readonly asking: Asking,
    private readonly templates: Templates,
    private readonly rows: SampleRows,
  ) {}

  async add(piece: AnsweredPiece): Promise<void> {
    const { query, service } = this.asking;
    const found = piece.body === null ? [] : elementsOf(piece.body, query.name);
    const services = service === null ? this.templates.services : [service];
    const own = new Map(services.map((one) => [one, new Map<string, Element>()]));
    for (const { labels, points } of found) {
      const named = service === null ? labels.get(this.templates.serviceLabel) : undefined;
      const series = this.#seriesOf(labels);
      for (const one of named === undefined ? services : [named]) {
        own.get(one)?.set(keyOf(series), { series, points });
      }
    }
    for (const [one, elements] of own) await this.#write(one, elements, piece);
  }

  /** The version has a column of its own, so that a rollout's sides are told apart. */
  #seriesOf(labels: ReadonlyMap<string, string>): ElementSeries {
    const { query, version } = this.asking;
    const { versionLabel } = this.templates;
    if (version !== null) return { metric: elementMetric(query.name, labels), version };
    const others = new Map([...labels].filter(([label]) => label !== versionLabel));
    const named = versionLabel === null ? undefined : labels.get(versionLabel);
    return { metric: elementMetric(query.name, others), version: named ?? null };
  }

  async #write(
    service: string,
    elements: ReadonlyMap<string, Element>,
    { gridMs, body }: AnsweredPiece,
  ): Promise<void> {
    const whole = { metric: this.asking.query.name, version: this.asking.version };
    let known = this.#known.get(service);
    if (known === undefined) this.#known.set(service, (known = new Map([[keyOf(whole), whole]])));
    for (const [key, { series }] of elements) known.set(key, series);
    if (known.size > ELEMENTS_AT_MOST) {
      throw new Problem(`${whole.metric}: more than ${ELEMENTS_AT_MOST} series of ${service}`, {
        cure: "Aggregate them in the query, as with sum by (…).",
      });
    }
    for (const [key, series] of known) {
      const points = elements.get(key)?.points;
      // That a query failed is told once, by the series that is the query itself.
      const isWhole = key === keyOf(whole);
      const without = body === null && isWhole ? AnswerKind.failed : AnswerKind.none;
      const answers = gridMs.map((at) => points?.get(at) ?? { answer: without, value: NaN });
      await this.rows.add(
        { series: { service, ...series }, atMs: gridMs, values: answers.map(({ value }) => value) },
        answers.map(({ answer }) => answer),
      );
    }
  }
}

interface Element {
  readonly series: ElementSeries;
  readonly points: Points;
}

function keyOf({ metric, version }: ElementSeries): string {
  return JSON.stringify([metric, version]);
}

function elementsOf(
  body: Fields,
  name: string,
): { labels: ReadonlyMap<string, string>; points: Points }[] {
  const wrong = (what: string): Problem =>
    new Problem(`${name}: the answer is not what was asked for: ${what}`, {
      cure: "Is this the address of a Prometheus-compatible API?",
    });
  let result: readonly Fields[];
  try {
    result = resultOf(body);
  } catch (error) {
    throw error instanceof Error ? wrong(error.message) : error;
  }
  return result.map((series) => {
    const labels = new Map(
      Object.entries(series["metric"] as Fields).map(([label, value]) => [label, String(value)]),
    );
    if (!Array.isArray(series["values"])) throw wrong("a series has no values");
    const points = new Map<number, Point>();
    for (const pair of series["values"] as readonly unknown[]) {
      const [seconds, text] = Array.isArray(pair) ? (pair as [unknown, unknown]) : [];
      if (typeof seconds !== "number" || typeof text !== "string") {
        throw wrong("a sample is no time and text");
      }
      const point = pointOf(text);
      if (point === null) throw wrong(`a value is "${text.slice(0, 20)}"`);
      points.set(Math.round(seconds * 1000), point);
    }
    return { labels, points };
  });
}

const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ["NaN", AnswerKind.nan],
  ["+Inf", AnswerKind.infinite],
  ["Inf", AnswerKind.infinite],
  ["-Inf", AnswerKind.minusInfinite],
]);

function pointOf(text: string): Point | null {
  const answer = NOT_FINITE.get(text);
  if (answer !== undefined) return { answer, value: NaN };
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) return null;
  if (Number.isFinite(value)) return { answer: AnswerKind.value, value };
  return { answer: value > 0 ? AnswerKind.infinite : AnswerKind.minusInfinite, value: NaN };
}
