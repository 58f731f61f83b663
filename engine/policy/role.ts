/**
 * What a metric tells of its service, whatever it is called, and which series a signal watches by
 * that. Who measured decides the role of a series (its history's catalog, or a live host's
 * configuration); here it is only compared.
 */

import type { SeriesName } from "../event.ts";
import type { SignalPolicy } from "./policy.ts";

export const ROLES = [
  "latency",
  "errors",
  "availability",
  "saturation",
  "throughput",
  "business",
] as const;
export type Role = (typeof ROLES)[number];

/** The globs of a signal that names no metric. */
export const ANY_METRIC = "*";

/** Which way a metric of this role is worse, where nothing else is said. */
export function worseOf(role: Role): "up" | "down" {
  return role === "latency" || role === "errors" || role === "saturation" ? "up" : "down";
}

/** What of a series decides which signals watch it. */
export type Measured = Pick<SeriesName, "metric" | "role" | "worse" | "ratio">;

type Selecting = Pick<SignalPolicy, "metric" | "role" | "worse" | "tolerance">;

/**
 * Does the signal watch this series? Both the metric and the role must match, where both are given.
 *
 * By role it takes no series that is worse the other way (free memory among saturation), and with
 * a tolerance in percentage points only ratios: a point of a number of errors means nothing.
 */
export function watches(signal: Selecting, series: Measured): boolean {
  if (signal.role === undefined) return matchesGlob(signal.metric, series.metric);
  if (series.role !== signal.role) return false;
  if (signal.tolerance.kind === "points" && series.ratio !== true) return false;
  const worse = series.worse ?? worseOf(signal.role);
  if (worse !== "both" && signal.worse !== "both" && worse !== signal.worse) return false;
  return signal.metric === ANY_METRIC || matchesGlob(signal.metric, series.metric);
}

/** Everything of a signal that `watches` reads: with the same key the same series are watched. */
export function selectionKey({ metric, role, worse, tolerance }: Selecting): string {
  return JSON.stringify(role === undefined ? [metric] : [metric, role, worse, tolerance.kind]);
}

/** What a signal watches, in words: `latency_p95_ms`, or `role latency`. */
export function selectionText({ metric, role }: Pick<SignalPolicy, "metric" | "role">): string {
  if (role === undefined) return metric;
  return metric === ANY_METRIC ? `role ${role}` : `${metric} of role ${role}`;
}

/** Does `name` match one of the globs? `*` stands for any run of characters. */
export function matchesGlob(globs: string, name: string): boolean {
  return globs.split("|").some((glob) => matchesOne(glob.trim(), name));
}

function matchesOne(glob: string, name: string): boolean {
  if (!glob.includes("*")) return glob === name;
  const parts = glob.split("*");
  if (!name.startsWith(parts[0]!) || !name.endsWith(parts[parts.length - 1]!)) return false;
  let at = parts[0]!.length;
  const end = name.length - parts[parts.length - 1]!.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}
