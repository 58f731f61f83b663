/**
 * Roles of metrics: inferred from names, units and values, corrected by a catalog, shown by
 * `inspect`, and watched by a signal that names no metric.
 */

import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffPolicies, judgementsOf, ROLES, watches } from "../../engine/index.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { inferMetric, withRole, type ValueRange } from "../../lab/history/metric/infer.ts";
import { namedMetric, namesOf } from "../../lab/history/metric/seriesName.ts";
import { inspect } from "../../lab/history/inspect.ts";
import { openHistory } from "../../lab/history/open.ts";
import { absent } from "../../lab/people/recorded.ts";
import { silent } from "../../lab/progress.ts";
import { replay } from "../../lab/replay/replay.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOSTILE_NAMES } from "../engine/hostileNames.ts";
import { policyOf } from "../engine/policyFile.ts";
import { tinyHistory } from "./tinyHistory.ts";
import { writeFiles } from "./samples.ts";

const range = (least: number, most: number, mean: number): ValueRange => {
  return { least, most, mean, aboveOne: most > 1.05 ? 0.5 : 0 };
};

const signalOf = (written: object) =>
  policyOf({
    policy: "p",
    owner: "o",
    signals: { one: written },
    assign: [{ otherwise: "observe" }],
  }).signals[0]!;

describe("what a metric is", () => {
  it.each([
    ["http_request_duration_seconds_p95", range(0.01, 3, 0.2), "latency", "s", "up"],
    ["checkoutLatencyP99", range(12, 900, 80), "latency", "ms", "up"],
    ["rpc_time_p50", range(0.001, 2, 0.05), "latency", "s", "up"],
    ["user_latency_p90_s", range(0.1, 27, 0.3), "latency", "s", "up"],
    ["error_rate", range(0, 0.3, 0.01), "errors", "ratio", "up"],
    ["failed_requests_ratio", range(0, 1, 0.01), "errors", "ratio", "up"],
    ["error_percent", range(0, 12, 0.4), "errors", "%", "up"],
    ["errors", range(0, 40, 3), "errors", "", "up"],
    ["http_errors_total", range(0, 1e9, 1e8), "errors", "count", "up"],
    ["success_rate_pct.v1", range(0, 100, 99), "availability", "%", "down"],
    ["success_rate", range(40, 100, 99), "availability", "%", "down"],
    ["availability", range(0.8, 1, 0.99), "availability", "ratio", "down"],
    ["cpu_utilization", range(0.2, 99, 30), "saturation", "%", "up"],
    ["node_cpu_seconds_total", range(0, 1e7, 1e5), "saturation", "count", "up"],
    ["memory_free_bytes", range(1e6, 1e9, 1e8), "saturation", "bytes", "down"],
    ["queue_depth", range(0, 400, 5), "saturation", "", "up"],
    ["requests", range(0, 900, 100), "throughput", "1/s", "down"],
    ["requests_total", range(0, 1e9, 1e8), "throughput", "count", "down"],
    ["conversion_rate", range(0, 0.2, 0.03), "business", "ratio", "down"],
    ["orders_per_minute", range(0, 90, 30), "business", "", "down"],
    ["temperatur_celsius", range(-3, 40, 20), "none", "", "both"],
  ])("%s", (metric, values, role, unit, worse) => {
    expect(inferMetric(metric, values)).toMatchObject({ metric, role, unit, worse });
  });

  it("is unsure where its name says two things, and surer where the values agree", () => {
    const sure = (metric: string, values: ValueRange | null): number =>
      inferMetric(metric, values).confidence!;
    expect(sure("request_latency_or_cpu", null)).toBeLessThan(0.6);
    expect(sure("latency_p95_ms", null)).toBeGreaterThan(0.6);
    expect(sure("latency_p95_ms", range(1, 400, 20))).toBeGreaterThan(sure("latency_p95_ms", null));
    expect(sure("temperatur_celsius", null)).toBe(0);
  });

  it("is always one of the roles, whatever the name and the values", () => {
    const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(0));
    const names = fc.oneof(fc.string(), fc.constantFrom(...HOSTILE_NAMES, "", "__proto___total"));
    fc.assert(
      fc.property(names, number, number, number, (metric, a, b, share) => {
        const [least, most] = a < b ? [a, b] : [b, a];
        const values = { least, most, mean: least / 2 + most / 2, aboveOne: share };
        const { role, confidence, worse } = inferMetric(metric, values);
        expect([...ROLES, "none"]).toContain(role);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
        expect(role === "none").toBe(worse === "both");
        expect(namedMetric(metric, null).metric).toBe(metric);
      }),
      { numRuns: 300 },
    );
  });

  it("follows a catalog of before there were roles, where that says more than the name", () => {
    const row = { metric: "foo", unit: "furlong", worse: "up" } as const;
    expect(withRole({ ...row, kind: "latency" }).role).toBe("latency");
    expect(withRole({ ...row, kind: "ratio" }).role).toBe("errors");
    expect(withRole({ ...row, kind: "ratio", worse: "down" }).role).toBe("availability");
    expect(withRole({ ...row, kind: "gauge" }).role).toBe("none");
  });
});

