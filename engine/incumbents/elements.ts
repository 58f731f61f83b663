/**
 * The elements of a vector as series of a history: each has a metric of its own, the name of the
 * query with the labels of the element, such as `success-rate{job="checkout"}`. The metric without
 * labels is the element without labels, and says of the whole query when it failed.
 */

const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*"`;
const ELEMENT = new RegExp(String.raw`^([^{]+)\{(${LABEL}(?:,${LABEL})*)\}$`, "s");

export interface Element {
  readonly query: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** A brace could not be told from its labels; `*` and `|` are for globs. */
export function isQueryName(name: string): boolean {
  return /^[^{*|]+$/.test(name);
}

export function elementMetric(query: string, labels: ReadonlyMap<string, string>): string {
  if (labels.size === 0) return query;
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${query}{${sorted.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}}`;
}

/** Any other metric is a query without labels. */
export function elementOf(metric: string): Element {
  const match = ELEMENT.exec(metric);
  if (match === null) return { query: metric, labels: new Map() };
  const labels = [...match[2]!.matchAll(new RegExp(LABEL, "gs"))].map(
    ([pair]): [string, string] => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), textOf(pair.slice(at + 1))];
    },
  );
  return { query: match[1]!, labels: new Map(labels) };
}

/** A string as JSON writes it; as it stands where it is none. */
function textOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
