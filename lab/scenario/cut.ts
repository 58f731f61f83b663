/**
 * Makes a scenario of one deployment of a history: its samples in the compact notation, tags, what
 * agents proposed, answers of people, and the outcome under a policy. The scenario needs nothing
 * but that policy.
 *
 * The expectation is what the scenario itself gives, with people answering as long after the
 * question as in history. It is about one deployment alone: effects of other deployments, such as
 * budgets and storms, are not in it.
 */

import {
  seriesKey,
  type AgentProposed,
  type Deployment,
  type Event,
  type Policy,
  type PreparedContext,
  type SampleColumn,
  type SeasonProfile,
} from "../../engine/index.ts";
import type { History } from "../history/open.ts";
import { assemble, streamStoredWindows, type FoundWindow } from "../history/windows.ts";
import { nearestNames } from "../explain/nearest.ts";
import { recoveryOf } from "../outcome/recovery.ts";
import { loneWordOf, recorded } from "../people/recorded.ts";
import { Problem } from "../problem.ts";
import { percentagePoint } from "../history/metric/seriesName.ts";
import { planReplay, type Plan, type PlannedDeployment } from "../replay/plan.ts";
import { windowsOf } from "../replay/plannedWindows.ts";
import { heardOf } from "../replay/words.ts";
import { EarlierDays, seasonsOf, takeEarlier, type GatheredDeployment } from "../replay/prepare.ts";
import { preparedOf, type Inline } from "./events.ts";
import { answerInTime, runHost, toBatches, type Answer } from "./host.ts";
import { runInline, type InlineRun } from "./inline.ts";

/** One deployment of a history, ready to be written out. */
export interface Cut {
  readonly planned: PlannedDeployment;
  readonly startsAtMs: number;
  readonly everyMs: number;
  readonly delayMs: number;
  /** By key; each slot is a value, NaN for a missing scrape, or null for no sample at all. */
  readonly series: ReadonlyMap<string, readonly (number | null)[]>;
  /** By key: the same hours of earlier days. */
  readonly seasons: ReadonlyMap<string, SeasonProfile>;
  /** What agents proposed, as far as a policy may hear of it. */
  readonly words: readonly AgentProposed[];
  /** What people and the platform answered. */
  readonly answers: readonly Event[];
  readonly run: InlineRun;
  /** What the cut leaves out, in sentences. */
  readonly notes: readonly string[];
}

/** The seed of replays and scenarios that name none: the same rollbacks fail. */
const SEED = 1;
/** Tried in turn: the fewest digits with which the decisions are the same as with all digits. */
const DIGITS = [4, 6, 17];
/** A longer scenario could not be read by people. */
const SLOTS_AT_MOST = 50_000;

/** @throws Problem when there is no such deployment, or it cannot be written out alone */
export async function cutOut(history: History, id: string, policy: Policy): Promise<Cut> {
  const plan = await planReplay(history, [policy]);
  const index = plan.places.get(id);
  if (index === undefined) throw unknown(history, id);
  if (plan.placebos || plan.controlled.length > 0) {
    throw new Problem(`${policy.policy} learns from other deployments or other services`, {
      cure: "Name the history in a scenario instead, with the deployment under `deployments:`.",
    });
  }
  const planned = plan.deployments.at(index)!;
  const { columns, seasons } = await gather(
    history,
    plan,
    planned,
    windowsOf(history, plan, index),
  );
  const { startsAtMs, everyMs, delayMs } = gridOf(history, columns);
  const notes: string[] = [];
  if (planned.rolledBackAtMs !== null) {
    notes.push("History rolled it back: its samples end there, and what follows is silence.");
  }
  if (columns.some(({ series }) => series.counter === true)) {
    throw new Problem("a counter's samples cannot be written out", {
      cure: "Name the history in a scenario instead, with the deployment under `deployments:`.",
    });
  }
  const started: Event = {
    kind: "deploymentStarted",
    atMs: planned.deployment.startedAtMs,
    knownAtMs: planned.knownAtMs,
    deployment: planned.deployment,
  };
  const tags = planned.tags.map((tag): Event => {
    const { knownAtMs } = tag;
    return { kind: "deploymentTagged", atMs: knownAtMs, knownAtMs, tag };
  });
  const words = heardOf(planned);
  const others = [started, ...tags, ...planned.stages, ...words];
  const prepared = (digits: number): Event[] => {
    if (seasons.size === 0) return [];
    return [preparedOf(planned.deployment, roundedSeasons(seasons, digits))];
  };
  const { answers, answer } = answersOf(history);
  const exact = inlineOf(startsAtMs, id, [...others, ...prepared(17), ...toBatches(columns)]);
  const first = runInline(exact, policy, (to, events) => runHost(to, events, answer));
  for (const digits of DIGITS) {
    const rounded = columns.map((column) => ({
      ...column,
      values: Array.from(column.values, (value) => Number(value.toPrecision(digits))),
    }));
    const events = [...others, ...prepared(digits), ...answers, ...toBatches(rounded)];
    const inline = inlineOf(startsAtMs, id, events);
    const run = runInline(inline, policy);
    if (digits !== DIGITS.at(-1) && !isSame(run, first)) continue;
    const { service } = planned.deployment;
    const series = new Map(
      rounded.map((column) => [keyOf(column, service), slotsOf(column, startsAtMs, everyMs)]),
    );
    const written = new Map(
      planned.series.flatMap(({ name }) => {
        const season = roundedSeasons(seasons, digits).get(seriesKey(name));
        return season === undefined ? [] : [[keyOf({ series: name }, service), season] as const];
      }),
    );
    const grid = { startsAtMs, everyMs, delayMs };
    return { planned, ...grid, series, seasons: written, words, answers, run, notes };
  }
  throw new Error("the last number of digits is always taken");
}

