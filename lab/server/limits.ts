/** How much is done at once: what comes beyond waits, and beyond that is turned away. */

import { SERVER_LIMITS } from "../limits.ts";
import { Refusal } from "./problems.ts";

export class Gate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly atOnce: number = SERVER_LIMITS.requestsAtOnce,
    private readonly waitingAtMost: number = SERVER_LIMITS.requestsWaiting,
  ) {}

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.atOnce) {
      if (this.#waiting.length >= this.waitingAtMost) {
        throw new Refusal("too-many-requests", "Too many requests wait already; ask again soon.");
      }
      // Whoever wakes us hands its place over.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
