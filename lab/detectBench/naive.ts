/**
 * The rule that one would write first: the mean of the watch beside the mean of what came before.
 * A deployment is flagged where one of the policy's series got worse by more than is tolerated, and
 * by more than two standard deviations of what came before. No season, no peers, no memory.
 */

import { servicesOf, watches, type Policy, type SignalPolicy } from "../../engine/index.ts";
import type { History } from "../history/open.ts";
import { streamWindows } from "../history/windows.ts";
import type { Plan, PlannedSeries } from "../replay/plan.ts";
import type { Case } from "./cases.ts";

const DEVIATIONS = 2;
/** Fewer samples have no deviation to speak of. */
const BEFORE_AT_LEAST = 2;

interface Request {
  readonly id: number;
  readonly series: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The cases as this rule decides them; `undecided` where no series has samples before and after.
 */
export async function naiveCases(
  history: History,
  plan: Plan,
  policy: Policy,
  cases: readonly Case[],
): Promise<Case[]> {
  const requests: Request[] = [];
  const about: { at: number; startedAtMs: number; series: PlannedSeries; signal: SignalPolicy }[] =
    [];
  for (const [at, { deploymentId }] of cases.entries()) {
    const planned = plan.deployments.at(plan.places.get(deploymentId)!)!;
    const { startedAtMs } = planned.deployment;
    for (const signal of policy.signals) {
      const services = servicesOf(signal, planned.deployment);
      for (const series of planned.series) {
        if (!services.has(series.name.service) || !watches(signal, series.name)) continue;
        const { baselineMs, baselineSamples } = signal.detector;
        const backMs = baselineSamples === undefined ? baselineMs : series.lookBackMs;
        const fromMs = startedAtMs - Math.min(series.lookBackMs, backMs);
        const toMs = startedAtMs + policy.watchMs;
        requests.push({ id: requests.length, series: series.index, fromMs, toMs });
        about.push({ at, startedAtMs, series, signal });
      }
    }
  }
  const scores = cases.map((): number | null => null);
  for await (const { id, window } of streamWindows(history, requests)) {
    const { at, startedAtMs, series, signal } = about[id]!;
    const score = scoreOf(window, startedAtMs, series, signal);
    if (score !== null) scores[at] = Math.max(scores[at] ?? 0, score);
  }
  return cases.map((one, at) => {
    const score = scores[at] ?? 0;
    const flagged = score > 1;
    const detectedAfterMs = flagged ? policy.watchMs : null;
    return { ...one, flagged, detectedAfterMs, score, undecided: scores[at] === null };
  });
}

/** Above 1 where the rule speaks; null where there is nothing to compare. */
function scoreOf(
  { atMs, values }: { readonly atMs: ArrayLike<number>; readonly values: ArrayLike<number> },
  startedAtMs: number,
  { name }: PlannedSeries,
  { tolerance, worse, detector: { baselineSamples } }: SignalPolicy,
): number | null {
  let before: number[] = [];
  const after: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (!Number.isNaN(value)) (atMs[index]! < startedAtMs ? before : after).push(value);
  }
  if (baselineSamples !== undefined) before = before.slice(-baselineSamples);
  if (before.length < BEFORE_AT_LEAST || after.length === 0) return null;
  const usual = mean(before);
  const deviation = Math.sqrt(mean(before.map((value) => (value - usual) ** 2)));
  const tolerated =
    tolerance.kind === "points"
      ? tolerance.amount * 100 * name.percentagePoint
      : tolerance.amount * Math.abs(usual);
  const change = mean(after) - usual;
  const harm = worse === "up" ? change : worse === "down" ? -change : Math.abs(change);
  const limit = Math.max(tolerated, DEVIATIONS * deviation);
  if (harm <= 0) return 0;
  return limit === 0 ? Number.MAX_VALUE : harm / limit;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
