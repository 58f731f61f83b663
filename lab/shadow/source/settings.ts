/**
 * The `metrics:` section of a shadow file, which `import prometheus` reads as well: the address of
 * the metrics API, and the PromQL of each metric. Durations become milliseconds here.
 *
 * Law: the file contains no secret, only where to find one (`env:NAME`, `file:PATH`).
 */

import { z } from "zod";
import { parseDuration, ROLES, worseOf, type JsonObject } from "../../../engine/index.ts";
import { inferMetric, withRole } from "../../history/metric/infer.ts";
import type { MetricKind, MetricRow } from "../../history/tables.ts";
import { isRangeSelector, isSelector } from "./promql.ts";

/** Resolves `env:NAME` or `file:PATH`; called for every request, because tokens rotate. */
export type SecretOf = (reference: string) => string;

const DURATION = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  context.addIssue({ code: "custom", message: "expected a duration such as 15s" });
  return z.NEVER;
});

const SECRET = z
  .string()
  .regex(/^(env|file):./, "expected where the secret is found: env:NAME or file:PATH");

const LABEL = z.string().regex(/^[a-zA-Z_]\w*$/, "expected the name of a label");

const KINDS = [
  "latency",
  "ratio",
  "rate",
  "gauge",
  "counter",
  "business",
] as const satisfies readonly MetricKind[];

const QUERY_TEXT = z
  .string()
  .trim()
  .min(1, "expected PromQL")
  .refine((text) => !isRangeSelector(text), {
    message: "give the selector without its [range]: how far back to read is Hindsight's business",
  });

const QUERY = z.strictObject({
  query: QUERY_TEXT,
  /** Labels of this query, where they differ from those for all queries. */
  service: LABEL.optional(),
  version: LABEL.optional(),
  /** As in metric_catalog; what is omitted is inferred from the metric's name. */
  unit: z.string().optional(),
  worse: z.enum(["up", "down", "both"]).optional(),
  kind: z.enum(KINDS).optional(),
  role: z.enum([...ROLES, "none"]).optional(),
});

/** The least default for `stale`: some scrape once a minute, and one scrape may fail. */
const STALE_AT_LEAST_MS = 120_000;
const RATES = /\b(i?rate|i?delta|increase|deriv)\s*\(/;

const AUTH = z.union(
  [
    z.strictObject({ bearer: SECRET }),
    z.strictObject({ username: z.string().min(1), password: SECRET }),
  ],
  "expected { bearer: env:NAME } or { username: …, password: file:PATH }",
);

const WRITTEN = z.strictObject({
  /** Base address of a Prometheus-compatible API, such as `http://mimir:8080/prometheus`. */
  url: z
    .url({ protocol: /^https?$/, error: "expected an http:// or https:// address" })
    .refine(
      (text) => !/^https?:\/\/[^/]*@/.test(text),
      "keep the password out of the address: auth: { username: …, password: env:NAME }",
    )
    .refine((text) => !/[?#]/.test(text), "give the address without what follows ? or #"),
  /** How often to poll. */
  every: DURATION.default(15_000),
  /** The spacing of the points of an expression; by default `every`. */
  step: DURATION.optional(),
  /** Older samples do not count in an expression; must be longer than two scrapes are apart. */
  stale: DURATION.optional(),
  /** The time limit for one answer. */
  timeout: DURATION.default(10_000),
  auth: AUTH.optional(),
  /** Sent with every request; a value may be `env:NAME` or `file:PATH` too. */
  headers: z
    .record(z.string().regex(/^[\w-]+$/, "expected a header's name"), z.string())
    .default({}),
  /** The label that names the service, and the one that names the version, if any. */
  service: LABEL.default("service"),
  version: LABEL.optional(),
  /** The largest number of requests at once. */
  concurrency: z.int().min(1).max(32).default(4),
  queries: z.record(z.string().min(1), z.union([QUERY_TEXT, QUERY])).default({}),
});

/** One metric and its query. */
export interface MetricQuery extends MetricRow {
  /** A selector (read as raw samples) or an expression (evaluated on a grid of `stepMs`). */
  readonly query: string;
  readonly isSelector: boolean;
  readonly serviceLabel: string;
  readonly versionLabel: string | null;
}

export interface MetricsSettings {
  /** Without a trailing slash. */
  readonly url: string;
  readonly everyMs: number;
  readonly stepMs: number;
  readonly staleMs: number;
  readonly timeoutMs: number;
  readonly auth: z.output<typeof AUTH> | null;
  readonly headers: JsonObject<string>;
  readonly concurrency: number;
  /** The label that names the service, where a query names none of its own. */
  readonly serviceLabel: string;
  readonly queries: readonly MetricQuery[];
}

/** A query as a row of a catalog: what is not written is inferred, as an import does. */
function catalogRow(metric: string, given: Partial<z.output<typeof QUERY>>): MetricRow {
  const inferred = inferMetric(metric);
  const { unit, kind, role } = given;
  const worse = given.worse ?? (role === undefined || role === "none" ? null : worseOf(role));
  if (role === undefined && (unit ?? kind ?? worse ?? null) === null) return inferred;
  return withRole({
    metric,
    unit: unit ?? inferred.unit,
    worse: worse ?? inferred.worse,
    kind: kind ?? inferred.kind,
    ...(role === undefined ? {} : { role }),
  });
}

/** The schema of `metrics:` where other files have the queries. */
export const METRICS_API = WRITTEN.transform((written, context): MetricsSettings => {
  const stepMs = written.step ?? written.every;
  return {
    url: written.url.replace(/\/+$/, ""),
    everyMs: written.every,
    stepMs,
    staleMs: written.stale ?? Math.max(3 * stepMs, STALE_AT_LEAST_MS),
    timeoutMs: written.timeout,
    auth: written.auth ?? null,
    headers: written.headers,
    concurrency: written.concurrency,
    serviceLabel: written.service,
    queries: Object.entries(written.queries).map(([metric, given]): MetricQuery => {
      const own = typeof given === "string" ? { query: given } : given;
      const inferred = inferMetric(metric);
      if ((own.kind ?? inferred.kind) === "counter" && RATES.test(own.query)) {
        const message = "this gives a rate, not a counter: name it otherwise, or say kind: rate";
        context.addIssue({ code: "custom", path: ["queries", metric], message });
      }
      return {
        query: own.query,
        isSelector: isSelector(own.query),
        serviceLabel: own.service ?? written.service,
        versionLabel: own.version ?? written.version ?? null,
        ...catalogRow(metric, own),
      };
    }),
  };
});

/** The schema of `metrics:`. */
export const METRICS = METRICS_API.refine(({ queries }) => queries.length > 0, {
  error: "name at least one query",
  path: ["queries"],
});
