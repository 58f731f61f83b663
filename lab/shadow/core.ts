/**
 * The controller and its journal: what happened is handled, written down and safe before
 * anybody hears of it. All of it in one go, so nothing can come in between.
 */

import {
  CHAIN_START,
  controllerDueAtMs,
  handle,
  initialController,
  type ControllerState,
  type ControllerStep,
  type DecisionRecord,
  type Event,
  type Policy,
} from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import type { HostParts } from "./contract.ts";
import { HostTime } from "./hostTime.ts";
import type { Disk } from "./journal/disk.ts";
import { beginSegment, Journal, type Beginning } from "./journal/journal.ts";
import { recover } from "./journal/recover.ts";
import { Outstanding, type Asked } from "./outstanding.ts";

export interface Committed {
  /** All that were written, those of timers that fell due before included. */
  readonly records: readonly DecisionRecord[];
  /** Those that the event itself led to. */
  readonly own: readonly DecisionRecord[];
  readonly asked: readonly Asked[];
}

/** A broken invariant: nothing was changed, and nothing may be acted on. */
export class EngineRefusal extends Error {
  override readonly name = "EngineRefusal";
}

/** An event of which only the time is missing. */
export type Timeless = (atMs: number) => Event;

export class Core {
  readonly time: HostTime;
  #policy: Policy;
  #state: ControllerState;
  readonly #journal: Journal;
  readonly #outstanding: Outstanding;
  /** What the host before this one had asked, and whether it could act. */
  readonly inherited: { readonly asked: readonly Asked[]; readonly act: boolean };
  /** The newest moment that was handled. */
  #handledMs: number;

  private constructor(
    private readonly parts: HostParts,
    begun: { policy: Policy; state: ControllerState; outstanding: Outstanding; lastMs: number },
    journal: Journal,
    actedBefore: boolean,
  ) {
    this.time = new HostTime(parts.clock, begun.lastMs);
    this.#policy = begun.policy;
    this.#state = begun.state;
    this.#outstanding = begun.outstanding;
    this.#handledMs = begun.lastMs;
    this.#journal = journal;
    this.inherited = { asked: begun.outstanding.all, act: actedBefore };
  }

  /**
   * Goes on from the journal, or begins one.
   *
   * @throws Problem see `recover`
   */
  static open(parts: HostParts, disk: Disk): Core {
    const { dir, policy, clock, options, services } = parts;
    const recovered = recover(disk, dir, parts.note);
    const journalAt = (place: ConstructorParameters<typeof Journal>[3]): Journal =>
      new Journal(disk, dir, options.signer, place);
    if (recovered === null) {
      const nowMs = Math.floor(clock.wallMs());
      const state = initialController;
      const beginning: Beginning = {
        ...{ policy, state, nowMs, services },
        ...{ errands: [], act: options.act },
      };
      const place = beginSegment(disk, dir, 1, CHAIN_START.previous, beginning);
      const begun = { policy, state, outstanding: new Outstanding([]), lastMs: nowMs };
      return new Core(parts, begun, journalAt(place), options.act);
    }
    const journal = journalAt(recovered.place);
    const { act, services: known } = recovered.header.live!;
    const core = new Core(parts, recovered, journal, act);
    if (recovered.unwritten.length > 0) journal.writeEntries(recovered.unwritten);
    const isOther = act !== options.act || JSON.stringify(known) !== JSON.stringify(services);
    // What the header says holds for the whole segment.
    if (recovered.closed) journal.begin(core.#beginning());
    else if (isOther) core.rotate();
    return core;
  }

  get policy(): Policy {
    return this.#policy;
  }

  get state(): ControllerState {
    return this.#state;
  }

  /** Not yet come of anything. */
  get outstanding(): readonly Asked[] {
    return this.#outstanding.all;
  }

  get dueAtMs(): number {
    return controllerDueAtMs(this.#policy, this.#state);
  }

  get journalBytes(): number {
    return this.#journal.bytes;
  }

  /** Tells the clock whenever something is due up to now, each at its own moment. */
  passTime(): Committed {
    const { nowMs } = this.time;
    return this.#tellClock((due) => due <= nowMs);
  }

  /** Something happened: what was due before it comes first. */
  commit(timeless: Timeless): Committed {
    const atMs = this.time.stamp();
    const before = this.#tellClock((due) => due < atMs);
    const own = this.#handle(timeless(atMs));
    return {
      records: [...before.records, ...own.records],
      own: own.own,
      asked: [...before.asked, ...own.asked],
    };
  }

  /** Is the segment as old or as large as it may be? */
  get isFull(): boolean {
    const { rotateMs, rotateBytes } = this.parts.options;
    const { bytes, begunAtMs } = this.#journal;
    // One in which nothing happened is followed by no other.
    if (this.#handledMs <= begunAtMs) return false;
    return bytes >= rotateBytes || this.time.nowMs >= begunAtMs + rotateMs;
  }

  rotate(): void {
    this.#refuseWithoutLease();
    this.#journal.close();
    this.#journal.begin(this.#beginning());
  }

  #beginning(): Beginning {
    return {
      policy: this.#policy,
      state: this.#state,
      // The newest moment it knows: what comes next is later than this, and not than now.
      nowMs: this.#handledMs,
      services: this.parts.services,
      errands: this.#outstanding.all,
      act: this.parts.options.act,
    };
  }

  #tellClock(isDue: (dueAtMs: number) => boolean): Committed {
    const records: DecisionRecord[] = [];
    const asked: Asked[] = [];
    let toldMs = Number.NEGATIVE_INFINITY;
    for (let due = this.dueAtMs; isDue(due); due = this.dueAtMs) {
      // A timer that does not move when it is told would hold up everything else.
      if (due <= toldMs) throw new Error(`the controller is due again at ${due}`);
      toldMs = due;
      const atMs = Math.max(due, this.#handledMs);
      this.time.told(atMs);
      const step = this.#handle({ kind: "clockAdvanced", atMs, knownAtMs: atMs });
      records.push(...step.records);
      asked.push(...step.asked);
    }
    return { records, own: records, asked };
  }

  #refuseWithoutLease(): void {
    if (this.parts.lease.holds()) return;
    throw new Problem("the lease was lost: another host may go on from the journal");
  }

  #stepOf(policy: Policy, event: Event): ControllerStep {
    try {
      return handle(policy, this.#state, event);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new EngineRefusal(`the engine refused ${event.kind}: ${why}`);
    }
  }

  #handle(event: Event): Committed {
    const policy = event.kind === "policyChanged" ? event.policy : this.#policy;
    this.#refuseWithoutLease();
    const step = this.#stepOf(policy, event);
    this.#journal.write(event, step.handled);
    this.#policy = policy;
    this.#state = step.state;
    this.#handledMs = event.knownAtMs;
    const asked = this.#outstanding.take(event, step);
    const own = step.handled.find((one) => one.event === event)?.records ?? step.records;
    return { records: step.records, own, asked };
  }
}
