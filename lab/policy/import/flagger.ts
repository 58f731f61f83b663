/** Canaries and MetricTemplates of Flagger as plans, and the queries that they ask. */

import {
  FLAGGER_DEFAULT_INTERVAL_MS,
  FLAGGER_SHORTEST_INTERVAL_MS,
  flagger,
  type FlaggerMetric,
  type FlaggerPlan,
  type FlaggerStrategy,
} from "../../../engine/index.ts";
import type { Problem } from "../../problem.ts";
import { isScalarQuery, parseGoDuration } from "./argoTemplate.ts";
import {
  at,
  isObject,
  problemAt,
  refuse,
  type KubernetesObject,
  type Path,
  type PlaceInFile,
} from "./document.ts";
import { findTemplate, renderQuery, templateQuery, valuesOf } from "./flaggerQuery.ts";

/** A query that an import has to ask. */
export interface FlaggerQuery {
  readonly name: string;
  /** Null: built in, so the mesh provider of the cluster decides what it is. */
  readonly expr: string | null;
  readonly intervalMs: number;
}

/** One check of a Canary with its query and its places. */
export interface PlacedCheck {
  readonly metric: FlaggerMetric;
  readonly expr: string | null;
  /** Has it a `thresholdRange` or a `threshold`? */
  readonly hasBound: boolean;
  readonly placeOf: (key: string) => PlaceInFile;
}

export interface ImportedCanary {
  readonly name: string;
  readonly plan: FlaggerPlan;
  readonly queries: readonly FlaggerQuery[];
  /** In the order of the plan's metrics. */
  readonly checks: readonly PlacedCheck[];
  readonly object: KubernetesObject;
  /** Where a key of the analysis is written. */
  readonly placeOf: (key: string) => PlaceInFile;
}

export interface ImportedCanaries {
  readonly imported: readonly ImportedCanary[];
  /** What is not emulated or wrong. */
  readonly problems: readonly Problem[];
  /** What is taken for granted, with its place. */
  readonly notes: readonly Problem[];
}

/** What one Canary gathers while it is read. */
interface Reading {
  readonly object: KubernetesObject;
  /** `spec.analysis`, or its older name. */
  readonly path: Path;
  readonly templates: readonly KubernetesObject[];
  readonly intervalMs: number;
  readonly problems: Problem[];
  readonly notes: Problem[];
  readonly queries: FlaggerQuery[];
  readonly checks: PlacedCheck[];
}

export function isFlaggerObject({ kind }: KubernetesObject): boolean {
  return kind === "Canary" || kind === "MetricTemplate";
}

export function importFlagger(objects: readonly KubernetesObject[]): ImportedCanaries {
  const templates = objects.filter(({ kind }) => kind === "MetricTemplate");
  const imported: ImportedCanary[] = [];
  const problems: Problem[] = [];
  const notes: Problem[] = [];
  for (const object of objects) {
    if (object.kind !== "Canary") continue;
    const reading = readingOf(object, templates);
    const plan = planOf(reading);
    notes.push(...reading.notes);
    problems.push(...reading.problems);
    if (reading.problems.length > 0) continue;
    const { queries, checks, path } = reading;
    const checked = flagger.schema.safeParse(plan);
    if (checked.success) {
      const name = object.name ?? "unnamed";
      const placeOf = (key: string): PlaceInFile => object.placeOf([...path, key]);
      imported.push({ name, plan: checked.data, queries, checks, object, placeOf });
      continue;
    }
    for (const { path, message } of checked.error.issues) {
      refuse(reading, [], `${path.join(".")}: ${message}`, "Write a value within the bounds.");
    }
    problems.push(...reading.problems);
  }
  return { imported, problems, notes };
}

function readingOf(object: KubernetesObject, templates: readonly KubernetesObject[]): Reading {
  const older = at(object.value, ["spec", "analysis"]) === undefined;
  const path = ["spec", older ? "canaryAnalysis" : "analysis"];
  const written = at(object.value, [...path, "interval"]);
  const given = typeof written === "string" ? parseGoDuration(written) : null;
  // Flagger takes its default for an interval that it cannot read, too.
  const intervalMs = Math.max(FLAGGER_SHORTEST_INTERVAL_MS, given ?? FLAGGER_DEFAULT_INTERVAL_MS);
  const gathered = { problems: [], notes: [], queries: [], checks: [] };
  return { object, path, templates, intervalMs, ...gathered };
}

