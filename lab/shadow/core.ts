/**
 * The controller and its journal. An event is handled, written and synced to disk before anybody
 * learns what it led to. All of this is synchronous, so no other event can come in between.
 */

import {
  canonicalJson,
  CHAIN_START,
  controllerDueAtMs,
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
import { refuseLostEnd } from "./journal/highWater.ts";
import { beginSegment, Journal, type Beginning } from "./journal/journal.ts";
import { recover, type Recovered } from "./journal/recover.ts";
import { inSlices, SLICE_MS } from "./journal/slices.ts";
import { Outstanding, type Asked } from "./outstanding.ts";
import { culpritOf, firstDue, stepOrThrow, subjectOf } from "./quarantine.ts";

export interface Committed {
  /** All records written, including those of timers that were due before the event. */
  readonly records: readonly DecisionRecord[];
  /** The records that the event itself caused. */
  readonly own: readonly DecisionRecord[];
  readonly asked: readonly Asked[];
  /** Why the event was dropped: the engine threw on it. Null: it was handled. */
  readonly dropped: string | null;
  /** Why the caller must halt everything: the engine threw, and no deployment is to blame. */
  readonly unexplained: string | null;
}

const NOTHING: Committed = { records: [], own: [], asked: [], dropped: null, unexplained: null };

/** Writing the state down takes at most one part in so many of the time. */
const KEEPS_A_SHARE = 50;
/** So many deployments are quarantined for one event at most: more is no fault of deployments. */
const AT_ONCE = 32;

/** An event that still lacks its time. */
export type Timeless = (atMs: number) => Event;

export class Core {
  readonly time: HostTime;
  #policy: Policy;
  #state: ControllerState;
  readonly #journal: Journal;
  readonly #outstanding: Outstanding;
  /** The commands that the previous host left unanswered. */
  readonly inherited: readonly Asked[];
  /** `knownAtMs` of the last event that was handled. */
  #handledMs: number;
  /** When the state was last written down. */
  #keptAtMs: number;
  #keepPauseMs = 0;

  private constructor(
    private readonly parts: HostParts,
    begun: Pick<Recovered, "policy" | "state" | "outstanding" | "lastMs" | "keptMs">,
    journal: Journal,
  ) {
    this.time = new HostTime(parts.clock, begun.lastMs);
    this.#policy = begun.policy;
    this.#state = begun.state;
    this.#outstanding = begun.outstanding;
    this.#handledMs = begun.lastMs;
    this.#keptAtMs = begun.keptMs;
    this.#journal = journal;
    this.inherited = begun.outstanding.all;
    this.#outstanding.goOn(parts.options.act);
  }

  /**
   * Continues the journal in the directory, or begins one.
   *
   * @throws Problem see `recover`
   */
  static async open(parts: HostParts, disk: Disk): Promise<Core> {
    const { dir, policy, clock, options, services } = parts;
    const recovered = await inSlices(recover(disk, dir, parts.note), parts.lease);
    const journalAt = (place: ConstructorParameters<typeof Journal>[3]): Journal =>
      new Journal(disk, dir, options.signer, place);
    const { highWater: isMarked = false } = recovered?.header.live ?? {};
    refuseLostEnd(disk, dir, recovered?.place ?? null, isMarked);
    if (recovered === null) {
      const nowMs = Math.floor(clock.wallMs());
      const state = initialController;
      const beginning: Beginning = {
        ...{ policy, state, nowMs, services },
        ...{ errands: [], recordedOnly: [], act: options.act },
      };
      const place = beginSegment(disk, dir, 1, CHAIN_START.previous, beginning);
      const outstanding = new Outstanding(beginning, state);
      const begun = { policy, state, outstanding, lastMs: nowMs, keptMs: nowMs };
      const journal = journalAt(place);
      journal.mark();
      return new Core(parts, begun, journal);
    }
    const { act, services: known } = recovered.header.live!;
    const journal = journalAt(recovered.place);
    journal.mark();
    const core = new Core(parts, recovered, journal);
    if (recovered.unwritten.length > 0) journal.writeEntries(recovered.unwritten);
    const isChanged = act !== options.act || canonicalJson(known) !== canonicalJson(services);
    // `act` and the catalog stand in a segment's header, so a change of them needs a new segment.
    if (recovered.closed) journal.begin(core.#beginning());
    else if (isChanged) core.rotate();
    return core;
  }

  get policy(): Policy {
    return this.#policy;
  }

  get state(): ControllerState {
    return this.#state;
  }

  /** Commands whose result is not known yet. */
  get outstanding(): readonly Asked[] {
    return this.#outstanding.all;
  }

  get dueAtMs(): number {
    return controllerDueAtMs(this.#policy, this.#state);
  }

  get journalBytes(): number {
    return this.#journal.bytes;
  }

  /** Handles timers that are due by now, each at its own due time, for as long as a slice. */
  passTime(): Committed {
    const { nowMs } = this.time;
    const { steadyMs } = this.parts.clock;
    const untilMs = steadyMs() + SLICE_MS;
    return this.#handleTimers((due) => due <= nowMs && steadyMs() < untilMs);
  }

  /** Is any timer due that `passTime` has not come to yet? */
  get isBehind(): boolean {
    return this.dueAtMs <= this.time.nowMs;
  }

  /** Handles an event, after all timers that were due before it. */
  commit(timeless: Timeless): Committed {
    const atMs = this.time.stamp();
    const timers = this.#handleTimers((due) => due < atMs);
    return after(timers, this.#handle(timeless(atMs)));
  }

  /** Has the segment reached its maximal age or size? */
  get isFull(): boolean {
    const { rotateMs, rotateBytes } = this.parts.options;
    const { bytes, begunAtMs } = this.#journal;
    // A segment in which nothing happened stays open, however old it is.
    if (this.#handledMs <= begunAtMs) return false;
    return bytes >= rotateBytes || this.time.nowMs >= begunAtMs + rotateMs;
  }

  rotate(): void {
    this.#refuseWithoutLease();
    this.#journal.close();
    this.#journal.begin(this.#beginning());
    this.#keptAtMs = this.time.nowMs;
  }

  /** Writes the state down if there is enough that a restart would have to repeat. */
  keep(): void {
    const { clock, options } = this.parts;
    if (this.#handledMs <= this.#keptAtMs) return;
    if (this.time.nowMs < this.#keptAtMs + Math.max(options.keepMs, this.#keepPauseMs)) return;
    this.#refuseWithoutLease();
    const begunMs = clock.steadyMs();
    const { all: errands, recordedOnly } = this.#outstanding;
    const [policy, state, lastMs] = [this.#policy, this.#state, this.#handledMs];
    this.#journal.keep({ policy, state, errands, recordedOnly, act: options.act, lastMs });
    this.#keptAtMs = this.time.nowMs;
    this.#keepPauseMs = KEEPS_A_SHARE * (clock.steadyMs() - begunMs);
  }

  #beginning(): Beginning {
    return {
      policy: this.#policy,
      state: this.#state,
      // Not the time now: the next event may be a timer that was due between the two.
      nowMs: this.#handledMs,
      services: this.parts.services,
      errands: this.#outstanding.all,
      recordedOnly: this.#outstanding.recordedOnly,
      act: this.parts.options.act,
    };
  }

  #handleTimers(isDue: (dueAtMs: number) => boolean): Committed {
    let committed = NOTHING;
    let lastDueMs = Number.NEGATIVE_INFINITY;
    for (let due = this.dueAtMs; isDue(due); due = this.dueAtMs) {
      const atMs = Math.max(due, this.#handledMs);
      // A timer that stays due after it was handled would make this loop endless.
      const isStuck = due <= lastDueMs;
      lastDueMs = isStuck ? Number.NEGATIVE_INFINITY : due;
      this.time.passed(atMs);
      const next = isStuck
        ? this.#quarantineStuck(due, atMs)
        : this.#handle({ kind: "clockAdvanced", atMs, knownAtMs: atMs });
      committed = after(committed, next);
    }
    return { ...committed, own: committed.records };
  }

  #quarantineStuck(dueAtMs: number, atMs: number): Committed {
    const id = firstDue(this.#policy, this.#state);
    const reason = "its timer stayed due after it was handled";
    const held = id === null ? null : this.#quarantine(id, reason, atMs);
    if (held === null) throw new Error(`the controller is due again at ${dueAtMs}`);
    return held;
  }

  #refuseWithoutLease(): void {
    if (this.parts.lease.holds()) return;
    throw new Problem("the lease was lost: another host may go on from the journal");
  }

  /**
   * Handles an event. Where the engine throws, the deployment that is to blame is quarantined and
   * the event is handled without it, so that all others still get their samples and time.
   */
  #handle(event: Event): Committed {
    const policy = event.kind === "policyChanged" ? event.policy : this.#policy;
    const quarantined = new Set<string>();
    let before = NOTHING;
    for (;;) {
      const step = tried(() => stepOrThrow(policy, this.#state, event));
      if (!(step instanceof Error)) return after(before, this.#written(policy, event, step));
      const culprit = culpritOf(policy, this.#state, event);
      const why = `${event.kind}: ${step.message}`;
      let held: Committed | null = null;
      if (culprit !== null && !quarantined.has(culprit) && quarantined.size < AT_ONCE) {
        quarantined.add(culprit);
        held = this.#quarantine(culprit, why, event.knownAtMs);
      }
      if (held === null) {
        // An event about a deployment that was quarantined for it concerns no other.
        const isExplained = quarantined.has(subjectOf(event) ?? "") && culprit === subjectOf(event);
        const dropped = `the engine threw on ${why}`;
        return { ...before, own: [], dropped, unexplained: isExplained ? null : dropped };
      }
      before = after(before, held);
    }
  }

  /** @returns null where the engine throws on that too */
  #quarantine(deploymentId: string, reason: string, atMs: number): Committed | null {
    const kind = "deploymentQuarantined";
    const event: Event = { kind, atMs, knownAtMs: atMs, deploymentId, reason };
    const step = tried(() => stepOrThrow(this.#policy, this.#state, event));
    return step instanceof Error ? null : this.#written(this.#policy, event, step);
  }

  #written(policy: Policy, event: Event, step: ControllerStep): Committed {
    this.#refuseWithoutLease();
    this.#journal.write(event, step.handled);
    this.#policy = policy;
    this.#state = step.state;
    this.#handledMs = event.knownAtMs;
    const asked = this.#outstanding.take(event, step);
    const own = step.handled.find((handled) => handled.event === event)?.records ?? step.records;
    return { ...NOTHING, records: step.records, own, asked };
  }
}

function tried(work: () => ControllerStep): ControllerStep | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function after(before: Committed, next: Committed): Committed {
  return {
    records: [...before.records, ...next.records],
    own: next.own,
    asked: [...before.asked, ...next.asked],
    dropped: next.dropped,
    unexplained: before.unexplained ?? next.unexplained,
  };
}
