/**
 * The queries of a Canary: of MetricTemplates, written in place, and built in. Variables such as
 * `{{ namespace }}` get their values where the files tell them. Anything else that Go's templates
 * could do is refused.
 */

import { at, isObject, problemAt, type KubernetesObject, type Path } from "./document.ts";
import type { Problem } from "../../problem.ts";

export interface Rendered {
  readonly text: string;
  /** Variables whose value the files do not tell: they are left in the text. */
  readonly open: readonly string[];
  /** What Flagger refuses as well, or what is not emulated. */
  readonly refused: readonly string[];
}

const PLACEHOLDER = /\{\{-?\s*([^{}]{0,300}?)\s*-?\}\}/g;
const NAMES = new Set(["name", "namespace", "target", "service", "ingress", "route", "interval"]);

/** @param values of the variables; those of `templateVariables` are named `variables.NAME` */
export function renderQuery(text: string, values: ReadonlyMap<string, string>): Rendered {
  const open = new Set<string>();
  const refused = new Set<string>();
  const rendered = text.replaceAll(PLACEHOLDER, (whole: string, name: string) => {
    const value = values.get(name);
    if (value !== undefined) return value;
    if (NAMES.has(name)) open.add(name);
    else refused.add(name);
    return whole;
  });
  return { text: rendered.trim(), open: [...open], refused: [...refused] };
}

/** The values that a Canary gives to the variables of its queries. */
export function valuesOf(canary: KubernetesObject, metric: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const set = (name: string, ...paths: readonly Path[]): void => {
    for (const path of paths) {
      const value = at(canary.value, path);
      if (typeof value !== "string" || value === "") continue;
      values.set(name, value);
      return;
    }
  };
  const target: Path = ["spec", "targetRef", "name"];
  set("name", ["metadata", "name"]);
  set("namespace", ["metadata", "namespace"]);
  set("target", target);
  set("service", ["spec", "service", "name"], target);
  set("ingress", ["spec", "ingressRef", "name"], target);
  set("route", ["spec", "routeRef", "name"], target);
  const interval = at(metric, ["interval"]);
  if (typeof interval === "string" && interval !== "") values.set("interval", interval);
  const given = at(metric, ["templateVariables"]);
  if (isObject(given)) {
    for (const [name, value] of Object.entries(given)) {
      if (typeof value === "string") values.set(`variables.${name}`, value);
    }
  }
  return values;
}

/** The query of a MetricTemplate, or why it is not emulated. */
export function templateQuery(template: KubernetesObject): string | Problem {
  const path: Path = ["spec", "provider", "type"];
  const provider = at(template.value, path) ?? "prometheus";
  if (provider !== "prometheus") {
    const what = `the provider ${JSON.stringify(provider)} is not emulated`;
    return problemAt({ object: template, path }, what, "Only queries of Prometheus are emulated.");
  }
  const query = at(template.value, ["spec", "query"]);
  if (typeof query === "string" && query.trim() !== "") return query;
  return problemAt(
    { object: template, path: ["spec"] },
    "the template has no query",
    "Give it one.",
  );
}

/** The MetricTemplate that a `templateRef` names; a namespace that neither tells is the same. */
export function findTemplate(
  templates: readonly KubernetesObject[],
  canary: KubernetesObject,
  reference: unknown,
): KubernetesObject | undefined {
  const name = at(reference, ["name"]);
  const own = at(canary.value, ["metadata", "namespace"]);
  const written = at(reference, ["namespace"]);
  const namespace = written === undefined || written === "" ? own : written;
  return templates.find((template) => {
    const its = at(template.value, ["metadata", "namespace"]);
    const isThere = its === undefined || namespace === undefined || its === namespace;
    return template.name === name && isThere;
  });
}
