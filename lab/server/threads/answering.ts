/** The other side of thread.ts: takes calls in order, one at a time, and answers them. */

import { own } from "../../../engine/index.ts";
import type { Progress } from "../../progress.ts";
import { openScale } from "../../scale/open.ts";
import { portsOf, type Ports } from "../../scale/ports.ts";
import { breath } from "../breath.ts";
import { refusalOf } from "../problems.ts";
import type { Calls, FromThread, ToThread } from "./thread.ts";

const PROGRESS_EVERY_MS = 100;

/** What it was started with. */
export function startedWith(): unknown {
  return JSON.parse(process.argv[1]!) as unknown;
}

function send(message: FromThread): void {
  if (process.connected) process.send!(message);
}

/** Progress as whoever asks for it may see it. */
export function threadProgress(): Progress {
  let sentAt = 0;
  return {
    update(done, total, what) {
      const now = performance.now();
      if (now - sentAt < PROGRESS_EVERY_MS) return;
      sentAt = now;
      send({ kind: "progress", progress: { what, done, total } });
    },
    end() {
      send({ kind: "progress", progress: null });
    },
  };
}

/**
 * What was judged before, by this lab or the command line (HINDSIGHT_CACHE); a thread has
 * nobody else work for it.
 */
export function threadPorts(): Partial<Ports> {
  const scale = openScale({}, () => undefined);
  return scale === undefined ? {} : portsOf({ ...scale, work: () => null });
}

/** @param idle does a little of what may be asked next; false when nothing is left to do */
export function answerCalls(calls: Calls, idle: () => boolean = () => false): void {
  const queue: ToThread[] = [];
  const gone = new Set<number>();
  let running = false;
  const work = async (): Promise<void> => {
    if (running) return;
    running = true;
    for (;;) {
      const next = queue.shift();
      if (next === undefined) {
        if (!idle()) break;
        await breath();
        continue;
      }
      // Whoever has gone by now is not worked for.
      await breath();
      if (gone.delete(next.id)) send({ kind: "answer", id: next.id, answer: null });
      else await answerOne(calls, next);
    }
    running = false;
  };
  // Whoever listened was killed: nobody will ask any more.
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches everybody at a terminal; the one who listens ends the others.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => undefined);
  process.on("message", (told) => {
    const message = told as ToThread;
    if (message.call !== null) queue.push(message);
    else if (queue.some(({ id }) => id === message.id)) gone.add(message.id);
    void work();
  });
  send({ kind: "ready" });
  void work();
}

async function answerOne(calls: Calls, { id, call, asked }: ToThread): Promise<void> {
  try {
    const answer = await own(calls, call!)!(asked as never);
    send({ kind: "answer", id, answer });
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== null) {
      send({ kind: "refused", id, problem: refusal.kind, detail: refusal.message });
    } else {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      send({ kind: "fault", id, stack });
    }
  }
}
