/**
 * Polls the metrics source, one request at a time, and hands on the samples that are new.
 *
 * Each poll starts a little before the end of the last complete one, so that late samples and
 * failed requests leave no gap; the first poll reaches back as far as a baseline. Problems that
 * last are reported as one fault per episode.
 */

import { recentReach } from "../../engine/index.ts";
import type { HostParts, Taken } from "./contract.ts";
import type { Committed, Core } from "./core.ts";
import { Episodes } from "./episodes.ts";
import { newestSample, sift } from "./sift.ts";
import type { Tally } from "./tally.ts";

/** How much of the last poll's range is asked for again: some samples arrive late. */
const OVERLAP_MS = 60_000;
/** The number of failed polls in a row that pages. */
const POLLS_WRONG = 3;
/** A source whose newest sample is older than this counts as failed, whatever it answers. */
const NOTHING_NEW_MS = 300_000;
/** While only some series arrive, a poll asks no further back than this for the others. */
const CATCH_UP_MS = 900_000;
const POLL_LASTS_MS = 60_000;
/** At the end, how long to wait for a request that was aborted. */
const ENDS_IN_MS = 2000;
const SOURCE = "metrics";

export interface PollingHooks {
  readonly came: (committed: Committed) => void;
  readonly fault: (reason: string) => void;
  readonly orEnd: (work: () => void) => void;
  /** A poll has ended: the next may be due. */
  readonly over: () => void;
}

interface Poll {
  readonly abort: AbortController;
  readonly begunMs: number;
  done: Promise<void>;
}

export class Polling {
  lastAtMs: number | null = null;
  /** `atMs` of the newest sample of any series. */
  newestAtMs: number | null;
  /** Of the last poll. */
  problems: readonly string[] = [];
  readonly #episodes = new Episodes();
  #poll: Poll | null = null;
  #nextMs: number;
  /** Everything up to this time has arrived; null: nothing has arrived yet. */
  #completeToMs: number | null;
  #cameInPart = false;
  #isOver = false;

  constructor(
    private readonly parts: Pick<HostParts, "source" | "clock" | "options" | "note">,
    private readonly core: Core,
    private readonly tally: Tally,
    private readonly hooks: PollingHooks,
  ) {
    this.#nextMs = parts.clock.steadyMs();
    this.newestAtMs = this.#completeToMs = newestSample(core.state.recent);
  }

  /** Begins a poll when one is due. @returns after how many ms it must be called again */
  goOn(): number {
    const { clock, options } = this.parts;
    const steadyMs = clock.steadyMs();
    if (this.#poll !== null) {
      const restMs = this.#poll.begunMs + POLL_LASTS_MS - steadyMs;
      if (restMs > 0) return restMs;
      // Its answer is dropped: the next poll asks for the same range again.
      this.#poll.abort.abort();
      this.#poll = null;
      this.hooks.orEnd(() => this.#judge(["the metrics source did not answer for a minute"]));
    }
    if (steadyMs < this.#nextMs) return this.#nextMs - steadyMs;
    this.#nextMs = steadyMs + this.core.time.untilNext(options.pollMs);
    this.#begin(steadyMs);
    return POLL_LASTS_MS;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    const poll = this.#poll;
    if (poll === null) return;
    poll.abort.abort();
    const waited = new AbortController();
    await Promise.race([poll.done, this.parts.clock.wait(ENDS_IN_MS, waited.signal)]);
    waited.abort();
  }

  #begin(begunMs: number): void {
    const poll: Poll = { abort: new AbortController(), begunMs, done: Promise.resolve() };
    this.#poll = poll;
    poll.done = this.#ask(poll.abort.signal, begunMs).finally(() => {
      if (this.#poll === poll) this.#poll = null;
      this.hooks.over();
    });
  }

  async #ask(signal: AbortSignal, begunMs: number): Promise<void> {
    const { source, clock } = this.parts;
    const toMs = this.core.time.nowMs;
    let taken: Taken;
    try {
      taken = await source.take(this.#fromMs(toMs), toMs, signal);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      taken = { columns: [], problems: [`the metrics source failed: ${why}`] };
    }
    if (this.#isOver || signal.aborted) return;
    const knownMs = clock.steadyMs();
    this.tally.took("poll", knownMs - begunMs);
    this.hooks.orEnd(() => this.#takeIn(taken, toMs, knownMs));
  }

  #takeIn({ columns, problems, answered }: Taken, toMs: number, knownMs: number): void {
    const { core, tally } = this;
    const sifted = sift(columns, core.state.recent, core.time.nowMs);
    tally.add("polls");
    tally.add("samples_taken", sifted.samples);
    tally.add("samples_repeated", sifted.repeated);
    tally.add("samples_future", sifted.future);
    if (sifted.samples > 0) {
      this.newestAtMs = Math.max(this.newestAtMs ?? 0, sifted.newestAtMs!);
      tally.took("ingestionDelay", core.time.nowMs - sifted.newestAtMs!);
      const committed = core.commit((atMs) => {
        return { kind: "samplesTaken", atMs, knownAtMs: atMs, columns: sifted.columns(atMs) };
      });
      if (committed.records.some(({ decision }) => decision === "proposed")) {
        tally.took("decisionLatency", this.parts.clock.steadyMs() - knownMs);
      }
      this.hooks.came(committed);
    }
    this.lastAtMs = core.time.nowMs;
    this.#cameInPart = columns.length > 0;
    if (answered ?? problems.length === 0) this.#completeToMs = toMs;
    this.#judge([...problems, ...this.#silence(columns.length)]);
  }

  #judge(problems: readonly string[]): void {
    this.problems = problems;
    if (problems.length === 0) {
      if (this.#episodes.well(SOURCE)) this.parts.note("the metrics source is well again");
      return;
    }
    this.tally.add("poll_problems");
    if (!this.#episodes.wrong(SOURCE, POLLS_WRONG)) return;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    this.hooks.fault(`${problems[0]!}${more}`);
  }

  #silence(columns: number): string[] {
    if (columns === 0) return ["not one series came"];
    const ageMs = this.core.time.nowMs - (this.newestAtMs ?? Number.NEGATIVE_INFINITY);
    return ageMs < NOTHING_NEW_MS ? [] : ["no sample is newer than five minutes"];
  }

  #fromMs(toMs: number): number {
    const { keepMs } = recentReach(this.core.policy);
    if (this.#completeToMs === null) return toMs - keepMs;
    const atMost = this.#cameInPart ? Math.min(keepMs, CATCH_UP_MS) : keepMs;
    return Math.min(toMs - 1, Math.max(this.#completeToMs - OVERLAP_MS, toMs - atMost));
  }
}