describe("a signal that selects by role", () => {
  it("needs a role or a metric, and both must match where both are given", () => {
    expect(() => signalOf({ tolerance: "10%" })).toThrow(/signals.one.metric/);
    const series = { metric: "latency_p95_ms", role: "latency" } as const;
    expect(watches(signalOf({ role: "latency", tolerance: "10%" }), series)).toBe(true);
    const both = { role: "latency", tolerance: "10%" };
    expect(watches(signalOf({ ...both, metric: "*p95*" }), series)).toBe(true);
    expect(watches(signalOf({ ...both, metric: "*p99*" }), series)).toBe(false);
    expect(watches(signalOf({ role: "errors", tolerance: "10%" }), series)).toBe(false);
    expect(watches(signalOf({ role: "latency", tolerance: "10%" }), { metric: "x" })).toBe(false);
  });

  it("is worse as its role says, unless it says so itself", () => {
    const worse = ROLES.map((role) => signalOf({ role, tolerance: "10%" }).worse);
    expect(worse).toEqual(["up", "up", "down", "up", "down", "down"]);
    expect(signalOf({ role: "latency", worse: "both", tolerance: "10%" }).worse).toBe("both");
    expect(signalOf({ metric: "x", tolerance: "10%" }).worse).toBe("up");
  });

  it("takes no metric that is worse the other way, and points only of a ratio", () => {
    const free = { metric: "memory_free", role: "saturation", worse: "down" } as const;
    const saturation = { role: "saturation", tolerance: "10%" };
    expect(watches(signalOf(saturation), free)).toBe(false);
    expect(watches(signalOf({ ...saturation, worse: "down" }), free)).toBe(true);
    expect(watches(signalOf({ ...saturation, worse: "both" }), free)).toBe(true);
    const errors = signalOf({ role: "errors", tolerance: "1pp" });
    expect(watches(errors, { metric: "errors", role: "errors" })).toBe(false);
    expect(watches(errors, { metric: "error_rate", role: "errors", ratio: true })).toBe(true);
  });

  it("differs by its role for `policy diff`, and a policy without roles has none", () => {
    const policy = (signal: object) =>
      policyOf({
        policy: "p",
        owner: "o",
        signals: { s: signal },
        assign: [{ otherwise: "full" }],
      });
    const named = policy({ metric: "latency_p95_ms", tolerance: "10%" });
    const byRole = policy({ role: "latency", tolerance: "10%" });
    const paths = diffPolicies(named, byRole).map(({ path }) => path.join("."));
    expect(paths).toEqual(["signals.s.metric", "signals.s.role"]);
    expect("role" in named.signals[0]!).toBe(false);
  });

  it("judges a history as the same signal by name does, though it stores no role", async () => {
    const history = await tinyHistory({ a: { slow: [5, 60] }, b: {} });
    const signal = { tolerance: "20%", detector: { kind: "threshold", breaches: 1, of: 1 } };
    const policy = (selects: object) =>
      policyOf({
        policy: "p",
        owner: "o",
        signals: { latency: { ...signal, ...selects } },
        assign: [{ otherwise: "full" }],
      });
    const policies = [policy({ metric: "latency_p95_ms" }), policy({ role: "latency" })];
    const recovery = { rollBack: () => ({ durationMs: 0, succeeds: true }) };
    const replayed = await replay(history, policies, absent, recovery, silent);
    const [byName, byRole] = replayed.policies.map(({ judged }) =>
      replayed.plan.deployments.map(({ deployment }, index) =>
        judgementsOf(judged[index]!, deployment).map(({ evidence: { verdict, effect } }) => {
          return [deployment.service, verdict, effect];
        }),
      ),
    );
    history.close();
    expect(byName!.flat().map(([service, verdict]) => `${service} ${verdict}`)).toContain(
      "a breach",
    );
    expect(byRole).toEqual(byName);
  });
});

