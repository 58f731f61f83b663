/**
 * Detection over a history: reads samples as whole columns and has the engine turn them into
 * judgements, in one pass for all policies. Policies that differ only in tiers, windows or people
 * share the judgements themselves, and those that differ in tolerances share the residuals.
 */

import {
  advanceWatch,
  isWithinTolerance,
  judgementsOf,
  ownFirst,
  startWatch,
  takeColumns,
  withContext,
  withDeparture,
  type Policy,
  type PreparedContext,
  type SampleColumn,
  type Share,
  type SignalJudged,
  type WatchState,
} from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Progress } from "../progress.ts";
import type { Past } from "../history/open.ts";
import { censorJudgements } from "./censor.ts";
import { columnsOf } from "./columns.ts";
import { continuedColumns, continuedTo, countedBy } from "./continued.ts";
import {
  familiesOf,
  glanceOver,
  judgeAllQuiet,
  lookCloser,
  noisyOf,
  seriesOf,
  withQuiet,
  type Beside,
  type DetectionGroup,
  type Family,
} from "./families.ts";
import { Gathering, nothingGathered } from "./gather.ts";
import { toldOf } from "./given.ts";
import type { Detection, JudgedBefore, JudgementsAsked } from "./judgements.ts";
import type { Futures } from "./splice.ts";
import { KeptJudgements } from "./keptJudgements.ts";
import { readByLots } from "./lots.ts";
import type { Plan, PlannedDeployment } from "./plan.ts";
import { tagsPassedTo } from "./passedOn.ts";
import { preparePlacebos, type PlaceboHistory } from "./placebos.ts";
import { prepareContext, type GatheredDeployment } from "./prepare.ts";

/** Is told which samples and context each deployment is judged by, for the decision log. */
export type SeenSamples = (
  deploymentId: string,
  columns: readonly SampleColumn[],
  context: PreparedContext | null,
) => void;

export interface DetectOptions extends Pick<
  JudgementsAsked,
  "futures" | "given" | "known" | "glances"
> {
  readonly seen?: SeenSamples | undefined;
  /**
   * Keep judgements in columns where all policies judge alike: it saves memory, and each is
   * written out anew whenever it is read, which suits those who decide under one policy only.
   */
  readonly inColumns?: boolean | undefined;
}

/** The judgements of all policies about all deployments of the plan. */
export async function detect(
  history: Past,
  plan: Plan,
  policies: readonly Policy[],
  progress: Progress,
  options: DetectOptions = {},
): Promise<Detection> {
  const { futures = null, seen, given = [], known = null, glances } = options;
  const judged = known?.judged ?? null;
  const again = known?.again ?? NONE;
  const families = familiesOf(policies, given, plan.deployments.length, judged, glances === true);
  const isRead = (index: number): boolean =>
    judged === null || again.has(index) || (goesOn(futures, index) && isCutShort(plan, index));

  const read = Int32Array.from(plan.deployments.keys()).filter(isRead);
  const placebos =
    read.length > 0 ? await preparePlacebos(history, plan, policies, progress) : null;
  // The log, placebos, peers, versions and silence need every sample of every series: no glances.
  const listens = policies.some(({ silenceMs }) => silenceMs !== undefined);
  const isPlain = placebos === null && plan.controlled.length === 0 && !plan.versions && !listens;
  const takesGlances =
    isPlain && seen === undefined && families.some(({ glance }) => glance !== null);
  const gathering = new Gathering(plan, families, takesGlances);
  const kept = options.inColumns === true && takesGlances ? keptBy(families) : null;
  let samplesRead = 0;
  let done = 0;
  const judge = (
    index: number,
    gathered: GatheredDeployment | "quiet",
    drawn: Futures | null,
  ): void => {
    if (gathered === "quiet") judgeAllQuiet(families, index, again);
    else judgeDeployment(plan, index, gathered, families, placebos, drawn, again, seen);
    kept?.keep(index);
    progress.update(++done, read.length, "judging deployments");
  };
  for (const { places, asked, found } of readByLots(history, plan, read)) {
    gathering.expect(asked);
    // A deployment without a single window is judged too: there was nothing to see.
    for (const index of places) {
      if (!gathering.isWaiting(index)) judge(index, nothingGathered(), null);
    }
    for await (const windows of found) {
      for (const { id, window } of windows) {
        samplesRead += window.length;
        const gathered = gathering.take(asked[id]!, window);
        if (gathered === null) continue;
        const { deployment } = asked[id]!;
        judge(deployment, gathered, goesOn(futures, deployment) ? futures : null);
      }
    }
  }

  const all: JudgedBefore[number][] = policies.map(() => []);
  const imagined: DetectionGroup["imagined"][] = policies.map(() => []);
  for (const group of families.flatMap(({ groups }) => [...groups.values()])) {
    for (const member of group.members) {
      all[member] = group.judged;
      imagined[member] = group.imagined;
    }
  }
  return { judged: all, imagined, samplesRead };
}

