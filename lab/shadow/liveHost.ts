/**
 * The live host: the same controller as a replay's, against the world.
 *
 * One thing at a time: an event is stamped, handled, written to the journal and safe before
 * its commands go out and whoever told it hears. Samples come every `pollMs`; timers are told
 * at their moment. What the world does wrong pages once an episode; what the host itself
 * cannot do (disk, lease, a broken invariant) ends it, and it never acts in doubt.
 */

import {
  FLEET,
  findDeployment,
  recentReach,
  type DecisionRecord,
  type PolicyChanged,
} from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import { ClockWatch } from "./clockWatch.ts";
import type {
  CarriedOut,
  Errand,
  Heard,
  HostParts,
  HostStatus,
  RunningHost,
  Taken,
  Told,
} from "./contract.ts";
import { EngineRefusal, type Committed, type Core } from "./core.ts";
import { Episodes } from "./episodes.ts";
import type { Disk } from "./journal/disk.ts";
import type { Asked } from "./outstanding.ts";
import { newestSample, OVERLAP_MS, sift } from "./poll.ts";
import { RECORDED_ONLY } from "./recordedOnly.ts";
import { Sender } from "./sending.ts";
import { Tally } from "./tally.ts";
import { Catalog, eventOf, NOW, refusalOf } from "./told.ts";

const BY = "the live host";
/** So many polls in a row may go wrong before somebody is paged. */
const POLLS_WRONG = 3;
/** A source that gives nothing newer for so long is out of order, whatever it says. */
const NOTHING_NEW_MS = 300_000;
/** While only some series come, the rest is asked for again no further back than this. */
const CATCH_UP_MS = 900_000;
const POLL_LASTS_MS = 60_000;
/** Words to people are of no use after this. */
const WORDS_LAST_MS = 3_600_000;

export class LiveHost implements RunningHost {
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (why: Error) => void;
  readonly #tally = new Tally();
  readonly #episodes = new Episodes();
  readonly #catalog: Catalog;
  readonly #sender: Sender;
  readonly #clockWatch: ClockWatch;
  #isOpen = true;
  #wake = new AbortController();
  #poll: { readonly abort: AbortController; readonly begunMs: number; done: Promise<void> } | null =
    null;
  #nextPollMs: number;
  /** Up to where all that was asked for came; null: nothing was taken yet. */
  #wholeToMs: number | null;
  #cameInPart = false;
  #problems: readonly string[] = [];
  #lastPollAtMs: number | null = null;
  #newestAtMs: number | null;