describe("an import", () => {
  const at = (minute: number): string =>
    new Date(Date.parse("2026-07-01T00:00:00Z") + minute * 60_000).toISOString();
  const samples = (metric: string, value: (minute: number) => number): string[] =>
    Array.from({ length: 120 }, (_, minute) => `shop,"${metric}",${at(minute)},${value(minute)}`);
  const files = (catalog: readonly string[] = []) => ({
    "metrics.csv": [
      "service,metric,ts,value",
      ...samples("success_rate_pct.v1", (minute) => 99 - (minute % 7)),
      ...samples("failed_rate", (minute) => 0.5 + (minute % 9)),
      ...samples("errors_per_s", (minute) => 150 + minute),
      ...samples("__proto__", (minute) => minute % 5),
    ],
    "deployments.csv": ["deployment_id,service,deployed_at,kind", `d1,shop,${at(60)},code`],
    ...(catalog.length === 0
      ? {}
      : { "metric_catalog.csv": ["metric,unit,worse,kind,role", ...catalog] }),
  });
  const imported = async (catalog: readonly string[] = []) => {
    const out = join(temporaryDirectory(), "history");
    const options = { out, force: false, strict: false, timestamp: "end" } as const;
    const dir = writeFiles(files(catalog));
    const { manifest } = await importHistory((duck) => findPlainFiles(dir, duck), options);
    const history = await openHistory(out);
    try {
      const { metrics } = await inspect(history);
      const told = new Map(metrics.map((metric) => [metric.metric, metric]));
      const points = new Map(namesOf(history).map((name) => [name.metric, name.percentagePoint]));
      return { told, points, warnings: manifest.warnings, digest: manifest.digest };
    } finally {
      history.close();
    }
  };

  it("shows what each metric is taken for, and reads percentages", async () => {
    const { told, points, warnings } = await imported();
    expect(told.get("success_rate_pct.v1")).toMatchObject({
      role: "availability",
      unit: "%",
      worse: "down",
      confidence: 0.95,
    });
    expect(points.get("success_rate_pct.v1")).toBe(1);
    expect(told.get("failed_rate")).toMatchObject({ role: "errors", unit: "%" });
    expect(points.get("failed_rate")).toBe(1);
    expect(told.get("errors_per_s")).toMatchObject({ role: "errors", kind: "rate" });
    expect(told.get("__proto__")).toMatchObject({ role: null, confidence: 0 });
    expect(warnings.join("\n")).toMatch(/the role of 1 metric is not clear: __proto__/);
  });

  it("is corrected by a catalog, which cannot claim a ratio above 1", async () => {
    const { told, points, warnings } = await imported([
      "__proto__,parrots,down,gauge,business",
      "failed_rate,ratio,up,ratio,errors",
      "errors_per_s,ratio,up,ratio,errors",
    ]);
    const proto = { role: "business", unit: "parrots", confidence: null };
    expect(told.get("__proto__")).toMatchObject(proto);
    expect(told.get("failed_rate")).toMatchObject({ role: "errors", unit: "%" });
    expect(points.get("failed_rate")).toBe(1);
    expect(told.get("errors_per_s")).toMatchObject({ role: "errors", kind: "rate", unit: "" });
    const text = warnings.join("\n");
    expect(text).toMatch(/failed_rate goes from 0.5 to 8.5: read as a percentage/);
    expect(text).toMatch(/errors_per_s goes from 150 to 269, which is no ratio/);
  });

  it("takes a catalog of only some columns, and refuses a role that there is not", async () => {
    const { told } = await imported(["__proto__,,,,latency"]);
    expect(told.get("__proto__")).toMatchObject({ role: "latency", worse: "up" });
    const { told: odd } = await imported(["__proto__,,,,speed"]);
    expect(odd.get("__proto__")).toMatchObject({ role: null });
  });
});
