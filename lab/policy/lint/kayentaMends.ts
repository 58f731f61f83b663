/** Changes of a canary analysis that were run: each is offered only where its finding is gone. */

import { judgementCount, type KayentaMetric, type KayentaPlan } from "../../../engine/index.ts";
import type { Keys } from "../import/kayentaTiming.ts";
import {
  checkAnalysis,
  VALUES_AT_LEAST,
  type KayentaCheck,
  type KayentaCode,
} from "./kayentaChecks.ts";

/** A change, and how the file says it: keys and values of JSON. */
interface Mend {
  readonly plan: KayentaPlan;
  readonly text: string;
}

/** A mend must not make a metric blind. */
const BLIND = new Set<KayentaCode>([
  "neverDecides",
  "neverClassified",
  "succeedsWithoutData",
  "healthyFails",
]);

const MINUTE_MS = 60_000;
const DEFAULT_PASS = 75;

/** @returns the keys to write, as JSON without its braces; null where no known change helps */
export function mendOf(
  plan: KayentaPlan,
  check: KayentaCheck,
  found: readonly KayentaCheck[],
  keys: Keys,
): string | null {
  const known = new Set(found.map(keyOf));
  for (const mend of mends(plan, check, keys)) {
    const left = checkAnalysis(mend.plan);
    const isBlind = left.some((one) => BLIND.has(one.code) && !known.has(keyOf(one)));
    if (!isBlind && left.every((one) => keyOf(one) !== keyOf(check))) return mend.text;
  }
  return null;
}

/** Code and metric: a mend may move the finding to another key. */
function keyOf({ code, part }: KayentaCheck): string {
  return `${code} ${part[0] === "metrics" ? String(part[1]) : ""}`;
}

function* mends(plan: KayentaPlan, check: KayentaCheck, keys: Keys): Generator<Mend> {
  const { code, part } = check;
  const minutes = (key: "intervalMs" | "lookbackMs" | "lifetimeMs", ms: number): string =>
    timingText(keys, key, Math.ceil(ms / MINUTE_MS));
  switch (code) {
    case "intervalAboveLifetime": {
      const intervalMs = wholeMinutes(plan.lifetimeMs / 3);
      yield { plan: { ...plan, intervalMs }, text: minutes("intervalMs", intervalMs) };
      return;
    }
    case "lifetimeCut": {
      const lifetimeMs = plan.intervalMs * (judgementCount(plan) + 1);
      yield { plan: { ...plan, lifetimeMs }, text: minutes("lifetimeMs", lifetimeMs) };
      return;
    }
    case "passNeverDecides": {
      const pass = Math.round((plan.marginal + 100) / 2);
      yield { plan: { ...plan, pass }, text: timingText(keys, "pass", pass) };
      return;
    }
    case "healthyFails": {
      const key = part[0] === "marginal" ? "marginal" : "pass";
      const bound = key === "marginal" ? Math.min(50, plan.pass) : DEFAULT_PASS;
      yield { plan: { ...plan, [key]: bound }, text: timingText(keys, key, bound) };
      return;
    }
    case "weightsLost": {
      const groupWeights = rescaled(plan);
      yield {
        plan: { ...plan, groupWeights },
        text: `"groupWeights": ${JSON.stringify(groupWeights)}`,
      };
      return;
    }
    case "fewSamples":
      yield* longer(plan, minutes);
      return;
    case "failsOnEmptyAnswer":
      // The judge does not tell a silent canary from metrics that are gone: one fails as the other.
      return;
    case "neverDecides":
    case "neverClassified":
    case "succeedsWithoutData":
    case "smallDifferenceFails":
      for (const change of metricChanges(code, plan.metrics[Number(part[1])]!)) {
        yield { plan: withMetric(plan, Number(part[1]), change), text: metricText(change) };
      }
  }
}

