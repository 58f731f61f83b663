/** Canary configs of Kayenta as plans, with the stage or the request that runs them. */

import {
  jsonObject,
  kayenta,
  KAYENTA_DEFAULT_OUTLIER_FACTOR,
  noEffect,
  own,
  type KayentaMetric,
  type KayentaPlan,
} from "../../../engine/index.ts";
import { Problem } from "../../problem.ts";
import {
  at,
  isObject,
  problemAt,
  type KubernetesObject,
  type Path,
  type PlaceInFile,
} from "./document.ts";
import { buildQuery } from "./kayentaQuery.ts";
import {
  DEFAULT_TIMING,
  readTiming,
  STAGE_KEYS,
  timingsOf,
  type Keys,
  type WrittenTiming,
} from "./kayentaTiming.ts";

/** A query that an import has to ask: once for the canary and once for the baseline. */
export interface KayentaQuery {
  readonly name: string;
  readonly expr: string;
  /** What a scope fills in: it stands in `expr` as `{{args.NAME}}`. */
  readonly open: readonly string[];
  readonly intervalMs: number;
}

export interface ImportedKayenta {
  readonly name: string;
  readonly plan: KayentaPlan;
  readonly queries: readonly KayentaQuery[];
  readonly object: KubernetesObject;
  /** Where a part of the plan is written, or the nearest of its parents. */
  readonly placeOf: (part: readonly PropertyKey[]) => PlaceInFile;
  /** How the file calls the parts of the timing. */
  readonly keysOfTiming: Keys;
}

export interface ImportedConfigs {
  readonly imported: readonly ImportedKayenta[];
  readonly problems: readonly Problem[];
  /** What is taken for granted, with its place. */
  readonly notes: readonly Problem[];
}

/** The judge that is emulated; others run elsewhere or by rules of their own. */
const JUDGE = "NetflixACAJudge-v1.0";

/** A canary config in a document, alone or within a request. */
interface Config {
  readonly object: KubernetesObject;
  readonly path: Path;
  readonly name: string;
  readonly id: string | null;
}

export function isKayentaObject(object: KubernetesObject): boolean {
  return configOf(object) !== null || timingsOf(object).length > 0;
}

export function importKayenta(objects: readonly KubernetesObject[]): ImportedConfigs {
  const problems: Problem[] = [];
  const notes: Problem[] = [];
  const configs = objects.flatMap((object) => configOf(object) ?? []);
  const timings = objects.flatMap(timingsOf);
  for (const timing of timings) {
    const { object, path } = timing;
    if (configs.some((config) => belongs(timing, config, configs.length))) continue;
    const what = `no canary config ${timing.config[0] ?? ""} among the files`.replace("  ", " ");
    problems.push(problemAt({ object, path }, what, "Give the file that has it as well."));
  }
  const imported = configs.flatMap((config) => {
    const own = timings.filter((timing) => belongs(timing, config, configs.length));
    const runs = own.length === 0 ? [null] : own;
    return runs.flatMap((timing, place) => {
      const suffix = runs.length === 1 ? "" : `-${timing?.name ?? place + 1}`;
      return importOne(config, timing, `${config.name}${suffix}`, problems, notes) ?? [];
    });
  });
  return { imported, problems: onceEach(problems), notes: onceEach(notes) };
}

function onceEach(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
}

function configOf(object: KubernetesObject): Config | null {
  const { value } = object;
  const isWithin = isObject(value["canaryConfig"]) && at(value, ["canaryConfig", "metrics"]);
  const path = Array.isArray(isWithin) ? ["canaryConfig"] : [];
  const config = at(value, path);
  if (!isObject(config) || !Array.isArray(config["metrics"])) return null;
  const marks = ["judge", "classifier", "configVersion"];
  if (marks.every((key) => own(config, key) === undefined)) return null;
  const { name, id } = config;
  return {
    object,
    path,
    name: typeof name === "string" && name !== "" ? name : "canary",
    id: typeof id === "string" ? id : null,
  };
}