function planOf(reading: Reading): FlaggerPlan {
  const { object, path, intervalMs } = reading;
  const analysis = at(object.value, path);
  if (at(object.value, ["spec", "suspend"]) === true) {
    const where = { object, path: ["spec", "suspend"] };
    const cure = "Remove `suspend`: Flagger does nothing with a suspended Canary.";
    reading.problems.push(problemAt(where, "the Canary is suspended", cure));
  }
  const threshold = numberOf(reading, "threshold");
  return {
    intervalMs,
    threshold: threshold > 0 ? threshold : 1,
    skipAnalysis: !isObject(analysis) || at(object.value, ["spec", "skipAnalysis"]) === true,
    strategy: strategyOf(reading),
    stepWeightPromotion: numberOf(reading, "stepWeightPromotion"),
    confirmPromotion: readWebhooks(reading),
    metrics: readMetrics(reading),
  };
}

function strategyOf(reading: Reading): FlaggerStrategy {
  const { object, path } = reading;
  const match = at(object.value, [...path, "match"]);
  const iterations = numberOf(reading, "iterations");
  if (at(object.value, ["spec", "provider"]) === "kubernetes") {
    // Kubernetes alone cannot split traffic, so Flagger makes ten iterations of anything else.
    return {
      kind: "blueGreen",
      iterations: iterations < 1 ? 10 : iterations,
      shiftsTraffic: false,
    };
  }
  if (iterations > 0) {
    if (Array.isArray(match) && match.length > 0) return { kind: "abTesting", iterations };
    return { kind: "blueGreen", iterations, shiftsTraffic: true };
  }
  const written = at(object.value, [...path, "stepWeights"]) ?? [];
  const isList = Array.isArray(written) && written.every((one) => typeof one === "number");
  if (!isList)
    refuse(reading, ["stepWeights"], "stepWeights: expected percentages", "Write a list.");
  return {
    kind: "canary",
    stepWeight: numberOf(reading, "stepWeight"),
    stepWeights: isList ? written : [],
    maxWeight: numberOf(reading, "maxWeight"),
    mirror: at(object.value, [...path, "mirror"]) === true,
  };
}

/** Webhooks that decide nothing are passed over; of the others it is noted what is assumed. */
const ASSUMED = new Map([
  ["rollout", "always passes"],
  ["pre-rollout", "always passes"],
  ["confirm-rollout", "approves at once"],
  ["confirm-traffic-increase", "approves at once"],
  ["confirm-promotion", "never approves, so the promotion waits"],
  ["rollback", "never asks for a rollback"],
]);
const DECIDES_NOTHING = new Set(["post-rollout", "event"]);

/** @returns whether the promotion waits for an approval */
function readWebhooks(reading: Reading): boolean {
  const { object, path } = reading;
  const written = at(object.value, [...path, "webhooks"]) ?? [];
  if (!Array.isArray(written)) {
    refuse(reading, ["webhooks"], "webhooks: expected a list", "Write a list.");
    return false;
  }
  let confirms = false;
  for (const [place, webhook] of written.entries()) {
    const type = textOf(webhook, "type") || "rollout";
    const name = textOf(webhook, "name") || "unnamed";
    if (DECIDES_NOTHING.has(type)) continue;
    const assumed = ASSUMED.get(type);
    if (assumed === undefined) {
      const what = `the webhook ${name} has the type ${type}, which is not emulated`;
      refuse(reading, ["webhooks", place], what, "Import a Canary without it.");
      continue;
    }
    const where = { object, path: [...path, "webhooks", place] };
    reading.notes.push(problemAt(where, `assumed: the ${type} webhook ${name} ${assumed}`));
    confirms ||= type === "confirm-promotion";
  }
  return confirms;
}

const BUILT_IN = new Set(["request-success-rate", "request-duration"]);

