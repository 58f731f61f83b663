/** The parent's side of a child process that computes units. */

import { spawn, type ChildProcess } from "node:child_process";
import { wordsToImport } from "../childModule.ts";
import type { ChildOptions, FromChild, ToChild } from "./child.ts";
import type { Question } from "./scale.ts";

/** The child ended in the middle of a unit: killed, out of memory, or by a fault of ours. */
export class ChildDied extends Error {
  override readonly name = "ChildDied";
}

interface Waiting {
  readonly resolve: (answer: FromChild) => void;
  readonly reject: (error: Error) => void;
}

export class UnitChild {
  readonly #process: ChildProcess;
  #waiting: Waiting | null = null;
  #question: Question | null = null;
  #questions = 0;
  #died: ChildDied | null = null;

  /** @param onExit called when the child has ended, for whatever reason */
  constructor(options: ChildOptions, onExit: (child: UnitChild) => void) {
    const words = [...wordsToImport(new URL("./child", import.meta.url)), JSON.stringify(options)];
    this.#process = spawn(process.execPath, words, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#process.on("message", (message) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting?.resolve(message as FromChild);
    });
    const end = (how: string): void => {
      this.#died ??= new ChildDied(how);
      this.#waiting?.reject(this.#died);
      this.#waiting = null;
    };
    this.#process.on("error", (error) => {
      end(error.message);
    });
    this.#process.on("exit", (code, signal) => {
      end(signal ?? `exit code ${code ?? "unknown"}`);
      onExit(this);
    });
    this.rest();
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /**
   * Computes a unit. Wait for the answer before the next call.
   *
   * @throws ChildDied when the child ends before it answers
   */
  run(question: Question, unit: number): Promise<FromChild> {
    if (this.#died !== null) return Promise.reject(this.#died);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      // While an answer is awaited, the child keeps this process alive.
      this.#process.ref();
      this.#process.channel?.ref();
      if (this.#question !== question) {
        this.#question = question;
        this.#tell({ kind: "question", id: ++this.#questions, question });
      }
      this.#tell({ kind: "unit", id: this.#questions, unit });
    });
  }

  /** Call when no answer is awaited, so that this process may end. */
  rest(): void {
    this.#process.unref();
    this.#process.channel?.unref();
  }

  /** Ends the child at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #tell(message: ToChild): void {
    // If the child has died, its `exit` event reports that.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }
}
