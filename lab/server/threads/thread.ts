/**
 * Somebody who answers calls one after the other, seen from the process that listens. It is
 * given a module of this folder; what that module throws comes back as it would be told to
 * whoever asked.
 *
 * It is a process of its own: it can be stopped in the middle of a query. A worker thread
 * cannot; ended inside DuckDB it takes the whole server with it.
 */

import type { JsonObject } from "../../../engine/index.ts";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { wordsToImport } from "../../childModule.ts";
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
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly problem: ProblemKind;
      readonly detail: string;
    }
  | { readonly kind: "fault"; readonly id: number; readonly stack: string }
  | { readonly kind: "progress"; readonly progress: ProgressDocument | null };

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class Thread<Known extends Calls> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended = false;
  /** What it is busy with; null when with nothing that takes long. */
  progress: ProgressDocument | null = null;

  /**
   * @param module of this folder, without its extension
   * @param onEnd is told when it ends by itself: something is wrong then
   */
  constructor(module: string, options: unknown, onEnd: (error: Error) => void) {
    const imports = wordsToImport(new URL(`./${module}`, import.meta.url));
    const words = [...imports, JSON.stringify(options)];
    this.#child = spawn(process.execPath, words, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", (message) => {
      this.#hear(message as FromThread);
    });
    const end = (error: Error): void => {
      if (this.#ended) return;
      this.#ended = true;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      onEnd(error);
    };
    this.#child.on("error", (error: Error) => {
      end(error);
    });
    this.#child.on("exit", (code) => {
      end(new Error(`the thread of ${module} ended with ${code}`));
    });
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
      this.#waiting.set(id, {
        resolve: (answer) => {
          gone?.removeEventListener("abort", leave);
          resolve(answer as Awaited<ReturnType<Known[Call]>>);
        },
        reject,
      });
      this.#tell({ id, call, asked });
    });
  }

  /** Ends it in the middle of whatever it does. */
  async stop(): Promise<void> {
    this.#ended = true;
    const ending = new Refusal("unavailable", "The lab is ending.");
    for (const { reject } of this.#waiting.values()) reject(ending);
    this.#waiting.clear();
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  #tell(message: ToThread): void {
    if (this.#child.connected) this.#child.send(message);
  }

  #hear(message: FromThread): void {
    if (message.kind === "progress") {
      this.progress = message.progress;
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === "answer") waiting?.resolve(message.answer);
    else if (message.kind === "refused") {
      waiting?.reject(new Refusal(message.problem, message.detail));
    } else waiting?.reject(new Error(message.stack));
  }
}
