/**
 * The live host: the controller that a replay uses, run against the real world.
 *
 * One event at a time is stamped, handled, written to the journal and synced; only then do its
 * commands go out and its sender gets an answer. Samples are polled every `pollMs`; timers are
 * handled when they are due. Faults of the world page once an episode. Faults of the host itself
 * (disk, lease, a broken invariant) end it: it never acts when in doubt.
 */

import { setImmediate } from "node:timers/promises";
import {
  FLEET,
  findDeployment,
  type DecisionRecord,
  type Deployment,
  type Policy,
  type PolicyChanged,
} from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import { ClockWatch } from "./clockWatch.ts";
import type {
  CarriedOut,
  Errand,
  Receipt,
  HostParts,
  HostStatus,
  RunningHost,
  HostInput,
} from "./contract.ts";
import type { Committed, Core } from "./core.ts";
import { Episodes } from "./episodes.ts";
import type { Disk } from "./journal/disk.ts";
import { newsOf } from "./news.ts";
import { isMeant, isStillTrue, type Asked } from "./outstanding.ts";
import { pageTheEnd } from "./lastPage.ts";
import { Polling } from "./polling.ts";
import { RECORDED_ONLY } from "./recordedOnly.ts";
import { asksForSeason, seasonFor, type PreparedSeason } from "./season.ts";
import { Sender } from "./sending.ts";
import { standingOf } from "./standing.ts";
import { Tally } from "./tally.ts";
import { Catalog, eventOf, notedText, NOW, refusalOf, withLoosenings } from "./hostInput.ts";

