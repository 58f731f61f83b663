/**
 * AnalysisTemplates and ClusterAnalysisTemplates → metrics with Argo's defaults, as far as they are
 * emulated: the Prometheus provider with one instant query. What is not is refused with its place.
 */

import {
  DEFAULT_CONSECUTIVE_ERROR_LIMIT,
  isRefusal,
  parseCondition,
  type ArgoMetric,
  type ConditionRefusal,
  type JsonObject,
} from "../../../engine/index.ts";
import type { Problem } from "../../problem.ts";
import { fillArguments, readArguments, type Arguments } from "./argoArguments.ts";
import {
  at,
  isObject,
  problemAt,
  refuse,
  type KubernetesObject,
  type Path,
  type PlaceInFile,
} from "./document.ts";

/** A metric with its query, and where its keys are written. */
export interface PlacedMetric {
  /** Its `query` is empty until the plan names it. */
  readonly metric: ArgoMetric;
  /** PromQL. Arguments without a value are left in it as `{{args.name}}`. */
  readonly expr: string;
  /** Arguments that are left in the query. */
  readonly open: readonly string[];
  readonly template: KubernetesObject;
  readonly placeOf: (key: keyof ArgoMetric) => PlaceInFile;
}

export interface ReadMetrics {
  readonly metrics: readonly PlacedMetric[];
  readonly problems: readonly Problem[];
}

const METRIC_KEYS = new Set([
  "name",
  "interval",
  "initialDelay",
  "count",
  "successCondition",
  "failureCondition",
  "failureLimit",
  "inconclusiveLimit",
  "consecutiveErrorLimit",
  "consecutiveSuccessLimit",
  "provider",
]);

/** Keys of the Prometheus provider that say where and how to ask, not what. */
const HOW_TO_ASK = new Set(["address", "authentication", "timeout", "insecure", "headers"]);

/** Asked more often, an emulation says nothing that a history could hold. */
const SHORTEST_INTERVAL_MS = 1000;
const MOST_METRICS = 50;
const LONGEST_MS = 30 * 86_400_000;

/** What reading one metric needs: the object, the path of the metric, the values of arguments. */
interface Reading {
  readonly object: KubernetesObject;
  readonly path: Path;
  readonly args: Arguments;
  readonly declared: ReadonlySet<string>;
  readonly problems: Problem[];
}

/** @param given values of arguments, from the Rollout and the command line */
export function readMetrics(object: KubernetesObject, given: Arguments): ReadMetrics {
  const { args, declared, problems: wrong } = readArguments(object, ["spec", "args"], given);
  const problems = [...wrong];
  const written = at(object.value, ["spec", "metrics"]);
  if (written === undefined || written === null) return { metrics: [], problems };
  if (!Array.isArray(written)) {
    problems.push(problemAt({ object, path: ["spec", "metrics"] }, "expected a list of metrics"));
    return { metrics: [], problems };
  }
  if (written.length > MOST_METRICS) {
    const where = { object, path: ["spec", "metrics", MOST_METRICS] };
    const what = `more than ${MOST_METRICS} metrics are not emulated`;
    problems.push(problemAt(where, what, "Take the template apart."));
  }
  const metrics = written.slice(0, MOST_METRICS).flatMap((one: unknown, place) => {
    const path = ["spec", "metrics", place];
    const read = readMetric(one, { object, path, args, declared, problems });
    return read === null ? [] : [read];
  });
  return { metrics, problems };
}

/** Null where something was refused: the problems say what. */
function readMetric(written: unknown, reading: Reading): PlacedMetric | null {
  const before = reading.problems.length;
  if (!isObject(written)) {
    reading.problems.push(problemAt(reading, "expected a metric"));
    return null;
  }
  for (const key of Object.keys(written)) {
    if (!METRIC_KEYS.has(key)) refuse(reading, [key], `unknown key \`${key}\``, "Remove it.");
  }
  const query = readProvider(written["provider"], reading);
  const name = textOf(written, "name", reading) ?? "";
  if (name === "") refuse(reading, [], "the metric has no name", "Give it a `name`.");
  const whole = (key: string, fallback: number): number =>
    integerOf(written, key, reading) ?? fallback;
  const metric: ArgoMetric = {
    name,
    query: "",
    scope: "all",
    answer: query === null || !isScalarQuery(query.expr) ? "vector" : "scalar",
    initialDelayMs: durationOf(written, "initialDelay", reading) ?? 0,
    intervalMs: intervalOf(written, reading),
    count: integerOf(written, "count", reading),
    failureLimit: whole("failureLimit", 0),
    inconclusiveLimit: whole("inconclusiveLimit", 0),
    consecutiveErrorLimit: whole("consecutiveErrorLimit", DEFAULT_CONSECUTIVE_ERROR_LIMIT),
    consecutiveSuccessLimit: whole("consecutiveSuccessLimit", 0),
    successCondition: conditionOf(written, "successCondition", reading),
    failureCondition: conditionOf(written, "failureCondition", reading),
    dryRun: false,
  };
  if (query === null || reading.problems.length > before) return null;
  const { object, path } = reading;
  const placeOf = (key: keyof ArgoMetric): PlaceInFile =>
    object.placeOf([
      ...path,
      ...(key === "query" ? ["provider", "prometheus", "query"] : [KEY_OF[key] ?? key]),
    ]);
  return { metric, ...query, template: object, placeOf };
}

const KEY_OF: Readonly<Partial<Record<keyof ArgoMetric, string>>> = {
  initialDelayMs: "initialDelay",
  intervalMs: "interval",
};

