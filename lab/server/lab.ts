/**
 * What the server knows: the history's tables and the policies here, everything that takes
 * the engine in threads of its own, so that whoever asks for a page never waits for them.
 */

import { basename, resolve } from "node:path";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { openHistory, type History } from "../history/open.ts";
import { SERVER_LIMITS } from "../limits.ts";
import { Problem } from "../problem.ts";
import { stillComputing, type StillComputing } from "./answers.ts";
import { Catalog, type CatalogEntry } from "./catalog.ts";
import type { Status } from "./contract/history.ts";
import { Refusal } from "./problems.ts";
import type { AnalystCalls, AnalystOptions, Ends } from "./threads/analyst.ts";
import { SweepJobs } from "./sweeps/jobs.ts";
import type { NumberOptions, PolicyRef } from "./threads/evaluations.ts";
import type { HeavyCalls, HeavyOptions } from "./threads/heavy.ts";
import type { CheckCalls } from "./threads/check.ts";
import { Thread, WORK_LIMITS, type Calls, type ThreadLimits } from "./threads/thread.ts";
import type { WhatIfCalls } from "./threads/whatIf.ts";
import { factsOf, type FactsOf } from "./views/facts.ts";

export interface LabOptions {
  readonly history: string;
  readonly policies: readonly string[];
  /** Where drafts, sweeps and logs are kept. */
  readonly runDirectory: string;
  readonly numbers: NumberOptions;
  /** Is told of faults that are our own. */
  readonly onFault: (error: unknown, where: string) => void;
}

export interface Opened {
  readonly history: History;
  readonly facts: FactsOf;
}

/** Where no policy is given, these of the shipped ones are compared. */
const DEFAULT_POLICIES = ["full-autonomy", "two-minute-override", "human-approval"];

export class Lab {
  readonly catalog: Catalog;
  readonly analyst: Thread<AnalystCalls>;
  readonly sweeps: SweepJobs;
  #checker: Thread<CheckCalls> | null = null;
  #heavy: Thread<HeavyCalls> | null = null;
  #whatIf: Thread<WhatIfCalls> | null = null;
  #isDragReady = false;
  /** Null while the history is being opened. */
  opened: Opened | null = null;
  /** By policy, how every deployment ends; null while the lab warms up. */
  ends: Ends | null = null;
  #problem: string | null = null;
  #closed = false;
  readonly #startedAt = new Date().toISOString();
  readonly #opening: Promise<void>;

  /** Policies are read at once and refused at once; the history is opened meanwhile. */
  constructor(readonly options: LabOptions) {
    this.catalog = new Catalog(options.policies, options.runDirectory);
    this.analyst = this.#thread<AnalystCalls>("analyst", this.#threadOptions());
    this.sweeps = new SweepJobs(options);
    this.#opening = this.#open();
    void this.#warm();
  }

  /** For the policies of requests; started with the first of them. */
  get checker(): Thread<CheckCalls> {
    const { checkMs: silentMs, checkHeapMb: heapMb } = SERVER_LIMITS;
    return (this.#checker ??= this.#thread<CheckCalls>("check", null, { silentMs, heapMb }));
  }

  /** For what takes long; started with the first of it. */
  get heavy(): Thread<HeavyCalls> {
    const { runDirectory } = this.options;
    const options: HeavyOptions = { ...this.#threadOptions(), runDirectory };
    return (this.#heavy ??= this.#thread<HeavyCalls>("heavy", options));
  }

  /** For what must not wait; started when what the first view shows is there. */
  get whatIf(): Thread<WhatIfCalls> {
    return (this.#whatIf ??= this.#thread<WhatIfCalls>("whatIf", this.#threadOptions(), {
      silentMs: SERVER_LIMITS.dragMs,
      heapMb: SERVER_LIMITS.dragHeapMb,
    }));
  }

  /** Those that are compared when nobody says otherwise. */
  get compared(): readonly CatalogEntry[] {
    const given = this.catalog.given();
    if (given.length > 0) return given;
    return DEFAULT_POLICIES.map((id) => this.catalog.get(id));
  }

  /** @param ids comma-separated; undefined: those compared by default */
  chosen(ids: string | undefined): readonly PolicyRef[] {
    const entries =
      ids === undefined || ids === ""
        ? this.compared
        : [...new Set(ids.split(","))].map((id) => this.catalog.get(id));
    const { policiesAtOnce } = SERVER_LIMITS;
    if (ids !== undefined && entries.length > policiesAtOnce) {
      throw new Refusal("bad-request", `At most ${policiesAtOnce} policies are compared at once.`);
    }
    return entries.map(refOf);
  }

  /** Of everything that asks for the history or an evaluation before it is there. */
  waiting(): StillComputing {
    if (this.#problem !== null) throw new Refusal("unavailable", this.#problem);
    return stillComputing(this.analyst.progress);
  }

  status(): Status {
    const { history, numbers } = this.options;
    const isReady = this.ends !== null;
    const state = isReady ? "ready" : this.opened === null ? "opening" : "warming";
    return {
      startedAt: this.#startedAt,
      state: this.#problem === null ? state : "failed",
      progress: isReady ? null : this.analyst.progress,
      whatIf: this.#isDragReady,
      problem: this.#problem,
      engineVersion: ENGINE_VERSION,
      history: basename(resolve(history)),
      directory: history,
      options: {
        people: numbers.people,
        seed: numbers.seed,
        replicates: numbers.replicates,
        draws: numbers.draws ?? 1,
        effect: numbers.effect ?? "hold",
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.sweeps.close();
    for (const thread of [this.analyst, this.#heavy, this.#whatIf, this.#checker])
      await thread?.stop();
    await this.#opening;
    this.opened?.history.close();
  }

  #threadOptions(): AnalystOptions {
    const { history, numbers } = this.options;
    return { history, numbers };
  }

  #thread<Known extends Calls>(
    module: string,
    options: AnalystOptions | null,
    limits: ThreadLimits = WORK_LIMITS,
  ): Thread<Known> {
    return new Thread<Known>(module, options, limits, {
      replaced: (error) => {
        if (!this.#closed) this.options.onFault(error, `thread ${module}`);
      },
      ended: (error) => {
        this.#fail(error, `thread ${module}`);
      },
    });
  }

  async #open(): Promise<void> {
    const { numbers } = this.options;
    try {
      const history = await openHistory(this.options.history, { labels: numbers.labels });
      this.opened = { history, facts: factsOf(history) };
    } catch (error) {
      this.#fail(error, "opening the history");
    }
  }

  async #warm(): Promise<void> {
    try {
      this.ends = await this.analyst.ask("ends", { policies: this.compared.map(refOf) });
      await this.whatIf.ask("warm", { base: refOf(this.compared[0]!) });
      this.#isDragReady = true;
    } catch (error) {
      this.#fail(error, "warming up");
    }
  }

  #fail(error: unknown, where: string): void {
    if (this.#problem !== null || this.#closed) return;
    const isKnown = error instanceof Problem || error instanceof Refusal;
    this.#problem = isKnown ? error.message : "This is our fault; the server's log says more.";
    if (!isKnown) this.options.onFault(error, where);
  }
}

export function refOf({ id, file, text }: CatalogEntry): PolicyRef {
  return { id, file, text };
}
