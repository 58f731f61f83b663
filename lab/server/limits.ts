/** How much is done at once: what comes beyond waits, and beyond that is turned away. */

import { Refusal } from "./problems.ts";

const AT_ONCE = 64;
const WAITING = 256;

export class Gate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly atOnce = AT_ONCE,
    private readonly waitingAtMost = WAITING,
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
