/**
 * Rollouts and AnalysisTemplates of Argo as plans, and the queries that they ask.
 *
 * A Rollout becomes a plan of its own. Templates that no Rollout of the files uses become one each:
 * run as a step where all their metrics end by themselves, else in the background of a rollout that
 * takes a given time.
 */

import {
  effectiveCount,
  invalidityOf,
  type ArgoAnalysis,
  type ArgoMetric,
  type ArgoPlan,
  type ArgoStep,
  type JsonObject,
} from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import { readArguments, type Arguments } from "./argoArguments.ts";
import { ARGO_REFUSALS } from "./argoRefusals.ts";
import { parseGoDuration, readMetrics, type PlacedMetric } from "./argoTemplate.ts";
import { dryRunNames } from "./argoDryRun.ts";
import { at, isObject, problemAt, type KubernetesObject, type Path } from "./document.ts";

export interface ArgoSettings {
  /** Values of arguments; they stand before those of the files. */
  readonly args: Arguments;
  /** How long a rollout takes of which only the templates are given. */
  readonly lastsMs: number;
}

export const ARGO_SETTINGS: ArgoSettings = { args: new Map(), lastsMs: 3_600_000 };

/** A query that an import has to ask. */
export interface ArgoQuery {
  readonly name: string;
  /** PromQL, in which the open arguments still stand as `{{args.name}}`. */
  readonly expr: string;
  readonly open: readonly string[];
  readonly intervalMs: number;
}

export interface ImportedArgo {
  readonly name: string;
  readonly plan: ArgoPlan;
  readonly queries: readonly ArgoQuery[];
  /** Every metric with its places, in the order in which the plan has them. */
  readonly metrics: readonly PlacedMetric[];
  readonly object: KubernetesObject;
}

export interface ImportedAll {
  readonly imported: readonly ImportedArgo[];
  readonly problems: readonly Problem[];
}

/** Asked so often where a metric names no interval. */
const DEFAULT_QUERY_INTERVAL_MS = 60_000;

const TEMPLATE_KINDS = new Set(["AnalysisTemplate", "ClusterAnalysisTemplate"]);
const MOST_NESTED_TEMPLATES = 50;

/** What one plan gathers while it is read. */
interface Gathering {
  readonly templates: readonly KubernetesObject[];
  readonly settings: ArgoSettings;
  readonly used: Set<KubernetesObject>;
  readonly problems: Problem[];
  readonly metrics: PlacedMetric[];
  readonly queries: ArgoQuery[];
}

export function isArgoObject({ kind }: KubernetesObject): boolean {
  return kind !== null && (kind === "Rollout" || TEMPLATE_KINDS.has(kind));
}

export function importArgo(
  objects: readonly KubernetesObject[],
  settings: ArgoSettings = ARGO_SETTINGS,
): ImportedAll {
  const templates = objects.filter(({ kind }) => kind !== null && TEMPLATE_KINDS.has(kind));
  const problems = sameNames(templates);
  const used = new Set<KubernetesObject>();
  const imported: ImportedArgo[] = [];
  const gather = (
    object: KubernetesObject,
    planOf: (gathering: Gathering) => ArgoPlan | null,
  ): void => {
    const own: Problem[] = [];
    const gathering = { templates, settings, used, problems: own, metrics: [], queries: [] };
    const plan = planOf(gathering);
    problems.push(...own);
    if (plan === null || own.length > 0) return;
    const { metrics, queries } = gathering;
    imported.push({ name: object.name ?? "unnamed", plan, queries, metrics, object });
  };
  for (const object of objects) {
    if (object.kind === "Rollout") gather(object, (gathering) => rolloutPlan(object, gathering));
  }
  for (const template of templates) {
    if (!used.has(template)) gather(template, (gathering) => templatePlan(template, gathering));
  }
  return { imported, problems };
}

function sameNames(templates: readonly KubernetesObject[]): Problem[] {
  return templates.flatMap((object, place) => {
    const first = templates
      .slice(0, place)
      .find(({ kind, name }) => name === object.name && kind === object.kind);
    if (first === undefined) return [];
    const { file, line } = first.placeOf(["metadata", "name"]);
    const what = `the name is also that of ${file}:${line}`;
    return [problemAt({ object, path: ["metadata", "name"] }, what, "Give one of them.")];
  });
}

