/**
 * What a metric is, from its name, its unit and the range of its values: role, unit, kind and
 * direction, with how sure that is. `metric_catalog.csv` says it where this is wrong.
 *
 * Bias: names are read as English words. A name of another language has no role, which is said,
 * and is better than a wrong one.
 */

import { worseOf, type Role } from "../../../engine/index.ts";
import type { MetricKind, MetricRow } from "../tables.ts";

/** What the values of one metric look like, over all of its series. */
export interface ValueRange {
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  /** The share of values that no ratio in [0, 1] has. */
  readonly aboveOne: number;
}

/** Below this a role is a guess that a policy should not rest on. */
export const SURE_AT_LEAST = 0.6;

/** A ratio may be a little above 1 where its two counters were read at different times. */
const RATIO_AT_MOST = 1.05;
/** And so may a few values by more. */
const STRAYS_AT_MOST = 0.01;
const STRAY_AT_MOST = 2;
const PERCENT_AT_MOST = 100.5;

/** Is a value one that a ratio in [0, 1] may show? For the query behind a `ValueRange`. */
export const ABOVE_ONE = RATIO_AT_MOST;

interface Word {
  readonly role: Role;
  /** A weak word gives way to any other: requests fail, and requests take time. */
  readonly weak?: true;
}

const words = (role: Role, text: string, weak?: true): [string, Word][] =>
  text.split(" ").map((word) => [word, weak === undefined ? { role } : { role, weak }]);

const WORDS: ReadonlyMap<string, Word> = new Map([
  ...words("latency", "latency latencies duration durations elapsed took rtt ttfb apdexms"),
  ...words("latency", "response responsetime time times delay wait", true),
  ...words("errors", "error errors err errs fail failed failing failure failures fault faults"),
  ...words("errors", "timeout timeouts exception exceptions 5xx 4xx crash crashes panic panics"),
  ...words(
    "errors",
    "reject rejected rejects rejections drop drops dropped throttled abort aborts",
  ),
  ...words("errors", "aborted retries refused unsuccessful lost", true),
  ...words("availability", "success successes successful availability uptime apdex sla slo"),
  ...words("availability", "up healthy ready available ok", true),
  ...words("saturation", "cpu memory mem heap rss utilization utilisation saturation occupancy"),
  ...words("saturation", "util busy queue queued backlog inflight lag goroutines fds gc swap"),
  ...words("saturation", "disk load usage used threads pool connections pending storage", true),
  ...words("throughput", "throughput rps qps tps ops iops requests"),
  ...words("throughput", "request network traffic bytes packets calls hits messages", true),
  ...words("throughput", "events processed read write received sent rx tx in out volume", true),
  ...words("business", "conversion conversions revenue order orders checkout checkouts signup"),
  ...words("business", "signups purchase purchases booking bookings sales payment payments"),
  ...words("business", "cart login logins registrations subscriptions funnel", true),
]);

/** Headroom: less of it is worse. */
const FREE = new Set(["free", "available", "idle", "remaining", "headroom", "left"]);
/** Words after which a number is a share of something. */
const SHARES = new Set(["ratio", "share", "fraction", "rate", "utilization", "utilisation"]);
const PERCENT = new Set(["pct", "percent", "percentage", "perc", "pc"]);
const SECONDS = new Set(["s", "sec", "secs", "second", "seconds"]);
const MILLISECONDS = new Set(["ms", "msec", "millis", "millisecond", "milliseconds"]);
const MICROSECONDS = new Set(["us", "micros", "microseconds"]);
const BYTES = new Set(["byte", "bytes"]);
const QUANTILE = /^(p\d{2,3}|quantile|percentile)$/;

