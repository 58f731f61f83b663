/**
 * What our detectors say of one pair of series that Kayenta compares. The experiment is the new
 * version of a service and the control is the old one, so the engine compares them at the same
 * instants, as it does in a staged rollout. A control has no past of its own here: its values also
 * stand for the past, before the first instant, so that the detector knows how far they vary.
 */

import {
  advanceWatch,
  startWatch,
  takeColumns,
  watches,
  type Deployment,
  type Policy,
  type SampleColumn,
  type SignalJudged,
} from "../../../../engine/index.ts";
import { namedMetric } from "../../../history/metric/seriesName.ts";
import type { MetricsSettings } from "../../source/settings.ts";

export interface Judging {
  readonly policy: Policy;
  /** They say what a metric measures, where its name alone does not. */
  readonly queries: MetricsSettings["queries"];
}

export interface Pair {
  readonly name: string;
  readonly startMs: number;
  readonly stepMs: number;
  /** NaN: a missing sample. */
  readonly control: readonly number[];
  readonly experiment: readonly number[];
}

export interface PairJudged {
  readonly label: "Pass" | "High" | "Low" | "Nodata";
  /** It reached the hard guard, which nothing else outweighs. */
  readonly isGuarded: boolean;
  readonly reason: string;
}

const NEW = "experiment";
const OLD = "control";

/** The signals of the policy that watch this metric judge the pair, with their tolerances. */
export function judgePair({ policy, queries }: Judging, pair: Pair): PairJudged {
  const { name, startMs, stepMs, control, experiment } = pair;
  const about = namedMetric(name, queries.find(({ metric }) => metric === name) ?? null);
  const signals = policy.signals.filter((signal) => watches(signal, about));
  if (signals.length === 0) {
    const reason = `no signal of policy ${policy.policy} watches ${name}`;
    return { label: "Nodata", isGuarded: false, reason };
  }
  for (const [side, values] of [
    [NEW, experiment],
    [OLD, control],
  ] as const) {
    if (values.some(Number.isFinite)) continue;
    return { label: "Nodata", isGuarded: false, reason: `${name}: the ${side} has no sample` };
  }
  const own: Policy = {
    ...policy,
    watchMs: Math.max(control.length, experiment.length) * stepMs,
    signals: signals.map((signal) => ({ ...signal, of: ["own"] })),
  };
  const columnOf = (version: string, fromMs: number, values: readonly number[]): SampleColumn => {
    const atMs = values.map((_, index) => fromMs + index * stepMs);
    return { series: { ...about, service: name, version }, atMs, knownAtMs: atMs, values };
  };
  const columns = [
    columnOf(OLD, startMs - control.length * stepMs, [...control, ...control]),
    columnOf(NEW, startMs, experiment),
  ];
  const watch = takeColumns(own, startWatch(own, deploymentOf(pair), []), columns);
  const { judgements } = advanceWatch(own, watch, watch.endsAtMs);
  return worstOf(judgements);
}

function deploymentOf({ name, startMs }: Pair): Deployment {
  return {
    deploymentId: name,
    service: name,
    environment: "production",
    kind: "code",
    startedAtMs: startMs,
    version: NEW,
    author: null,
    team: null,
    criticality: null,
  };
}

/** A breach at any moment counts, because the live host would have asked for a rollback then. */
function worstOf(judgements: readonly SignalJudged[]): PairJudged {
  const all = judgements.map(({ evidence }) => evidence);
  const last = judgements.filter(({ cause }) => cause === "end").map(({ evidence }) => evidence);
  const isGuarded = all.some(({ hardGuard }) => hardGuard === true);
  const breach = all.find(({ verdict }) => verdict === "breach");
  if (breach !== undefined) {
    const label = (breach.effect ?? 0) < 0 ? "Low" : "High";
    return { label, isGuarded, reason: breach.reason };
  }
  const doubtful = last.find(({ verdict }) => verdict !== "healthy");
  if (doubtful !== undefined) return { label: "Nodata", isGuarded, reason: doubtful.reason };
  return { label: "Pass", isGuarded, reason: last[0]!.reason };
}