function templatePlan(template: KubernetesObject, gathering: Gathering): ArgoPlan | null {
  const analysis = analysisOf(template, [], [template], gathering.settings.args, gathering);
  if (analysis === null) return null;
  const ends = analysis.metrics.every((metric) => effectiveCount(metric) !== null);
  if (ends) return { steps: [{ kind: "analysis", analysis }], background: null };
  return {
    steps: [{ kind: "pause", durationMs: gathering.settings.lastsMs }],
    background: { startingStep: 0, analysis },
  };
}

const CANARY: Path = ["spec", "strategy", "canary"];

function rolloutPlan(object: KubernetesObject, gathering: Gathering): ArgoPlan | null {
  const canary = at(object.value, CANARY);
  if (!isObject(canary)) {
    const isBlueGreen = at(object.value, ["spec", "strategy", "blueGreen"]) !== undefined;
    const what = isBlueGreen
      ? "a blue-green strategy is not emulated"
      : "there is no canary strategy";
    const path = ["spec", "strategy", ...(isBlueGreen ? ["blueGreen"] : [])];
    gathering.problems.push(problemAt({ object, path }, what, "Only canary steps are emulated."));
    return null;
  }
  const written = canary["steps"] ?? [];
  if (!Array.isArray(written)) {
    gathering.problems.push(problemAt({ object, path: [...CANARY, "steps"] }, "expected a list"));
    return null;
  }
  const steps = written.flatMap((step: unknown, place) =>
    readStep(object, [...CANARY, "steps", place], step, gathering),
  );
  const background = readBackground(object, canary["analysis"], gathering);
  return { steps, background };
}

function readBackground(
  object: KubernetesObject,
  written: unknown,
  gathering: Gathering,
): ArgoPlan["background"] {
  if (!isObject(written)) return null;
  const path = [...CANARY, "analysis"];
  const analysis = rolloutAnalysis(object, path, written, gathering);
  const startingStep = written["startingStep"] ?? 0;
  if (typeof startingStep !== "number" || !Number.isInteger(startingStep) || startingStep < 0) {
    const where = { object, path: [...path, "startingStep"] };
    gathering.problems.push(problemAt(where, "startingStep: expected a step, counted from 0"));
    return null;
  }
  return analysis === null ? null : { startingStep, analysis };
}

/** Steps that change traffic or scale, but wait for nothing that a history could tell. */
const PASSED_AT_ONCE = new Set([
  "setCanaryScale",
  "setHeaderRoute",
  "setMirrorRoute",
  "replicaProgressThreshold",
]);

function readStep(
  object: KubernetesObject,
  path: Path,
  written: unknown,
  gathering: Gathering,
): readonly ArgoStep[] {
  const refuse = (what: string, cure: string): readonly ArgoStep[] => {
    gathering.problems.push(problemAt({ object, path }, what, cure));
    return [];
  };
  const kind = isObject(written) ? Object.keys(written)[0] : undefined;
  if (!isObject(written) || kind === undefined) return refuse("expected a step", "Remove it.");
  const value = written[kind];
  if (kind === "setWeight") {
    if (typeof value === "number" && value >= 0 && value <= 100) {
      return [{ kind: "setWeight", weight: value }];
    }
    return refuse("setWeight: expected a percentage", "Write a number from 0 to 100.");
  }
  if (kind === "pause") {
    const durationMs = pauseMs(value);
    if (durationMs !== undefined) return [{ kind: "pause", durationMs }];
    return refuse("pause: expected a duration", "Write one such as 30s, 5m or 1h, or seconds.");
  }
  if (kind === "analysis" && isObject(value)) {
    const analysis = rolloutAnalysis(object, [...path, "analysis"], value, gathering);
    return analysis === null ? [] : [{ kind: "analysis", analysis }];
  }
  if (PASSED_AT_ONCE.has(kind)) return [];
  return refuse(`the step ${kind} is not emulated`, "Import a Rollout without it.");
}

/** Null without a duration; undefined where it is none. */
function pauseMs(value: unknown): number | null | undefined {
  if (value === null || value === undefined) return null;
  const duration: unknown = isObject(value) ? value["duration"] : undefined;
  if (!isObject(value)) return undefined;
  if (duration === undefined || duration === null) return null;
  const text = typeof duration === "number" ? String(duration) : duration;
  if (typeof text !== "string") return undefined;
  return /^\d{1,7}$/.test(text) ? Number(text) * 1000 : (parseGoDuration(text) ?? undefined);
}

