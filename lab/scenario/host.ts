/**
 * A small live host: it gives the controller events in the order in which they became known,
 * advances the clock when a timer is due, and answers commands. Scenarios and property tests run on
 * it, so both use the engine as production does.
 *
 * Law: the host decides nothing. It only orders its inputs.
 */

import {
  compareEvents,
  controllerDueAtMs,
  handle,
  initialController,
  seriesKey,
  type ControllerState,
  type DecisionRecord,
  type EngineCommand,
  type Event,
  type Handled,
  type Policy,
  type SampleColumn,
  type SamplesTaken,
} from "../../engine/index.ts";

/** How long a rollback takes by default. */
const ROLLBACK_TAKES_MS = 90_000;

export interface HostStep {
  readonly policy: Policy;
  /** The controller's state before the event. */
  readonly before: ControllerState;
  readonly event: Event;
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

export interface HostRun {
  readonly steps: readonly HostStep[];
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  /** What a decision log would record of it. */
  readonly handled: readonly Handled[];
}

/** Answers a command: a later event, or null. The record is the decision that gave the command. */
export type Answer = (command: EngineCommand, record?: DecisionRecord) => Event | null;

/** Rollbacks succeed after 90 s; people do not answer. */
export function answerInTime({ kind, deploymentId, askedAtMs }: EngineCommand): Event | null {
  if (kind !== "rollBack") return null;
  const atMs = askedAtMs + ROLLBACK_TAKES_MS;
  const timed = { atMs, knownAtMs: atMs };
  return { kind: "rollbackFinished", ...timed, deploymentId, succeeded: true, detail: "" };
}

/**
 * Runs events through the controller.
 *
 * @param punctual false for a host that gets samples in large batches: it advances the clock only
 *   at
 *   the very end, so timers fire inside batches
 */
export function runHost(
  first: Policy,
  events: readonly Event[],
  answer: Answer = answerInTime,
  punctual = true,
): HostRun {
  let policy = first;
  const pending = [...events].sort(compareEvents);
  const steps: HostStep[] = [];
  const handled: Handled[] = [];
  let state = initialController;
  const give = (event: Event): void => {
    const before = state;
    if (event.kind === "policyChanged") policy = event.policy;
    const step = handle(policy, before, event);
    state = step.state;
    handled.push(...step.handled);
    steps.push({ policy, before, event, records: step.records, commands: step.commands });
    for (const command of step.commands) {
      const made = step.records.find(({ decisionId }) => decisionId === command.decisionId);
      const answered = answer(command, made);
      if (answered !== null) pending.push(answered);
    }
    if (step.commands.length > 0) pending.sort(compareEvents);
  };
  let clockMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const next = pending[0];
    const dueAtMs =
      punctual || next === undefined ? controllerDueAtMs(policy, state) : Number.POSITIVE_INFINITY;
    if (dueAtMs < (next?.knownAtMs ?? Number.POSITIVE_INFINITY)) {
      if (dueAtMs <= clockMs) throw new Error(`the controller is due again at ${dueAtMs}`);
      clockMs = dueAtMs;
      give({ kind: "clockAdvanced", atMs: dueAtMs, knownAtMs: dueAtMs });
    } else if (next === undefined) break;
    else {
      pending.shift();
      give(next);
    }
  }
  return {
    steps,
    records: steps.flatMap(({ records }) => records),
    commands: steps.flatMap(({ commands }) => commands),
    handled,
  };
}

/** Every instant at which a sample became known, in order. */
export function instantsOf(columns: readonly SampleColumn[]): number[] {
  const instants = new Set(columns.flatMap(({ knownAtMs }) => Array.from(knownAtMs)));
  return [...instants].sort((a, b) => a - b);
}

/**
 * Cuts whole columns into batches that end at the given instants; without any, at
 * every instant. Samples of one instant always stay together.
 */
export function toBatches(
  columns: readonly SampleColumn[],
  endsAtMs: readonly number[] = instantsOf(columns),
): SamplesTaken[] {
  const ends = [...new Set(endsAtMs)].sort((a, b) => a - b);
  const parts = ends.map(() => new Map<string, Growing>());
  for (const column of columns) {
    for (let index = 0; index < column.atMs.length; index++) {
      const part = parts[firstAtLeast(ends, column.knownAtMs[index]!)];
      if (part === undefined) continue;
      const key = seriesKey(column.series);
      const grown: Growing = part.get(key) ?? { ...column, atMs: [], knownAtMs: [], values: [] };
      part.set(key, grown);
      grown.atMs.push(column.atMs[index]!);
      grown.knownAtMs.push(column.knownAtMs[index]!);
      grown.values.push(column.values[index]!);
    }
  }
  return parts.flatMap((part, index) => {
    if (part.size === 0) return [];
    const knownAtMs = ends[index]!;
    return [{ kind: "samplesTaken", atMs: knownAtMs, knownAtMs, columns: [...part.values()] }];
  });
}

interface Growing extends SampleColumn {
  readonly atMs: number[];
  readonly knownAtMs: number[];
  readonly values: number[];
}

function firstAtLeast(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
