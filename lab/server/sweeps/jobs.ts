/**
 * Sweeps in the background, one after the other. Each is a directory below the run directory:
 * what was asked and how far it is in `job.json`, its results beside it. So they outlive the
 * page and the server: one that the server did not live to end is `interrupted`, and is
 * started again by whoever wants it; one that waited goes on waiting.
 */

import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SERVER_LIMITS } from "../../limits.ts";
import { budgetWith } from "../../gate/budget.ts";
import { parseDimension } from "../../sweep/dimension.ts";
import { checkDesign } from "../../sweep/variations.ts";
import { makeOwnDirectory, writeOwnFile } from "../../directory.ts";
import type { Within } from "../../compare/within.ts";
import type { CatalogEntry } from "../catalog.ts";
import type { Scored } from "../contract/scored.ts";
import {
  sweepDetail,
  sweepJob,
  type SweepDetail,
  type SweepJob,
  type SweepState,
} from "../contract/sweeps.ts";
import { refOf } from "../lab.ts";
import { Refusal } from "../problems.ts";
import type { NumberOptions } from "../threads/evaluations.ts";
import type { SweepCalls, SweepChart, SweepOptions } from "../threads/sweep.ts";
import { Thread, WORK_LIMITS } from "../threads/thread.ts";

export interface SweepAsked {
  readonly vary: readonly string[];
  readonly design: "grid" | "sobol";
  readonly points: number;
  /** As in an address; empty: the default budget. */
  readonly limits: string;
  /** Null: the whole history. */
  readonly scored: Scored | null;
}

/** A job and all that it takes to start it again: drafts may be gone by then. */
const FILE = z.object({
  job: sweepJob,
  policy: z.object({ id: z.string(), file: z.string(), text: z.string() }),
  chart: sweepDetail.pick({ knobs: true, places: true, incumbentPlace: true }).nullable(),
});
type JobFile = z.infer<typeof FILE>;

const JOBS_AT_MOST = 200;
const ID = /^s\d{1,9}$/;
const NO_CHART: SweepChart = { knobs: [], places: [], incumbentPlace: [] };

export interface JobsOptions {
  readonly history: string;
  readonly runDirectory: string;
  readonly numbers: NumberOptions;
  readonly onFault: (error: unknown, where: string) => void;
}

export class SweepJobs {
  readonly #jobs = new Map<string, JobFile>();
  readonly #directory: string;
  #running: { readonly id: string; readonly thread: Thread<SweepCalls> } | null = null;
  #closed = false;

