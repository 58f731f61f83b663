/**
 * Deciding over a history: one fold of events over all services, in the order they became known.
 * People and the platform answer commands with events that come later.
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
import { loneWordOf, type Responder } from "../people/recorded.ts";

/** The deployment platform: how long it takes to put the old version back, and whether it can. */
export interface Platform {
  readonly rollBack: (deploymentId: string) => { durationMs: number; succeeds: boolean };
}

export interface Folded {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
  /** What people answered, also where it came too late to count. */
  readonly answers: readonly DecisionEvent[];
}

/**
 * Folds events, in any order, through the machine.
 *
 * @param events all that do not depend on what the policy does
 */
export function foldDecisions(
  policy: Policy,
  events: readonly DecisionEvent[],
  people: Responder,
  platform: Platform,
): Folded {
  return foldInOrder(policy, [...events].sort(compareEvents), people, platform);
}

/**
 * As `foldDecisions`, for events that are in order already.
 *
 * @param known the events; each is taken only when it is next
 * @param handled gets every event in the order it was handled, for a decision log
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
 * Is told of every event in the order it was handled, and of what came of it.
 *
 * @param isAwaited is an answer about this deployment still to come?
 */
export type Hear = (
  event: DecisionEvent,
  made: Pick<Folded, "records" | "commands">,
  isAwaited: (deploymentId: string) => boolean,
) => void;

/** As `foldInOrder`, but keeps nothing: `hear` is told of each event. Returns people's answers. */
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
        const asked = stepped.records.find(({ decisionId }) => decisionId === command.decisionId);
        for (const answer of people.answers(command, loneWordOf(asked))) {
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