function inlineOf(startsAtMs: number, deploymentId: string, events: readonly Event[]): Inline {
  const answersRollbacks = events.some(({ kind }) => kind === "rollbackFinished");
  return { startsAtMs, deploymentId, events, answersRollbacks };
}

function isSame(one: InlineRun, other: InlineRun): boolean {
  return JSON.stringify(one.happened) === JSON.stringify(other.happened);
}

/** Answers of history's people and platform; `answers` collects them as they are given. */
function answersOf({ tables }: History): { answers: Event[]; answer: Answer } {
  const people = recorded(tables.decisions, tables.proposals);
  const platform = recoveryOf(tables, SEED);
  const answers: Event[] = [];
  return {
    answers,
    answer: (command, record) => {
      if (command.kind === "propose") {
        const [given] = people.answers(command, loneWordOf(record));
        if (given === undefined || given.kind === "signalJudged") return null;
        answers.push(given);
        return given;
      }
      if (command.kind !== "rollBack") return null;
      const { durationMs, succeeds } = platform.rollBack(command.deploymentId);
      const usual = answerInTime(command)!;
      const atMs = command.askedAtMs + durationMs;
      if (succeeds && atMs === usual.atMs) return usual;
      const finished: Event = {
        kind: "rollbackFinished",
        atMs,
        knownAtMs: atMs,
        deploymentId: command.deploymentId,
        succeeded: succeeds,
        detail: "",
      };
      answers.push(finished);
      return finished;
    },
  };
}

/** Reads the samples of baseline and watch, and the seasons from earlier days. */
async function gather(
  history: History,
  plan: Plan,
  planned: PlannedDeployment,
  windows: ReturnType<typeof windowsOf>,
): Promise<{ columns: SampleColumn[]; seasons: PreparedContext["seasons"] }> {
  const names = new Map(planned.series.map(({ index, name }) => [index, name]));
  const requests = windows.map((window, id) => ({ ...window, id }));
  const columns: SampleColumn[] = [];
  const days: GatheredDeployment["days"] = new Map();
  const earlier = new EarlierDays();
  const take = ({ id, window }: FoundWindow): void => {
    const { series, day } = requests[id]!;
    const name = names.get(series)!;
    if (day > 0) takeEarlier(plan, planned, days, series, day, window, earlier);
    if (day > 0 || window.length === 0) return;
    // A scenario infers the unit from the metric's name alone, so values are converted to it.
    const point = percentagePoint("", name.metric);
    const scale = name.percentagePoint / point;
    const samples = assemble([window])[0]!;
    const values = scale === 1 ? samples.values : samples.values.map((value) => value / scale);
    columns.push({ series: { ...name, percentagePoint: point }, ...samples, values });
  };
  for await (const found of streamStoredWindows(history, requests)) found.forEach(take);
  return { columns, seasons: plan.season ? seasonsOf(planned, days) : new Map() };
}

function roundedSeasons(
  seasons: PreparedContext["seasons"],
  digits: number,
): PreparedContext["seasons"] {
  return new Map(
    [...seasons].map(([key, season]) => [
      key,
      { ...season, values: season.values.map((value) => Number(value.toPrecision(digits))) },
    ]),
  );
}

function gridOf(
  { dir }: History,
  columns: readonly SampleColumn[],
): { startsAtMs: number; everyMs: number; delayMs: number } {
  if (columns.length === 0) {
    throw new Problem("the policy watches nothing that has samples here", {
      file: dir,
      cure: "`hindsight inspect` lists the metrics; name one in the policy.",
    });
  }
  const startsAtMs = Math.min(...columns.map(({ atMs }) => atMs[0]!));
  const endsAtMs = Math.max(...columns.map(({ atMs }) => atMs[atMs.length - 1]!));
  let everyMs = 0;
  for (const { atMs } of columns) {
    for (let at = 0; at < atMs.length; at++) everyMs = divisor(everyMs, atMs[at]! - startsAtMs);
  }
  if (everyMs === 0) everyMs = 1000;
  if ((endsAtMs - startsAtMs) / everyMs > SLOTS_AT_MOST) {
    throw new Problem("the samples are not evenly spaced: they cannot be written as a series", {
      file: dir,
      cure: "Name the history in a scenario instead, with the deployment under `deployments:`.",
    });
  }
  const delays = columns.flatMap(({ atMs, knownAtMs }) =>
    Array.from(knownAtMs, (known, at) => known - atMs[at]!),
  );
  return { startsAtMs, everyMs, delayMs: Math.max(...delays) };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

function slotsOf(
  { atMs, values }: SampleColumn,
  startsAtMs: number,
  everyMs: number,
): (number | null)[] {
  const slots: (number | null)[] = [];
  for (let at = 0; at < atMs.length; at++) {
    const slot = (atMs[at]! - startsAtMs) / everyMs;
    while (slots.length < slot) slots.push(null);
    slots.push(values[at]!);
  }
  return slots;
}

function keyOf({ series }: Pick<SampleColumn, "series">, own: string): string {
  // No scenario can have `__proto__` as a key; with its service before it, it can.
  const isShort = series.service === own && series.metric !== "__proto__";
  const name = isShort ? series.metric : `${series.service}/${series.metric}`;
  return series.version === null ? name : `${name}@${series.version}`;
}

function unknown({ dir, tables }: History, id: string): Problem {
  const ids = tables.deployments.map((row: Pick<Deployment, "deploymentId">) => row.deploymentId);
  return new Problem(`there is no deployment ${id}`, {
    file: dir,
    cure: `The nearest ids are ${nearestNames(id, ids, 3).join(", ")}.`,
  });
}
