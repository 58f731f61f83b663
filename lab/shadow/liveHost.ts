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
  type DecisionRecord,
  type Deployment,
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
  Told,
} from "./contract.ts";
import { EngineRefusal, type Committed, type Core } from "./core.ts";
import { Episodes } from "./episodes.ts";
import type { Disk } from "./journal/disk.ts";
import { isTrueYet, type Asked } from "./outstanding.ts";
import { Polling } from "./polling.ts";
import { RECORDED_ONLY } from "./recordedOnly.ts";
import { asksForSeason, seasonFor, type PreparedSeason } from "./season.ts";
import { Sender } from "./sending.ts";
import { Tally } from "./tally.ts";
import { Catalog, eventOf, NOW, refusalOf, withLoosenings } from "./told.ts";

const BY = "the live host";
/** A start is not told of for so long, while its season is asked for. */
const SEASON_WAITS_MS = 10_000;
/** Nobody waits longer for a platform to say how a rollback ended. */
const ROLLBACK_LASTS_MS = 1_800_000;
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
  /** Starts that wait for what is prepared for them, by deployment. */
  readonly #preparing = new Map<string, Promise<Heard>>();
  #isOpen = true;
  #wake = new AbortController();
  readonly #polling: Polling;

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
      unsure: ({ key }, why) => {
        parts.note(`${key}: nobody knows whether it arrived, it is sent again: ${why}`);
      },
      came: (errand, of, attempts) => this.#orEnd(() => this.#came(errand, of, attempts)),
    });
    this.#clockWatch = new ClockWatch(core.time, parts.clock.steadyMs, (told) => this.#take(told));
    this.#polling = new Polling(parts, core, this.#tally, {
      came: (committed) => this.#after(committed),
      fault: (reason) => this.#fault("metrics", reason),
      orEnd: (work) => this.#orEnd(work),
      over: () => this.#wake.abort(),
    });
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

  tell = async (told: Told): Promise<Heard> => {
    // What is about a deployment that is being prepared comes after its start.
    const about = told.kind === "deploymentStarted" ? told.deployment : told;
    const id = ("deploymentId" in about ? about.deploymentId : null) ?? "";
    const before = this.#preparing.get(id);
    // Nothing is waited for where there is nothing: who is told first is first.
    if (before !== undefined) await before.catch(() => undefined);
    if (told.kind !== "deploymentStarted" || !this.#wantsSeason(id)) return this.#tellNow(told);
    const heard = this.#prepare(told.deployment).then(() => this.#tellNow(told));
    this.#preparing.set(id, heard);
    try {
      return await heard;
    } finally {
      this.#preparing.delete(id);
    }
  };

  #tellNow(told: Told): Promise<Heard> {
    if (!this.#isOpen) return Promise.reject(new Problem("this host has ended"));
    let heard: Heard | null = null;
    const failed = this.#orEnd(() => {
      heard = this.#take(told);
    });
    this.#wake.abort();
    return heard === null
      ? Promise.reject(failed ?? new Problem("this host has ended"))
      : Promise.resolve(heard);
  }

  stop = async (): Promise<void> => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wake.abort();
    await this.#polling.stop();
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
      lastPollAtMs: this.#polling.lastAtMs,
      newestSampleAtMs: this.#polling.newestAtMs,
      problems: this.#polling.problems,
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
    const { clock, lease } = this.parts;
    while (this.#isOpen) {
      this.#wake = new AbortController();
      this.#orEnd(() => {
        if (!lease.holds()) throw new Problem("the lease was lost: another host may go on");
        this.#lookForLost();
        this.#clockWatch.look(() => this.core.state);
        this.#after(this.core.passTime());
        if (this.core.isFull) {
          this.core.rotate();
          this.#tally.add("segments_begun");
        }
      });
      if (!this.#isOpen) return;
      const nextMs = this.#polling.goOn();
      const dueInMs = Math.ceil(this.core.dueAtMs - this.core.time.nowMs);
      await clock.wait(Math.max(1, Math.min(dueInMs, nextMs)), this.#wake.signal);
    }
  }

  #wantsSeason(deploymentId: string): boolean {
    const { policy, state } = this.core;
    return asksForSeason(policy) && findDeployment(state.fleet, deploymentId) === undefined;
  }

  /** A start waits for its season, and not for long: without one it is watched all the same. */
  async #prepare(deployment: Deployment): Promise<void> {
    const { clock, source, note } = this.parts;
    const { deploymentId } = deployment;
    const startedAtMs = Math.min(deployment.startedAtMs, this.core.time.nowMs);
    const known = this.#catalog.known({ ...deployment, startedAtMs });
    const abort = new AbortController();
    const late: PreparedSeason = { context: null, problems: ["it took too long"] };
    const failed = (error: unknown): PreparedSeason => {
      return { context: null, problems: [errorOf(error).message] };
    };
    const { context, problems } = await Promise.race([
      seasonFor(this.core.policy, known, source, abort.signal).catch(failed),
      clock.wait(SEASON_WAITS_MS, abort.signal).then(() => late),
    ]);
    abort.abort();
    if (problems.length > 0) note(`season of ${deploymentId}: ${problems[0]!}`);
    if (context === null) return;
    this.#orEnd(() => {
      const prepared = { kind: "contextPrepared", deploymentId, context } as const;
      this.#after(this.core.commit((atMs) => ({ ...prepared, atMs, knownAtMs: atMs })));
    });
  }

  // ── What happened, and what comes of it ─────────────────────────────────────

  #take(told: Told): Heard {
    const refusal = refusalOf(told, this.core.state);
    let committed: Committed;
    try {
      const said = refusal ?? withLoosenings(told, this.core.policy);
      committed = this.core.commit(eventOf(said, this.#catalog));
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
    for (const { decisionId, decision, end, reason } of records) {
      this.parts.decided?.(`${decisionId} ${end ?? decision}: ${reason}`);
    }
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

  /** A platform that took a rollback and never says how it ended. */
  #lookForLost(): void {
    const { fleet } = this.core.state;
    const oldestMs = this.core.time.nowMs - ROLLBACK_LASTS_MS;
    for (const { deployment, phase } of fleet.deployments) {
      if (phase.name !== "rollingBack" || phase.orderedAtMs > oldestMs) continue;
      const about = `the rollback of ${deployment.deploymentId}`;
      if (!this.#episodes.wrong(about, 1)) continue;
      this.#fault("the platform", `${about} was ordered half an hour ago and never ended`);
    }
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
    this.#tally.add("commands_asked");
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
    if (command.kind !== "rollBack") {
      const state = findDeployment(this.core.state.fleet, command.deploymentId);
      return ageMs > WORDS_LAST_MS || !isTrueYet(command, state, this.core.time.nowMs);
    }
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

  /** The one page that is in no journal: the host can not write one any more. */
  #cryOut({ message }: Error): void {
    const { effects, lease, note } = this.parts;
    note(`the host ends: ${message}`);
    if (!lease.holds()) return;
    const atMs = this.core.time.nowMs;
    const reason = `the live host ended: ${message}`;
    const decisionId = `(host)#${atMs}`;
    const about = { deploymentId: FLEET, askedAtMs: atMs, decisionId };
    const command = { kind: "page", ...about, to: "on-call", reason } as const;
    const errand = { key: `${decisionId}/page`, command, service: FLEET, version: null, reason };
    void effects.carryOut(errand, AbortSignal.timeout(10_000)).catch(() => undefined);
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
      void this.#polling.stop();
      this.#cryOut(error);
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
