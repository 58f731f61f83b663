/**
 * Decision over a history: one fold of events over all services, in the order they
 * became known, with people and the platform answering commands as future events.
 */

import {
  compareEvents,
  initialFleet,
  nextDueAtMs,
  step,
  type DecisionEvent,
  type DecisionRecord,
  type EngineCommand,
  type Handled,
  type Policy,
} from "../../engine/index.ts";
import type { Responder } from "../people/recorded.ts";

/** What a rollback does: how long the platform takes to put the old version back, and if it can. */
export interface Platform {
  readonly rollBack: (deploymentId: string) => { durationMs: number; succeeds: boolean };
}

export interface Folded {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  /** What people answered, whether or not it still counted. */
  readonly answers: readonly DecisionEvent[];
}

/** @param events everything that does not depend on what the policy does, in any order */
export function foldDecisions(
  policy: Policy,
  events: readonly DecisionEvent[],
  people: Responder,
  platform: Platform,
): Folded {
  return foldInOrder(policy, [...events].sort(compareEvents), people, platform);
}

/**
 * @param known the same, in order; taken one after the other
 * @param handled is given every event in the order it was handled, for a log
 */
export function foldInOrder(
  policy: Policy,
  known: Iterable<DecisionEvent>,
  people: Responder,
  platform: Platform,
  handled?: Handled[],
): Folded {
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  const answers = foldEach(policy, known, people, platform, (event, made) => {
    for (const record of made.records) records.push(record);
    for (const command of made.commands) commands.push(command);
    handled?.push({ event, records: made.records });
  });
  return { records, commands, answers };
}

/**
 * Hears of every event in the order it was handled, and what came of it.
 *
 * @param isAwaited is an answer about this deployment under way?
 */
export type Hear = (
  event: DecisionEvent,
  made: Pick<Folded, "records" | "commands">,
  isAwaited: (deploymentId: string) => boolean,
) => void;

/** The same, for whoever keeps nothing; returns what people answered. */
export function foldEach(
  policy: Policy,
  known: Iterable<DecisionEvent>,
  people: Responder,
  platform: Platform,
  hear: Hear,
): readonly DecisionEvent[] {
  const answers = new EventQueue();
  const isAwaited = (deploymentId: string): boolean => answers.isAbout(deploymentId);
  const given: DecisionEvent[] = [];
  let fleet = initialFleet;
  const coming = known[Symbol.iterator]();
  const take = (): DecisionEvent | undefined => {
    const taken = coming.next();
    return taken.done === true ? undefined : taken.value;
  };
  let first = take();
  for (;;) {
    const dueAtMs = nextDueAtMs(fleet);
    const event = earlier(first, answers.peek());
    // A timer due before the next event fires on its own, so that its answer can still
    // come before that event.
    const fires = dueAtMs < (event?.knownAtMs ?? Number.POSITIVE_INFINITY);
    if (event === undefined && !fires) break;
    const next: DecisionEvent =
      event === undefined || fires
        ? { kind: "clockAdvanced", atMs: dueAtMs, knownAtMs: dueAtMs }
        : event;
    if (next === first) first = take();
    else if (next === answers.peek()) answers.shift();
    const stepped = step(policy, fleet, next);
    fleet = stepped.state;
    for (const command of stepped.commands) {
      if (command.kind === "propose" || command.kind === "escalate") {
        for (const answer of people.answers(command)) {
          given.push(answer);
          answers.add(answer);
        }
      }
      if (command.kind === "rollBack") {
        const { durationMs, succeeds } = platform.rollBack(command.deploymentId);
        const finishedAtMs = command.askedAtMs + durationMs;
        answers.add({
          kind: "rollbackFinished",
          deploymentId: command.deploymentId,
          succeeded: succeeds,
          detail: succeeds ? "" : "the platform could not put the old version back",
          atMs: finishedAtMs,
          knownAtMs: finishedAtMs,
        });
      }
    }
    hear(next, stepped, isAwaited);
  }
  return given;
}

function earlier(
  a: DecisionEvent | undefined,
  b: DecisionEvent | undefined,
): DecisionEvent | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareEvents(a, b) <= 0 ? a : b;
}

/** Future events in order; few at a time, so a sorted list is enough. */
class EventQueue {
  private readonly events: DecisionEvent[] = [];

  isAbout(deploymentId: string): boolean {
    for (const event of this.events) {
      if ("deploymentId" in event && event.deploymentId === deploymentId) return true;
    }
    return false;
  }

  peek(): DecisionEvent | undefined {
    return this.events[0];
  }

  shift(): void {
    this.events.shift();
  }

  add(event: DecisionEvent): void {
    let at = this.events.length;
    while (at > 0 && compareEvents(this.events[at - 1]!, event) > 0) at--;
    if (at === this.events.length) this.events.push(event);
    else this.events.splice(at, 0, event);
  }
}