/** `checkoutLatencyP95_ms` → checkout, latency, p95, ms. */
export function wordsOf(metric: string): readonly string[] {
  return metric
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** The unit that a name says; null where it says none. */
function unitNamed(name: readonly string[]): string | null {
  // Errors per second are no time.
  const has = (set: ReadonlySet<string>): boolean =>
    name.some((word, at) => set.has(word) && name[at - 1] !== "per");
  if (has(MILLISECONDS)) return "ms";
  if (has(MICROSECONDS)) return "us";
  if (has(PERCENT)) return "%";
  if (has(SECONDS)) return "s";
  return has(BYTES) ? "bytes" : null;
}

const isTime = (unit: string | null): boolean => unit === "ms" || unit === "s" || unit === "us";

/**
 * Infers all of a metric.
 *
 * @param values what its values look like; null where none were looked at
 */
export function inferMetric(metric: string, values: ValueRange | null = null): MetricRow {
  const name = wordsOf(metric);
  const isCounter = name.at(-1) === "total";
  const named = unitNamed(name);
  const { role, sure } = roleNamed(name, named, isCounter);
  const share = isCounter ? null : shareOf(name, role, named, values);
  const kind = kindOf(role, name, isCounter, share);
  const unit = isCounter ? "count" : (share ?? named ?? unitOf(kind, role, values));
  const isFree = role === "saturation" && name.some((word) => FREE.has(word));
  const worse = role === null ? "both" : isFree ? "down" : worseOf(role);
  const confidence = role === null ? 0 : confidenceOf(sure, kind, named ?? share, values);
  return { metric, unit, worse, kind, role: role ?? "none", confidence };
}

/** The role that a name says, and how clearly: 0.5 for a weak word or for several that differ. */
function roleNamed(
  name: readonly string[],
  unit: string | null,
  isCounter: boolean,
): { readonly role: Role | null; readonly sure: number } {
  const said = name.flatMap((word) => WORDS.get(word) ?? []);
  const strong = [...new Set(said.flatMap(({ role, weak }) => (weak ? [] : role)))];
  const isSaid = (role: Role): boolean => strong.includes(role);
  const strongSure = strong.length > 1 ? 0.5 : 1;
  // A time is a latency whatever it is the time of, but not the seconds that a processor counts.
  if (isTime(unit) && !isCounter && !isSaid("saturation") && !name.includes("uptime")) {
    return { role: "latency", sure: isSaid("latency") || said.length > 0 ? 1 : 0.6 };
  }
  if (isSaid("latency") && name.some((word) => QUANTILE.test(word) || word === "avg"))
    return { role: "latency", sure: isSaid("saturation") ? 0.5 : 1 };
  // A share of failed orders is about errors: of several words the graver counts.
  if (isSaid("errors")) return { role: "errors", sure: isSaid("availability") ? 0.5 : 1 };
  if (isSaid("availability")) return { role: "availability", sure: 1 };
  for (const role of ["latency", "saturation", "business", "throughput"] as const) {
    if (isSaid(role)) return { role, sure: role === "business" ? 1 : strongSure };
  }
  const weak = [...new Set(said.map(({ role }) => role))];
  if (weak.length === 0) return { role: null, sure: 0 };
  return { role: weak[0]!, sure: weak.length === 1 ? 0.7 : 0.5 };
}

/** `ratio` or `%` where the metric is a share of something; else null. */
function shareOf(
  name: readonly string[],
  role: Role | null,
  named: string | null,
  values: ValueRange | null,
): "ratio" | "%" | null {
  if (named === "%") return values !== null && !isPercent(values) ? null : "%";
  if (named !== null || role === null || role === "latency" || role === "throughput") return null;
  const isNamed = name.some((word) => SHARES.has(word));
  const mayBe = isNamed || role === "errors" || role === "availability";
  if (!mayBe && !(role === "saturation" && name.includes("cpu"))) return null;
  if (values === null) return mayBe ? "ratio" : null;
  if (isRatio(values)) return mayBe || values.most > 0 ? "ratio" : null;
  return isNamed || role !== "errors" ? (isPercent(values) ? "%" : null) : null;
}

/** Could these be shares of 1? */
export function isRatio({ least, most, aboveOne }: ValueRange): boolean {
  return least >= 0 && most <= STRAY_AT_MOST && aboveOne <= STRAYS_AT_MOST;
}

function isPercent({ least, most }: ValueRange): boolean {
  return least >= 0 && most <= PERCENT_AT_MOST;
}

/** A row of a catalog beside the values: a ratio that is none is corrected, with the reason. */
export function heldAgainst(
  row: MetricRow,
  values: ValueRange,
): { readonly row: MetricRow; readonly doubt: string | null } {
  const { metric, unit, kind } = row;
  const saysRatio = /^(ratio|share)$/i.test(unit) || (kind === "ratio" && unit !== "%");
  const span = `${Number(values.least.toPrecision(4))} to ${Number(values.most.toPrecision(4))}`;
  if (saysRatio && !isRatio(values)) {
    if (isPercent(values)) {
      const doubt =
        `${metric} goes from ${span}: read as a percentage, though its unit is ` +
        (unit || "not said");
      return { row: { ...row, unit: "%" }, doubt: `${doubt}; give it the unit %` };
    }
    const doubt = `${metric} goes from ${span}, which is no ratio: read as a plain number`;
    const plain = { ...row, unit: "", kind: kind === "ratio" ? ("rate" as const) : kind };
    return { row: plain, doubt: `${doubt}; give it another kind, or scale it` };
  }
  if (kind === "ratio" && unit === "%" && !isPercent(values)) {
    const doubt = `${metric} goes from ${span}, which is no percentage: read as a plain number`;
    return { row: { ...row, unit: "", kind: "rate" }, doubt: `${doubt}; give it another kind` };
  }
  return { row, doubt: null };
}

function kindOf(
  role: Role | null,
  name: readonly string[],
  isCounter: boolean,
  share: string | null,
): MetricKind {
  if (isCounter) return "counter";
  if (role === "latency") return "latency";
  if (role === "business") return "business";
  if (role === "throughput") return "rate";
  if (role === "errors" || role === "availability") return share === null ? "rate" : "ratio";
  return name.includes("ratio") && role !== "saturation" ? "ratio" : "gauge";
}

function unitOf(kind: MetricKind, role: Role | null, values: ValueRange | null): string {
  if (kind === "latency" && values !== null) return values.mean >= 5 ? "ms" : "s";
  if (kind === "rate") return role === "throughput" ? "1/s" : "";
  return "";
}

function confidenceOf(
  sure: number,
  kind: MetricKind,
  unit: string | null,
  values: ValueRange | null,
): number {
  const agrees = unit !== null || kind === "counter" || kind === "rate" || kind === "gauge";
  const seen = values === null ? 0.8 : agrees ? 0.95 : 0.85;
  return Math.round(100 * sure * seen) / 100;
}

/**
 * A row of a catalog with the role it lacks: of a history from before there were roles, or of a
 * team that named unit, kind and direction. What is written there is believed, and the rest follows
 * from it and from the name.
 */
export function withRole(row: MetricRow): MetricRow {
  if (row.role !== undefined) return row;
  const { role = "none", confidence = 0 } = inferMetric(row.metric);
  const byKind = roleOfKind(row);
  if (role !== "none" && (byKind === null || byKind === role)) return { ...row, role, confidence };
  // The catalog was written about this metric, its name was not; yet a gauge says little.
  if (byKind !== null) return { ...row, role: byKind, confidence: role === "none" ? 0.7 : 0.6 };
  return { ...row, role, confidence };
}

function roleOfKind({ kind, worse }: MetricRow): Role | null {
  if (kind === "latency") return "latency";
  if (kind === "business") return "business";
  if (kind === "ratio") return worse === "up" ? "errors" : worse === "down" ? "availability" : null;
  return null;
}
