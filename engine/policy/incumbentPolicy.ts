/**
 * A policy whose judge is an incumbent: Argo Rollouts, Flagger, Kayenta or Prometheus rules.
 *
 * It resolves to an ordinary policy, so scores, comparisons and pages need no second path. Each
 * query is a signal, a rollback is a breach of it, and a breach is enough (`fusion: any`). Without
 * `assign` the machine acts at once, as the incumbent does. With `tiers` and `assign` the same
 * judge is put behind a window or an approval.
 */

import { z } from "zod";
import { LOOK_BACK_MS } from "../incumbents/answers.ts";
import { SYSTEMS, systemOf } from "../incumbents/systems.ts";
import type { IncumbentPolicy } from "./policy.ts";
import { formatDuration } from "./quantity.ts";
import { oneOrMore, properDuration } from "./schema/values.ts";
import { isMap } from "./written.ts";

/** More queries than any template that people maintain. */
const QUERIES_AT_MOST = 100;

export const query = z.strictObject({
  metric: z
    .string()
    .min(1)
    .max(500)
    .describe("What the history calls the answers; absent: the name of the query.")
    .optional(),
  of: oneOrMore(z.string().min(1))
    .describe("Whose series answer: own, dependants, callers, or services by name.")
    .optional(),
  query: z
    .string()
    .min(1)
    .max(10_000)
    .describe("The query as the incumbent sends it: for `import prometheus`.")
    .optional(),
  interval: properDuration.describe("How often the incumbent asks it.").optional(),
  times: z
    .number()
    .describe("The history has another unit: an answer is its value times this …")
    .refine((times) => times !== 0, { error: "expected a number other than 0" })
    .optional(),
  plus: z.number().describe("… plus this.").optional(),
});

const head = z.strictObject({
  policy: z.string().min(1),
  owner: z
    .string({ error: "an accountable owner is required" })
    .trim()
    .min(1, { error: "an accountable owner is required" }),
  watch: z.unknown().optional(),
  incumbent: z.strictObject({
    system: z.enum(SYSTEMS, { error: `expected ${SYSTEMS.join(", ")}` }),
    plan: z.unknown(),
    queries: z
      .record(z.string(), query)
      .refine((given) => Object.keys(given).length <= QUERIES_AT_MOST, {
        error: `expected at most ${QUERIES_AT_MOST} queries`,
      })
      .default({}),
  }),
  tiers: z.unknown().optional(),
  assign: z.unknown().optional(),
  guardrails: z.unknown().optional(),
});

export interface IncumbentIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The incumbent of a policy, and the policy as it would be written without one. */
export type WrittenIncumbent =
  | { readonly incumbent: IncumbentPolicy; readonly written: unknown; readonly issues: null }
  | { readonly issues: readonly z.core.$ZodIssue[] | readonly IncumbentIssue[] };

export function isIncumbent(input: unknown): boolean {
  return isMap(input) && Object.hasOwn(input, "incumbent");
}

export function readIncumbent(input: unknown): WrittenIncumbent {
  const read = head.safeParse(input, { reportInput: false });
  if (!read.success) return { issues: read.error.issues };
  const { incumbent, ...rest } = read.data;
  const { system } = incumbent;
  const plan = systemOf(system).schema.safeParse(incumbent.plan, { reportInput: false });
  if (!plan.success) {
    const issues = plan.error.issues.map((issue) => ({
      ...issue,
      path: ["incumbent", "plan", ...issue.path],
    }));
    return { issues };
  }
  const asked = systemOf(system).queries(plan.data);
  const given = new Map(Object.entries(incumbent.queries));
  const issues: IncumbentIssue[] = [...given.keys()]
    .filter((name) => !asked.includes(name))
    .map((name) => ({
      path: ["incumbent", "queries", name],
      message: `the plan asks no such query; it asks ${asked.join(", ")}`,
    }));
  if (asked.length === 0) issues.push({ path: ["incumbent", "plan"], message: "asks no query" });
  if (issues.length > 0) return { issues };
  const reachMs = systemOf(system).reachMs?.(plan.data) ?? 0;
  const signals = asked.map((name): [string, unknown] => [
    name,
    {
      metric: withElements(given.get(name)?.metric ?? name),
      of: given.get(name)?.of ?? "own",
      worse: "both",
      detector: {
        kind: "threshold",
        baseline: formatDuration(LOOK_BACK_MS + reachMs),
        breaches: 1,
        of: 1,
      },
      tolerance: "0%",
      hold: "0s",
      clear: "0s",
    },
  ]);
  const queries = asked.map((name) => {
    const { query = null, interval: intervalMs = null, times, plus } = given.get(name) ?? {};
    const isScaled = times !== undefined || plus !== undefined;
    const scale = isScaled ? { scale: { times: times ?? 1, plus: plus ?? 0 } } : {};
    return { name, query, intervalMs, ...scale };
  });
  return {
    incumbent: { system, plan: plan.data, queries },
    written: {
      assign: [{ otherwise: "full" }],
      ...rest,
      signals: Object.fromEntries(signals),
      fusion: "any",
      attribution: "off",
    },
    issues: null,
  };
}

/** Also the series of a vector's elements, whose metrics name their labels (elements.ts). */
function withElements(metric: string): string {
  return metric.includes("*") ? metric : `${metric}|${metric}{*}`;
}