const NONE: ReadonlySet<number> = new Set();

/** Is a deployment continued, if history cut it short? */
function goesOn(futures: Futures | null, index: number): boolean {
  return futures !== null && (futures.only?.has(index) ?? true);
}

/** The group of the first policy. */
function leaderOf(families: readonly Family[]): DetectionGroup {
  return families[0]!.groups.values().next().value!;
}

/** Columns to keep judgements in; null where policies judge differently or take no glances. */
function keptBy(families: readonly Family[]): KeptJudgements | null {
  const [{ glance, groups }, ...others] = families as [Family, ...Family[]];
  if (glance === null || groups.size > 1 || others.length > 0) return null;
  return new KeptJudgements(leaderOf(families).judged, glance.quiet.evidence);
}

/** Judges one deployment under all policies, and continues it where history cut it short. */
function judgeDeployment(
  plan: Plan,
  index: number,
  gathered: GatheredDeployment,
  families: readonly Family[],
  placebos: PlaceboHistory | null,
  futures: Futures | null,
  again: ReadonlySet<number>,
  seen?: SeenSamples,
): void {
  const planned = plan.deployments.at(index)!;
  const { glanced, spared, uneven } = gathered.glimpses;
  const closer =
    glanced.length + spared.length + uneven.length > 0
      ? glanceOver(planned, index, gathered.glimpses, families, again)
      : lookCloser(families);
  if (closer.size === 0) return;
  const columns = columnsOf(seriesOf(planned, closer), planned, gathered);
  const peers = columnsOf(planned.peers, planned, gathered);
  const context = prepareContext(plan, planned, gathered, placebos, columns, peers);
  const all = peers.length === 0 ? columns : [...columns, ...peers];
  seen?.(planned.deployment.deploymentId, all, context);
  const judge = judgeIn(context, all);
  let first: readonly SignalJudged[] = [];
  for (const family of families) {
    let alike: readonly SignalJudged[] | null = null;
    for (const group of family.groups.values()) {
      const beside = closer.get(family);
      if (beside === undefined) break;
      if (group.known && !again.has(index)) continue;
      if (alike === null) {
        const { judgements, within } = judge(group, toldOf(planned, group.given, first), beside);
        group.judged[index] = judgements;
        if (within) alike = judgements;
      } else group.judged[index] = alike;
    }
    if (family === families[0])
      first = judgementsOf(leaderOf(families).judged[index]!, planned.deployment);
  }
  if (futures !== null) imagine(plan, index, families, context, columns, peers, futures);
}

/** Did history roll the deployment back while some policy's watch was not over? */
export function isCutShort({ deployments, lookAheadMs }: Plan, index: number): boolean {
  const { rolledBackAtMs, deployment } = deployments.at(index)!;
  return rolledBackAtMs !== null && rolledBackAtMs < deployment.startedAtMs + lookAheadMs;
}

/** Judges a deployment that history cut short once for each draw of how it may have gone on. */
function imagine(
  plan: Plan,
  index: number,
  families: readonly Family[],
  context: PreparedContext | null,
  columns: readonly SampleColumn[],
  peers: readonly SampleColumn[],
  futures: Futures,
): void {
  const planned = plan.deployments.at(index)!;
  const { rolledBackAtMs, deployment } = planned;
  const { startedAtMs } = deployment;
  if (rolledBackAtMs === null || !isCutShort(plan, index)) return;
  const untilMs = startedAtMs + plan.lookAheadMs;
  const leader = leaderOf(families);
  const ledBy = judgementsOf(leader.judged[index]!, deployment);
  const whole = { ...planned, rolledBackAtMs: null };
  const asking = families
    .flatMap(({ groups }) => [...groups.values()])
    .filter(({ policy }) => rolledBackAtMs < startedAtMs + policy.watchMs)
    .map((group) => {
      const counts = countedBy(group.policy, deployment);
      const key = columns.map(({ series }) => counts(series)).join();
      return { group, counts, key, goesOn: continuedTo(group.policy, deployment, columns) };
    });
  for (let draw = 0; draw < futures.draws; draw++) {
    const judges = new Map<string, readonly [SampleColumn[], ReturnType<typeof judgeIn>] | null>();
    for (const { group, counts, key, goesOn } of asking) {
      const gone = getOrMake(judges, key, () => {
        const all = continuedColumns(planned, columns, peers, untilMs, counts, futures, draw);
        return all === null ? null : ([all, judgeIn(context, all)] as const);
      });
      // What is continued may be series that only other policies watch: then nothing is new here.
      if (gone === null || !goesOn(gone[0])) continue;
      const told = toldOf(whole, group.given, group === leader ? [] : ledBy);
      const { judgements } = gone[1](group, told);
      (group.imagined[draw] ??= new Map()).set(index, judgements);
    }
  }
}