/** The analysis of a step or of the background: its templates, merged. */
function rolloutAnalysis(
  object: KubernetesObject,
  path: Path,
  written: JsonObject,
  gathering: Gathering,
): ArgoAnalysis | null {
  const { args, problems } = readArguments(object, [...path, "args"], gathering.settings.args);
  gathering.problems.push(...problems);
  const templates = templatesOf(object, path, written["templates"], gathering, 0);
  if (templates.length === 0) {
    const what = "the analysis has no template";
    gathering.problems.push(problemAt({ object, path }, what, "Give the file that has it."));
    return null;
  }
  // Argo merges the arguments of all templates; those of the command line stand before all.
  const given = new Map([...args, ...gathering.settings.args]);
  return analysisOf(object, path, [...new Set(templates)], given, gathering);
}

function templatesOf(
  object: KubernetesObject,
  path: Path,
  written: unknown,
  gathering: Gathering,
  depth: number,
): readonly KubernetesObject[] {
  if (!Array.isArray(written)) return [];
  return written.flatMap((one: unknown, place) => {
    const where = { object, path: [...path, "templates", place] };
    const name: unknown = isObject(one) ? one["templateName"] : undefined;
    const kind =
      isObject(one) && one["clusterScope"] === true
        ? "ClusterAnalysisTemplate"
        : "AnalysisTemplate";
    const found = gathering.templates.find((each) => each.name === name && each.kind === kind);
    if (found === undefined || depth > MOST_NESTED_TEMPLATES) {
      const what = `no ${kind} ${String(name)} among the files`;
      gathering.problems.push(problemAt(where, what, "Give the file that has it as well."));
      return [];
    }
    gathering.used.add(found);
    const nested: unknown = at(found.value, ["spec", "templates"]);
    return [found, ...templatesOf(found, ["spec"], nested, gathering, depth + 1)];
  });
}

/** @param from what asks for the analysis: its dry runs come before those of the templates */
function analysisOf(
  from: KubernetesObject,
  path: Path,
  templates: readonly KubernetesObject[],
  args: Arguments,
  gathering: Gathering,
): ArgoAnalysis | null {
  const before = gathering.problems.length;
  const placed = templates.flatMap((template) => {
    const read = readMetrics(template, args);
    gathering.problems.push(...read.problems);
    return read.metrics.map((metric) => ({ metric, template }));
  });
  const names = placed.map(({ metric }) => metric.metric.name);
  const rules = [
    ...(path.length === 0 ? [] : [dryRunNames(from, [...path, "dryRun"], names)]),
    ...templates.map((template) => dryRunNames(template, ["spec", "dryRun"], names)),
  ];
  gathering.problems.push(...rules.flatMap(({ problems }) => problems));
  // A metric that was refused is missing from here on, so nothing true can be said about the rest.
  if (gathering.problems.length > before) return null;
  const dryRuns = new Set(rules.flatMap((rule) => [...rule.names]));
  const metrics = placed.map(({ metric: { metric, ...rest }, template }) => {
    const query = queryName(template, metric, rest, gathering);
    return { ...rest, metric: { ...metric, query, dryRun: dryRuns.has(metric.name) } };
  });
  const analysis = { metrics: metrics.map(({ metric }) => metric) };
  const invalid = invalidityOf(analysis);
  if (invalid !== null) {
    const { what, cure } = ARGO_REFUSALS[invalid.code];
    const place =
      metrics[invalid.metric]?.placeOf("name") ?? (templates[0] ?? from).placeOf(["spec"]);
    gathering.problems.push(new Problem(`${what}, which Argo refuses`, { ...place, cure }));
    return null;
  }
  gathering.metrics.push(...metrics);
  return analysis;
}

/** The name of a query: that of the metric, with its template's where it is taken already. */
function queryName(
  { name: template }: KubernetesObject,
  { name, intervalMs }: ArgoMetric,
  { expr, open }: Pick<PlacedMetric, "expr" | "open">,
  { queries }: Gathering,
): string {
  const candidates = [
    name,
    `${template ?? ""}/${name}`,
    ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => `${name}-${n}`),
  ];
  for (const candidate of candidates) {
    const same = queries.find((query) => query.name === candidate);
    if (same?.expr === expr) return candidate;
    if (same !== undefined) continue;
    queries.push({
      name: candidate,
      expr,
      open,
      intervalMs: intervalMs ?? DEFAULT_QUERY_INTERVAL_MS,
    });
    return candidate;
  }
  return `${name}-${queries.length}`;
}
