/** Changes of a Canary that were run: each is offered only where its finding is gone after it. */

import type { FlaggerMetric } from "../../../engine/index.ts";
import { OUTAGE_MS } from "./argoChecks.ts";
import { checkCanary, type CheckedCanary, type FlaggerCheck } from "./flaggerChecks.ts";

interface Mend {
  readonly canary: CheckedCanary;
  readonly text: string;
}

/** The change that mends it, as text for the file; null where none of those known does. */
export function mendOf(canary: CheckedCanary, check: FlaggerCheck): string | null {
  const mend = mendFor(canary, check);
  if (mend === null) return null;
  const isSame = ({ code, metric }: FlaggerCheck): boolean =>
    code === check.code && metric === check.metric;
  const before = checkCanary(canary);
  // A mend that hides a fault behind another one is none.
  const isWorse = (left: FlaggerCheck): boolean =>
    (left.code === "neverFails" || left.code === "succeedsWithoutData") &&
    !before.some((one) => one.code === left.code && one.metric === left.metric);
  const left = checkCanary(mend.canary);
  return left.some((one) => isSame(one) || isWorse(one)) ? null : mend.text;
}

function mendFor(canary: CheckedCanary, { code, metric, params }: FlaggerCheck): Mend | null {
  const { plan } = canary;
  switch (code) {
    case "outageAborts":
    case "failsOnEmptyAnswer":
    case "failsOnNaN": {
      const threshold = Math.ceil(OUTAGE_MS / plan.intervalMs) + 1;
      return {
        canary: { ...canary, plan: { ...plan, threshold } },
        text: `threshold: ${threshold}`,
      };
    }
    case "skipsAnalysis":
      return {
        canary: { ...canary, plan: { ...plan, skipAnalysis: false } },
        text: "skipAnalysis: false",
      };
    case "neverPromoted": {
      const { strategy } = plan;
      if (strategy.kind !== "canary") return null;
      const mended = { ...plan, strategy: { ...strategy, stepWeight: 10 } };
      return { canary: { ...canary, plan: mended }, text: "stepWeight: 10" };
    }
    case "boundIsRatio":
      return ranged(canary, metric!, { min: Number(params["min"]) * 100, max: null });
    case "boundIsSeconds":
      return ranged(canary, metric!, { min: null, max: Number(params["max"]) * 1_000 });
    case "noRange":
    case "neverFails": {
      if (canary.written[metric!]!.expr !== null) return null;
      const isRate = plan.metrics[metric!]!.name === "request-success-rate";
      return ranged(canary, metric!, isRate ? { min: 99, max: null } : { min: null, max: 500 });
    }
    case "neverSucceeds": {
      const { min, max, answer } = plan.metrics[metric!]!;
      if (answer === "scalar") return asVector(canary, metric!);
      return ranged(canary, metric!, { min: max, max: min });
    }
    case "checksNothing":
    case "succeedsWithoutData":
    case "longerThanWatch":
      return null;
  }
}

function withMetric(
  canary: CheckedCanary,
  place: number,
  change: Partial<FlaggerMetric>,
): CheckedCanary {
  const metrics = canary.plan.metrics.map((metric, at) =>
    at === place ? { ...metric, ...change } : metric,
  );
  const written = canary.written.map((one, at) =>
    at === place ? { ...one, hasBound: true } : one,
  );
  return { ...canary, written, plan: { ...canary.plan, metrics } };
}

function ranged(
  canary: CheckedCanary,
  place: number,
  range: Pick<FlaggerMetric, "min" | "max">,
): Mend {
  const bounds = Object.entries(range).flatMap(([name, bound]) =>
    bound === null ? [] : [`${name}: ${String(bound)}`],
  );
  const text = `thresholdRange: { ${bounds.join(", ")} }`;
  return { canary: withMetric(canary, place, range), text };
}

/** Flagger reads only vectors, and `vector()` makes one of a scalar. */
function asVector(canary: CheckedCanary, place: number): Mend {
  const query = `vector(${canary.written[place]!.expr!})`;
  const mended = withMetric(canary, place, { answer: "vector" });
  const written = mended.written.map((one, at) => (at === place ? { ...one, expr: query } : one));
  return { canary: { ...mended, written }, text: `query: ${query}` };
}
