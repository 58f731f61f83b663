/** The main module of a child process that computes units, one at a time, until its parent ends. */

import { growHeapSteadily } from "../heap.ts";
import { Problem } from "../problem.ts";
import type { UnitRunner } from "./runner.ts";
import type { Question } from "./scale.ts";
import { Store } from "./store.ts";

export interface ChildOptions {
  readonly history: string;
  readonly store: string;
}

export type ToChild =
  | { readonly kind: "question"; readonly id: number; readonly question: Question }
  | { readonly kind: "unit"; readonly id: number; readonly unit: number };

export type FromChild =
  | {
      readonly kind: "done";
      readonly unit: number;
      readonly full: string | null;
      /** Processor time of this child since it was started. */
      readonly cpuMs: number;
    }
  | {
      readonly kind: "failed";
      readonly unit: number;
      /** A `Problem` is for the person at the keyboard; everything else is our own fault. */
      readonly isProblem: boolean;
      readonly message: string;
    };

const options = JSON.parse(process.argv[1]!) as ChildOptions;
const store = new Store(options.store);
const questions = new Map<number, Question>();
let opening: Promise<UnitRunner> | null = null;
growHeapSteadily();
const loading = import("./runner.ts");

// The parent process was killed.
process.on("disconnect", () => process.exit(0));
// A terminal sends Ctrl-C to all processes; children ignore it, because the parent ends them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

async function work(id: number, unit: number): Promise<FromChild> {
  try {
    opening ??= loading.then((runner) => runner.UnitRunner.open(options.history, store));
    await (await opening).run(questions.get(id)!, unit);
    const { user, system } = process.cpuUsage();
    return { kind: "done", unit, full: store.use.full, cpuMs: (user + system) / 1000 };
  } catch (error) {
    const isProblem = error instanceof Problem;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: "failed", unit, isProblem, message: isProblem ? error.message : stack };
  }
}

process.on("message", (received) => {
  const message = received as ToChild;
  if (message.kind === "question") {
    questions.clear();
    questions.set(message.id, message.question);
    return;
  }
  void work(message.id, message.unit).then((answer) => {
    if (process.connected) process.send!(answer);
  });
});