/** A longer look, then a longer life: a finer step may show the same samples again. */
function* longer(
  plan: KayentaPlan,
  minutes: (key: "intervalMs" | "lookbackMs" | "lifetimeMs", ms: number) => string,
): Generator<Mend> {
  const neededMs = wholeMinutes((VALUES_AT_LEAST - 1) * plan.stepMs);
  if (plan.lookbackMs > 0) {
    yield { plan: { ...plan, lookbackMs: neededMs }, text: minutes("lookbackMs", neededMs) };
    return;
  }
  const most = Math.floor(plan.lifetimeMs / neededMs);
  if (most > 0) {
    // Whole intervals, so that no part of the lifetime is left out.
    const intervalMs = wholeMinutes(plan.lifetimeMs / most);
    yield { plan: { ...plan, intervalMs }, text: minutes("intervalMs", intervalMs) };
  }
  const both = { ...plan, intervalMs: neededMs, lifetimeMs: neededMs };
  const texts = [minutes("intervalMs", neededMs), minutes("lifetimeMs", neededMs)];
  yield { plan: both, text: texts.join(",\n") };
}

type Change = Partial<Pick<KayentaMetric, "critical" | "mustHaveData" | "nanStrategy">> & {
  readonly effectSize?: Partial<KayentaMetric["effectSize"]>;
};

type MetricCode = Extract<
  KayentaCode,
  "neverDecides" | "neverClassified" | "succeedsWithoutData" | "smallDifferenceFails"
>;

function metricChanges(
  code: MetricCode,
  { direction, effectSize: { measure } }: KayentaMetric,
): readonly Change[] {
  const isShare = measure === "cles";
  switch (code) {
    case "succeedsWithoutData":
      return [
        { mustHaveData: true },
        { nanStrategy: "remove", mustHaveData: true },
        { nanStrategy: "remove", critical: true },
      ];
    case "neverDecides":
      return [{ critical: true }];
    case "neverClassified":
    case "smallDifferenceFails": {
      const up = { allowedIncrease: isShare ? 0.8 : 1.1 };
      const down = { allowedDecrease: isShare ? 0.2 : 0.9 };
      const both = { ...up, ...down };
      return [
        { effectSize: direction === "increase" ? up : direction === "decrease" ? down : both },
      ];
    }
  }
}

function withMetric(plan: KayentaPlan, place: number, change: Change): KayentaPlan {
  const metrics = plan.metrics.map((metric, at) =>
    at === place
      ? { ...metric, ...change, effectSize: { ...metric.effectSize, ...change.effectSize } }
      : metric,
  );
  return { ...plan, metrics };
}

function metricText(change: Change): string {
  return Object.entries(change)
    .map(([key, value]) => `"${key}": ${JSON.stringify(value)}`)
    .join(",\n");
}

/** Without groups of which no metric counts, and of 100 together. */
function rescaled({ metrics, groupWeights }: KayentaPlan): KayentaPlan["groupWeights"] {
  const groups = new Set(metrics.flatMap((metric) => (metric.muted ? [] : metric.groups)));
  const kept = Object.entries(groupWeights).filter(([name]) => groups.has(name));
  const sum = kept.reduce((total, [, weight]) => total + weight, 0);
  return Object.fromEntries(
    kept.map(([name, weight]) => [name, Math.round((weight / sum) * 10_000) / 100]),
  );
}

/** As the stage or the request says it; a lifetime of a stage is a duration. */
function timingText(keys: Keys, key: keyof Keys, value: number): string {
  const path = keys[key];
  const name = String(path.at(-1));
  const written = name === "lifetimeDuration" ? `PT${value}M` : value;
  const [first] = path;
  if (path.length === 1 || first === "scopes") return `"${name}": ${JSON.stringify(written)}`;
  return `"${String(first)}": ${JSON.stringify({ [name]: written })}`;
}

function wholeMinutes(ms: number): number {
  return Math.max(1, Math.ceil(ms / MINUTE_MS)) * MINUTE_MS;
}