const BY = "the live host";
/** A deployment's start is held back at most this long while its season is fetched. */
const SEASON_WAITS_MS = 10_000;
/** A platform that has not said by then how a rollback ended counts as lost, and pages. */
const ROLLBACK_LASTS_MS = 1_800_000;
/** A page or question that could not be sent for this long is given up. */
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
  /** Starts of deployments that wait for their season, by deployment ID. */
  readonly #preparing = new Map<string, Promise<Receipt>>();
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
    // A caller may ignore `done`: `tell` and `status` say as well that the host has ended.
    this.done.catch(() => undefined);
    this.#catalog = new Catalog(parts.services);
    this.#sender = new Sender(parts.effects, parts.clock, {
      mayGo: (errand) => this.#mayGo(errand),
      isLate: (errand) => this.#isLate(errand),
      unsure: ({ key }, why) => {
        parts.note(`${key}: it is unknown whether it arrived, so it is sent again: ${why}`);
      },
      came: (errand, result, attempts) =>
        this.#orEnd(() => this.#commandCame(errand, result, attempts)),
    });
    const { steadyMs } = parts.clock;
    this.#clockWatch = new ClockWatch(core.time, steadyMs, (input) => this.#take(input));
    this.#polling = new Polling(parts, core, this.#tally, {
      came: (committed) => this.#after(committed),
      fault: (reason) => this.#fault("metrics", reason),
      orEnd: (work) => this.#orEnd(work),
      over: () => this.#wake.abort(),
    });
  }

  /** Sends the previous host's unanswered commands again, then handles timers that fell due. */
  async begin(): Promise<void> {
    this.#orEnd(() => {
      this.#clockWatch.begin();
      for (const asked of this.core.inherited) this.#dispatch(asked);
      this.#after(this.core.passTime());
    });
    // Hours may have passed without a host. Between two slices the lease is renewed.
    while (this.#isOpen && this.core.isBehind) {
      await setImmediate();
      this.#orEnd(() => this.#after(this.core.passTime()));
    }
    this.#orEnd(() => {
      const { policy } = this.parts;
      if (policy.digest !== this.core.policy.digest) {
        const reason = "the host was started with it";
        const event = { kind: "policyChanged", atMs: NOW, policy, by: BY, reason } as const;
        this.#take(event satisfies Omit<PolicyChanged, "knownAtMs">);
      }
    });
    void this.#run();
  }

  tell = async (input: HostInput): Promise<Receipt> => {
    const subject = input.kind === "deploymentStarted" ? input.deployment : input;
    const id = ("deploymentId" in subject ? subject.deploymentId : null) ?? "";
    // An input about a deployment whose start still waits for its season must come after that
    // start. Otherwise no `await`: inputs are handled in the order in which they arrive.
    const start = this.#preparing.get(id);
    if (start !== undefined) await start.catch(() => undefined);
    if (input.kind !== "deploymentStarted" || !this.#wantsSeason(id)) return this.#tellNow(input);
    const receipt = this.#prepare(input.deployment).then(() => this.#tellNow(input));
    this.#preparing.set(id, receipt);
    try {
      return await receipt;
    } finally {
      this.#preparing.delete(id);
    }
  };

  #tellNow(input: HostInput): Promise<Receipt> {
    if (!this.#isOpen) return Promise.reject(new Problem("this host has ended"));
    let receipt: Receipt | null = null;
    const failed = this.#orEnd(() => {
      receipt = this.#take(input);
    });
    this.#wake.abort();
    return receipt === null
      ? Promise.reject(failed ?? new Problem("this host has ended"))
      : Promise.resolve(receipt);
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
      this.#reject(toError(error));
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

  policy = (): Policy => this.core.policy;

  standing: RunningHost["standing"] = (isMeant) => standingOf(this.core.state, isMeant);

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
        } else this.core.keep();
      });
      if (!this.#isOpen) return;
      const nextMs = this.core.isBehind ? 0 : this.#polling.goOn();
      const dueInMs = Math.ceil(this.core.dueAtMs - this.core.time.nowMs);
      await clock.wait(Math.max(1, Math.min(dueInMs, nextMs)), this.#wake.signal);
    }
  }

  #wantsSeason(deploymentId: string): boolean {
    const { policy, state } = this.core;
    return asksForSeason(policy) && findDeployment(state.fleet, deploymentId) === undefined;
  }

  /** Fetches the season of a deployment. If that fails or takes long, it is watched without one. */
  async #prepare(deployment: Deployment): Promise<void> {
    const { clock, source, note } = this.parts;
    const { deploymentId } = deployment;
    const startedAtMs = Math.min(deployment.startedAtMs, this.core.time.nowMs);
    const known = this.#catalog.known({ ...deployment, startedAtMs });
    const abort = new AbortController();
    const late: PreparedSeason = { context: null, problems: ["it took too long"] };
    const failed = (error: unknown): PreparedSeason => {
      return { context: null, problems: [toError(error).message] };
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

  #take(input: HostInput): Receipt {
    const refusal = refusalOf(input, this.core.state);
    const recorded = refusal ?? withLoosenings(input, this.core.policy);
    const committed = this.core.commit(eventOf(recorded, this.#catalog));
    const { own, dropped } = committed;
    if (dropped !== null) {
      this.#after(committed);
      return { accepted: false, decisionIds: [], reason: dropped };
    }
    this.#tally.add("told");
    const accepted = own.every(({ decision }) => decision !== "refused");
    const last = own.at(-1);
    this.#after(committed);
    return {
      accepted,
      decisionIds: own.map(({ decisionId }) => decisionId),
      reason: last?.reason ?? notedText(input, this.core.state, this.core.policy),
    };
  }

  #after(committed: Committed): void {
    const { records, asked, unexplained } = committed;
    this.#tally.add("decisions", records.length);
    const isRefused = ({ decision }: DecisionRecord): boolean => decision === "refused";
    this.#tally.add("refused", records.filter(isRefused).length);
    for (const { decisionId, decision, end, reason } of records) {
      this.parts.decided?.(`${decisionId} ${end ?? decision}: ${reason}`);
    }
    this.parts.publish?.(newsOf(committed, this.core.state, this.parts.options.act));
    for (const command of asked) this.#dispatch(command);
    if (unexplained !== null) this.#hold(unexplained);
  }

  /** The engine threw, and no single deployment is to blame: halts all machines and pages. */
  #hold(why: string): void {
    this.parts.note(why);
    if (this.core.state.fleet.halted === null) {
      const order = { kind: "haltOrdered", atMs: NOW, by: BY, reason: why } as const;
      const committed = this.core.commit(eventOf(order, this.#catalog));
      if (committed.dropped !== null) throw new Error(`all machines cannot be halted: ${why}`);
      this.#after(committed);
    }
    if (this.#episodes.wrong("engine", 1)) this.#fault("engine", why);
  }

  #fault(source: string, reason: string): void {
    this.#tally.add("faults");
    this.parts.note(`fault of ${source}: ${reason}`);
    const event = { kind: "faultReported", atMs: NOW, source, reason } as const;
    this.#after(this.core.commit(eventOf(event, this.#catalog)));
  }

  /** Pages for rollbacks that the platform accepted and never reported the end of. */
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

  #dispatch(asked: Asked): void {
    const { command, reason, act } = asked;
    const isReal = isMeant(asked, this.parts.options.act);
    if (command.kind === "rollBack" && !isReal) {
      const detail = "the host may not act any more: it is unknown whether it was rolled back";
      this.#finish(command.deploymentId, !act, act ? detail : RECORDED_ONLY);
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
      act: isReal,
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
      return ageMs > WORDS_LAST_MS || !isStillTrue(command, state, this.core.time.nowMs);
    }
    return ageMs > this.parts.options.orderExpiresMs || !this.#isRollingBack(command.deploymentId);
  }

  #isRollingBack(deploymentId: string): boolean {
    return findDeployment(this.core.state.fleet, deploymentId)?.phase.name === "rollingBack";
  }

  #commandCame({ key, command }: Errand, result: CarriedOut, attempts: number): void {
    this.#tally.add(result.status === "done" ? "commands_done" : "commands_failed");
    const detail = result.status === "done" ? (result.finished?.detail ?? "") : result.detail;
    if (result.status !== "done") this.parts.note(`${key}: ${result.status}: ${detail}`);
    if (command.kind !== "rollBack" || !this.#isRollingBack(command.deploymentId)) return;
    if (result.status === "done") {
      // Null: the platform reports the end later, through the webhook.
      if (result.finished !== null)
        this.#finish(command.deploymentId, result.finished.succeeded, detail);
    } else if (result.status === "refused") {
      this.#finish(command.deploymentId, false, `it was refused: ${detail}`);
    } else {
      const why = attempts > 0 ? "it is unknown whether it arrived" : "it was too late to send it";
      this.#finish(command.deploymentId, false, `${why}: ${detail}`);
    }
    this.#wake.abort();
  }

  #finish(deploymentId: string, succeeded: boolean, detail: string): void {
    this.#take({ kind: "rollbackFinished", atMs: NOW, deploymentId, succeeded, detail });
  }

  /** Runs `work`; if it throws, ends the host, so that the next one continues the journal. */
  #orEnd(work: () => void): Error | null {
    if (!this.#isOpen) return null;
    try {
      work();
      return null;
    } catch (thrown) {
      const error = toError(thrown);
      this.#isOpen = false;
      this.#wake.abort();
      void this.#polling.stop();
      pageTheEnd(this.parts, this.core.time.nowMs, error);
      void this.#sender.stop().then(() => {
        this.disk.close();
        this.#reject(error);
      });
      return error;
    }
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
