/**
 * Everything that the engine needs of every deployment, kept in memory: samples, prepared context,
 * and intermediate results. One reading of the history serves every policy that watches the same
 * series in the same way.
 */

import {
  canonicalJson,
  seriesKey,
  type Policy,
  type PreparedContext,
  type SampleColumn,
  type Share,
  type SignalJudged,
} from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import type { History } from "../history/open.ts";
import { futuresOf } from "../outcome/futures.ts";
import { passingOf } from "../outcome/passing.ts";
import { continuedColumns, continuedTo, countedBy } from "../replay/continued.ts";
import { detect, judgeWatched } from "../replay/detect.ts";
import { planReplay, type Plan, type PlannedDeployment } from "../replay/plan.ts";
import type { EffectRule } from "../replay/splice.ts";

/** One deployment as history saw it, or continued after history's rollback. */
export interface Unit {
  readonly planned: PlannedDeployment;
  readonly columns: readonly SampleColumn[];
  readonly context: PreparedContext | null;
  /** By series: baselines and readings, which do not depend on tolerances. */
  readonly known: Map<string, Map<string, unknown>>;
  /** Names of the tags about it, or about services whose tags may apply to it. */
  readonly tags: ReadonlySet<string>;
}

export interface Material {
  readonly plan: Plan;
  /** By index in the plan. */
  readonly seen: readonly Unit[];
  /** By index in the plan: those that history cut short, continued by the first draw. */
  readonly imagined: ReadonlyMap<number, Unit>;
  readonly samples: number;
}

/** Equal for policies that can be judged on the same material; `watch` may be shorter. */
export function materialKey({ signals, context }: Policy): string {
  return canonicalJson([
    // Which tags are passed on to dependants is part of the plan.
    context.flatMap(({ tag, forMs, quietsDependants: passes }) => (passes ? [[tag, forMs]] : [])),
    signals.map(({ name, metric, of, exposure, detector, calibrate, control, counter }) => ({
      name,
      metric,
      of,
      exposure: exposure ?? null,
      detector: {
        baselineMs: detector.baselineMs,
        baselineSamples: detector.baselineSamples ?? null,
        season: detector.season,
      },
      calibrate: calibrate === undefined ? null : [calibrate, detector],
      control: control ?? null,
      counter: counter ?? null,
    })),
  ]);
}

/** Reads the history once for one policy. */
export async function gather(
  history: History,
  policy: Policy,
  effect: EffectRule,
  seed: number,
  progress: Progress,
): Promise<Material> {
  const plan = await planReplay(history, [policy]);
  const seen = new Array<Unit>(plan.deployments.length);
  let samples = 0;
  await detect(history, plan, [policy], progress, {
    seen: (id, columns, context) => {
      const place = plan.places.get(id)!;
      for (const { values } of columns) samples += values.length;
      seen[place] = unitOf(plan.deployments.at(place)!, columns, context);
    },
  });
  progress.end();
  const passing = await passingOf(history, [policy]);
  const futures = futuresOf(history.tables, passing, effect, 1, seed);
  const imagined = new Map<number, Unit>();
  plan.deployments.forEach((planned, place) => {
    const { rolledBackAtMs, deployment } = planned;
    const untilMs = deployment.startedAtMs + plan.lookAheadMs;
    if (rolledBackAtMs === null || rolledBackAtMs >= untilMs) return;
    const { columns, context } = seen[place]!;
    const own = new Set(planned.series.map(({ name }) => seriesKey(name)));
    const isOwn = ({ series }: SampleColumn): boolean => own.has(seriesKey(series));
    const peers = columns.filter((column) => !isOwn(column));
    const shown = columns.filter(isOwn);
    const counts = countedBy(policy, deployment);
    const continued = continuedColumns(planned, shown, peers, untilMs, counts, futures, 0);
    if (continued === null || !continuedTo(policy, deployment, shown)(continued)) return;
    const whole = { ...planned, rolledBackAtMs: null };
    imagined.set(place, unitOf(whole, continued, context));
  });
  return { plan, seen, imagined, samples };
}

function unitOf(
  planned: PlannedDeployment,
  columns: readonly SampleColumn[],
  context: PreparedContext | null,
): Unit {
  const about = [planned, ...planned.sources];
  const tags = new Set(about.flatMap((one) => one.tags.map(({ tag }) => tag)));
  return { planned, columns, context, known: new Map(), tags };
}

/** The judgements of one signal on one unit. */
export interface Judged {
  /** In known order; the last closes the watch. */
  readonly judgements: readonly SignalJudged[];
  /** No sample was beyond the tolerance, so `hold` and `clear` had no effect. */
  readonly within: boolean;
  /** Neither a breach nor evidence that could lead to a decision. */
  readonly quiet: boolean;
}

/** Paths of evidence depend on the tolerance, so they are not kept for other policies. */
const PASSING = "path ";

/** @param alone a policy with one signal */
export function judgeUnit(alone: Policy, unit: Unit): Judged {
  const { planned, columns, context } = unit;
  const shareFor = sharesOf(unit, alone.watchMs);
  const { judgements, within } = judgeWatched(alone, planned, context, columns, shareFor);
  return { judgements, within, quiet: judgements.every(isQuiet) };
}

function isQuiet({ evidence: { verdict, untagged, standing } }: SignalJudged): boolean {
  const speaks = standing !== null && (standing.tagged > 0 || standing.untagged > 0);
  return verdict !== "breach" && untagged !== "breach" && !speaks;
}

/** The caches for one length of watch. */
function sharesOf({ known }: Unit, watchMs: number): (key: string) => Share {
  const passing = new Map<string, Map<string, unknown>>();
  const mapIn = (maps: Map<string, Map<string, unknown>>, name: string): Map<string, unknown> => {
    let map = maps.get(name);
    if (map === undefined) maps.set(name, (map = new Map<string, unknown>()));
    return map;
  };
  return (key) => {
    const name = `${key} ${watchMs}`;
    const kept = mapIn(known, name);
    const gone = mapIn(passing, name);
    return {
      once<Value>(question: string, make: () => Value): Value {
        const answers = question.startsWith(PASSING) ? gone : kept;
        if (!answers.has(question)) answers.set(question, make());
        return answers.get(question) as Value;
      },
    };
  };
}