function readProvider(
  written: unknown,
  reading: Reading,
): { readonly expr: string; readonly open: readonly string[] } | null {
  const cure = "Only metrics of Prometheus are emulated; give the others to Argo alone.";
  if (!isObject(written) || Object.keys(written).length === 0) {
    refuse(reading, ["provider"], "the metric has no provider", "Argo refuses it as well.");
    return null;
  }
  const names = Object.keys(written);
  for (const name of names) {
    if (name === "prometheus") continue;
    const plugin =
      name === "plugin" && isObject(written[name]) ? Object.keys(written[name])[0] : undefined;
    const what = plugin === undefined ? name : `plugin ${plugin}`;
    refuse(reading, ["provider", name], `the provider ${what} is not emulated`, cure);
  }
  const prometheus = written["prometheus"];
  if (!isObject(prometheus)) return null;
  for (const key of Object.keys(prometheus)) {
    if (key === "query" || HOW_TO_ASK.has(key)) continue;
    const path = ["provider", "prometheus", key];
    if (key === "rangeQuery") refuse(reading, path, "a `rangeQuery` is not emulated", cure);
    else refuse(reading, path, `unknown key \`${key}\``, "Remove it.");
  }
  const query = prometheus["query"];
  if (typeof query !== "string" || query.trim() === "") {
    refuse(reading, ["provider", "prometheus"], "the provider has no query", "Give it a `query`.");
    return null;
  }
  const { text, open } = fillArguments(query, reading.args);
  for (const name of open) {
    if (reading.declared.has(name)) continue;
    const what = `the template declares no argument ${name}`;
    refuse(reading, ["provider", "prometheus", "query"], what, "Add it to `spec.args`.");
  }
  return { expr: text.trim(), open };
}

/**
 * Whether Prometheus answers a number rather than a vector: a call of `scalar` and nothing else, or
 * a literal number.
 */
export function isScalarQuery(expr: string): boolean {
  const text = expr.trim();
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return true;
  if (!/^scalar\s*\(/.test(text)) return false;
  let depth = 0;
  let quote = "";
  for (let place = 0; place < text.length; place++) {
    const sign = text[place]!;
    if (quote !== "") {
      if (sign === "\\" && quote !== "`") place++;
      else if (sign === quote) quote = "";
    } else if (sign === '"' || sign === "'" || sign === "`") quote = sign;
    else if (sign === "(") depth++;
    else if (sign === ")" && --depth === 0) return place === text.length - 1;
  }
  return false;
}

/** A text with all its arguments filled in; null where it is not given. */
function textOf(written: JsonObject, key: string, reading: Reading): string | null {
  const value = written[key];
  if (value === undefined || value === null || value === "") return null;
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    refuse(reading, [key], `${key}: expected a text`, "Write one value.");
    return null;
  }
  const { text, open } = fillArguments(String(value), reading.args);
  for (const name of open) {
    const cure = `Give it with --arg ${name}=VALUE, or a \`value\` in the template.`;
    refuse(reading, [key], `${key}: the argument ${name} has no value`, cure);
  }
  return open.length > 0 ? null : text;
}

function integerOf(written: JsonObject, key: string, reading: Reading): number | null {
  const text = textOf(written, key, reading);
  if (text === null) return null;
  if (/^-?\d{1,7}$/.test(text.trim())) return Number(text);
  refuse(reading, [key], `${key}: expected an integer`, "Write a number such as 3.");
  return null;
}

function durationOf(written: JsonObject, key: string, reading: Reading): number | null {
  const text = textOf(written, key, reading);
  if (text === null) return null;
  const durationMs = parseGoDuration(text);
  if (durationMs !== null && durationMs <= LONGEST_MS) return durationMs;
  refuse(reading, [key], `${key}: expected a duration`, "Write one such as 30s, 5m or 1h30m.");
  return null;
}

function intervalOf(written: JsonObject, reading: Reading): number | null {
  const intervalMs = durationOf(written, "interval", reading);
  if (intervalMs === null || intervalMs >= SHORTEST_INTERVAL_MS) return intervalMs;
  refuse(reading, ["interval"], "interval: less than 1s is not emulated", "Write 1s or more.");
  return null;
}

function conditionOf(
  written: JsonObject,
  key: "successCondition" | "failureCondition",
  reading: Reading,
): string | null {
  const text = textOf(written, key, reading);
  if (text === null) return null;
  const node = parseCondition(text);
  if (!isRefusal(node)) return text;
  refuse(reading, [key], `${key}: ${refusalText(node)}`, `The condition is: ${shortened(text)}`);
  return null;
}

function refusalText({ code, token, at: place }: ConditionRefusal): string {
  const where = `at character ${place + 1}`;
  if (code === "construct") return `\`${token}\` is not emulated (${where})`;
  if (code === "syntax") {
    return token === "" ? `it ends too early (${where})` : `unexpected \`${token}\` (${where})`;
  }
  return code === "tooLong" ? "it is too long" : "it is too deeply nested or has too many parts";
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= 120 ? line : `${line.slice(0, 117)}…`;
}

const GO_UNIT_MS = new Map([
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
  ["us", 0.001],
  ["µs", 0.001],
  ["ns", 0.000_001],
]);

/** A duration as Go reads it, in any order of units: `1h30m`, `90s`, `1.5h`; `0` needs no unit. */
export function parseGoDuration(text: string): number | null {
  if (text === "0") return 0;
  if (text.length > 40 || !/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns))+$/.test(text))
    return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/g)) {
    total += Number(amount) * GO_UNIT_MS.get(unit!)!;
  }
  return Math.round(total);
}
