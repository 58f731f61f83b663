/** A clock that a test turns: waiting costs nothing, and the wall can be set. */

import type { Clock } from "../../lab/shadow/contract.ts";

interface Waiting {
  readonly atMs: number;
  readonly go: () => void;
}

export class TestClock implements Clock {
  #steadyMs = 0;
  #offMs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(wallMs: number) {
    this.#offMs = wallMs;
  }

  wallMs = (): number => this.#offMs + this.#steadyMs;
  steadyMs = (): number => this.#steadyMs;

  wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const waiting: Waiting = {
        atMs: this.#steadyMs + ms,
        go: () => {
          this.#waiting.delete(waiting);
          signal.removeEventListener("abort", waiting.go);
          resolve();
        },
      };
      this.#waiting.add(waiting);
      signal.addEventListener("abort", waiting.go);
    });

  /** Somebody sets the wall clock. */
  jump(byMs: number): void {
    this.#offMs += byMs;
  }

  /** Lets so much time pass, and everybody do in it what they wait for; less when it is over. */
  async pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const untilMs = this.#steadyMs + ms;
    await settled();
    while (!isOver()) {
      const next = Math.min(untilMs, ...[...this.#waiting].map(({ atMs }) => atMs));
      this.#steadyMs = Math.max(this.#steadyMs, next);
      const due = [...this.#waiting].filter(({ atMs }) => atMs <= this.#steadyMs);
      if (due.length === 0) break;
      for (const { go } of due) go();
      await settled();
    }
  }

  async passTo(wallMs: number, isOver?: () => boolean): Promise<void> {
    await this.pass(wallMs - this.wallMs(), isOver);
  }
}

/** Every promise that can come of itself has come. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
