/**
 * The `metrics:` part of a shadow file, which `import prometheus` reads as well: where the
 * metrics API is, and which PromQL gives which metric. Durations become milliseconds here.
 *
 * Law: no secret is written in it, only where one is found (`env:NAME`, `file:PATH`).
 */

import { z } from "zod";
import { parseDuration } from "../../../engine/index.ts";
import { inferMetric } from "../../history/import/kinds.ts";
import type { MetricKind, MetricRow } from "../../history/tables.ts";
import { isRangeSelector, isSelector } from "./promql.ts";

/** What `env:NAME` or `file:PATH` stands for; asked anew for every request, as tokens rotate. */
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
  /** Labels, where they are named otherwise than at the top. */
  service: LABEL.optional(),
  version: LABEL.optional(),
  /** As in metric_catalog; what is left out is inferred from the metric's name. */
  unit: z.string().optional(),
  worse: z.enum(["up", "down", "both"]).optional(),
  kind: z.enum(KINDS).optional(),
});

/** Unless said otherwise. Some scrape once a minute, and one scrape may fail. */
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
  /** Of a Prometheus-compatible API, with its prefix: `http://mimir:8080/prometheus`. */
  url: z
    .url({ protocol: /^https?$/, error: "expected an http:// or https:// address" })
    .refine(
      (text) => !/^https?:\/\/[^/]*@/.test(text),
      "keep the password out of the address: auth: { username: …, password: env:NAME }",
    )
    .refine((text) => !/[?#]/.test(text), "give the address without what follows ? or #"),
  /** How often to ask. */
  every: DURATION.default(15_000),
  /** The spacing of what expressions give; `every` unless said otherwise. */
  step: DURATION.optional(),
  /** In an expression, a sample older than this is none; longer than two scrapes are apart. */
  stale: DURATION.optional(),
  /** How long one answer may take. */
  timeout: DURATION.default(10_000),
  auth: AUTH.optional(),
  /** Sent with every request; a value may be `env:NAME` or `file:PATH` too. */
  headers: z
    .record(z.string().regex(/^[\w-]+$/, "expected a header's name"), z.string())
    .default({}),
  /** The label that names the service, and the one that tells versions apart, if any. */
  service: LABEL.default("service"),
  version: LABEL.optional(),
  /** Requests under way at once, at most. */
  concurrency: z.int().min(1).max(32).default(4),
  queries: z
    .record(z.string().min(1), z.union([QUERY_TEXT, QUERY]))
    .refine((queries) => Object.keys(queries).length > 0, "name at least one query"),
});

/** One metric and where it comes from. */
export interface MetricQuery extends MetricRow {
  /** A selector (samples as they were scraped) or an expression (a grid of `stepMs`). */
  readonly query: string;
  readonly isSelector: boolean;
  readonly serviceLabel: string;
  readonly versionLabel: string | null;
}

export interface MetricsSettings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly everyMs: number;
  readonly stepMs: number;
  readonly staleMs: number;
  readonly timeoutMs: number;
  readonly auth: z.output<typeof AUTH> | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly queries: readonly MetricQuery[];
}

/** `metrics:` of a shadow file. */
export const METRICS = WRITTEN.transform((written, context): MetricsSettings => {
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
    queries: Object.entries(written.queries).map(([metric, given]): MetricQuery => {
      const one = typeof given === "string" ? { query: given } : given;
      const inferred = inferMetric(metric);
      if ((one.kind ?? inferred.kind) === "counter" && RATES.test(one.query)) {
        const message = "this gives a rate, not a counter: name it otherwise, or say kind: rate";
        context.addIssue({ code: "custom", path: ["queries", metric], message });
      }
      return {
        metric,
        query: one.query,
        isSelector: isSelector(one.query),
        serviceLabel: one.service ?? written.service,
        versionLabel: one.version ?? written.version ?? null,
        unit: one.unit ?? inferred.unit,
        worse: one.worse ?? inferred.worse,
        kind: one.kind ?? inferred.kind,
      };
    }),
  };
});
