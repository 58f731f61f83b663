/**
 * Units over child processes. They are processes and not threads: one can be ended in the
 * middle of a query, and one that runs out of memory takes nobody with it.
 *
 * Results lie in the store, by what they are of, so their order of arrival decides nothing. A
 * child that dies is replaced and its unit made again; one unit that ends two of them is an
 * error that names it.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { onInterrupt } from "../cli/interrupt.ts";
import type { Progress } from "../cli/output.ts";
import { wordsToImport } from "../childModule.ts";
import { Problem } from "../problem.ts";
import type { ChildOptions, FromChild, ToChild } from "./child.ts";
import type { Question } from "./scale.ts";
import type { Store } from "./store.ts";

/** So often a unit may end its worker before it is given up. */
const DEATHS_AT_MOST = 2;

interface Child {
  readonly process: ChildProcess;
  /** The question it knows. */
  question: number;
  /** What it works on; null when on nothing. */
  unit: number | null;
  /** Who listens; nobody does between two questions. */
  hear: (message: FromChild) => void;
  died: (how: string) => void;
}

const nobody = { hear: () => undefined, died: () => undefined };

export class Workers {
  readonly #children = new Set<Child>();
  #questions = 0;

  constructor(
    readonly count: number,
    readonly history: string,
    readonly store: Store,
    /** For whoever wants to end one: process ids as they start. */
    readonly onStart: (pid: number) => void = () => undefined,
  ) {}

  /** Works out all units; a unit that could not be kept is not there afterwards. */
  async work(question: Question, progress: Progress): Promise<void> {
    const id = ++this.#questions;
    const waiting = [...question.units.keys()].reverse();
    const deaths = new Map<number, number>();
    const total = waiting.length;
    let done = 0;
    const forget = onInterrupt(() => this.end());
    try {
      await new Promise<void>((resolve, reject) => {
        const next = (child: Child): void => {
          const unit = waiting.pop();
          if (unit === undefined) {
            if (done === total) resolve();
            return;
          }
          child.unit = unit;
          if (child.question !== id) tell(child, { kind: "question", id, question });
          child.question = id;
          tell(child, { kind: "unit", id, unit });
        };
        const listen = (child: Child): void => {
          child.hear = (message) => {
            hear(child, message);
          };
          child.died = (how) => {
            died(child, how);
          };
          // Whoever is waited for keeps this process alive.
          child.process.ref();
          child.process.channel?.ref();
          next(child);
        };
        const hear = (child: Child, message: FromChild): void => {
          child.unit = null;
          if (message.kind === "failed") {
            reject(message.isProblem ? new Problem(message.message) : new Error(message.message));
            return;
          }
          if (message.full === null) this.store.use.made++;
          else this.store.use.full ??= message.full;
          progress.update(++done, total, WHAT[question.kind]);
          next(child);
        };
        const died = (child: Child, how: string): void => {
          const { unit } = child;
          if (unit === null) return;
          const count = (deaths.get(unit) ?? 0) + 1;
          deaths.set(unit, count);
          if (count >= DEATHS_AT_MOST) {
            reject(
              new Problem(`${aboutUnit(question, unit)} ended its worker twice (${how})`, {
                cure:
                  "It may want more memory than there is: use fewer --workers, or 1 to see " +
                  "what it does.",
              }),
            );
            return;
          }
          waiting.push(unit);
          listen(this.#start());
        };
        while (this.#children.size < Math.min(this.count, total)) this.#start();
        for (const child of [...this.#children]) listen(child);
      });
    } catch (error) {
      this.end();
      throw error;
    } finally {
      forget();
      for (const child of this.#children) silence(child);
    }
  }

  /** Ends all children in the middle of whatever they do, and takes away what they left. */
  end(): void {
    for (const child of this.#children) {
      silence(child);
      child.process.kill("SIGKILL");
      this.store.sweepUp(child.process.pid ?? 0);
    }
    this.#children.clear();
  }

  #start(): Child {
    const options: ChildOptions = { history: this.history, store: this.store.dir };
    const words = [...wordsToImport(new URL("./child", import.meta.url)), JSON.stringify(options)];
    const started = spawn(process.execPath, words, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    const child: Child = { process: started, question: 0, unit: null, ...nobody };
    this.#children.add(child);
    started.on("message", (message) => {
      child.hear(message as FromChild);
    });
    started.on("error", (error) => {
      child.died(error.message);
    });
    started.on("exit", (code, signal) => {
      this.#children.delete(child);
      this.store.sweepUp(started.pid ?? 0);
      child.died(signal ?? `exit code ${code ?? "unknown"}`);
    });
    if (started.pid !== undefined) this.onStart(started.pid);
    return child;
  }
}

const WHAT = { judge: "judging shards", rows: "deciding under variations" } as const;

/** Between questions nobody listens, and this process may end without waiting for it. */
function silence(child: Child): void {
  Object.assign(child, nobody);
  child.process.unref();
  child.process.channel?.unref();
}

function tell({ process: { connected }, process }: Child, message: ToChild): void {
  if (connected) process.send(message, () => undefined);
}

function aboutUnit(question: Question, unit: number): string {
  if (question.kind === "judge") return `the shard of ${question.units[unit]!.about}`;
  const places = question.units[unit]!;
  return `the batch of policies ${places[0]! + 1} to ${places.at(-1)! + 1}`;
}