/** A request within the same document, the config that a stage names, or the only one. */
function belongs({ object, config }: WrittenTiming, own: Config, configs: number): boolean {
  if (object === own.object) return true;
  if (own.path.length > 0) return false;
  if (configs === 1) return true;
  return config.some((named) => named === own.id || named === own.name);
}

/** What one config gathers while it is read. */
interface Reading extends Config {
  readonly problems: Problem[];
  readonly stepMs: number;
  readonly queries: KayentaQuery[];
}

function importOne(
  config: Config,
  timing: WrittenTiming | null,
  name: string,
  allProblems: Problem[],
  notes: Problem[],
): ImportedKayenta | null {
  const problems: Problem[] = [];
  const { object, path } = config;
  const when = timing === null ? DEFAULT_TIMING : readTiming(timing, problems);
  if (timing === null) {
    const what = "assumed: one judgement after an hour, marginal 50, pass 75";
    const cure = "Give the stage or the execution request as well.";
    notes.push(problemAt({ object, path }, what, cure));
  }
  const reading: Reading = { ...config, problems, stepMs: when.stepMs, queries: [] };
  checkJudge(reading);
  const plan = {
    ...when,
    groupWeights: weightsOf(reading),
    metrics: metricsOf(reading),
    seed: 1,
  };
  const placeOf = placesOf(config, timing);
  if (problems.length === 0) {
    for (const { path: under, message } of kayenta.schema.safeParse(plan).error?.issues ?? []) {
      const cure = "Write a value within the bounds.";
      problems.push(new Problem(`${under.join(".")}: ${message}`, { ...placeOf(under), cure }));
    }
  }
  allProblems.push(...problems);
  if (problems.length > 0) return null;
  const keysOfTiming = timing?.keys ?? STAGE_KEYS;
  return { name, plan, queries: reading.queries, object, placeOf, keysOfTiming };
}

/** Where a part of the plan is written: in the config, or in the stage. */
function placesOf(
  { object, path }: Config,
  timing: WrittenTiming | null,
): (part: readonly PropertyKey[]) => PlaceInFile {
  return ([first, place, ...rest]) => {
    if (first === "metrics") {
      const under = typeof place === "number" ? [place, ...keysOfMetric(rest)] : [];
      return object.placeOf([...path, "metrics", ...under]);
    }
    if (first === "groupWeights") return object.placeOf([...path, "classifier", "groupWeights"]);
    const key = timing === null ? undefined : own(timing.keys, String(first));
    return key === undefined
      ? object.placeOf(path)
      : timing!.object.placeOf([...timing!.path, ...key]);
  };
}

const OUTSIDE_ANALYSIS = new Set(["name", "query", "groups"]);

/** The keys of a plan's metric as a config writes them. */
function keysOfMetric(keys: readonly PropertyKey[]): Path {
  const [first, ...rest] = keys.map(String);
  if (first === undefined) return [];
  if (OUTSIDE_ANALYSIS.has(first)) return [first];
  const under = ["analysisConfigurations", "canary"];
  if (first === "outliers") return [...under, "outliers", "strategy"];
  if (first === "outlierFactor") return [...under, "outliers", "outlierFactor"];
  return [...under, first, ...rest];
}

function checkJudge(reading: Reading): void {
  const name = at(reading.object.value, [...reading.path, "judge", "name"]);
  if (name === undefined || name === JUDGE) return;
  const what = `the judge ${shown(name)} is not emulated`;
  refuse(reading, ["judge", "name"], what, `Only ${JUDGE} is.`);
}

function weightsOf(reading: Reading): KayentaPlan["groupWeights"] {
  const written = at(reading.object.value, [...reading.path, "classifier", "groupWeights"]) ?? {};
  const entries = isObject(written) ? Object.entries(written) : [];
  return jsonObject(
    entries.map(([group, value]): [string, number] => {
      const weight = numeric(value);
      if (weight !== null) return [group, weight];
      const under = ["classifier", "groupWeights", group];
      refuse(reading, under, `${group}: expected a weight`, "Write a number such as 50.");
      return [group, 0];
    }),
  );
}