  constructor(
    private readonly parts: HostParts,
    private readonly core: Core,
    private readonly disk: Disk,
  ) {
    this.done = new Promise((resolve, reject) => {
      [this.#resolve, this.#reject] = [resolve, reject];
    });
    // Whoever does not wait for it hears of its end from `tell` and `status`.
    this.done.catch(() => undefined);
    this.#catalog = new Catalog(parts.services);
    this.#sender = new Sender(parts.effects, parts.clock, {
      mayGo: (errand) => this.#mayGo(errand),
      isLate: (errand) => this.#isLate(errand),
      came: (errand, of, attempts) => this.#orEnd(() => this.#came(errand, of, attempts)),
    });
    this.#clockWatch = new ClockWatch(core.time, parts.clock.steadyMs, (told) => this.#take(told));
    this.#nextPollMs = parts.clock.steadyMs();
    this.#newestAtMs = this.#wholeToMs = newestSample(core.state.recent);
  }

  /** What fell due while no host ran comes first, then what was asked before it ended. */
  begin(): void {
    this.#orEnd(() => {
      this.#clockWatch.begin();
      for (const asked of this.core.inherited.asked) this.#dispatch(asked, true);
      this.#after(this.core.passTime());
      const { policy } = this.parts;
      if (policy.digest !== this.core.policy.digest) {
        const reason = "the host was started with it";
        const event = { kind: "policyChanged", atMs: NOW, policy, by: BY, reason } as const;
        this.#take(event satisfies Omit<PolicyChanged, "knownAtMs">);
      }
    });
    void this.#run();
  }

  tell = (told: Told): Promise<Heard> => {
    if (!this.#isOpen) return Promise.reject(new Problem("this host has ended"));
    let heard: Heard | null = null;
    const failed = this.#orEnd(() => {
      heard = this.#take(told);
    });
    this.#wake.abort();
    return heard === null
      ? Promise.reject(failed ?? new Problem("this host has ended"))
      : Promise.resolve(heard);
  };

  stop = async (): Promise<void> => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wake.abort();
    this.#poll?.abort.abort();
    await this.#poll?.done;
    await this.#sender.stop();
    try {
      if (this.parts.lease.holds()) this.core.rotate();
      this.disk.close();
      this.#resolve();
    } catch (error) {
      this.#reject(errorOf(error));
    }
  };

  status = (): HostStatus => {
    const { policy, state, time } = this.core;
    const holdsLease = this.parts.lease.holds();
    return {
      ready: this.#isOpen && holdsLease,
      holdsLease,
      act: this.parts.options.act,
      policy: { name: policy.policy, digest: policy.digest },
      halted: state.fleet.halted !== null,
      nowMs: time.nowMs,
      lastPollAtMs: this.#lastPollAtMs,
      newestSampleAtMs: this.#newestAtMs,
      problems: this.#problems,
      open: state.fleet.deployments.map(({ deployment, phase }) => ({
        deploymentId: deployment.deploymentId,
        service: deployment.service,
        phase: phase.name,
        answerByMs: phase.name === "proposed" ? phase.answerByMs : null,
      })),
      counts: { ...this.#tally.counts },
      durations: this.#tally.durations,
    };
  };

  // ── The loop ────────────────────────────────────────────────────────────────

  async #run(): Promise<void> {
    const { clock, lease, options } = this.parts;
    while (this.#isOpen) {
      this.#wake = new AbortController();
      this.#orEnd(() => {
        if (!lease.holds()) throw new Problem("the lease was lost: another host may go on");
        this.#clockWatch.look(() => this.core.state);
        this.#after(this.core.passTime());
        if (this.core.isFull) {
          this.core.rotate();
          this.#tally.add("segments_begun");
        }
      });
      const steadyMs = clock.steadyMs();
      if (this.#poll !== null && steadyMs >= this.#poll.begunMs + POLL_LASTS_MS) {
        this.#poll.abort.abort();
      }
      if (this.#isOpen && this.#poll === null && steadyMs >= this.#nextPollMs) {
        this.#nextPollMs = steadyMs + this.core.time.untilNext(options.pollMs);
        this.#beginPoll();
      }
      const dueInMs = Math.ceil(this.core.dueAtMs - this.core.time.nowMs);
      const nextMs = this.#poll === null ? this.#nextPollMs - steadyMs : POLL_LASTS_MS;
      await clock.wait(Math.max(1, Math.min(dueInMs, nextMs)), this.#wake.signal);
    }
  }

  #beginPoll(): void {
    const abort = new AbortController();
    const begunMs = this.parts.clock.steadyMs();
    const poll = { abort, begunMs, done: Promise.resolve() };
    this.#poll = poll;
    poll.done = this.#takeSamples(abort.signal, begunMs).finally(() => {
      this.#poll = null;
      this.#wake.abort();
    });
  }

  async #takeSamples(signal: AbortSignal, begunMs: number): Promise<void> {
    const { source, clock } = this.parts;
    const toMs = this.core.time.nowMs;
    const fromMs = this.#askFrom(toMs);
    let taken: Taken;
    try {
      taken = await source.take(fromMs, toMs, signal);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      taken = { columns: [], problems: [`the metrics source failed: ${why}`] };
    }
    const knownMs = clock.steadyMs();
    this.#tally.took("poll", knownMs - begunMs);
    if (this.#isOpen) this.#orEnd(() => this.#takeIn(taken, toMs, knownMs));
  }

  #takeIn({ columns, problems }: Taken, toMs: number, knownMs: number): void {
    const { recent } = this.core.state;
    const sifted = sift(columns, recent, this.core.time.nowMs);
    this.#tally.add("polls");
    this.#tally.add("samples_taken", sifted.samples);
    this.#tally.add("samples_repeated", sifted.repeated);
    this.#tally.add("samples_future", sifted.future);
    if (sifted.samples > 0) {
      this.#newestAtMs = Math.max(this.#newestAtMs ?? 0, sifted.newestAtMs!);
      this.#tally.took("ingestionDelay", this.core.time.nowMs - sifted.newestAtMs!);
      const committed = this.core.commit((atMs) => {
        return { kind: "samplesTaken", atMs, knownAtMs: atMs, columns: sifted.columns(atMs) };
      });
      if (committed.records.some(({ decision }) => decision === "proposed")) {
        this.#tally.took("decisionLatency", this.parts.clock.steadyMs() - knownMs);
      }
      this.#after(committed);
    }
    this.#lastPollAtMs = this.core.time.nowMs;
    this.#cameInPart = columns.length > 0;
    if (problems.length === 0) this.#wholeToMs = toMs;
    this.#judgePoll([...problems, ...this.#silence(columns.length)]);
  }

  #judgePoll(problems: readonly string[]): void {
    this.#problems = problems;
    if (problems.length === 0) {
      if (this.#episodes.well("metrics")) this.parts.note("the metrics source is well again");
      return;
    }
    this.#tally.add("poll_problems");
    if (!this.#episodes.wrong("metrics", POLLS_WRONG)) return;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    this.#fault("metrics", `${problems[0]!}${more}`);
  }

  #silence(columns: number): string[] {
    if (columns === 0) return ["not one series came"];
    const ageMs = this.core.time.nowMs - (this.#newestAtMs ?? Number.NEGATIVE_INFINITY);
    return ageMs < NOTHING_NEW_MS ? [] : ["no sample is newer than five minutes"];
  }

  /** From a little before all that came, and at the start as far back as a baseline looks. */
  #askFrom(toMs: number): number {
    const { keepMs } = recentReach(this.core.policy);
    const oldestMs = toMs - keepMs;
    if (this.#wholeToMs === null) return oldestMs;
    const atMost = this.#cameInPart ? Math.min(keepMs, CATCH_UP_MS) : keepMs;
    return Math.min(toMs - 1, Math.max(this.#wholeToMs - OVERLAP_MS, toMs - atMost));
  }

  // ── What happened, and what comes of it ─────────────────────────────────────

  #take(told: Told): Heard {
    const refusal = refusalOf(told, this.core.state);
    let committed: Committed;
    try {
      committed = this.core.commit(eventOf(refusal ?? told, this.#catalog));
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      this.#hold(error.message);
      return { accepted: false, decisionIds: [], reason: error.message };
    }
    this.#tally.add("told");
    const { own } = committed;
    const accepted = own.every(({ decision }) => decision !== "refused");
    const last = own.at(-1);
    this.#after(committed);
    return {
      accepted,
      decisionIds: own.map(({ decisionId }) => decisionId),
      reason: last?.reason ?? "noted: nothing was decided because of it",
    };
  }

  #after({ records, asked }: Committed): void {
    this.#tally.add("decisions", records.length);
    const isRefused = ({ decision }: DecisionRecord): boolean => decision === "refused";
    this.#tally.add("refused", records.filter(isRefused).length);
    for (const one of asked) this.#dispatch(one, false);
  }

  /** An impossible event never becomes a rollback: all machines are held, and somebody looks. */
  #hold(why: string): void {
    this.parts.note(why);
    if (this.core.state.fleet.halted === null) {
      const order = { kind: "haltOrdered", atMs: NOW, by: BY, reason: why } as const;
      this.#after(this.core.commit(eventOf(order, this.#catalog)));
    }
    if (this.#episodes.wrong("engine", 1)) this.#fault("engine", why);
  }

  #fault(source: string, reason: string): void {
    this.#tally.add("faults");
    this.parts.note(`fault of ${source}: ${reason}`);
    const event = { kind: "faultReported", atMs: NOW, source, reason } as const;
    this.#after(this.core.commit(eventOf(event, this.#catalog)));
  }

  // ── Commands ────────────────────────────────────────────────────────────────

  #dispatch({ command, reason }: Asked, inherited: boolean): void {
    if (command.kind === "rollBack" && !this.parts.options.act) {
      const couldAct = inherited && this.core.inherited.act;
      const detail = "the host may not act any more: nobody knows whether it was rolled back";
      this.#finish(command.deploymentId, !couldAct, couldAct ? detail : RECORDED_ONLY);
      return;
    }
    const state = findDeployment(this.core.state.fleet, command.deploymentId);
    this.#sender.send({
      key: `${command.decisionId}/${command.kind}`,
      command,
      service: state?.deployment.service ?? FLEET,
      version: state?.deployment.version ?? null,
      reason,
    });
  }

  #mayGo({ command }: Errand): boolean {
    if (!this.#isOpen || !this.parts.lease.holds()) return false;
    if (command.kind !== "rollBack") return true;
    return this.core.state.fleet.halted === null && this.#isRollingBack(command.deploymentId);
  }

  #isLate({ command }: Errand): boolean {
    const ageMs = this.core.time.nowMs - command.askedAtMs;
    if (command.kind !== "rollBack") return ageMs > WORDS_LAST_MS;
    return ageMs > this.parts.options.orderExpiresMs || !this.#isRollingBack(command.deploymentId);
  }

  #isRollingBack(deploymentId: string): boolean {
    return findDeployment(this.core.state.fleet, deploymentId)?.phase.name === "rollingBack";
  }

  #came({ key, command }: Errand, came: CarriedOut, attempts: number): void {
    this.#tally.add(came.status === "done" ? "commands_done" : "commands_failed");
    const detail = came.status === "done" ? (came.finished?.detail ?? "") : came.detail;
    if (came.status !== "done") this.parts.note(`${key}: ${came.status}: ${detail}`);
    if (command.kind !== "rollBack" || !this.#isRollingBack(command.deploymentId)) return;
    if (came.status === "done") {
      // Otherwise the platform says later how it ended.
      if (came.finished !== null)
        this.#finish(command.deploymentId, came.finished.succeeded, detail);
    } else if (came.status === "refused") {
      this.#finish(command.deploymentId, false, `it was refused: ${detail}`);
    } else {
      const why = attempts > 0 ? "nobody knows whether it arrived" : "it was too late to send it";
      this.#finish(command.deploymentId, false, `${why}: ${detail}`);
    }
    this.#wake.abort();
  }

  #finish(deploymentId: string, succeeded: boolean, detail: string): void {
    this.#take({ kind: "rollbackFinished", atMs: NOW, deploymentId, succeeded, detail });
  }

  /** What cannot go on ends the host; the next one goes on from the journal. */
  #orEnd(work: () => void): Error | null {
    if (!this.#isOpen) return null;
    try {
      work();
      return null;
    } catch (thrown) {
      const error = errorOf(thrown);
      this.#isOpen = false;
      this.#wake.abort();
      this.#poll?.abort.abort();
      void this.#sender.stop().then(() => {
        this.disk.close();
        this.#reject(error);
      });
      return error;
    }
  }
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