  constructor(private readonly options: JobsOptions) {
    this.#directory = join(options.runDirectory, "sweeps");
    if (!existsSync(this.#directory)) return;
    for (const id of readdirSync(this.#directory)) {
      const kept = ID.test(id) ? this.#read(id) : null;
      if (kept === null) continue;
      this.#jobs.set(id, kept);
      // Its server ended without ending it.
      if (kept.job.state === "running") {
        this.#set(id, { state: "interrupted", endedAt: new Date().toISOString() });
      }
    }
    void this.#next();
  }

  all(): readonly SweepJob[] {
    return [...this.#jobs.keys()]
      .sort((a, b) => numberOf(b) - numberOf(a))
      .map((id) => this.#shown(id));
  }

  /** @throws Refusal when there is none */
  detail(id: string): SweepDetail {
    const { chart } = this.#get(id);
    const job = this.#shown(id);
    if (job.state !== "done") return { ...job, ...NO_CHART, result: null };
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(join(this.#directory, id, "result", name), "utf8"));
    const result = { manifest: read("manifest.json"), ...(read("sweep.json") as object) };
    return { ...job, ...(chart ?? NO_CHART), result: result as unknown as SweepDetail["result"] };
  }

  /** @throws Problem when a path, its values or a limit are wrong */
  start(entry: CatalogEntry, { vary, design, points, limits, scored }: SweepAsked): SweepJob {
    checkDesign(vary.map(parseDimension), { kind: design, points });
    budgetWith(limits);
    const waiting = [...this.#jobs.values()].filter((one) => one.job.state === "waiting");
    if (waiting.length >= SERVER_LIMITS.sweepsWaiting) {
      throw new Refusal("unavailable", `${waiting.length} sweeps wait already; ask again later.`);
    }
    if (this.#jobs.size >= JOBS_AT_MOST) {
      throw new Refusal("conflict", `There are ${JOBS_AT_MOST} sweeps already; drop some.`);
    }
    const id = `s${Math.max(0, ...[...this.#jobs.keys()].map(numberOf)) + 1}`;
    const { policy } = entry;
    const job: SweepJob = {
      id,
      policy: { id: entry.id, name: policy.policy, digest: policy.digest },
      vary,
      design,
      points,
      limits,
      scored,
      state: "waiting",
      progress: null,
      problem: null,
      askedAt: new Date().toISOString(),
      startedAt: null,
      endedAt: null,
    };
    makeOwnDirectory(this.#directory);
    makeOwnDirectory(join(this.#directory, id));
    this.#jobs.set(id, { job, policy: refOf(entry), chart: null });
    this.#write(id);
    void this.#next();
    return this.#shown(id);
  }

  async cancel(id: string): Promise<SweepJob> {
    const { state } = this.#get(id).job;
    if (state !== "waiting" && state !== "running") {
      throw new Refusal("conflict", `This sweep is ${state}: there is nothing to cancel.`);
    }
    this.#set(id, { state: "cancelled", endedAt: new Date().toISOString() });
    if (this.#running?.id === id) await this.#running.thread.stop();
    return this.#shown(id);
  }

  restart(id: string): SweepJob {
    const { state } = this.#get(id).job;
    if (state === "waiting" || state === "running" || state === "done") {
      throw new Refusal("conflict", `This sweep is ${state}: it needs no start.`);
    }
    this.#set(id, { state: "waiting", problem: null, startedAt: null, endedAt: null });
    void this.#next();
    return this.#shown(id);
  }

  drop(id: string): void {
    if (this.#get(id).job.state === "running") {
      throw new Refusal("conflict", "This sweep is running: cancel it first.");
    }
    this.#jobs.delete(id);
    rmSync(join(this.#directory, id), { recursive: true, force: true });
  }

  /** The one that runs is interrupted. */
  async close(): Promise<void> {
    this.#closed = true;
    const running = this.#running;
    if (running === null) return;
    this.#set(running.id, { state: "interrupted", endedAt: new Date().toISOString() });
    await running.thread.stop();
  }

  async #next(): Promise<void> {
    if (this.#running !== null || this.#closed) return;
    const waiting = [...this.#jobs.values()].filter(({ job }) => job.state === "waiting");
    const [first] = waiting.sort((a, b) => numberOf(a.job.id) - numberOf(b.job.id));
    if (first === undefined) return;
    const { job, policy } = first;
    const { id, vary, design, points, limits, scored } = job;
    const { history, numbers } = this.options;
    const options: SweepOptions = { history, numbers };
    const thread = new Thread<SweepCalls>("sweep", options, WORK_LIMITS, {
      replaced: () => undefined,
      ended: () => undefined,
    });
    this.#running = { id, thread };
    this.#set(id, { state: "running", startedAt: new Date().toISOString(), endedAt: null });
    const out = join(this.#directory, id, "result");
    try {
      const asked = { kind: design, points, seed: numbers.seed };
      const within = withinTold(scored);
      const chart = await thread.ask("run", { policy, vary, design: asked, limits, within, out });
      this.#jobs.set(id, { ...this.#jobs.get(id)!, chart });
      this.#end(id, "done", null);
    } catch (error) {
      const isTheirs = error instanceof Refusal;
      if (!isTheirs) this.options.onFault(error, `sweep ${id}`);
      this.#end(
        id,
        "failed",
        isTheirs ? error.message : "This is our fault; see the server's log.",
      );
    } finally {
      this.#running = null;
      await thread.stop();
    }
    void this.#next();
  }

  /** Whoever was cancelled or interrupted meanwhile stays so. */
  #end(id: string, state: SweepState, problem: string | null): void {
    if (this.#jobs.get(id)?.job.state !== "running") return;
    this.#set(id, { state, problem, endedAt: new Date().toISOString() });
  }

  #get(id: string): JobFile {
    const found = this.#jobs.get(id);
    if (found === undefined) throw new Refusal("not-found", `There is no sweep ${id}.`);
    return found;
  }

  #shown(id: string): SweepJob {
    const { job } = this.#get(id);
    const progress = this.#running?.id === id ? this.#running.thread.progress : null;
    return { ...job, progress };
  }

  #set(id: string, changes: Partial<SweepJob>): void {
    const kept = this.#get(id);
    this.#jobs.set(id, { ...kept, job: { ...kept.job, ...changes } });
    this.#write(id);
  }

  /** Whole or as before: a server that is killed meanwhile leaves no half of it. */
  #write(id: string): void {
    const file = join(this.#directory, id, "job.json");
    writeOwnFile(file, `${JSON.stringify(this.#get(id), null, 2)}\n`);
  }

  #read(id: string): JobFile | null {
    try {
      const directory = join(this.#directory, id);
      // A link may lead anywhere, and the job is written again.
      if (!lstatSync(directory).isDirectory()) return null;
      const file = join(directory, "job.json");
      return FILE.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch {
      // Not ours, or of another version: it is left alone.
      return null;
    }
  }
}

/** As the job was told when it was asked for: the same after a restart. */
function withinTold(scored: Scored | null): Within | undefined {
  if (scored === null) return undefined;
  const { from, to } = scored;
  return {
    fromMs: from === null ? -Infinity : Date.parse(from),
    toMs: to === null ? Infinity : Date.parse(to),
  };
}

const numberOf = (id: string): number => Number(id.slice(1));