/** In the order of Flagger's checks: built-in ones and queries in place, then templates. */
function readMetrics(reading: Reading): readonly FlaggerMetric[] {
  const { object, path } = reading;
  const written = at(object.value, [...path, "metrics"]) ?? [];
  if (!Array.isArray(written)) {
    refuse(reading, ["metrics"], "metrics: expected a list", "Write a list.");
    return [];
  }
  const first: PlacedCheck[] = [];
  const last: PlacedCheck[] = [];
  for (const [place, metric] of written.entries()) {
    const name = textOf(metric, "name");
    const inPlace = textOf(metric, "query");
    const reference = at(metric, ["templateRef"]);
    const under = ["metrics", place];
    if (BUILT_IN.has(name)) first.push(checkOf(reading, metric, place, name, null));
    if (inPlace !== "") add(first, reading, metric, place, inPlace, "query");
    if (isObject(reference)) {
      const query = referred(reading, reference, [...under, "templateRef"]);
      if (query !== null) add(last, reading, metric, place, query, "templateRef");
    } else if (inPlace === "" && !BUILT_IN.has(name)) {
      const what = `${name || "the metric"} has no templateRef and no query`;
      refuse(reading, under, what, "Give it one: without, Flagger fails every check.");
    }
  }
  reading.checks.push(...first, ...last);
  return reading.checks.map(({ metric }) => metric);
}

function referred(reading: Reading, reference: unknown, under: Path): string | null {
  const template = findTemplate(reading.templates, reading.object, reference);
  if (template === undefined) {
    const what = `no MetricTemplate ${String(at(reference, ["name"]))} among the files`;
    refuse(reading, under, what, "Give the file that has it as well.");
    return null;
  }
  const query = templateQuery(template);
  if (typeof query === "string") return query;
  reading.problems.push(query);
  return null;
}

/** Adds the check of a query, with its variables filled in. */
function add(
  to: PlacedCheck[],
  reading: Reading,
  metric: unknown,
  place: number,
  query: string,
  key: "query" | "templateRef",
): void {
  const under = ["metrics", place, key];
  const { text, open, refused } = renderQuery(query, valuesOf(reading.object, metric));
  for (const name of refused) {
    const isVariable = name.startsWith("variables.");
    const cure = isVariable ? "Add it to `templateVariables`." : "Write it out.";
    refuse(reading, under, `the query uses \`{{ ${name} }}\`, which has no value`, cure);
  }
  if (open.includes("interval")) {
    const what = "the query uses `{{ interval }}`, and the metric has no interval";
    refuse(reading, under, what, "Give it one: without, Prometheus refuses the query.");
  }
  to.push(checkOf(reading, metric, place, textOf(metric, "name") || "metric", text));
}

function checkOf(
  reading: Reading,
  metric: unknown,
  place: number,
  name: string,
  expr: string | null,
): PlacedCheck {
  const range = at(metric, ["thresholdRange"]);
  const [min, max] = isObject(range) ? boundsOf(range) : olderBounds(metric, name, expr);
  const check: FlaggerMetric = {
    name,
    query: queryName(reading, name, expr),
    scope: "all",
    compares: expr === null && name === "request-duration" ? "milliseconds" : "number",
    answer: expr !== null && isScalarQuery(expr) ? "scalar" : "vector",
    min,
    max,
  };
  const { object, path } = reading;
  const placeOf = (key: string): PlaceInFile => object.placeOf([...path, "metrics", place, key]);
  const hasBound = isObject(range) || at(metric, ["threshold"]) !== undefined;
  return { metric: check, expr, hasBound, placeOf };
}

type Bounds = readonly [min: number | null, max: number | null];

function boundsOf(range: unknown): Bounds {
  const bound = (key: string): number | null => {
    const value = at(range, [key]);
    return typeof value === "number" ? value : null;
  };
  return [bound("min"), bound("max")];
}

/** `threshold`, 0 where it is missing: the least success rate, and the most of anything else. */
function olderBounds(metric: unknown, name: string, expr: string | null): Bounds {
  const written = at(metric, ["threshold"]);
  const threshold = typeof written === "number" ? written : 0;
  const isLeast = expr === null && name === "request-success-rate";
  return isLeast ? [threshold, null] : [null, threshold];
}

function queryName({ queries, intervalMs }: Reading, wanted: string, expr: string | null): string {
  const same = queries.find(
    (query) => query.expr === expr && (expr !== null || query.name === wanted),
  );
  if (same !== undefined) return same.name;
  let name = wanted;
  for (let n = 2; queries.some((query) => query.name === name); n++) name = `${wanted}-${n}`;
  queries.push({ name, expr, intervalMs });
  return name;
}

function numberOf(reading: Reading, key: string): number {
  const value = at(reading.object.value, [...reading.path, key]) ?? 0;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  refuse(reading, [key], `${key}: expected an integer`, "Write a number such as 10.");
  return 0;
}

function textOf(value: unknown, key: string): string {
  const text = at(value, [key]);
  return typeof text === "string" ? text.trim() : "";
}
