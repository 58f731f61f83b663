/**
 * Somebody who answers calls one after the other, seen from the process that listens. It is
 * given a module of this folder; what that module throws comes back as it would be told to
 * whoever asked.
 *
 * It is a process of its own: it can be stopped in the middle of a query. A worker thread
 * cannot; ended inside DuckDB it takes the whole server with it.
 *
 * A call may end the process (memory) or hang it. Then that call is refused, another process is
 * started at once, and the calls behind it are asked of that one.
 */

import type { JsonObject } from "../../../engine/index.ts";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { wordsToImport } from "../../childModule.ts";
import { SERVER_LIMITS } from "../../limits.ts";
import type { ProgressDocument } from "../contract/words.ts";
import { Refusal, type ProblemKind } from "../problems.ts";

/** What a call may look like: plain data in, plain data out. */
export type Calls = JsonObject<(asked: never) => unknown>;

export interface ToThread {
  readonly id: number;
  /** Null: whoever asked has gone, and the call need not begin. */
  readonly call: string | null;
  readonly asked?: unknown;
}

export type FromThread =
  /** It has what it needs to answer. */
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly problem: ProblemKind;
      readonly detail: string;
    }
  | { readonly kind: "fault"; readonly id: number; readonly stack: string }
  | { readonly kind: "progress"; readonly progress: ProgressDocument | null };

export interface ThreadLimits {
  /** Without an answer or progress for so long, it is taken for hung. */
  readonly silentMs: number;
  readonly heapMb: number;
}

/** Of one that may work for long: it tells its progress meanwhile. */
export const WORK_LIMITS: ThreadLimits = {
  silentMs: SERVER_LIMITS.workMs,
  heapMb: SERVER_LIMITS.workHeapMb,
};

export interface ThreadEnds {
  /** It was ended by a call, and another one took its place. */
  readonly replaced: (error: Error) => void;
  /** It could not begin: there is none any more. */
  readonly ended: (error: Error) => void;
}

interface Waiting {
  readonly message: ToThread;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Thread<Known extends Calls> {
  #child: ChildProcess;
  /** In the order in which they are answered. */
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #isReady = false;
  #ended = false;
  #silence: NodeJS.Timeout | null = null;
  /** What it is busy with; null when with nothing that takes long. */
  progress: ProgressDocument | null = null;

  /** @param module of this folder, without its extension */
  constructor(
    private readonly module: string,
    private readonly options: unknown,
    private readonly limits: ThreadLimits,
    private readonly ends: ThreadEnds,
  ) {
    this.#child = this.#start();
  }

  ask<Call extends keyof Known & string>(
    call: Call,
    asked: Parameters<Known[Call]>[0],
    gone?: AbortSignal,
  ): Promise<Awaited<ReturnType<Known[Call]>>> {
    if (this.#ended) return Promise.reject(new Refusal("unavailable", "The lab is ending."));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#tell({ id, call: null });
      };
      gone?.addEventListener("abort", leave, { once: true });
      const message = { id, call, asked };
      this.#waiting.set(id, {
        message,
        resolve: (answer) => {
          gone?.removeEventListener("abort", leave);
          resolve(answer as Awaited<ReturnType<Known[Call]>>);
        },
        reject: (error) => {
          gone?.removeEventListener("abort", leave);
          reject(error);
        },
      });
      this.#tell(message);
      if (this.#waiting.size === 1) this.#listen();
    });
  }

  /** Ends it in the middle of whatever it does. */
  async stop(): Promise<void> {
    this.#end(new Refusal("unavailable", "The lab is ending."));
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  #start(): ChildProcess {
    const imports = wordsToImport(new URL(`./${this.module}`, import.meta.url));
    const heap = `--max-old-space-size=${this.limits.heapMb}`;
    const child = spawn(process.execPath, [heap, ...imports, JSON.stringify(this.options)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    child.on("message", (message) => {
      if (child === this.#child) this.#hear(message as FromThread);
    });
    child.on("error", (error: Error) => {
      this.#lose(child, error);
    });
    child.on("exit", (code, signal) => {
      this.#lose(child, new Error(`the thread of ${this.module} ended with ${code ?? signal}`));
    });
    return child;
  }

  /** The call that it was at is refused; the others have done nothing, and are asked again. */
  #lose(child: ChildProcess, error: Error): void {
    if (this.#ended || child !== this.#child) return;
    if (!this.#isReady) {
      this.#end(error);
      this.ends.ended(error);
      return;
    }
    this.#isReady = false;
    this.progress = null;
    const [first] = this.#waiting;
    if (first !== undefined) {
      const [id, { reject }] = first;
      this.#waiting.delete(id);
      const detail = "This took more time or memory than one request may take; ask for less.";
      reject(new Refusal("unavailable", detail));
    }
    this.#child = this.#start();
    for (const { message } of this.#waiting.values()) this.#tell(message);
    this.#listen();
    this.ends.replaced(error);
  }

  /** From now on it has so much time again to say something. */
  #listen(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
    if (!this.#isReady || this.#waiting.size === 0) return;
    this.#silence = setTimeout(() => this.#child.kill("SIGKILL"), this.limits.silentMs);
    this.#silence.unref();
  }

  #end(error: Error): void {
    this.#ended = true;
    if (this.#silence !== null) clearTimeout(this.#silence);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #tell(message: ToThread): void {
    if (this.#child.connected) this.#child.send(message);
  }

  #hear(message: FromThread): void {
    if (message.kind === "ready") this.#isReady = true;
    else if (message.kind === "progress") this.progress = message.progress;
    else {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.kind === "answer") waiting?.resolve(message.answer);
      else if (message.kind === "refused") {
        waiting?.reject(new Refusal(message.problem, message.detail));
      } else waiting?.reject(new Error(message.stack));
    }
    this.#listen();
  }
}