/** `within`: no sample was beyond its tolerance, so `hold` and `clear` made no difference. */
export interface JudgedWatch {
  readonly judgements: readonly SignalJudged[];
  readonly within: boolean;
}

/**
 * A function that judges one deployment for one group after the other. Groups share what they can:
 * the work on each series, and all of it where they judge alike and are told the same tags.
 */
function judgeIn(
  context: PreparedContext | null,
  columns: readonly SampleColumn[],
): (group: DetectionGroup, planned: PlannedDeployment, beside?: Beside | null) => JudgedWatch {
  const shares = new Map<string, Share>();
  const known = new Map<string, JudgedWatch>();
  return (group, planned, beside = null) => {
    const { policy, alikeIfTold } = group;
    if (beside !== null) {
      const noisy = noisyOf(group, beside);
      const { judgements, within } = judgeGroup(noisy, planned, context, columns, shares);
      return { judgements: withQuiet(policy, beside, judgements), within };
    }
    if (alikeIfTold === null) return judgeGroup(policy, planned, context, columns, shares);
    const passed = tagsPassedTo(policy, planned);
    const key = `${alikeIfTold} ${JSON.stringify([planned.tags, passed])}`;
    let judged = known.get(key);
    if (judged === undefined) {
      judged = judgeGroup(policy, planned, context, columns, shares);
      known.set(key, judged);
    }
    return judged;
  };
}

function judgeGroup(
  policy: Policy,
  planned: PlannedDeployment,
  context: PreparedContext | null,
  columns: readonly SampleColumn[],
  shares: Map<string, Share>,
): JudgedWatch {
  const shareFor = (key: string): Share => {
    const name = `${key} ${policy.watchMs}`;
    const known = shares.get(name);
    if (known !== undefined) return known;
    const fresh = memory();
    shares.set(name, fresh);
    return fresh;
  };
  return judgeWatched(policy, planned, context, columns, shareFor);
}

/** The watch of a deployment that has taken all of its samples and judged none of them yet. */
export function watchOf(
  policy: Policy,
  planned: PlannedDeployment,
  context: PreparedContext | null,
  columns: readonly SampleColumn[],
  shareFor?: (key: string) => Share,
): WatchState {
  const { deployment, knownAtMs, stages } = planned;
  const tags = ownFirst([...planned.tags, ...tagsPassedTo(policy, planned)]);
  const started = startWatch(policy, deployment, tags, knownAtMs, stages);
  const prepared = context === null ? started : withContext(started, context);
  const watch = planned.departures.reduce(withDeparture, prepared);
  return takeColumns(policy, watch, columns, shareFor);
}

/** Judges one deployment under one policy, from its samples; see `takeColumns` for `shareFor`. */
export function judgeWatched(
  policy: Policy,
  planned: PlannedDeployment,
  context: PreparedContext | null,
  columns: readonly SampleColumn[],
  shareFor: (key: string) => Share,
): JudgedWatch {
  const taken = watchOf(policy, planned, context, columns, shareFor);
  const { rolledBackAtMs } = planned;
  const cut = rolledBackAtMs !== null && rolledBackAtMs < taken.endsAtMs;
  const judgements = cut
    ? censorJudgements(policy, planned, taken)
    : advanceWatch(policy, taken, taken.endsAtMs, shareFor).judgements;
  return { judgements, within: isWithinTolerance(taken) };
}

/** A share that remembers everything it was asked. */
function memory(): Share {
  const answers = new Map<string, unknown>();
  return {
    once<Value>(key: string, make: () => Value): Value {
      if (!answers.has(key)) answers.set(key, make());
      return answers.get(key) as Value;
    },
  };
}
