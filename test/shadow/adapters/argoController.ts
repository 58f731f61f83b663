/**
 * A stand-in for Argo's controller. It reads an AnalysisTemplate, measures its web metric over
 * HTTP as metricproviders/webmetric does, and assesses the run by the emulated rules of Argo,
 * which are tested against Argo's own tables (test/engine/incumbents/argo).
 */

import { parse } from "yaml";
import { z } from "zod";
import {
  assessMetric,
  counted,
  NOTHING_MEASURED,
  type Limits,
  type MetricResult,
  type Phase,
} from "../../../engine/incumbents/argo/assess.ts";
import { evaluateResult } from "../../../engine/incumbents/argo/measure.ts";

const templateSchema = z.object({
  kind: z.literal("AnalysisTemplate"),
  spec: z.object({
    args: z.array(z.object({ name: z.string() })),
    metrics: z.tuple([
      z.object({
        successCondition: z.string(),
        failureCondition: z.string(),
        interval: z.string(),
        consecutiveSuccessLimit: z.number(),
        count: z.number().int().positive(),
        inconclusiveLimit: z.number(),
        consecutiveErrorLimit: z.number(),
        provider: z.object({
          web: z.object({
            method: z.literal("POST"),
            url: z.string(),
            timeoutSeconds: z.number(),
            headers: z.array(z.object({ key: z.string(), value: z.string() })),
            jsonBody: z.record(z.string(), z.string()),
            jsonPath: z.literal("{$.verdict}"),
          }),
        }),
      }),
    ]),
  }),
});

export interface AnalysisRun {
  readonly phase: () => Phase;
  /** What every measurement gave: the value of the JSON path, or why it is an Error. */
  readonly values: readonly string[];
  readonly measure: () => Promise<void>;
}

interface Controlled {
  /** Where the host is, in the place of the address in the template. */
  readonly url: string;
  readonly timeoutMs?: number;
  readonly inconclusiveLimit?: number;
}

export function analysisRun(
  template: string,
  args: Readonly<Record<string, string>>,
  { url, timeoutMs, inconclusiveLimit }: Controlled,
): AnalysisRun {
  const { spec } = templateSchema.parse(parse(template));
  const missing = spec.args.filter(({ name }) => args[name] === undefined);
  if (missing.length > 0) throw new Error(`arguments without a value: ${JSON.stringify(missing)}`);
  const filled = JSON.stringify(spec.metrics[0]).replace(
    /\{\{args\.(\w+)\}\}/g,
    (_all, name: string) => JSON.stringify(args[name]).slice(1, -1),
  );
  const metric = templateSchema.shape.spec.shape.metrics.parse([JSON.parse(filled)])[0];
  const { web } = metric.provider;
  const limits: Limits = {
    count: metric.count,
    intervalMs: Number.parseInt(metric.interval, 10) * 1000,
    failureLimit: 0,
    inconclusiveLimit: inconclusiveLimit ?? metric.inconclusiveLimit,
    consecutiveErrorLimit: metric.consecutiveErrorLimit,
    consecutiveSuccessLimit: metric.consecutiveSuccessLimit,
  };
  // As utils/analysis/factory.go refuses a template.
  if (limits.count! < Math.max(limits.failureLimit, limits.inconclusiveLimit)) {
    throw new Error("InvalidSpec: count must not be below the limits");
  }
  let result: MetricResult = { ...NOTHING_MEASURED, phase: "Running" };
  const values: string[] = [];
  const once = async (): Promise<"Successful" | "Failed" | "Inconclusive" | "Error"> => {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs ?? web.timeoutSeconds * 1000);
    try {
      const response = await fetch(url + new URL(web.url).pathname, {
        method: web.method,
        headers: Object.fromEntries(web.headers.map(({ key, value }) => [key, value])),
        body: JSON.stringify(web.jsonBody),
        signal: controller.signal,
      });
      if (!response.ok) {
        values.push(`received non 2xx response code: ${response.status}`);
        return "Error";
      }
      const { verdict } = (await response.json()) as { verdict: string };
      values.push(verdict);
      return evaluateResult(metric, verdict).phase;
    } catch (error) {
      values.push((error as Error).name);
      return "Error";
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    values,
    phase: () => result.phase,
    measure: async () => {
      result = counted(result, await once(), 0);
      result = { ...result, phase: assessMetric(limits, result, false) };
    },
  };
}
