/** A child process that works out units: one at a time, as it is told, until nobody tells it. */

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

// Whoever asked was killed: nobody will ask any more.
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches everybody at a terminal; the one who asks ends the others.
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

process.on("message", (told) => {
  const message = told as ToChild;
  if (message.kind === "question") {
    questions.clear();
    questions.set(message.id, message.question);
    return;
  }
  void work(message.id, message.unit).then((answer) => {
    if (process.connected) process.send!(answer);
  });
});