function metricsOf(reading: Reading): readonly KayentaMetric[] {
  const written = at(reading.object.value, [...reading.path, "metrics"]) as readonly unknown[];
  return written.map((metric, place) => metricOf(reading, metric, ["metrics", place]));
}

function metricOf(reading: Reading, metric: unknown, under: Path): KayentaMetric {
  const written = at(metric, ["name"]);
  const name = typeof written === "string" && written !== "" ? written : "unnamed";
  if (name !== written) refuse(reading, under, "the metric has no name", "Give it one.");
  readQuery(reading, name, at(metric, ["query"]), [...under, "query"]);
  const groups = at(metric, ["groups"]);
  const settings = new Settings(reading, metric, [...under, "analysisConfigurations", "canary"]);
  const measure = settings.text(["effectSize", "measure"]) === "cles" ? "cles" : "meanRatio";
  const size = (key: string): number => settings.number(["effectSize", key]) ?? noEffect(measure);
  const direction = settings.text(["direction"]);
  return {
    name,
    query: name,
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string") : [],
    // What the judge does not know is no error there either.
    direction: direction === "increase" || direction === "decrease" ? direction : "either",
    nanStrategy: settings.text(["nanStrategy"]) === "replace" ? "replace" : "remove",
    outliers: settings.text(["outliers", "strategy"]) === "remove" ? "remove" : "keep",
    outlierFactor: settings.number(["outliers", "outlierFactor"]) ?? KAYENTA_DEFAULT_OUTLIER_FACTOR,
    critical: settings.flag("critical"),
    mustHaveData: settings.flag("mustHaveData"),
    muted: settings.flag("muted"),
    effectSize: {
      measure,
      allowedIncrease: size("allowedIncrease"),
      allowedDecrease: size("allowedDecrease"),
      criticalIncrease: size("criticalIncrease"),
      criticalDecrease: size("criticalDecrease"),
    },
  };
}

/** `analysisConfigurations.canary` of a metric. */
class Settings {
  constructor(
    private readonly reading: Reading,
    private readonly metric: unknown,
    private readonly under: Path,
  ) {}

  #at(key: Path): unknown {
    return at(this.metric, ["analysisConfigurations", "canary", ...key]);
  }

  text(key: Path): string | null {
    const value = this.#at(key);
    return typeof value === "string" ? value : null;
  }

  number(key: Path): number | null {
    const value = this.#at(key);
    if (value === undefined || value === null) return null;
    const found = numeric(value);
    if (found === null) this.#refuse(key, "a number");
    return found;
  }

  flag(key: string): boolean {
    const value = this.#at([key]);
    if (value === undefined || value === null || value === false || value === "false") return false;
    if (value !== true && value !== "true") this.#refuse([key], "true or false");
    return true;
  }

  #refuse(key: Path, expected: string): void {
    const what = `${String(key.at(-1))}: expected ${expected}`;
    refuse(this.reading, [...this.under, ...key], what, `Write ${expected}.`);
  }
}

function readQuery(reading: Reading, name: string, query: unknown, under: Path): void {
  if (!isObject(query)) {
    refuse(reading, under, `${name} has no query`, "Give it one.");
    return;
  }
  const type = query["type"] ?? query["serviceType"];
  if (type !== "prometheus") {
    const key = query["type"] === undefined ? "serviceType" : "type";
    const what = `the provider ${shown(type)} of ${name} is not emulated`;
    refuse(reading, [...under, key], what, "Queries of the type prometheus are.");
    return;
  }
  const templates = at(reading.object.value, [...reading.path, "templates"]);
  const built = buildQuery(query, templates);
  if ("what" in built) {
    refuse(reading, [...under, built.key], `${name}: ${built.what}`, built.cure);
    return;
  }
  reading.queries.push({ name, ...built, intervalMs: reading.stepMs });
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "(none)");
}

function numeric(value: unknown): number | null {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  const number = Number(text);
  return text.trim() === "" || !Number.isFinite(number) ? null : number;
}

function refuse(
  { object, path, problems }: Reading,
  under: Path,
  what: string,
  cure: string,
): void {
  problems.push(problemAt({ object, path: [...path, ...under] }, what, cure));
}
