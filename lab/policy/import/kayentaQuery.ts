/**
 * The query of a metric as Kayenta sends it to Prometheus (PrometheusMetricsService.java,
 * QueryConfigUtils.java). What a scope fills in stays open, as `{{args.scope}}`.
 */

import { own, type JsonObject } from "../../../engine/index.ts";
import { isObject } from "./document.ts";

export interface BuiltQuery {
  readonly expr: string;
  readonly open: readonly string[];
}

/** Why Kayenta cannot build it, or what is not emulated, and under which key. */
export interface QueryRefusal {
  readonly key: string;
  readonly what: string;
  readonly cure: string;
}

const PROMQL = "PromQL:";

export function buildQuery(query: JsonObject, templates: unknown): BuiltQuery | QueryRefusal {
  const template = templateOf(query, templates);
  if (typeof template === "object") return template;
  const text = template.replaceAll("$\\{", "${");
  if (text.startsWith(PROMQL)) return opened(text.slice(PROMQL.length));
  const metric = textOf(query, "metricName");
  if (metric === "") {
    const cure = "Write one, or a template that begins with `PromQL:`.";
    return { key: "metricName", what: "the query has no metricName", cure };
  }
  const bindings = stringsOf(query, "labelBindings");
  const filters = text === "" ? resourceFilters(textOf(query, "resourceType")) : text.split(",");
  if (filters === null) {
    const cure = "Give a customInlineTemplate or a customFilterTemplate.";
    const what = "the query has neither a filter nor a resource type that Kayenta knows";
    return { key: "resourceType", what, cure };
  }
  const all = text === "" ? [...bindings, ...filters] : [...filters, ...bindings];
  const by = stringsOf(query, "groupByFields");
  const grouped = by.length === 0 ? "" : ` by (${by.join(",")})`;
  const selected = all.length === 0 ? "" : `{${all.join(",")}}`;
  // tidy-ok: it is PromQL, which Prometheus evaluates.
  return opened(`avg(${metric}${selected})${grouped}`);
}

function templateOf(query: JsonObject, templates: unknown): string | QueryRefusal {
  const old = own(query, "customFilter");
  if (typeof old === "string" && old !== "") {
    const what = "Kayenta refuses customFilter";
    return { key: "customFilter", what, cure: "Call it customInlineTemplate." };
  }
  const inline = textOf(query, "customInlineTemplate");
  const name = textOf(query, "customFilterTemplate");
  if (inline !== "" || name === "") return inline;
  const found = isObject(templates) ? own(templates, name) : undefined;
  if (typeof found === "string") return found;
  const what = `there is no template ${name}`;
  return { key: "customFilterTemplate", what, cure: "Add it to `templates`." };
}

function resourceFilters(resourceType: string): readonly string[] | null {
  if (resourceType === "gce_instance") {
    return ['instance=~"${scope}-.{4}"', 'zone=~".+/zones/${location}-.{1}"'];
  }
  if (resourceType === "aws_ec2_instance") {
    return ['asg_groupName="${scope}"', 'zone=~"${location}.{1}"'];
  }
  return null;
}

function opened(text: string): BuiltQuery {
  const open = new Set<string>();
  const expr = text.trim().replaceAll(/\$\{([A-Za-z0-9_.-]{1,100})\}/g, (_, name: string) => {
    open.add(name);
    return `{{args.${name}}}`;
  });
  return { expr, open: [...open] };
}

function textOf(query: JsonObject, key: string): string {
  const value = own(query, key);
  return typeof value === "string" ? value : "";
}

function stringsOf(query: JsonObject, key: string): readonly string[] {
  const value = own(query, key);
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
